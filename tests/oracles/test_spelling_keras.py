"""Every fact of PyTorch, Flax and Keras, lowered to Keras 3, built by real Keras from its configuration, computes the same."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

from collections import Counter

import numpy
import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, facts, label, laid, model
from weightwise.conventions.keras.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.porting.porting import Ported, lowered

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def keras():
    """Return Keras in float64."""
    import keras
    from keras.src.backend.common import dtypes

    keras.config.set_floatx("float64")
    # Outside TensorFlow Keras computes float64 in float32, as JAX does by default; a proof needs the 64 bits.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_dtype_policy("float64")
    return keras


def built(keras, ported: Ported, folder):
    """Return what Keras makes of the configuration and the arrays of a port."""
    from weightwise.formats.keras_graph_writer import serialised
    from weightwise.formats.keras_writer import write_keras_weights

    stored = ported.model.stored
    made = keras.saving.deserialize_keras_object(serialised(stored.root, "float64"), safe_mode=True)
    if ported.transfers:
        path = folder / "of.weights.h5"
        path.unlink(missing_ok=True)
        write_keras_weights(path, stored)
        made.load_weights(path)
    return made


def difference(keras, fact, folder) -> float:
    """Return how far Keras is from the fact's outputs, of their largest value; raises `UnsupportedError`."""
    ported = lowered(model(fact), SPELLER)
    made = built(keras, ported, folder)
    given = laid(fact_inputs(fact), [placed.layout for placed in ported.inputs])
    tensors = [keras.ops.convert_to_tensor(array) for array in given]
    ours = made(tensors if len(tensors) > 1 else tensors[0], training=False)
    ours = [keras.ops.convert_to_numpy(output) for output in (ours if isinstance(ours, (list, tuple)) else [ours])]
    theirs = laid(expected(fact), [placed.layout for placed in ported.outputs])
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    pairs = zip(ours, theirs, strict=True)
    return max(
        float(numpy.abs(our - their).max(initial=0) / max(numpy.abs(their).max(initial=0), 1e-300))
        for our, their in pairs
    )


@pytest.mark.parametrize("source", SOURCES)
def test_what_can_be_spelled_computes_the_same(source, keras, tmp_path):
    refused: Counter[str] = Counter()
    wrong: list[tuple[str, object]] = []
    spelled = 0
    for fact in facts(source):
        try:
            found = difference(keras, fact, tmp_path)
        except UnsupportedError as error:
            refused[str(error).partition("cannot have it: ")[2] or str(error)] += 1
            continue
        except Exception as error:
            wrong.append((label(fact), f"{type(error).__name__}: {str(error)[:300]}"))
            continue
        spelled += 1
        if found > max(fact["tolerance"], 1e-10):
            wrong.append((label(fact), found))
    print(f"\n{source}: {spelled} spelled, {refused.total()} refused, {len(wrong)} wrong")
    for reason, count in refused.most_common():
        print(f"  {count:3d}  {reason}")
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong)
