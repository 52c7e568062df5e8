"""Layers inside layers: what Keras's older files leave out, and what is refused because it cannot be computed."""

from __future__ import annotations

import pytest

from weightwise.conventions.keras import describe
from weightwise.ops.operation import ShapeError

SEQUENCE = [(None, 4, 3)]
LSTM = {
    "name": "lstm",
    "units": 5,
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "go_backwards": False,
}
WRAPPED = {"class_name": "LSTM", "config": LSTM}


def test_without_a_backward_layer_it_is_the_forward_one_turned():
    named = {"class_name": "LSTM", "config": {**LSTM, "name": "forward_lstm"}}
    turned = {"class_name": "LSTM", "config": {**LSTM, "name": "backward_lstm", "go_backwards": True}}
    short = describe("Bidirectional", {"layer": WRAPPED, "merge_mode": "concat"}, SEQUENCE)
    full = describe("Bidirectional", {"layer": named, "backward_layer": turned, "merge_mode": "concat"}, SEQUENCE)
    assert short == full
    assert [slot.name for slot in short.slots][::3] == ["forward_lstm/kernel", "backward_lstm/kernel"]


def test_cells_of_one_class_are_numbered():
    cell = {"class_name": "LSTMCell", "config": LSTM}
    other = {"class_name": "SimpleRNNCell", "config": LSTM}
    stack = {"class_name": "StackedRNNCells", "config": {"cells": [cell, other, cell]}}
    description = describe("RNN", {"cell": stack}, SEQUENCE)
    assert [(slot.key, slot.name, slot.role) for slot in description.slots][::3] == [
        ("cell/cells/lstm_cell/0", "lstm_cell/kernel", "0/kernel"),
        ("cell/cells/simple_rnn_cell/0", "simple_rnn_cell/kernel", "1/kernel"),
        ("cell/cells/lstm_cell_1/0", "lstm_cell_1/kernel", "2/kernel"),
    ]
    assert [slot.sizes["in"] for slot in description.slots][::3] == [3, 5, 5]


def test_without_input_shapes_the_units_are_known_all_the_same():
    description = describe("LSTM", LSTM, ())
    assert [dict(slot.sizes) for slot in description.slots] == [{"units": 5}] * 3


def test_a_layer_that_is_not_trained_trains_none_of_its_parts():
    assert not any(slot.trainable for slot in describe("LSTM", {**LSTM, "trainable": False}, SEQUENCE).slots)


def test_an_unknown_cell_leaves_the_layer_unknown():
    description = describe("RNN", {"cell": {"class_name": "MinimalCell", "config": {}}}, SEQUENCE)
    assert description.operation is None
    assert description.note == "it contains a MinimalCell, a class that weightwise does not know"


def test_the_note_of_an_unknown_part_reaches_the_outermost_layer():
    inner = {"class_name": "RNN", "config": {"cell": {"class_name": "MinimalCell", "config": {}}}}
    description = describe("TimeDistributed", {"layer": inner}, [(None, 2, 4, 3)])
    assert description.note == "it contains a MinimalCell, a class that weightwise does not know"


def test_attention_has_two_names():
    config = {"num_query_heads": 4, "num_key_value_heads": 2, "head_dim": 3}
    shapes = [(None, 3, 5), (None, 4, 5)]
    assert describe("GroupedQueryAttention", config, shapes) == describe("GroupQueryAttention", config, shapes)


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("LSTM", {**LSTM, "mask": "a tensor"}, "its mask is set"),
        ("LSTM", {**LSTM, "time_major": True}, "its time_major is set"),
        ("RNN", {"cell": {"class_name": "LSTMCell", "config": LSTM}, "num_constants": 1}, "its num_constants is set"),
        ("Bidirectional", {"layer": WRAPPED, "merge_mode": "sum", "mask": "a tensor"}, "its mask is set"),
        ("TimeDistributed", {"layer": WRAPPED, "mask": "a tensor"}, "its mask is set"),
        ("Attention", {"use_scale": False, "mask": ["a tensor"]}, "its mask is set"),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3, "value_dim": 3, "value_mask": "a tensor"},
            "its value_mask",
        ),
        ("RNN", {"cell": WRAPPED}, "it contains a Recurrent, which is no recurrent cell"),
        (
            "Bidirectional",
            {"layer": {"class_name": "Dense", "config": {"units": 3}}, "merge_mode": "sum"},
            "it contains a Dense, which is no recurrent layer",
        ),
        ("Bidirectional", {"layer": WRAPPED, "merge_mode": "max"}, "cannot be merged by 'max'"),
    ],
)
def test_what_cannot_be_computed_is_refused(class_name, config, message):
    with pytest.raises(ShapeError, match=message):
        describe(class_name, config, SEQUENCE)


def test_a_configuration_without_its_gates_function_is_refused():
    with pytest.raises(KeyError, match="recurrent_activation"):
        describe("LSTM", {key: value for key, value in LSTM.items() if key != "recurrent_activation"}, SEQUENCE)


def test_older_files_have_private_names_for_projections():
    config = {"num_heads": 2, "key_dim": 3, "value_dim": 3, "use_gate": True}
    slots = describe("MultiHeadAttention", config, [(None, 4, 5), (None, 4, 6)]).slots
    assert [(slot.key, slot.former) for slot in slots][::2] == [
        ("query_dense/0", "_query_dense/0"),
        ("key_dense/0", "_key_dense/0"),
        ("_gate_dense/0", ""),
        ("value_dense/0", "_value_dense/0"),
        ("output_dense/0", "_output_dense/0"),
    ]
    wrapped = {"layer": {"class_name": "TimeDistributed", "config": {"layer": WRAPPED}}}
    assert all(slot.former == "" for slot in describe("TimeDistributed", wrapped, [(None, 2, 3, 4, 5)]).slots)


def test_layers_of_a_sequential_read_what_the_one_before_them_returns():
    dense = {"class_name": "Dense", "config": {"units": 6, "activation": "linear"}}
    layers = [{"class_name": "InputLayer", "config": {}}, {"class_name": "Flatten", "config": {}}, dense, dense]
    config = {"layer": {"class_name": "Sequential", "config": {"layers": layers}}}
    slots = describe("TimeDistributed", config, [(None, 2, 4, 3)]).slots
    assert [(slot.key, slot.name, slot.role, slot.sizes["in"]) for slot in slots][::2] == [
        ("layer/layers/dense/0", "dense/kernel", "1/kernel", 12),
        ("layer/layers/dense_1/0", "dense_1/kernel", "2/kernel", 6),
    ]
    assert "in" not in describe("TimeDistributed", config, ()).slots[2].sizes
    layers[1] = {"class_name": "MyLayer", "config": {}}
    assert "it contains a MyLayer" in describe("TimeDistributed", config, [(None, 2, 4, 3)]).note
