"""Models of real Keras, of both generations, saved and opened again: the table is the one that Keras printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import weightwise
from tests.oracles.make_summaries import GOLDEN, printed, summaries
from weightwise.views.summary import summary

# Frameworks warn of one another and of their own older formats, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def several_outputs(k: Any) -> Any:
    """Layers and a model with several outputs, one layer called on two shapes, names longer than their column."""
    layers = k.layers
    entry = layers.Input((6, 3), name="entry")
    sequence, *_ = layers.LSTM(4, return_sequences=True, return_state=True, name="lstm")(entry)
    both, forward, *_ = layers.Bidirectional(layers.LSTM(5, return_state=True), name="both_ways")(entry)
    attended, scores = layers.MultiHeadAttention(2, 3, name="attend")(entry, entry, return_attention_scores=True)
    within = layers.Input((None, 3), name="within")
    ends = [layers.Dense(2, name="one")(within), layers.Dense(5, name="two")(within)]
    left, right = k.Model(within, ends, name="inner")(entry)
    tall = layers.Reshape((1, 6, 3), name="a_very_long_layer_name_that_goes_beyond_its_column")(entry)
    shared = layers.Dense(7, name="shared")
    ends = [sequence, both, forward, attended, scores, left, right, shared(entry), shared(tall)]
    return k.Model(entry, ends, name="several_outputs")


def functions(k: Any) -> Any:
    """Functions that are no layers, also inside a model: Keras 3 lists them outside only."""
    within = k.layers.Input((None, 3), name="within")
    inner = k.Model(within, k.layers.Dense(5, name="plus")(within + 1.0), name="inner")
    entry = k.layers.Input((6, 3), name="entry")
    mean = k.ops.mean(inner(entry), axis=1)
    return k.Model(entry, k.layers.Dense(2, name="head")(k.ops.expand_dims(mean, 1)), name="functions")


def keywords(k: Any) -> Any:
    """Tensors that are passed by keyword, and in a list by keyword."""
    layers = k.layers
    query, value, key = (layers.Input((size, 3), name=name) for size, name in ((6, "query"), (5, "value"), (5, "key")))
    first = layers.MultiHeadAttention(2, 3, name="first")(query, value=value, key=key)
    second = layers.MultiHeadAttention(2, 3, name="second")(query=query, value=value, key=key)
    states = [
        layers.Dense(4, name=f"state_{i}")(layers.Flatten(name=f"flat_{i}")(x)) for i, x in enumerate((key, value))
    ]
    third = layers.LSTM(4, name="third")(query, initial_state=states)
    return k.Model([query, value, key], [first, second, third], name="keywords")


def dictionaries(k: Any) -> Any:
    """A model that takes and gives dictionaries, whose keys are not in the order of the alphabet."""
    layers = k.layers
    one, two, three = (layers.Input((size, 3), name=f"in_{size}") for size in (6, 5, 4))
    ends = {"y": layers.Dense(2, name="of_one")(one), "b": layers.Dense(3, name="of_two")(two)}
    found = k.Model({"zz": one, "bb": two}, ends, name="inner")({"zz": one, "bb": two})
    return k.Model([one, two, three], [found["b"], found["y"]], name="dictionaries")


def unused_input(k: Any) -> Any:
    used, unused = k.layers.Input((3,), name="used"), k.layers.Input((4,), name="unused")
    return k.Model([used, unused], k.layers.Dense(3, name="head")(used), name="unused_input")


def identity(k: Any) -> Any:
    entry = k.layers.Input((3,), name="entry")
    return k.Model(entry, entry, name="identity")


def output_in_the_middle(k: Any) -> Any:
    entry = k.layers.Input((5,), name="entry")
    first = k.layers.Dense(3, name="first")(entry)
    return k.Model(entry, [first, k.layers.Dense(4, name="second")(first)], name="chain")


def fixed_batch(k: Any) -> Any:
    return k.Sequential([k.layers.Input(batch_shape=(5, 3)), k.layers.Dense(2, name="head")], name="fixed_batch")


def called_on_data(k: Any) -> Any:
    model = k.Sequential([k.layers.Dense(3, name="first"), k.layers.Dense(2, name="second")], name="called")
    model(numpy.ones((5, 4), "float32"))
    return model


def long_names(k: Any) -> Any:
    return k.Sequential([k.layers.Input((3,)), k.layers.Dense(2, name="y" * 100)], name="x" * 90)


def megabytes(k: Any) -> Any:
    return k.Sequential([k.layers.Input((1500,)), k.layers.Dense(2000, name="wide")], name="megabytes")


def trained(k: Any) -> Any:
    """The plainest optimizer: after a step it has a count and a learning rate, as others have before their first."""
    model = k.Sequential([k.layers.Input((5,)), k.layers.Dense(3, name="head")], name="trained")
    model.compile(optimizer="sgd", loss="mse")
    model.fit(numpy.ones((4, 5)), numpy.ones((4, 3)), verbose=0)
    return model


def untrained(k: Any) -> Any:
    model = k.Sequential([k.layers.Input((5,)), k.layers.Dense(3, name="head")], name="untrained")
    model.compile(optimizer="adam", loss="mse")
    return model


def transfer(k: Any) -> Any:
    """A known network of open size inside a small one."""
    network = k.applications.MobileNetV2(weights=None, include_top=False, input_shape=(None, None, 3))
    pooled = k.layers.GlobalAveragePooling2D(name="pooled")
    return k.Sequential([k.layers.Input((64, 96, 3)), network, pooled, k.layers.Dense(2, name="head")], name="transfer")


def not_built(k: Any) -> Any:
    return k.Sequential([k.layers.Dense(3, name="first"), k.layers.Flatten(name="flat")], name="not_built")


def without_layers(k: Any) -> Any:
    return k.Sequential([k.layers.Input((3,))], name="without_layers")


def many_networks(k: Any) -> Any:
    """A network of nearly three hundred layers, most of them in branches."""
    return k.applications.EfficientNetB0(weights=None)


EITHER: list[Callable[[Any], Any]] = [
    several_outputs,
    keywords,
    unused_input,
    identity,
    output_in_the_middle,
    fixed_batch,
    called_on_data,
    long_names,
    megabytes,
    trained,
    untrained,
    transfer,
    without_layers,
    many_networks,
]
CASES = [
    *(
        (builder, framework, ending)
        for builder in EITHER
        for framework in ("keras", "tf_keras")
        for ending in ("keras", "h5")
    ),
    # Keras 2 prints a dictionary of shapes, of which a file keeps neither the keys nor that it is one; it prints no
    # model that is not built; and its functions are TensorFlow's.
    *((builder, "keras", "keras") for builder in (functions, dictionaries, not_built)),
]


@pytest.mark.parametrize(("builder", "framework", "ending"), CASES)
def test_the_table_is_the_one_that_keras_printed(builder, framework, ending, tmp_path):
    k = pytest.importorskip(framework, reason=f"{framework} is an extra (oracles)")
    k.backend.clear_session()
    model = builder(k)
    path = tmp_path / f"model.{ending}"
    model.save(path)
    opened = weightwise.open(path)
    for nested in (False, True):
        assert summary(opened, expand_nested=nested) == printed(model, expand_nested=nested)


def test_the_golden_texts_are_those_of_keras():
    pytest.importorskip("keras", reason="Keras is an extra (oracles)")
    assert summaries() == json.loads(GOLDEN.read_text())
