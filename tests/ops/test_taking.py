"""Axes that come, go and are cut, reductions, products, arrays beside tensors: shapes, axes and what does not fit."""

from __future__ import annotations

import numpy
import pytest

from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack, Transpose
from weightwise.ops.merge import Merge
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import ShapeError
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.reshaping import Regroup
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.taking import Slice, Split, Take


@pytest.mark.parametrize(
    ("operation", "shapes", "expected"),
    [
        (InsertAxis(1), [(None, 3)], [(None, 1, 3)]),
        (InsertAxis(-1), [(None, None)], [(None, None, 1)]),
        (DropAxes((1, -1)), [(None, 1, 3, None)], [(None, 3)]),
        (Exchange((-1, 1)), [(None, 3, None)], [(None, None, 3)]),
        (Transpose((2, 0, 1)), [(None, 3, 4)], [(4, None, 3)]),
        (Stack(1), [(None, 3), (2, None)], [(2, 2, 3)]),
        (Take(1, -3), [(None, 3, 4)], [(None, 4)]),
        (Take(0, 1), [(2, None, 4)], [(None, 4)]),
        (Slice(1, 1, -1), [(None, 5)], [(None, 3)]),
        (Slice(1, None, None, 2), [(None, None)], [(None, None)]),
        (Split(-1, (1, 4)), [(None, 3, 5)], [(None, 3, 1), (None, 3, 4)]),
        (Split(1, (1, 1), keep=False), [(None, 2, 3)], [(None, 3)] * 2),
        (Reduction("sum", (-1,), keep=True), [(None, 3)], [(None, 1)]),
        (Reduction("max", (1, 3)), [(None, 2, 3, 4)], [(None, 3)]),
        (Product(), [(None, 1, 3, 4), (2, 5, 4, 6)], [(2, 5, 3, 6)]),
        (Product(), [(None, 3, 4), (1, 4, 6)], [(None, 3, 6)]),
        (ScaledAttention(), [(None, 3, 4), (None, 5, 4), (None, 5, 6)], [(None, 3, 6)]),
        (Operand("add", (1, 3, 4)), [(None, 1, None)], [(None, 3, 4)]),
        (Operand("multiply", (1,)), [(None, 3)], [(None, 3)]),
        (Beside(1, (1, 2, 4), first=True), [(None, 3, 4)], [(None, 5, 4)]),
        (Regroup((-1, 2, -1), (1, None, None)), [(None, None, 6)], [(None, None, 2, None)]),
        (Regroup((-1, 2, -1), (1, None, None)), [(None, 5, 6)], [(None, 5, 2, 3)]),
        (Merge("divide", equal=True), [(None, 3), (None, 1)], [(None, 3)]),
    ],
)
def test_output_shapes(operation, shapes, expected):
    assert list(operation.output_shapes(shapes)) == expected


