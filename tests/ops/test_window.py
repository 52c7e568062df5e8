"""The arithmetic of windows, against their definition: a window begins at every stride where it still fits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightwise.ops.operation import ShapeError
from weightwise.ops.window import Window

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SMALL = st.integers(1, 4)


def one_axis(size, stride=1, dilation=1, padding="valid"):
    return Window((size,), (stride,), (dilation,), padding)


def begins(window, size):
    """Where a window begins along an axis of `size` elements, counted from the first of them."""
    before, after = window.around(0, size)
    return range(-before, size + after - window.extent(0) + 1, window.strides[0])


@given(SMALL, SMALL, SMALL, st.integers(1, 12), st.integers(0, 3), st.integers(0, 3))
def test_a_window_has_as_many_positions_as_it_fits_in(size, stride, dilation, length, before, after):
    window = one_axis(size, stride, dilation, ((before, after),))
    expected = len(begins(window, length))
    if expected:
        assert window.output_size(0, length) == expected
    else:
        with pytest.raises(ShapeError, match=f"a window of {window.extent(0)} elements does not fit"):
            window.output_size(0, length)


@given(SMALL, SMALL, SMALL, st.integers(1, 12))
def test_same_padding_gives_one_position_for_each_stride_that_begins_in_the_axis(size, stride, dilation, length):
    window = one_axis(size, stride, dilation, "same")
    before, after = window.around(0, length)
    assert window.output_size(0, length) == len(range(0, length, stride)) == len(begins(window, length))
    assert after - before in (0, 1)


@given(SMALL, SMALL, SMALL, st.integers(1, 12))
def test_causal_padding_lets_a_window_end_at_the_element_of_its_position(size, stride, dilation, length):
    window = one_axis(size, stride, dilation, "causal")
    ends = [begin + window.extent(0) - 1 for begin in begins(window, length)]
    assert ends == list(range(0, length, stride))
    assert window.output_size(0, length) == len(ends)


@given(SMALL, SMALL, SMALL, st.sampled_from(["valid", "same", "causal", ((2, 1),)]))
def test_the_slices_meet_what_each_element_of_the_window_lies_on(size, stride, dilation, padding):
    window, x = one_axis(size, stride, dilation, padding), np.arange(1.0, 14.0)
    positions = window.positions(x[None, :, None])
    padded = window.padded(x[None, :, None])[0, :, 0]
    met = {element: padded[slices[0]].tolist() for (element,), slices in window.slices(positions)}
    values = dict(enumerate(x.tolist()))
    assert met == {
        element: [values.get(begin + element * dilation, 0.0) for begin in begins(window, len(x))]
        for element in range(size)
    }


def test_the_elements_of_a_window_come_with_the_last_axis_fastest():
    window = Window((2, 3), (1, 1), (1, 2), "valid")
    elements = [element for element, _ in window.slices((1, 1))]
    assert elements == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_an_open_size_stays_open():
    assert Window((2, 3), (2, 1), (1, 1), "valid").output_sizes((None, 7)) == (None, 5)
    assert Window((2, 3), (2, 1), (1, 1), "same").output_sizes((5, None)) == (3, None)


def test_padding_is_filled_with_what_is_wanted():
    padded = Window((2, 2), (1, 1), (1, 1), ((1, 0), (0, 2))).padded(np.zeros((1, 1, 1, 1)), -np.inf)
    assert np.isneginf(padded).tolist() == [[[[True], [True], [True]], [[False], [True], [True]]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2, 0), (1, 1), (1, 1), "valid"), "a window's size must be 1 or more, found 2 × 0"),
        (((2, 2), (0, 1), (1, 1), "valid"), "a window's strides must be 1 or more, found 0 × 1"),
        (((2, 2), (1, 1), (1, -1), "valid"), "a window's dilation must be 1 or more, found 1 × -1"),
        (((2, 2), (1, 1), (1, 1), "full"), "a window's padding must be valid, same or causal, found 'full'"),
    ],
)
def test_what_is_no_window_is_refused(arguments, message):
    with pytest.raises(ShapeError) as raised:
        Window(*arguments)
    assert str(raised.value) == message


def test_how_a_window_moves_is_said_where_there_is_something_to_say():
    assert Window((3, 2), (1, 1), (1, 1), "same").manner() == ""
    assert Window((3, 2), (2, 1), (1, 1), "same").manner() == ", in steps of 2 × 1"
    assert Window((3, 2), (1, 1), (2, 3), "same").manner() == ", its elements 2 × 3 apart"
    assert Window((3, 2), (1, 1), (1, 1), "same").noun() == "3 × 2 window"
    assert one_axis(3).noun() == "window of 3"
