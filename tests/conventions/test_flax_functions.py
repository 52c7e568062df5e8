"""Functions of a Flax network as layers, and what Flax cannot compute."""

from __future__ import annotations

import pytest

from weightwise.conventions.flax import describe
from weightwise.conventions.flax.functions import RULES, SETTINGS
from weightwise.conventions.flax.settings import FUNCTIONS
from weightwise.conventions.flax.spelling import SPELLER, SPELLINGS
from weightwise.conventions.spelling import INPUT, Block, Filled, Output, Same, Summed
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, PReLU
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack
from weightwise.ops.attention import Attention
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.cells import GruCell, LstmCell
from weightwise.ops.conv import Conv
from weightwise.ops.dense import Dense, QuantizedDense
from weightwise.ops.depthwise import DepthwiseConv
from weightwise.ops.embedding import Embedding
from weightwise.ops.functions import function_name
from weightwise.ops.merge import Concatenate, Merge
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import ShapeError
from weightwise.ops.padding import Padding
from weightwise.ops.pooling import AdaptivePooling, Pooling
from weightwise.ops.product import Product
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.reduction import Reduction
from weightwise.ops.resampling import Resampling
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Identity, Permute, Repeat, Reshape
from weightwise.ops.resizing import Resizing
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.stacked import StackedRecurrent
from weightwise.ops.taking import Slice, Split, Take
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.uncomputed import Uncomputed
from weightwise.ops.window import Window
from weightwise.ops.wrappers import TimeDistributed

IMAGES = [(None, 8, 6, 4)]
SEQUENCES = [(None, 7, 4)]


def operation(name, config=None, inputs=IMAGES):
    """Return what the table says a function computes."""
    return describe(name, config or {}, inputs).operation


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("clip", {"min_value": 0.0, "max_value": 6.0}, Activation("hard_tanh(min_value=0.0, max_value=6.0)")),
        ("gelu", {"approximate": False}, Activation("gelu")),
        ("gelu", {}, Activation("gelu_tanh")),
        ("relu", {}, Activation("relu")),
        ("identity", {}, Identity()),
        ("max_pool", {"window_shape": (2, 3)}, Pooling("max", Window((2, 3), (1, 1), (1, 1), "valid"))),
        ("mean", {"axis": (1, 2), "keepdims": True}, Reduction("mean", (1, 2), True)),
        ("reshape", {"shape": (4, -1)}, Reshape((4, -1))),
        ("transpose", {"axes": (0, 3, 1, 2)}, Permute((3, 1, 2))),
        ("concatenate", {"axis": 1}, Concatenate(1)),
        ("maximum", {}, Merge("maximum")),
        ("pad", {"pad_width": ((1, 2), (0, 0)), "mode": "edge"}, Padding(((1, 2), (0, 0)), "edge")),
        ("resize", {"shape": (4, 3), "method": "nearest"}, Resizing((4, 3), "nearest", antialias=True)),
        ("repeat_vector", {"repeats": 3}, Repeat(3)),
        ("rescale", {"scale": (2, 3), "offset": 1}, Rescaling((2.0, 3.0), 1.0)),
        ("take", {"axis": 1, "index": -1}, Take(1, -1)),
        ("slice", {"axis": 1, "start": 2}, Slice(1, 2)),
        ("split", {"axis": 1, "lengths": (3, 5)}, Split(1, (3, 5))),
        ("expand_dims", {"axis": 1}, InsertAxis(1)),
        ("squeeze", {"axis": 1}, DropAxes((1,))),
        ("swapaxes", {"axis1": 1, "axis2": 2}, Exchange((1, 2))),
        ("stack", {"axis": 1}, Stack(1)),
        ("matmul", {}, Product()),
        ("scaled_attention", {"scale": 0.5, "is_causal": True}, ScaledAttention(0.5, True)),
    ],
)
def test_a_function_is_an_operation_without_arrays(name, config, expected):
    description = describe(name, config, IMAGES)
    assert description.operation == expected
    assert description.slots == ()


