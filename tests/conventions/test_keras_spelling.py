"""Which layers of Keras compute an operation, and what Keras cannot have."""

from __future__ import annotations

import pytest

from weightwise.conventions.keras.spelling import SPELLER
from weightwise.conventions.spelling import Laid, Summed
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, PReLU
from weightwise.ops.cells import GruCell, LstmCell
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv
from weightwise.ops.norm import BatchNorm
from weightwise.ops.operand import Operand
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.pooling import AdaptivePooling, Pooling
from weightwise.ops.recurrent import Recurrent
from weightwise.ops.stacked import StackedRecurrent
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

IMAGE = [(None, 20, 16, 8)]


def window(size, strides, padding, dilation=1, **options):
    """Return a square window."""
    return Window((size,) * 2, (strides,) * 2, (dilation,) * 2, padding, **options)


def classes(operation, inputs=IMAGE):
    """Return the classes that compute an operation, without their modules."""
    return [step.class_name.rpartition(".")[2] for step in SPELLER.spelled(operation, inputs).steps]


def test_padding_in_numbers_is_same_only_where_it_is_so_for_every_size():
    assert SPELLER.spelled(Conv(window(3, 1, ((1, 1), (1, 1))), 4), IMAGE).steps[0].config["padding"] == "same"
    assert classes(Conv(window(3, 2, ((1, 1), (1, 1))), 4)) == ["ZeroPadding2D", "Conv2D"]
    assert classes(Conv(window(3, 1, ((2, 0), (1, 1))), 4)) == ["ZeroPadding2D", "Conv2D"]
    assert classes(Conv(window(4, 1, ((1, 2), (1, 2))), 4)) == ["Conv2D"]


def test_a_convolution_with_a_group_for_each_channel_is_depthwise():
    assert classes(Conv(window(3, 1, "valid"), 16, 8)) == ["DepthwiseConv2D"]
    assert classes(Conv(window(3, 1, "valid"), 16, 4)) == ["Conv2D"]
    assert classes(Conv(window(3, 1, "valid"), 16, 8), ()) == ["Conv2D"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], "DepthwiseConv2D"),
        ([Conv(window(3, 1, "valid"), 16)], "DepthwiseConv2D"),
        ([Conv(window(3, 1, "valid"), 16, 8)], "Conv2D"),
        ([Conv(window(3, 1, "valid"), 16, 4), DepthwiseConv(window(3, 1, "valid"))], "DepthwiseConv2D"),
    ],
)
def test_a_target_with_groups_and_no_depthwise_convolution_keeps_them(others, expected):
    (step,) = SPELLER.like(others).spelled(Conv(window(3, 1, "valid"), 16, 8), IMAGE).steps
    assert step.class_name == expected


@pytest.mark.parametrize(
    ("operation", "others", "expected"),
    [
        (Operand("multiply", (8,)), [], "EinsumDense"),
        (Operand("multiply", (8,)), [Operand("multiply", (4,))], "LayerScale"),
        (Operand("multiply", (16, 8)), [Operand("multiply", (4,))], "EinsumDense"),
        (Operand("add", (8,)), [Operand("multiply", (4,))], "EinsumDense"),
    ],
)
def test_a_target_with_scales_keeps_them(operation, others, expected):
    steps = SPELLER.like(others).spelled(operation, IMAGE).steps
    assert expected in [step.class_name.rpartition(".")[2] for step in steps]


def test_edges_that_are_more_of_the_input_are_slices_beside_it():
    mirrored = Conv(window(3, 1, ((1, 1), (1, 1)), beyond="reflect"), 4)
    around = Conv(window(3, 1, ((1, 1), (0, 0)), beyond="wrap"), 4)
    assert classes(mirrored) == ["Pad", "Conv2D"]
    assert classes(around) == ["GetItem", "GetItem", "Concatenate", "Conv2D"]


def test_the_padding_of_a_maximum_is_the_least_number():
    (padding, _) = SPELLER.spelled(Pooling("max", window(3, 2, ((1, 1), (1, 1)))), IMAGE).steps
    assert padding.arguments["constant_values"] < -3e38


