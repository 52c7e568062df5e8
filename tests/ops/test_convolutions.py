"""Convolutions against their definitions, one element at a time, and against each other."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightwise.ops.conv import Conv, correlate
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.operation import ShapeError
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SMALL = st.integers(1, 3)
PAIRS = st.tuples(SMALL, SMALL)
EDGES = st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2)


def random(*shape):
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape)


def defined(x, kernel, window):
    """`out[s·i] = Σ x[s·i + d·k] · w[k]`, element by element; `kernel` is `kh kw groups in/groups out/groups`."""
    height, width, groups, size_in, size_out = kernel.shape
    edges = [window.around(axis, x.shape[1 + axis]) for axis in range(2)]
    begins = [
        range(-edges[axis][0], x.shape[1 + axis] + edges[axis][1] - window.extent(axis) + 1, window.strides[axis])
        for axis in range(2)
    ]
    y = np.zeros((len(x), len(begins[0]), len(begins[1]), groups * size_out))
    for (i, top), (j, left), k, m in product(enumerate(begins[0]), enumerate(begins[1]), range(height), range(width)):
        row, column = top + k * window.dilation[0], left + m * window.dilation[1]
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            for g in range(groups):
                part = x[:, row, column, g * size_in : (g + 1) * size_in] @ kernel[k, m, g]
                y[:, i, j, g * size_out : (g + 1) * size_out] += part
    return y


@given(PAIRS, PAIRS, PAIRS, st.one_of(EDGES, st.sampled_from(["same", "valid"])), st.integers(1, 2))
def test_a_convolution_is_its_definition(size, strides, dilation, padding, groups):
    window = Window(size, strides, dilation, padding)
    x, kernel = random(2, 7, 8, 3 * groups), random(*size, groups, 3, 2)
    assert np.allclose(correlate(x, kernel, window), defined(x, kernel, window), rtol=0, atol=1e-12)


@given(PAIRS, PAIRS, PAIRS, EDGES, st.integers(1, 2), PAIRS)
def test_a_transposed_convolution_is_the_transpose_of_a_convolution(size, strides, dilation, edges, groups, positions):
    window = Window(size, strides, dilation, edges)
    operation = TransposedConv(window, 2 * groups, groups, bias=False)
    y, kernel = random(1, *positions, 3 * groups), random(*size, groups, 3, 2)
    try:
        ((_, *shape, _),) = operation.output_shapes([y.shape])
    except ShapeError:
        return
    x = random(1, *shape, 2 * groups)
    (spread,) = operation.forward([y], {"kernel": kernel})
    folded = correlate(x, np.swapaxes(kernel, -1, -2), window)
    assert spread.shape == x.shape
    assert np.isclose((folded * y).sum(), (x * spread).sum(), rtol=0, atol=1e-12)


def test_a_transposed_convolution_adds_zeros_where_its_padding_is_below_zero():
    window = Window((2,), (2,), (1,), ((0, -1),))
    (y,) = TransposedConv(window, 1, bias=False).forward([np.ones((1, 2, 1))], {"kernel": np.ones((2, 1, 1, 1))})
    assert y.ravel().tolist() == [1, 1, 1, 1, 0]


def test_a_depthwise_convolution_is_one_with_as_many_groups_as_channels():
    window = Window((3, 2), (2, 1), (1, 1), "same")
    x, kernel, bias = random(2, 5, 6, 4), random(3, 2, 4, 3), random(12)
    (ours,) = DepthwiseConv(window, 3).forward([x], {"kernel": kernel, "bias": bias})
    grouped = {"kernel": kernel.reshape(3, 2, 4, 1, 3), "bias": bias}
    (theirs,) = Conv(window, 12, 4).forward([x], grouped)
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_a_separable_convolution_is_one_whose_kernel_is_a_product():
    window = Window((3, 2), (1, 1), (1, 2), "valid")
    x, depthwise, pointwise = random(2, 5, 6, 4), random(3, 2, 4, 3), random(12, 5)
    operation = SeparableConv(window, 5, 3, bias=False)
    (ours,) = operation.forward([x], {"depthwise": depthwise, "pointwise": pointwise})
    kernel = np.einsum("hwim,imo->hwio", depthwise, pointwise.reshape(4, 3, 5))
    (theirs,) = Conv(window, 5, bias=False).forward([x], {"kernel": kernel[:, :, None]})
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


WINDOW = Window((3, 2), (2, 1), (1, 1), "valid")
UP = Window((3, 2), (2, 1), (1, 1), ((0, 0), (1, 0)))
OPERATIONS = [
    (Conv(WINDOW, 5), (None, None, 6, 3), (None, None, 5, 5)),
    (Conv(WINDOW, 5, channels_first=True), (2, 3, 6, None), (2, 5, 2, None)),
    (Conv(WINDOW, 5), (2, 6, 7, None), (2, 2, 6, 5)),
    (TransposedConv(UP, 5), (None, None, 6, 3), (None, None, 6, 5)),
    (TransposedConv(UP, 5, channels_first=True), (2, 3, 6, None), (2, 5, 13, None)),
    (DepthwiseConv(WINDOW, 2), (None, None, 6, 3), (None, None, 5, 6)),
    (DepthwiseConv(WINDOW, 2), (None, 6, None, None), (None, 2, None, None)),
    (SeparableConv(WINDOW, 5, 2), (None, None, 6, 3), (None, None, 5, 5)),
]


@pytest.mark.parametrize(("operation", "shape", "expected"), OPERATIONS)
def test_open_sizes_stay_open(operation, shape, expected):
    assert operation.output_shapes([shape]) == (expected,)


@pytest.mark.parametrize(
    ("operation", "shape", "message"),
    [
        (Conv(WINDOW, 5), (None, 6, 3), "it takes a batch axis, 2 spatial axes and channels, found shape (None, 6, 3)"),
        (
            Conv(Window((3,), (1,), (1,), "valid"), 5, channels_first=True),
            (None,),
            "it takes a batch axis, 1 spatial axis and channels, found shape (None,)",
        ),
        (Conv(WINDOW, 4, 2), (None, 6, 6, 3), "3 channels cannot be split in 2 equal groups"),
        (Conv(WINDOW, 5, 2), (None, 6, 6, 4), "5 filters cannot be split in 2 equal groups"),
        (Conv(WINDOW, 5), (None, 2, 6, 4), "a window of 3 elements does not fit in an axis of 2"),
        (
            TransposedConv(Window((2,), (1,), (1,), ((2, 2),)), 5),
            (None, 3, 1),
            "nothing is left of an axis of 3 elements, spread over 4, without its padding",
        ),
    ],
)
def test_what_does_not_fit_is_refused(operation, shape, message):
    with pytest.raises(ShapeError) as raised:
        operation.output_shapes([shape])
    assert str(raised.value) == message


def test_a_transposed_convolution_wants_its_padding_in_numbers():
    with pytest.raises(ShapeError, match="takes its padding in numbers, found 'same'"):
        TransposedConv(Window((2,), (1,), (1,), "same"), 5)


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (
            Conv(WINDOW, 1_024),
            "slides 1,024 filters, each reading all channels of a 3 × 2 window, over its input, in steps of 2 × 1",
        ),
        (
            Conv(Window((3,), (1,), (1,), "same"), 4, 2),
            "slides 4 filters, each reading the channels of one of 2 groups in a window of 3, over its input",
        ),
        (
            TransposedConv(UP, 5),
            "spreads every position over a 3 × 2 window of its output, in steps of 2 × 1, "
            "with 5 filters, each reading all channels, and adds up what overlaps",
        ),
        (
            TransposedConv(Window((3,), (1,), (1,), ((0, 0),)), 4, 2),
            "spreads every position over a window of 3 of its output, "
            "with 4 filters, each reading the channels of one of 2 groups, and adds up what overlaps",
        ),
        (
            DepthwiseConv(WINDOW),
            "slides 1 filter of its own over each channel, reading a 3 × 2 window, in steps of 2 × 1",
        ),
        (
            SeparableConv(Window((3, 3), (1, 1), (1, 1), "same"), 5, 2),
            "slides 2 filters of its own over each channel, each reading a 3 × 3 window, "
            "then mixes all channels with 5 filters",
        ),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
