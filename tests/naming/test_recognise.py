"""Files without configuration: what is recognised is what the twin with a configuration declares, and no more."""

from __future__ import annotations

import numpy
import pytest

import weightwise
from tests.samples import SAMPLES
from weightwise.conventions import keras
from weightwise.model import Evidence
from weightwise.naming.recognise import recognised, snake_case
from weightwise.stored import Addressing, StoredArray, StoredLayer

TWINS = [
    ("keras3_cnn.weights.h5", "keras3_cnn.keras"),
    ("keras3_nested.weights.h5", "keras3_nested.keras"),
    ("keras2_cnn_weights.h5", "keras2_cnn.h5"),
]


@pytest.mark.parametrize(("bare", "whole"), TWINS)
def test_what_is_recognised_is_what_the_configuration_declares(bare, whole):
    declared = {weight.path: weight for weight in weightwise.open(SAMPLES / whole).weights}
    found = weightwise.open(SAMPLES / bare).weights
    assert len(found) == len(declared)
    for weight in found:
        twin = declared[weight.path]
        assert weight.evidence is Evidence.RECOGNISED
        assert [axis.size for axis in weight.axes][-1] == [axis.size for axis in twin.axes][-1]
        numpy.testing.assert_array_equal(weight.values(), twin.values())
        if "h w c" not in twin.bound.notation and "(" not in twin.bound.notation:
            assert weight.bound.notation.replace("in/groups", "in") == twin.bound.notation


def layer(class_name: str, *shapes: tuple[int, ...]) -> StoredLayer:
    arrays = tuple(
        StoredArray(f"layers/{class_name}/vars/{n}", str(n), shape, "float32", 0, lambda: None)
        for n, shape in enumerate(shapes)
    )
    return StoredLayer("mine", class_name, arrays=arrays, configured=False)


def readings(class_name: str, *shapes: tuple[int, ...]) -> list[str | None]:
    named = recognised(layer(class_name, *shapes), keras.TABLE, Addressing.PATH)
    return [item.bound.notation if item.bound else None for item in named]


def test_the_groups_of_a_convolution_stay_open():
    assert readings("conv2d", (3, 2, 4, 5), (5,)) == ["kh kw in/groups out", "out"]


def test_a_bias_that_does_not_fit_leaves_it_unknown():
    assert readings("dense", (7, 5), (7,)) == [None, None]


def test_what_two_forms_that_fit_disagree_on_is_unknown():
    """Three arrays of a BatchNormalization: gamma or beta is off, and nothing says which; the others are the same."""
    assert readings("batch_normalization", (5,), (5,), (5,)) == [None, "features", "features"]
    first, *others = recognised(layer("batch_normalization", (5,), (5,), (5,)), keras.TABLE, Addressing.PATH)
    assert "several readings are left" in first.note
    assert (first.name, first.readings) == ("0", ("features",))
    assert [item.name for item in others] == ["moving_mean", "moving_variance"]


def test_a_class_that_nobody_knows_is_unknown():
    (item,) = recognised(layer("gate", (4, 6)), keras.TABLE, Addressing.PATH)
    assert item.bound is None
    assert item.note == "the file has no configuration, and the name gate is that of no class which is known"


def test_the_rule_is_cited():
    (item, _) = recognised(layer("dense", (7, 5), (5,)), keras.TABLE, Addressing.PATH)
    assert item.note == "the file names the group after the class Dense, as Keras does"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Conv2DTranspose", "conv2d_transpose"), ("LSTM", "lstm"), ("PReLU", "p_re_lu"), ("GRUCell", "gru_cell")],
)
def test_the_name_that_keras_makes_of_a_class(name, expected):
    assert snake_case(name) == expected