def test_an_average_that_does_not_count_its_padding_is_divided_by_that_of_ones():
    average = Pooling("average", window(3, 2, ((1, 1), (1, 1))))
    assert classes(average)[-1] == "TrueDivide"
    assert classes(Pooling("average", window(3, 2, ((1, 1), (1, 1))), padding_counts=True)) == [
        "ZeroPadding2D",
        "AveragePooling2D",
    ]


def test_adaptive_pooling_is_the_plainest_layer_that_does_it():
    assert classes(AdaptivePooling("average", (1, 1))) == ["GlobalAveragePooling2D"]
    assert classes(AdaptivePooling("average", (5, 4))) == ["AveragePooling2D"]
    assert classes(AdaptivePooling("average", (3, 4))) == ["AdaptiveAveragePooling2D"]


def test_what_a_transposed_convolution_cuts_off_is_cropped():
    assert classes(TransposedConv(window(4, 2, ((1, 1), (1, 1))), 4)) == ["Conv2DTranspose"]
    assert classes(TransposedConv(window(3, 2, ((1, 0), (1, 0))), 4)) == ["Conv2DTranspose", "Cropping2D"]


def test_biases_are_summed_or_laid_where_keras_has_them():
    lstm = SPELLER.spelled(Recurrent(LstmCell(5, two_biases=True)), [(None, 4, 3)]).steps[0]
    assert lstm.feeds["bias"] == Summed("bias", "side")
    gru = SPELLER.spelled(Recurrent(GruCell(5, recurrent_bias="candidate")), [(None, 4, 3)]).steps[0]
    assert gru.feeds["bias"] == Laid({"bias": "side=input", "candidate_bias": "side=recurrent gate=h"})


def test_the_states_of_all_layers_lie_apart():
    level = Recurrent(LstmCell(5, two_biases=True), sequences=True, states=True)
    spelled = SPELLER.spelled(StackedRecurrent((level, level)), [(None, 4, 3)])
    assert [step.class_name for step in spelled.steps] == ["LSTM", "LSTM"]
    assert {index: [part.index for part in parts] for index, parts in spelled.apart.items()} == {1: [1, 1], 2: [2, 2]}


def test_the_batch_comes_first():
    assert SPELLER.layout(StackedRecurrent((Recurrent(LstmCell(5)),), positions_first=True), 3) == (1, 0, 2)
    assert SPELLER.layout(Conv(window(3, 1, "valid"), 4, channels_first=True), 4) == (0, 2, 3, 1)
    assert SPELLER.layout(BatchNorm((1,)), 4) is None
    assert SPELLER.permutation((0, 2, 1)).config == {"dims": [2, 1]}


def test_an_activation_is_a_setting_where_keras_knows_it_by_name():
    assert classes(Conv(window(1, 1, "valid"), 4, activation="gelu")) == ["Conv2D"]
    assert classes(Conv(window(1, 1, "valid"), 4, activation="gelu_tanh")) == ["Conv2D", "Gelu"]
    assert classes(Activation("hard_sigmoid_5")) == ["Rescaling", "ReLU"]
    assert SPELLER.spelled(PReLU((3,)), IMAGE).steps[0].config["shared_axes"] == [1, 2]


@pytest.mark.parametrize(
    ("operation", "inputs", "reason"),
    [
        (Conv(window(3, 2, "valid", 2), 4), IMAGE, "both strides and dilation"),
        (Pooling("max", window(3, 2, "valid", 2)), IMAGE, "dilated window"),
        (Pooling("max", window(3, 2, "valid", ceil=True)), [(None, None, None, 8)], "is open"),
        (TransposedConv(window(3, 1, ((0, 0), (0, 0))), 4, 2), IMAGE, "in groups"),
        (BatchNorm(tracked=False), IMAGE, "statistics of the batch"),
        (Recurrent(LstmCell(5, projection=3)), [(None, 4, 3)], "projects"),
        (PackedAttention(3, 4, 4, zero=True), [(None, 6, 12)] * 3, "zeros"),
        (Activation("unheard"), IMAGE, "no activation unheard"),
    ],
)
def test_what_keras_has_nothing_for_is_refused(operation, inputs, reason):
    with pytest.raises(UnsupportedError, match=reason):
        SPELLER.spelled(operation, inputs)
