"""Lowers facts to Keras 3, lets real Keras build the layers from their configuration, and prints how far it is.

    python -m tests.oracles.spelled_in_keras pytorch_ flax_linen_

Keras computes on the backend that `KERAS_BACKEND` names. Facts that one backend cannot compute, or computes otherwise
than TensorFlow does, are left to the other. The last line is JSON: the lists of `spelled`, `refused` with the reasons,
and of `wrong` ones.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy
from keras.src.backend.common import dtypes

from tests.oracles.proof import Fact
from tests.oracles.spelled_facts import expected, fact_inputs, facts, label, laid, model
from weightwise.conventions.keras.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.formats.keras.graph_writer import serialised
from weightwise.formats.keras.writer import write_keras_weights
from weightwise.porting.porting import Ported, lowered

TOLERANCES = {"RMSNorm": 1e-6}
"""Classes whose epsilon is the least number of the dtype, which is that of 32 bits here: they are as far as that."""
APART = "in another form"
"""What is said of an output that the target returns otherwise."""
ROUNDED = "Resizing whole numbers"
"""A fact whose input is whole numbers, which Keras rounds; the models here read floating ones."""


def elsewhere(fact: Fact) -> bool:
    """Return whether a fact is computed on JAX: Keras does otherwise on PyTorch, or cannot do it there."""
    volumes = fact["class_name"] in ("Conv3d", "ReflectionPad3d") and "eflect" in fact["name"]
    return volumes or (fact["framework"] == "Keras" and fact["backend"] == "jax")


def built(ported: Ported, folder: Path) -> Any:
    """Return what Keras makes of the configuration and the arrays of a port."""
    stored = ported.model.stored
    made = keras.saving.deserialize_keras_object(serialised(stored.root, "float64"), safe_mode=True)
    if ported.transfers:
        path = folder / "of.weights.h5"
        write_keras_weights(path, stored)
        made.load_weights(path)
    return made


def difference(fact: Fact, folder: Path, outputs: int | None = None) -> float:
    """Return how far Keras is from the fact's outputs, of their largest value; raises `UnsupportedError`."""
    ported = lowered(model(fact, outputs), SPELLER)
    made = built(ported, folder)
    given = laid(fact_inputs(fact), [placed.layout for placed in ported.inputs])
    tensors = [keras.ops.convert_to_tensor(array) for array in given]
    found = made(tensors if len(tensors) > 1 else tensors[0], training=False)
    ours = [keras.ops.convert_to_numpy(output) for output in (found if isinstance(found, (list, tuple)) else [found])]
    theirs = laid(expected(fact)[: len(ported.outputs)], [placed.layout for placed in ported.outputs])
    if [array.shape for array in ours] != [array.shape for array in theirs]:
        return numpy.inf
    return max(_relative(our, their) for our, their in zip(ours, theirs, strict=True))


def _relative(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    return float(numpy.abs(ours - theirs).max(initial=0) / max(numpy.abs(theirs).max(initial=0), 1e-300))


def results(sources: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return which facts were spelled, refused and wrong."""
    found: dict[str, list[tuple[str, str]]] = {"spelled": [], "refused": [], "wrong": []}
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            for fact in facts(source):
                if elsewhere(fact) == (keras.backend.backend() == "jax") and fact["name"] != ROUNDED:
                    kind, what = _result(fact, Path(folder))
                    found[kind].append((label(fact), what))
    return found


def _result(fact: Fact, folder: Path) -> tuple[str, str]:
    try:
        far = _first(fact, folder)
    except UnsupportedError as error:
        return "refused", str(error).rpartition("cannot have it: ")[2]
    except Exception as error:  # Keras raises errors of any kind, and each is a wrong spelling
        return "wrong", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    allowed = max(fact["tolerance"], TOLERANCES.get(fact["class_name"], 1e-10))
    return ("spelled", "") if far <= allowed else ("wrong", f"{far:.1e}")


def _first(fact: Fact, folder: Path) -> float:
    """Return how far all outputs are, or the first alone where others, the states of all layers, lie apart in Keras."""
    try:
        return difference(fact, folder)
    except UnsupportedError as error:
        if APART not in str(error):
            raise
    return difference(fact, folder, 1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    keras.config.set_floatx("float64")
    # Outside TensorFlow Keras computes float64 in float32, as JAX does by default; a proof needs the 64 bits.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_dtype_policy("float64")
    print(json.dumps(results(sys.argv[1:])))
