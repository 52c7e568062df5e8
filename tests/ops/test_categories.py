"""Categories: open sizes, whole numbers, and what does not fit."""

import numpy
import pytest

from weightwise.ops.categories import Binning, Encoding
from weightwise.ops.operation import ShapeError


@pytest.mark.parametrize(
    ("mode", "shape", "expected"),
    [
        ("int", (None, None, 3), (None, None, 3)),
        ("one_hot", (None, None), (None, None, 5)),
        ("one_hot", (None, 7, 1), (None, 7, 5)),
        ("one_hot", (None,), (None, 5)),
        ("count", (None, None), (None, 5)),
        ("multi_hot", (None, 1), (None, 5)),
    ],
)
def test_open_sizes(mode, shape, expected):
    assert Encoding(5, mode).output_shapes([shape]) == (expected,)
    (y,) = Encoding(5, mode).forward([numpy.ones([2 if size is None else size for size in shape])], {})
    assert y.shape == tuple(2 if size is None else size for size in expected)


def test_more_axes_are_refused_where_frameworks_disagree():
    with pytest.raises(ShapeError, match="are encoded together in one axis, found shape"):
        Encoding(5, "count").output_shapes([(None, 3, 4)])


def test_what_is_no_category_is_refused():
    with pytest.raises(ShapeError, match="expected categories below 5, found 1 to 5"):
        Encoding(5).forward([numpy.array([[1, 5]])], {})
    with pytest.raises(ShapeError, match="expected one of int, one_hot, multi_hot, count, found 'tf_idf'"):
        Encoding(5, "tf_idf")


def test_a_boundary_belongs_to_the_bin_above_it():
    boundaries = (0.1, 0.7)
    for dtype in ("float32", "float64"):
        (bins,) = Binning(3, "int", boundaries).forward([numpy.array([[0.0, 0.1, 0.5, 0.7, 9.0]], dtype)], {})
        assert bins.tolist() == [[0, 1, 1, 2, 2]]


def test_axes_stay_where_numbers_stay():
    assert Encoding(5, "int").tensor_axes([("position",)]) == ("position",)
    assert Encoding(5, "one_hot").tensor_axes([("position",)]) is None


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Encoding(5, "one_hot"), "writes each of 5 categories as a vector with a one in its place"),
        (Binning(3, "int"), "sorts each value into one of 3 bins, and writes the bin as its number"),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
