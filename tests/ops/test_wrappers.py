"""A layer at every position: the same as at each position alone."""

from __future__ import annotations

import numpy
import pytest

from weightwise.ops.cells import LstmCell
from weightwise.ops.dense import Dense
from weightwise.ops.operation import ShapeError
from weightwise.ops.recurrent import Recurrent
from weightwise.ops.reshaping import Flatten
from weightwise.ops.wrappers import Chain, TimeDistributed


def test_every_position_is_an_example():
    generator = numpy.random.default_rng(0)
    x = generator.uniform(-1, 1, (2, 4, 3, 5))
    dense, weights = Dense(6), {"kernel": generator.uniform(-1, 1, (5, 6)), "bias": generator.uniform(-1, 1, 6)}
    (y,) = TimeDistributed(dense).forward([x], weights)
    for position in range(4):
        assert numpy.allclose(y[:, position], dense.forward([x[:, position]], weights)[0])


def test_a_sequence_may_have_no_position():
    (y,) = TimeDistributed(Dense(6, bias=False)).forward([numpy.zeros((2, 0, 5))], {"kernel": numpy.zeros((5, 6))})
    assert y.shape == (2, 0, 6)


def test_shapes_with_open_sizes():
    assert TimeDistributed(Dense(6)).output_shapes([(None, None, 5)]) == ((None, None, 6),)
    assert TimeDistributed(Flatten()).output_shapes([(None, 4, 3, 5)]) == ((None, 4, 15),)


def test_axes_are_those_of_the_layer_after_the_position():
    assert TimeDistributed(Flatten()).tensor_axes([("position", "h", "w", "c")]) == ("position", "h w c")
    assert TimeDistributed(Flatten()).tensor_axes([None]) is None
    assert TimeDistributed(Recurrent(LstmCell(5), sequences=True)).tensor_axes([None]) is None
    assert TimeDistributed(Dense(6)).input_axis == "in"


@pytest.mark.parametrize(
    ("operation", "shape", "message"),
    [
        (TimeDistributed(Dense(6)), (None, 5), "needs a batch and a position axis, found shape"),
        (TimeDistributed(Recurrent(LstmCell(5), states=True)), (None, 4, 3, 5), "returns one output, found 3"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shape, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes([shape])


def test_the_sentence_is_that_of_the_layer():
    assert TimeDistributed(Flatten()).sentence() == (
        "does the same at every position of its sequence: it lays all values of one example in a single row"
    )


def test_a_chain_is_one_operation_after_the_other():
    generator = numpy.random.default_rng(0)
    x, first, second = (generator.uniform(-1, 1, shape) for shape in ((2, 4, 3), (12, 5), (5, 6)))
    chain = Chain((Flatten(), Dense(5, bias=False), Dense(6, bias=False)))
    assert chain.roles() == {"1/kernel": "in out", "2/kernel": "in out"}
    assert chain.output_shapes([(None, 4, 3)]) == ((None, 6),)
    assert numpy.allclose(
        chain.forward([x], {"1/kernel": first, "2/kernel": second})[0], x.reshape(2, 12) @ first @ second
    )
    assert Chain((Flatten(), Flatten())).tensor_axes([("h", "w", "c")]) == ("h w c",)
    assert Chain((Flatten(), Dense(1))).sentence() == (f"{Flatten().sentence()}, then {Dense(1).sentence()}")
