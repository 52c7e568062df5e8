from __future__ import annotations

import numpy
import pytest

from weightwise.ops.contraction import Contraction
from weightwise.ops.operation import ShapeError


def test_one_axis_in_and_out_is_a_dense_layer():
    layer = Contraction((5,))
    assert layer.roles() == {"kernel": "in out", "bias": "out"}
    assert layer.sizes([(None, 4, 3)]) == {"in": 3, "out": 5}
    assert layer.output_shapes([(None, 4, 3)]) == ((None, 4, 5),)
    assert layer.input_axis == "in"
    assert layer.sentence() == "computes 5 weighted sums of all its inputs"


def test_several_axes_have_numbers_and_stand_in_ascending_order():
    layer = Contraction((6, 7), axes=(-1, 1), bias=False)
    assert layer.roles() == {"kernel": "in_1 in_2 out_1 out_2"}
    assert layer.sizes([(None, 4, 5, 3)]) == {"in_1": 4, "in_2": 3, "out_1": 6, "out_2": 7}
    assert layer.output_shapes([(None, 4, 5, 3)]) == ((None, 5, 6, 7),)
    assert layer.input_axis == ""
    assert layer.sentence() == "computes 6 × 7 weighted sums of its inputs along 2 axes"


def test_leading_axes_can_have_weights_of_their_own():
    layer = Contraction((2,), each=2)
    assert layer.roles() == {"kernel": "each_1 each_2 in out", "bias": "each_1 each_2 out"}
    x, kernel, bias = numpy.ones((2, 3, 4)), numpy.ones((2, 3, 4, 2)), numpy.arange(12.0).reshape(2, 3, 2)
    (y,) = layer.forward([x], {"kernel": kernel, "bias": bias})
    assert (y == 4 + bias).all()


def test_the_sizes_of_an_unknown_input_are_open():
    assert Contraction((5,)).sizes([]) == {"out": 5}
    assert Contraction((5,)).sizes([(None, None)]) == {"out": 5}


def test_the_outputs_of_the_last_axis_are_channels():
    assert Contraction((5,)).tensor_axes([("h", "w", "c")]) == ("h", "w", "c")
    assert Contraction((5, 6)).tensor_axes([("h", "w", "c")]) is None
    assert Contraction((5,), axes=(1,)).tensor_axes([("h", "w", "c")]) is None
    assert Contraction((5,)).tensor_axes([None]) is None
    assert Contraction((5,)).tensor_axes([("c", "w", "h")]) is None


@pytest.mark.parametrize(("axes", "each"), [((3,), 0), ((1, -2), 0), ((0,), 1)])
def test_axes_that_the_input_does_not_have_are_refused(axes, each):
    with pytest.raises(ShapeError):
        Contraction((5,), axes, each).output_shapes([(2, 3, 4)])
