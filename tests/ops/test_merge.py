"""Layers with several inputs: shapes, axes and what does not fit."""

import pytest

from weightwise.ops.merge import Concatenate, Dot, Merge, ScaledSum
from weightwise.ops.operation import ShapeError


@pytest.mark.parametrize(
    ("operation", "shapes", "expected"),
    [
        (Merge("add"), [(None, 3, 4), (None, 3, 4)], (None, 3, 4)),
        (Merge("add"), [(None, 3, 4), (None, 1, 4), (None, 3, 1)], (None, 3, 4)),
        (Merge("add"), [(None, 4), (None, 3, 4)], (None, 3, 4)),
        (Merge("add"), [(2, None, 4), (None, 1, 4)], (2, None, 4)),
        (ScaledSum(0.2), [(None, 3, 1), (None, 1, 4)], (None, 3, 4)),
        (Concatenate(), [(None, 3, 4), (None, 3, 5)], (None, 3, 9)),
        (Concatenate(), [(None, 3, 4), (None, 3, None)], (None, 3, None)),
        (Concatenate(1), [(None, 3, None), (None, 2, 5)], (None, 5, None)),
        (Dot((2, 1)), [(None, 3, 4), (None, 4, 5)], (None, 3, 5)),
        (Dot((2, 1)), [(None, 3, None), (None, 4, 5)], (None, 3, 5)),
        (Dot((1, 1)), [(None, 4), (None, 4)], (None, 1)),
    ],
)
def test_output_shapes(operation, shapes, expected):
    assert operation.output_shapes(shapes) == (expected,)


@pytest.mark.parametrize(
    ("operation", "shapes", "message"),
    [
        (Merge("add"), [], "expected at least one inputs, found 0"),
        (Merge("add"), [(2, 3), (3, 3)], "with one batch size"),
        (Merge("add"), [(None, 3), (None, 4)], "one size at each axis, or of size 1, found 3 and 4"),
        (Merge("subtract"), [(None, 3)] * 3, "expected 2 inputs, found 3"),
        (ScaledSum(0.2), [(None, 3)], "expected 2 inputs, found 1"),
        (ScaledSum(0.2), [(None, 3, 4), (None, 4)], "expected inputs of as many axes"),
        (Concatenate(), [(None, 3, 4), (None, 2, 5)], "differ only along axis -1"),
        (Concatenate(), [(None, 3, 4), (None, 4)], "differ only along axis -1"),
        (Concatenate(3), [(None, 3, 4)], "no axis 3 in a tensor of shape"),
        (Dot((2, 1)), [(None, 3, 4), (None, 5, 5)], "expected vectors of one size"),
        (Dot((0, 1)), [(3, 4), (3, 3)], "cannot be taken along the batch axis"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shapes, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes(shapes)


def test_another_merge_is_refused():
    with pytest.raises(ShapeError, match=r"expected one of add, .* found 'modulo'"):
        Merge("modulo")


def test_axes_stay_where_all_inputs_have_them():
    axes = ("h", "w", "c")
    assert Merge("add").tensor_axes([axes, axes]) == axes
    assert Merge("add").tensor_axes([axes, None]) is None
    assert Merge("add").tensor_axes([axes, ("c", "h", "w")]) is None
    assert ScaledSum(0.2).tensor_axes([axes, axes]) == axes
    assert Concatenate().tensor_axes([axes, axes]) == axes
    assert Concatenate(1).tensor_axes([axes, axes]) == axes
    assert Concatenate().tensor_axes([("h w c",), ("h w c",)]) is None  # two runs of rows, not one
    assert Concatenate().tensor_axes([("h w c",)]) == ("h w c",)
    assert Concatenate().tensor_axes([None, axes]) is None


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Merge("maximum"), "keeps the largest of its inputs' values at each place"),
        (ScaledSum(0.17), "adds its second input, multiplied by 0.17, to its first, value by value"),
        (Concatenate(), "lays its inputs side by side along their last axis"),
        (Dot((2, 1)), "computes the products of the vectors along axis 2 of its first input and axis 1 of its second"),
        (
            Dot((1, 1), normalize=True),
            "computes the cosines between the vectors along axis 1 of its first input and axis 1 of its second",
        ),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
