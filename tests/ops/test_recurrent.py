"""Recurrent operations: what their definition demands, whatever a framework computes."""

from __future__ import annotations

import numpy
import pytest

from weightwise.ops.cells import GruCell, LstmCell, MinimalCell, SimpleCell, StackedCells, prefixed, within
from weightwise.ops.conv_cell import ConvLstmCell
from weightwise.ops.operation import ShapeError
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.window import Window

IMAGES = ConvLstmCell(Window((3, 2), (1, 1), (1, 1), "valid"), 4)
SHAPES = {
    SimpleCell: {"kernel": (3, 5), "recurrent_kernel": (5, 5), "bias": (5,)},
    LstmCell: {"kernel": (3, 4, 5), "recurrent_kernel": (5, 4, 5), "bias": (4, 5)},
    GruCell: {"kernel": (3, 3, 5), "recurrent_kernel": (5, 3, 5), "bias": (2, 3, 5)},
}
"""By kind of cell, for 3 inputs and 5 units."""

each_cell = pytest.mark.parametrize("cell", [SimpleCell(5), LstmCell(5), GruCell(5)], ids=lambda cell: cell.phrase())


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape)


def weights_of(cell, seed=0):
    return {role: values(*shape, seed=seed + len(role)) for role, shape in SHAPES[type(cell)].items()}


def test_an_open_forget_gate_and_a_closed_input_gate_keep_the_memory():
    cell = LstmCell(2)
    bias = numpy.array([[-99.0, -99], [99, 99], [3, -3], [99, 99]])
    weights = {"kernel": numpy.zeros((1, 4, 2)), "recurrent_kernel": numpy.zeros((2, 4, 2)), "bias": bias}
    memory = numpy.array([[0.5, -2.0]])
    output, (h, c) = cell.step(numpy.ones((1, 1)), (numpy.ones((1, 2)), memory), weights)
    assert numpy.allclose(c, memory)
    assert numpy.allclose(output, numpy.tanh(memory))
    assert numpy.array_equal(output, h)


@pytest.mark.parametrize(("update", "expected"), [(99.0, 0.25), (-99.0, numpy.tanh(3))])
def test_the_update_gate_of_a_gru_keeps_the_state_or_replaces_it(update, expected):
    bias = numpy.array([[[update], [0], [3]], [[0], [0], [0]]])
    weights = {"kernel": numpy.zeros((1, 3, 1)), "recurrent_kernel": numpy.zeros((1, 3, 1)), "bias": bias}
    output, _ = GruCell(1).step(numpy.ones((1, 1)), (numpy.full((1, 1), 0.25),), weights)
    assert numpy.allclose(output, expected)


def test_a_gru_that_resets_after_the_product_keeps_its_recurrent_bias_out_of_the_candidate():
    bias = numpy.array([[[-99.0], [-99], [0]], [[0], [0], [7]]])
    weights = {"kernel": numpy.zeros((1, 3, 1)), "recurrent_kernel": numpy.ones((1, 3, 1)), "bias": bias}
    output, _ = GruCell(1).step(numpy.ones((1, 1)), (numpy.ones((1, 1)),), weights)
    assert numpy.allclose(output, 0)


@each_cell
def test_a_sequence_in_two_pieces_ends_as_in_one(cell):
    x, weights = values(2, 6, 3), weights_of(cell)
    layer = Recurrent(cell, sequences=True, states=True)
    whole, *states = layer.forward([x], weights)
    first, *between = layer.forward([x[:, :2]], weights)
    second, *last = layer.forward([x[:, 2:], *between], weights)
    assert numpy.allclose(whole, numpy.concatenate([first, second], 1))
    assert all(map(numpy.allclose, states, last))


@each_cell
def test_backwards_is_forwards_on_the_reversed_sequence(cell):
    x, weights = values(2, 6, 3), weights_of(cell)
    backwards = Recurrent(cell, sequences=True, backwards=True).forward([x], weights)[0]
    assert numpy.array_equal(backwards, Recurrent(cell, sequences=True).forward([x[:, ::-1]], weights)[0])


@each_cell
def test_the_last_output_is_the_last_of_all_outputs(cell):
    x, weights = values(2, 6, 3), weights_of(cell)
    (last,) = Recurrent(cell).forward([x], weights)
    assert numpy.array_equal(last, Recurrent(cell, sequences=True).forward([x], weights)[0][:, -1])


