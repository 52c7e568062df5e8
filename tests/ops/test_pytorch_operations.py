"""Operations that came with PyTorch, by their definitions, and what they refuse."""

from __future__ import annotations

import numpy
import pytest

from weightwise.ops.activation import GatedLinear
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.bilinear import Bilinear
from weightwise.ops.cells import GruCell, LstmCell
from weightwise.ops.norm import BatchNorm, RMSNorm
from weightwise.ops.operation import ShapeError
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.padding import Padding
from weightwise.ops.pooling import AdaptivePooling, Pooling
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.resampling import Resampling
from weightwise.ops.reshaping import Flatten, Unflatten
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle
from weightwise.ops.stacked import StackedRecurrent, Stepping
from weightwise.ops.window import Window

TABLE = numpy.arange(12.0).reshape(4, 3)


def bags(operation, *inputs):
    return operation.forward([numpy.array(x) for x in inputs], {"table": TABLE})[0].tolist()


def test_bags_that_begin_at_places():
    assert bags(EmbeddingBag(4, 3, "sum"), [3, 0, 1], [0, 1]) == [[9, 10, 11], [3, 5, 7]]
    assert bags(EmbeddingBag(4, 3, "sum", closed=True), [3, 0, 1, 2], [0, 1, 3]) == [[9, 10, 11], [3, 5, 7]]
    assert EmbeddingBag(4, 3, closed=True).output_shapes([(None,), (3,)]) == ((2, 3),)


def test_an_empty_bag_is_zero():
    assert bags(EmbeddingBag(4, 3, "max", padding=2), [[2, 2], [1, 2]]) == [[0, 0, 0], [3, 4, 5]]


def test_a_bag_outside_the_vocabulary_is_refused():
    with pytest.raises(ShapeError, match="expected indices from 0 to 3"):
        bags(EmbeddingBag(4, 3), [[4]])


def test_a_window_counted_up_begins_in_the_input():
    up, down = (Window((2,), (3,), (1,), ((1, 1),), ceil=ceil) for ceil in (True, False))
    assert [up.output_size(0, size) for size in (3, 4, 5, 6)] == [2, 2, 2, 3]
    assert [down.output_size(0, size) for size in (3, 4, 5, 6)] == [2, 2, 2, 3]
    longer = Window((3,), (2,), (1,), ((0, 0),), ceil=True)
    assert (longer.output_size(0, 6), longer.reached(0, 6)) == (3, (0, 1))


def test_an_average_of_what_is_padding_too():
    window, x = Window((2,), (2,), (1,), ((1, 1),)), numpy.ones((1, 4, 1))
    assert Pooling("average", window, padding_counts=True).forward([x], {})[0].ravel().tolist() == [0.5, 1, 0.5]
    assert Pooling("average", window).forward([x], {})[0].ravel().tolist() == [1, 1, 1]
    assert Pooling("average", window, divisor=4).forward([x], {})[0].ravel().tolist() == [0.25, 0.5, 0.25]


def test_an_adaptive_pooling_keeps_an_axis():
    assert AdaptivePooling("max", (None, 2)).output_shapes([(None, 5, 7, 3)]) == ((None, 5, 2, 3),)
    assert "as many as the axis is long × 2" in AdaptivePooling("max", (None, 2)).sentence()


def test_a_stack_begins_with_zeros():
    cell = LstmCell(2, bias=False)
    stack = StackedRecurrent((Recurrent(cell, sequences=True, states=True),))
    weights = {"kernel": numpy.full((3, 4, 2), 0.1), "recurrent_kernel": numpy.full((2, 4, 2), 0.2)}
    x = numpy.ones((2, 4, 3))
    zeros = numpy.zeros((1, 2, 2))
    for one, other in zip(stack.forward([x], weights), stack.forward([x, zeros, zeros], weights), strict=True):
        numpy.testing.assert_array_equal(one, other)
    one = Stepping(cell).forward([x[:, 0]], weights)
    numpy.testing.assert_array_equal(one[0], stack.forward([x[:, :1]], weights)[0][:, 0])


def test_what_a_stack_says():
    one = Recurrent(GruCell(5), sequences=True, states=True)
    assert "through a GRU of 5 units" in StackedRecurrent((one,)).sentence()
    assert StackedRecurrent((one,)).input_axis == "in"
    both = Bidirectional(one, Recurrent(GruCell(5), sequences=True, states=True, backwards=True))
    stack = StackedRecurrent((both, both))
    assert "in both directions through 2 layers on top of each other, each a GRU of 5 units" in stack.sentence()
    assert stack.input_axis == ""
    assert (stack.tensor_axes([None]), StackedRecurrent((one,), positions_first=True).tensor_axes([None])) == (
        ("position", "c"),
        None,
    )
    assert "projected to 2 numbers" in LstmCell(5, projection=2).phrase()


