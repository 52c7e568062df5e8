"""Which layer of one model is which of another: by what they hold, by their names, and by their order."""

from __future__ import annotations

from dataclasses import replace

import numpy

from tests.answers.models import chain, counting
from weightwise.answers.counterparts import in_layout_of, layers_matched
from weightwise.answers.tracing import Value
from weightwise.model import Layer
from weightwise.naming.signals import UNKNOWN, Signal


def dense(name: str, values: numpy.ndarray) -> Layer:
    """Return a Dense layer of this kernel."""
    units = values.shape[1]
    model = chain((values.shape[0],), (name, "Dense", {"units": units, "use_bias": False}, {"0": values}))
    return model.layers[0]


def test_layers_that_hold_the_same_are_found_in_any_order_and_arrangement():
    one, two, three = counting(3, 4), counting(3, 4) * 2, counting(3, 4) * 3
    ours = [dense("a", one), dense("b", two), dense("c", three)]
    theirs = [dense("x", three[::-1]), dense("y", two), dense("z", one)]
    assert layers_matched(ours, theirs) == [(0, 2), (1, 1), (2, 0)]


def test_layers_that_hold_something_else_are_found_by_their_names_and_then_in_order():
    ours = [dense("block.one", counting(3, 4)), dense("two", counting(3, 4) * 2), dense("three", counting(3, 4) * 3)]
    theirs = [dense("x", counting(3, 4) * 5), dense("block/one", counting(3, 4) * 6), dense("y", counting(3, 4) * 7)]
    assert layers_matched(ours, theirs) == [(0, 1), (1, 0), (2, 2)]


def test_layers_of_other_sizes_are_never_matched():
    ours = [dense("a", counting(3, 4)), dense("b", counting(4, 5))]
    assert layers_matched(ours, [dense("a", counting(3, 7)), dense("c", counting(5, 4))]) == [(1, 1)]


def test_a_tensor_is_brought_to_the_axes_of_another_by_their_names():
    images = counting(2, 3, 5, 4)
    last = Value(images, Signal(images.shape, ("h", "w", "c")))
    first = Value(images.transpose(0, 3, 1, 2), Signal((2, 4, 3, 5), ("c", "h", "w")))
    numpy.testing.assert_array_equal(in_layout_of(last, first), images)
    sizes = {"h": 3, "w": 5, "c": 4}
    flat = replace(last, array=images.reshape(2, 60), signal=Signal((2, 60), ("h w c",), sizes))
    other = replace(first, array=first.array.reshape(2, 60), signal=Signal((2, 60), ("c h w",), sizes))
    numpy.testing.assert_array_equal(in_layout_of(flat, other), flat.array)


def test_a_tensor_without_names_is_brought_there_by_its_layout_or_not_at_all():
    images = counting(2, 3, 5, 4)
    last, first = Value(images, UNKNOWN), Value(images.transpose(0, 3, 1, 2), UNKNOWN)
    numpy.testing.assert_array_equal(in_layout_of(last, first, (0, 3, 1, 2)), images)
    assert in_layout_of(last, first) is None
    assert in_layout_of(last, last) is images