def test_stacked_cells_are_one_layer_after_the_other():
    below, above = LstmCell(5), GruCell(5, bias=False)
    lower = weights_of(below)
    upper = {"kernel": values(5, 3, 5), "recurrent_kernel": values(5, 3, 5, seed=1)}
    both = {f"0/{role}": array for role, array in lower.items()} | {f"1/{role}": array for role, array in upper.items()}
    x = values(2, 6, 3)
    (middle,) = Recurrent(below, sequences=True).forward([x], lower)
    stack = StackedCells((below, above))
    assert list(stack.roles()) == list(both)
    assert numpy.allclose(Recurrent(stack).forward([x], both)[0], Recurrent(above).forward([middle], upper)[0])


def test_both_directions_meet_at_each_position():
    cell, x = GruCell(5), values(2, 6, 3)
    onward, backward = weights_of(cell), weights_of(cell, seed=50)
    layer = Bidirectional(Recurrent(cell, sequences=True), Recurrent(cell, sequences=True, backwards=True))
    weights = {f"forward/{role}": array for role, array in onward.items()}
    weights |= {f"backward/{role}": array for role, array in backward.items()}
    (both,) = layer.forward([x], weights)
    assert numpy.allclose(both[:, :1, :5], Recurrent(cell, sequences=True).forward([x[:, :1]], onward)[0])
    assert numpy.allclose(both[:, -1:, 5:], Recurrent(cell, sequences=True).forward([x[:, -1:]], backward)[0])


def test_roles_of_a_part_are_told_apart_by_its_name():
    weights = {"forward/kernel": numpy.zeros(1), "forward_2/kernel": numpy.ones(1)}
    assert prefixed("forward", {"kernel": "in out"}) == {"forward/kernel": "in out"}
    assert list(within(weights, "forward")) == ["kernel"]


@pytest.mark.parametrize(
    ("operation", "inputs", "outputs"),
    [
        (Recurrent(LstmCell(5)), [(None, None, 3)], [(None, 5)]),
        (Recurrent(LstmCell(5), sequences=True), [(None, None, 3)], [(None, None, 5)]),
        (Recurrent(LstmCell(5), states=True), [(None, 7, None)], [(None, 5)] * 3),
        (Recurrent(GruCell(5), sequences=True, states=True), [(2, None, 3), (2, 5)], [(2, None, 5), (2, 5)]),
        (
            Recurrent(StackedCells((GruCell(2), LstmCell(4))), states=True),
            [(2, 3, 3)],
            [(2, 4), (2, 2), (2, 4), (2, 4)],
        ),
        (Recurrent(IMAGES, sequences=True), [(None, None, 5, None, 3)], [(None, None, 3, None, 4)]),
        (LstmCell(5), [(None, 3), (None, 5), (None, 5)], [(None, 5)] * 3),
        (Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(4))), [(None, None, 3)], [(None, 9)]),
        (Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(4)), "none"), [(None, 2, 3)], [(None, 5), (None, 4)]),
    ],
)
def test_shapes_with_open_sizes(operation, inputs, outputs):
    assert operation.output_shapes(inputs) == tuple(outputs)


@pytest.mark.parametrize(
    ("operation", "inputs", "message"),
    [
        (Recurrent(LstmCell(5)), [(None, 3)], "a recurrent layer needs a batch, a position and an input axis"),
        (Recurrent(LstmCell(5)), [(None, 3, 4, 5)], "an LSTM of 5 units reads one row of numbers per step"),
        (Recurrent(LstmCell(5)), [(None, 2, 3), (None, 5)], "an LSTM of 5 units begins with 2 states, found 1"),
        (Recurrent(IMAGES), [(None, 2, 3)], "reads 3 axes per step, found a step of shape"),
        (LstmCell(5), [(None, 3)], "an LSTM of 5 units takes its input and 2 states, found 1 inputs"),
        (
            Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(4)), "sum"),
            [(None, 2, 3)],
            r"outputs of shapes \(None, 5\) and \(None, 4\) cannot be merged by 'sum'",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(operation, inputs, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes(inputs)


def test_a_sequence_without_positions_is_refused():
    with pytest.raises(ShapeError, match="a sequence of one position at least"):
        Recurrent(SimpleCell(5)).forward([values(2, 0, 3)], weights_of(SimpleCell(5)))


def test_directions_that_do_not_belong_together_are_refused():
    with pytest.raises(ShapeError, match="do not return the same things"):
        Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(5), states=True))
    with pytest.raises(ShapeError, match="cannot be merged by 'maximum'; known are concat, sum, mul, average, none"):
        Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(5)), "maximum")