@pytest.mark.parametrize("name", sorted({*SETTINGS, *FUNCTIONS} - {"identity", "gelu"}))
def test_every_function_of_values_is_an_activation(name):
    found = operation(name)
    assert isinstance(found, Activation)
    neutral = SETTINGS[name][0] if name in SETTINGS else function_name(FUNCTIONS[name])
    assert function_name(found.function) == neutral


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("transpose", {"axes": (1, 0, 2, 3)}),
        ("pad", {"pad_width": ((1, 2, 3),)}),
        ("max_pool", {"window_shape": (2, 2), "padding": ((1,), (1,))}),
        ("reshape", {"shape": ("4",)}),
    ],
)
def test_what_a_function_does_not_take_is_refused(name, config):
    with pytest.raises(ShapeError):
        describe(name, config, IMAGES)


def test_a_pooling_takes_more_axes_before_those_it_knows():
    assert isinstance(operation("avg_pool", {"window_shape": (2,)}, IMAGES), TimeDistributed)


def test_every_function_of_the_table_is_spelled_somewhere():
    assert {type(operation) for operation in (Activation("relu"), Take(1, 0), Product())} <= set(SPELLINGS)
    assert not set(RULES) & {"linen.Dense"}


PLAIN = Window((3, 3), (1, 1), (1, 1), "valid")
LSTM, GRU = LstmCell(5), GruCell(5)


@pytest.mark.parametrize(
    ("refused", "inputs", "reason"),
    [
        (Conv(PLAIN, 4, adaptation=1.0), IMAGES, "low-rank pair"),
        (DepthwiseConv(PLAIN), [], "shape of its input is not known"),
        (DepthwiseConv(PLAIN), [(None, 8, 6, None)], "channels is open"),
        (TransposedConv(Window((3, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), "wrap"), 4), IMAGES, "cut the output"),
        (Pooling("max", Window((3, 3), (1, 1), (2, 2), "valid")), IMAGES, "without gaps"),
        (AdaptivePooling("max", (3, 3)), IMAGES, "not all of one size"),
        (Resizing((4, 4), "bicubic"), IMAGES, "do not agree on bicubic"),
        (Resizing((4, 4), fit="crop"), IMAGES, "keep the proportions"),
        (Resampling(2, (16, 1), interpolation="linear", corners=True), IMAGES, "corners of a single place"),
        (Resampling(2, (9, 7)), IMAGES, "place nearest to the middle"),
        (QuantizedDense(4), IMAGES, "linen has nothing that computes"),
        (Uncomputed(Dense(4), "it is otherwise"), IMAGES, "it is otherwise"),
        (Embedding(5, 4, quantized=True), [(None, 7)], "table of bytes"),
        (EmbeddingBag(5, 4, padding=0), [(None, 7)], "bags are not all of one size"),
        (LayerNorm(centered=False), IMAGES, "takes the mean off"),
        (RMSNorm(center=True), IMAGES, "no bias"),
        (GroupNorm((1,), groups=2), IMAGES, "channels last"),
        (BatchNorm((1, 2)), IMAGES, "several axes"),
        (PReLU((1,)), [(None, None, 4)], "sizes of its input are open"),
        (Activation("sparsemax_keras"), IMAGES, "Flax has no sparsemax_keras"),
        (Recurrent(LstmCell(5, projection=3)), SEQUENCES, "projected to 3 numbers"),
        (Recurrent(GruCell(5, reset_after=False)), SEQUENCES, "other mathematics"),
        (Recurrent(LstmCell(5, activation="softmax")), SEQUENCES, "no function softmax"),
        (Bidirectional(Recurrent(LSTM), Recurrent(LSTM)), SEQUENCES, "one forwards and one backwards"),
        (StackedRecurrent((Recurrent(LSTM, True, True),), positions_first=True), SEQUENCES, "before the batch"),
        (LSTM, [(None, 4)], "states with each step"),
        (MultiHeadAttention(2, 3, 3, window=2), SEQUENCES, "window of positions"),
        (MultiHeadAttention(2, 3, 3, scores=True), SEQUENCES, "weights of its averages"),
        (Attention("additive"), SEQUENCES * 2, "scores are no products"),
        (TimeDistributed(Recurrent(LSTM)), [(None, 3, 7, 4)], "linen.RNN does not take the positions"),
    ],
)
def test_what_flax_cannot_compute_is_refused(refused, inputs, reason):
    with pytest.raises(UnsupportedError, match=reason):
        SPELLER.spelled(refused, inputs)