def test_statistics_of_the_batch():
    x = numpy.array([[1.0, 10.0], [3.0, 30.0]])
    (y,) = BatchNorm((-1,), 0.0, False, False, tracked=False).forward([x], {})
    assert y.tolist() == [[-1, -1], [1, 1]]
    assert "by the averages of the batch" in BatchNorm(tracked=False).sentence()


def test_the_least_epsilon_is_the_dtypes():
    for dtype in ("float32", "float64"):
        (y,) = RMSNorm(scale=False, least=True).forward([numpy.full((1, 2), 1e-4, dtype)], {})
        assert y[0, 0] == pytest.approx(1e-4 / numpy.sqrt(1e-8 + numpy.finfo(dtype).eps), rel=1e-6)


def test_the_axes_of_what_is_flattened():
    axes = ("c", "h", "w")
    assert Flatten().tensor_axes([axes]) == ("c h w",)
    assert Flatten(start=2).tensor_axes([axes]) == ("c", "h w")
    assert Flatten(start=1, end=2).tensor_axes([axes]) == ("c h", "w")
    assert Flatten(start=-2, end=-1).output_shapes([(None, 2, 3, 5)]) == ((None, 2, 15),)
    assert Flatten(start=2).sentence() == "merges the axes 2 to -1 of its input in one"


def test_attention_says_what_its_results_are():
    operation = PackedAttention(2, 3, 3, scores=True, extra=True, zero=True, positions_first=True)
    assert operation.output_shapes([(4, None, 6), (5, None, 6), (5, None, 6)]) == ((4, None, 6), (None, 4, 7))
    assert operation.tensor_axes([None] * 3) == ("batch", "heads head_dim")


def test_nearest_places():
    x = numpy.arange(3.0).reshape(1, 3, 1)
    assert Resampling(1, factors=(2.0,)).forward([x], {})[0].ravel().tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ShapeError, match="depends on the size of the whole input"):
        Resampling(1, factors=(2.3,)).forward([x], {})
    assert Resampling(1, size=(5,)).sentence() == "brings its input to 5 by nearest interpolation"
    assert Resampling(1, factors=(1.5,)).sentence() == "makes its input 1.5 times as large by nearest interpolation"


@pytest.mark.parametrize(
    ("operation", "shapes", "message"),
    [
        (EmbeddingBag(4, 3), [(2, 3), (2,)], "bags are the rows of one input"),
        (Bilinear(2, 3, 4), [(2, 3)], "takes two inputs of one rank"),
        (GatedLinear(1), [(2, 3)], "an even number of values"),
        (Unflatten(1, (2, 3)), [(2, 7)], "cannot be given the shape"),
        (PixelShuffle(2, channels_first=True), [(1, 6, 2, 2)], "6 cannot be divided by 4"),
        (PixelUnshuffle(2, channels_first=True), [(1, 6, 3, 2)], "3 cannot be divided by 2"),
        (ChannelShuffle(2), [(1, 5, 2)], "5 cannot be divided by 2"),
        (ChannelShuffle(2), [(1, 4)], "needs a batch, channels and places"),
        (Padding(((3, 0),), "reflect"), [(1, 3, 2)], "does not have 3 to add"),
        (Padding(((4, 0),), "wrap"), [(1, 3, 2)], "does not have 4 to add"),
        (PackedAttention(2, 3, 3), [(2, 3, 6)], "takes a query, a key and a value"),
        (
            StackedRecurrent((Recurrent(GruCell(5), True, True),)),
            [(1, 2, 3), (1, 1, 5), (1, 1, 5)],
            "1 tensors of states",
        ),
        (StackedRecurrent((Recurrent(GruCell(5), True, True),)), [(1, 2)], "needs a batch, a position"),
        (Stepping(LstmCell(5)), [(1, 2), (1, 5)], "begins with 2 states"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shapes, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes(shapes)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EmbeddingBag(4, 3, "min"), "a bag is reduced by"),
        (lambda: Padding(((1, 1),), "odd"), "what is added around an input"),
        (lambda: Resampling(1, factors=(2.0,), interpolation="cubic"), "an interpolation is nearest"),
        (lambda: Resampling(1), "either sizes or factors"),
    ],
)
def test_unknown_settings_are_refused(build, message):
    with pytest.raises(ShapeError, match=message):
        build()


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Padding(((1, 2),), value=0.5), "adds 0.5 around its input: 1 before, 2 after"),
        (Padding(((1, 2),), "edge"), "adds its outermost values, repeated, around its input: 1 before, 2 after"),
        (GatedLinear(1), "scales the first half of its axis 1 by the sigmoid of its second half"),
        (Unflatten(1, (4, -1)), "splits axis 1 of its input into 4 × the rest"),
        (PixelShuffle(2), "makes every 4 channels a square of 2 × 2 places of one channel"),
        (PixelUnshuffle(2), "makes every square of 2 × 2 places 4 channels"),
        (Bilinear(5, 3, 4), "computes 5 weighted sums of all products of a value of each of its two inputs"),
    ],
)
def test_sentences(operation, sentence):
    assert operation.sentence() == sentence
