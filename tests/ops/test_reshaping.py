"""Layers that rearrange: open sizes, axes and what does not fit."""

import numpy
import pytest

from weightwise.ops.operation import ShapeError
from weightwise.ops.reshaping import Flatten, Identity, Input, Masking, Permute, Repeat, Reshape


@pytest.mark.parametrize(
    ("operation", "shape", "expected"),
    [
        (Flatten(), (None, 3, 4), (None, 12)),
        (Flatten(), (None, None, 4), (None, None)),
        (Flatten(), (None,), (None, 1)),
        (Reshape((3, -1)), (None, 4, 6), (None, 3, 8)),
        (Reshape((3, -1)), (None, None, 6), (None, 3, None)),
        (Reshape((3, 8)), (None, None, 6), (None, 3, 8)),
        (Reshape((3, None)), (None, 4, 6), (None, 3, None)),
        (Reshape((-1,)), (None,), (None, 1)),
        (Permute((2, 1)), (None, None, 4), (None, 4, None)),
        (Repeat(3), (None, None), (None, 3, None)),
        (Masking(), (None, None, 2), (None, None, 2)),
        (Identity(), (None, None, 2), (None, None, 2)),
        (Input((None, 5)), (None, 7), (None, 5)),
    ],
)
def test_open_sizes(operation, shape, expected):
    assert operation.output_shapes([shape]) == (expected,)


@pytest.mark.parametrize(
    ("operation", "axes", "expected"),
    [
        (Flatten(), ("h", "w", "c"), ("h w c",)),
        (Flatten(channels_first=True), ("c", "h", "w"), ("h w c",)),
        (Flatten(channels_first=True), ("c",), ("c",)),
        (Reshape((3, -1)), ("h", "w", "c"), None),
        (Permute((3, 1, 2)), ("h", "w", "c"), ("c", "h", "w")),
        (Repeat(3), ("h w c",), ("position", "h w c")),
        (Repeat(3), ("position c",), None),
        (Masking(), ("position", "c"), ("position", "c")),
        (Identity(), ("h", "w", "c"), ("h", "w", "c")),
    ],
)
def test_axes(operation, axes, expected):
    assert operation.tensor_axes([axes]) == expected
    assert operation.tensor_axes([None]) is None


@pytest.mark.parametrize(
    ("operation", "shape", "message"),
    [
        (Reshape((3, -1)), (None, 4), r"4 values cannot be given the shape \(3, -1\)"),
        (Reshape((3, 2)), (None, 8), "8 values cannot be given the shape"),
        (Reshape((0, -1)), (None, 8), "8 values cannot be given the shape"),
        (Permute((2, 1)), (None, 4), "a permutation of 2 axes cannot take a tensor of shape"),
        (Repeat(3), (None, 4, 5), "takes one vector per example"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shape, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes([shape])


def test_a_permutation_has_every_axis_once():
    with pytest.raises(ShapeError, match="expected each axis from 1 to 2 once, found"):
        Permute((1, 1))


def test_a_mask_marks_what_is_only_padding():
    x = numpy.array([[[0.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 0.0]]])
    assert numpy.array_equal(Masking().mask([x]), [[False, True], [True, False]])
    assert Identity().mask([x]) is None


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Flatten(), "lays all values of one example in a single row"),
        (Reshape((3, -1)), "gives the values of each example the shape 3 × ?, in the same order"),
        (Reshape(()), "gives the values of each example the shape of a single number, in the same order"),
        (Permute((2, 1)), "puts the axes of each example in the order 2, 1"),
        (Repeat(3), "repeats its input 3 times, as a sequence"),
        (Masking(), "marks the positions that hold only 0: the layers after it skip them"),
        (Input((None, 5)), "is where the data enters"),
        (Identity(), "passes its input on unchanged"),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