@pytest.mark.parametrize(
    ("operation", "shapes", "message"),
    [
        (InsertAxis(4), [(None, 3)], "no axis 4"),
        (DropAxes((1,)), [(None, 3)], "only axes of length one can be dropped"),
        (Exchange((1, 3)), [(None, 3, 4)], "no axis 3"),
        (Transpose((1, 0)), [(None, 3, 4)], "a permutation of 2 axes cannot take"),
        (Stack(1), [(None, 3), (None, 4)], "expected inputs of one shape"),
        (Stack(1), [(None, 3), (None, 3, 4)], "expected inputs of one shape"),
        (Take(1, 3), [(None, 3)], "no place 3 in an axis of 3 elements"),
        (Split(1, (1, 4)), [(None, 6)], "not split in parts"),
        (Reduction("mean", (2,)), [(None, 3)], "no axis 2"),
        (Product(), [(None, 3, 4), (None, 5, 6)], "cannot be multiplied"),
        (Product(), [(None, 2, 3, 4), (None, 5, 4, 6)], "expected tensors of one size"),
        (Product(), [(3, 4), (4, 6)], "two tensors of as many axes"),
        (ScaledAttention(), [(None, 3, 4)], "a query, a key and a value"),
        (Operand("add", (2, 4)), [(2, 4)], "something for each of a batch"),
        (Operand("add", (3, 4)), [(None, 5, 4)], "do not meet"),
        (Beside(1, (1, 2, 4), first=True), [(None, 3, 5)], "differ only along axis 1"),
        (Regroup((2, -1), (None, 3)), [(None, 3, 4)], "does not have the axes"),
        (Merge("add", equal=True), [(None, 3, 4), (None, 4)], "inputs of as many axes"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shapes, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes(shapes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slice(1, step=0), "steps of 0"),
        (lambda: Split(1, (2, 3), keep=False), "cannot lose their axis"),
        (lambda: Transpose((0, 0)), "each axis from 0 to 1 once"),
        (lambda: Reduction("median", (1,)), "expected one of mean, sum, max, min"),
        (lambda: Reduction("mean", ()), "along axes"),
        (lambda: Operand("power", (3,)), "expected one of add"),
        (lambda: Beside(1, (2, 3), first=True), "not the same for all examples"),
        (lambda: Beside(0, (1, 3), first=True), "not the same for all examples"),
    ],
)
def test_what_is_no_operation_is_refused(make, message):
    with pytest.raises(ShapeError, match=message):
        make()


@pytest.mark.parametrize(
    ("operation", "axes", "expected"),
    [
        (DropAxes((2,)), ("c", "h", "w"), ("c", "w")),
        (DropAxes((0,)), ("c", "h"), None),
        (Exchange((1, -1)), ("c", "h", "w"), ("w", "h", "c")),
        (Exchange((0, 1)), ("c", "h"), None),
        (Take(1, 0), ("position", "c"), ("c",)),
        (Take(0, 0), ("position", "c"), None),
        (Slice(1), ("position", "c"), ("position", "c")),
        (Slice(1), ("h w c",), None),
        (Split(-1, (2, 3)), ("position", "c"), ("position", "c")),
        (Split(1, (1, 1), keep=False), ("position", "c"), ("c",)),
        (Reduction("mean", (1,)), ("position", "c"), ("c",)),
        (Reduction("mean", (1,), keep=True), ("position", "c"), ("position", "c")),
        (Reduction("mean", (1,), keep=True), ("h w c",), None),
        (Reduction("mean", (0,)), ("position", "c"), None),
        (Operand("add", (4,)), ("position", "c"), ("position", "c")),
        (Beside(1, (1, 1, 4), first=True), ("position", "c"), ("position", "c")),
        (Beside(1, (1, 4), first=True), ("h w c",), None),
    ],
)
def test_axes(operation, axes, expected):
    assert operation.tensor_axes([axes]) == expected
    assert operation.tensor_axes([None]) is None


def test_an_array_is_named_where_it_varies():
    assert Operand("add", (1, 3, 4)).roles() == {"other": "last_2 last_1"}
    assert Operand("add", (1, 3, 4)).sizes([]) == {"last_2": 3, "last_1": 4}
    assert Operand("add", (3, 1, 1)).roles() == {"other": "features"}
    assert (Operand("add", (4,)).input_axis, Operand("add", (4, 1)).input_axis) == ("features", "")
    assert Beside(1, (1, 1, 4), first=True).roles() == {"other": "features"}


def test_a_causal_attention_sees_nothing_that_comes_later():
    query, value = numpy.ones((1, 3, 2)), numpy.arange(3.0).reshape(1, 3, 1)
    (output,) = ScaledAttention(causal=True).forward([query, query, value], {})
    numpy.testing.assert_allclose(output[0, :, 0], [0, 0.5, 1])


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (InsertAxis(1), "gives its input an axis of length one, which is axis 1"),
        (DropAxes((2, 3)), "drops its axes 2 and 3, of length one"),
        (Exchange((1, 2)), "exchanges axis 1 and axis 2 of its input"),
        (Transpose((1, 0)), "puts the axes of its input, the batch being 0, in the order 1, 0"),
        (Stack(1), "lays its inputs behind each other along a new axis, axis 1"),
        (Take(1, -1), "keeps only the last place of its axis 1"),
        (Take(-1, 2), "keeps only place 2 of its last axis"),
        (Slice(1, 2), "keeps the places 2 to the end of its axis 1"),
        (Slice(1, 2, 8, 3), "keeps the places 2 to 8 of its axis 1 in steps of 3"),
        (Slice(1, step=-1), "turns its axis 1 round"),
        (Split(1, (2, 3)), "splits its axis 1 in 2 parts: 2 + 3"),
        (Split(1, (1, 1), keep=False), "returns each of the 2 places of its axis 1 apart"),
        (Reduction("mean", (1,)), "averages the values along its axis 1"),
        (Product(), "multiplies its first input by its second, as matrices in their last two axes"),
        (Operand("multiply", (3,)), "multiplies its input by numbers that it learned"),
        (Beside(1, (1, 1, 4), first=True), "lays numbers that it learned before its input along its axis 1"),
        (
            Regroup((-1, 2), (1, None)),
            "gives the values of each example the shape that of axis 1 × 2, in the same order",
        ),
        (Merge("divide"), "divides its first input by its second, value by value"),
    ],
)
def test_sentences(operation, sentence):
    assert operation.sentence() == sentence


def test_the_sentence_of_an_attention_says_what_it_sees():
    assert ScaledAttention().sentence().endswith("with their keys")
    assert ScaledAttention(causal=True).sentence().endswith("of which it sees none that comes later")