def test_axes_tell_positions_from_features():
    assert Recurrent(GruCell(5)).tensor_axes([None]) == ("c",)
    assert Recurrent(GruCell(5), sequences=True).tensor_axes([None]) == ("position", "c")
    assert Recurrent(IMAGES, sequences=True).tensor_axes([None]) == ("position", "h", "w", "c")
    both = Bidirectional(Recurrent(GruCell(5), sequences=True), Recurrent(GruCell(5), sequences=True))
    assert both.tensor_axes([None]) == ("position", "c")


def test_only_the_first_of_stacked_cells_reads_the_input():
    stack = Recurrent(StackedCells((GruCell(5), GruCell(5))))
    assert stack.input_axis == ""
    assert Recurrent(GruCell(5)).input_axis == "in"
    assert Bidirectional(Recurrent(GruCell(5)), Recurrent(LstmCell(5))).input_axis == "in"
    assert Bidirectional(Recurrent(GruCell(5)), stack).input_axis == ""


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (LstmCell(1), "takes one step of a sequence through an LSTM of 1 unit"),
        (
            Recurrent(SimpleCell(1000)),
            "leads its sequence through a simple recurrent cell of 1,000 units and returns its last output",
        ),
        (
            Recurrent(GruCell(5), sequences=True, states=True, backwards=True),
            "leads its sequence, the last position first, through a GRU of 5 units and returns its output at every "
            "position and its final states",
        ),
        (
            Recurrent(IMAGES),
            "leads its sequence through a convolutional LSTM of 4 filters over a 3 × 2 window and returns its "
            "last output",
        ),
        (
            Recurrent(StackedCells((LstmCell(3), GruCell(5)))),
            "leads its sequence through an LSTM of 3 units, then a GRU of 5 units and returns its last output",
        ),
        (
            Bidirectional(Recurrent(GruCell(5)), Recurrent(GruCell(5)), "average"),
            "leads its sequence through a GRU of 5 units in both directions and averages their outputs at their ends",
        ),
        (
            Bidirectional(Recurrent(GruCell(5), sequences=True), Recurrent(LstmCell(5), sequences=True)),
            "leads its sequence through a GRU of 5 units and an LSTM of 5 units in both directions and puts their "
            "outputs side by side at every position",
        ),
    ],
)
def test_sentences(operation, sentence):
    assert operation.sentence() == sentence


def test_a_minimal_cell_forgets_and_resets_by_one_gate():
    cell = MinimalCell(4)
    assert cell.roles() == {
        "kernel": "in gate[f h] units",
        "recurrent_kernel": "units' gate[f h] units",
        "bias": "gate[f h] units",
        "candidate_bias": "units",
    }
    assert cell.phrase() == "a minimal gated unit of 4 units"
    assert "candidate_bias" not in MinimalCell(4, reset=False).roles()
    assert list(MinimalCell(4, bias=False).roles()) == ["kernel", "recurrent_kernel"]


def test_a_gru_may_have_fewer_biases_on_the_side_of_the_state():
    assert GruCell(4, recurrent_bias="candidate").roles()["candidate_bias"] == "units"
    assert GruCell(4, recurrent_bias="none").roles()["bias"] == "gate[z r h] units"
    assert "candidate_bias" not in GruCell(4, reset_after=False, recurrent_bias="candidate").roles()


def test_outputs_of_a_backward_layer_may_keep_the_order_of_the_sequence():
    x = numpy.arange(6.0).reshape(1, 3, 2) / 6
    weights = {"kernel": numpy.eye(2), "recurrent_kernel": numpy.eye(2)}
    turned, kept = (
        Recurrent(SimpleCell(2, bias=False), True, backwards=True, keeps_order=keeps).forward([x], weights)[0]
        for keeps in (False, True)
    )
    assert numpy.array_equal(turned[:, ::-1], kept)
    assert not numpy.array_equal(turned, kept)
