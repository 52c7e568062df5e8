"""The gates of a cell and the projections of an attention are their module's, and other layers their own."""

from __future__ import annotations

import pytest

from weightwise.conventions.choice import framework_convention
from weightwise.naming.grouping import grouped
from weightwise.stored import StoredArray, StoredLayer

OWNERS = framework_convention("Flax").owners
LSTM = {f"{side}{gate}/kernel": (5 if side == "i" else 7, 7) for gate in "fgio" for side in "ih"} | {
    f"h{gate}/bias": (7,) for gate in "fgio"
}
ATTENTION = {f"{part}/kernel": (12, 3, 4) for part in ("query", "key", "value")} | {"out/kernel": (3, 4, 12)}


def layers(modules):
    found = {}
    for module, shapes in modules.items():
        for name, shape in shapes.items():
            inner, _, key = f"{module}/{name}".rpartition("/")
            array = StoredArray(f"params/{inner}/{key}", key, shape, "float32", 0, lambda: None)
            found.setdefault(inner, []).append(array)
    return tuple(StoredLayer(name, "", arrays=tuple(arrays), configured=False) for name, arrays in found.items())


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"LSTMCell_0": LSTM, "Dense_0": {"kernel": (7, 2), "bias": (2,)}}, ["LSTMCell_0", "Dense_0"]),
        ({"mine": LSTM}, ["mine"]),
        ({"MultiHeadDotProductAttention_0": ATTENTION}, ["MultiHeadDotProductAttention_0"]),
        ({"block": {"i/kernel": (5, 7), "i/bias": (7,), "h/kernel": (7, 7)}}, ["block/i", "block/h"]),
        ({"SimpleCell_0": {"i/kernel": (5, 7), "i/bias": (7,), "h/kernel": (7, 7)}}, ["SimpleCell_0"]),
        ({"block": {"one/kernel": (5, 7), "other/kernel": (7, 7)}}, ["block/one", "block/other"]),
    ],
)
def test_arrays_belong_to_the_module_that_owns_them(modules, expected):
    root = grouped(StoredLayer("model", "", layers=layers(modules), configured=False), OWNERS)
    assert [layer.name for layer in root.layers] == expected
    paths = {array.path for layer in layers(modules) for array in layer.arrays}
    assert {array.path for layer in root.layers for array in layer.arrays} == paths


def test_a_model_that_says_its_classes_stays_as_it_is():
    told = StoredLayer("LSTMCell_0/ii", "nnx.Linear")
    root = StoredLayer("model", "", layers=(told, *layers({"LSTMCell_0": LSTM})))
    assert grouped(root, OWNERS) is root
