"""What people point at, and what they are told when it is not there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import weightwise
from tests.answers.models import chain, counting
from weightwise.answers.target import found, found_weight
from weightwise.errors import SelectionError
from weightwise.naming import named

SAMPLES = Path(__file__).parents[1] / "samples"
CNN = weightwise.open(SAMPLES / "keras3_cnn.keras")
SHARED = weightwise.open(SAMPLES / "keras3_shared_across.keras")


@pytest.mark.parametrize("target", [3, "3", "[3]", " [ 3 ] ", "conv2d_2/bias"])
def test_an_array_by_its_index_or_its_name(target):
    assert found(CNN, target) is CNN.weights[3]
    assert found_weight(CNN, target) is CNN.weights[3]


def test_a_layer_by_its_name_or_its_path():
    assert found(CNN, "max_pooling2d_1") is CNN["max_pooling2d_1"]
    assert found(SHARED, "middle/inner/frozen") is SHARED["middle/inner/frozen"]


def test_a_layer_that_is_called_like_a_number_is_that_layer():
    dense = ("Dense", {"units": 2, "use_bias": False}, {"0": counting(3, 2)})
    model = chain((3,), ("0", *dense))
    assert found(model, "0") is model["0"]
    assert found(model, "[0]") is model.weights[0]


def test_an_array_that_two_layers_share_is_found_under_both():
    bias = SHARED["middle/inner/frozen"]["bias"]
    assert found(SHARED, "middle/inner/frozen/bias").index == bias.index
    assert found(SHARED, "inner/frozen/bias").index == bias.index


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (8, "has the arrays [0] to [7], so there is no [8]"),
        ("nothing", "has no layer or array 'nothing'; its layers are conv2d_1, conv2d_2, max_pooling2d_1, dropout_1"),
        (
            "conv2d_2/gamma",
            "layer conv2d_2 has no array 'conv2d_2/gamma'; its arrays are conv2d_2/kernel [2], conv2d_2/bias [3]",
        ),
        ("dropout_1/kernel", "layer dropout_1 has no weights, so there is no dropout_1/kernel"),
        ("[1", "has no layer or array '[1'"),
        ("-1", "has no layer or array '-1'"),
        ("9" * 5000, "has no layer or array '999"),
    ],
)
def test_what_is_not_there(target, message):
    with pytest.raises(SelectionError) as caught:
        found(CNN, target)
    assert message in str(caught.value)


def test_a_model_without_arrays():
    model = chain((3,), ("drop", "Dropout", {"rate": 0.5}, {}))
    with pytest.raises(SelectionError, match=r"has no weight arrays, so there is no \[0\]"):
        found(model, 0)


def test_names_that_are_not_one_array_are_told():
    arrays = {"a": counting(3), "b": counting(4)}
    model = chain((3,), ("own", "Custom", {}, arrays))
    assert found(model, "own/b") is model.weights[1]
    with pytest.raises(SelectionError, match="its arrays are own/a \\[0\\], own/b \\[1\\]"):
        found(model, "own/c")


def test_a_name_that_several_arrays_have_is_not_enough():
    model = chain((3,), ("own", "Custom", {}, {"a": counting(3), "b": counting(4)}))
    (entry, own) = model.stored.root.layers
    arrays = tuple(dataclasses.replace(array, name="own/w:0") for array in own.arrays)
    root = dataclasses.replace(model.stored.root, layers=(entry, dataclasses.replace(own, arrays=arrays)))
    twins = named(dataclasses.replace(model.stored, root=root))
    with pytest.raises(SelectionError, match=r"has several arrays called own/w: choose one of \[0\], \[1\]"):
        found(twins, "own/w")


def test_a_layer_is_no_array():
    with pytest.raises(SelectionError, match=r"conv2d_2 is a layer; choose one of its arrays: conv2d_2/kernel \[2\]"):
        found_weight(CNN, "conv2d_2")