def test_two_biases_of_a_gru_are_summed_for_its_gates_alone():
    (step,) = SPELLER.spelled(Recurrent(GRU, True), SEQUENCES).steps
    assert step.feeds == {
        "bias": Summed("bias", "side"),
        "bias gate=h": Block("bias", "side", "input"),
        "candidate_bias": Block("bias", "side gate", "recurrent h"),
    }


def test_a_cell_without_bias_has_zeros():
    (step,) = SPELLER.spelled(Recurrent(LstmCell(5, bias=False), True), SEQUENCES).steps
    assert isinstance(step.feeds["bias"], Filled)


def test_positions_are_the_bias_of_a_sum_over_nothing():
    (step,) = SPELLER.spelled(Operand("add", (1, 7, 4)), SEQUENCES).steps
    assert step.config["einsum_str"] == "abc,bc->abc"
    assert step.feeds["kernel"].value == 1
    assert step.feeds["bias"] == Same("other", {"each_b": "last_2", "each_c": "last_1"})
    with pytest.raises(UnsupportedError, match="add it, alone"):
        SPELLER.spelled(Operand("divide", (1, 7, 4)), SEQUENCES)
    with pytest.raises(UnsupportedError, match="longer than its input"):
        SPELLER.spelled(Operand("add", (7, 4)), [(None, 1, 4)])


def test_a_place_for_the_whole_input_is_added_to_nothing():
    places, learned, joined = SPELLER.spelled(Beside(1, (1, 1, 4), True), SEQUENCES).steps
    assert (places.config["end"], learned.feeds["kernel"].value) == (1, 0)
    assert joined.inputs == (Output(1), Output(INPUT))
    with pytest.raises(UnsupportedError, match="fewer places"):
        SPELLER.spelled(Beside(1, (1, 9, 4), True), SEQUENCES)


@pytest.mark.parametrize("norm", [BatchNorm((1,)), GroupNorm((1,), groups=2)])
def test_without_a_graph_channels_are_last(norm):
    (step,) = SPELLER.spelled(norm, ()).steps
    assert "axis" not in step.config


def test_key_and_value_come_in_linens_order():
    attention = MultiHeadAttention(2, 3, 3, arguments=("query", "value", "key"))
    (step,) = SPELLER.spelled(attention, SEQUENCES * 3).steps
    assert step.inputs == (Output(INPUT, 0), Output(INPUT, 2), Output(INPUT, 1))


@pytest.mark.parametrize(
    ("operation", "rank", "layout"),
    [
        (Conv(PLAIN, 4, channels_first=True), 4, (0, 2, 3, 1)),
        (Conv(PLAIN, 4), 4, (0, 1, 2, 3)),
        (GroupNorm((1,), groups=2), 3, (0, 2, 1)),
        (Activation("relu"), 4, None),
        (Activation("softmax"), 4, (0, 1, 2, 3)),
        (Rescaling(2.0), 3, None),
        (Rescaling((1.0, 2.0)), 3, (0, 1, 2)),
        (PReLU((1,)), 3, None),
        (StackedRecurrent((Recurrent(LSTM, True, True),), positions_first=True), 3, (1, 0, 2)),
        (Dense(4), 2, (0, 1)),
    ],
)
def test_how_inputs_lie(operation, rank, layout):
    assert SPELLER.layout(operation, rank) == layout


def test_a_permutation_is_a_transposition():
    assert SPELLER.permutation((0, 2, 1)).config == {"axes": (0, 2, 1)}
    assert SPELLER.entry((None, 3)) is None
