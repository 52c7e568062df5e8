"""Configurations of all versions, and those that are none."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from weightwise.errors import FormatError
from weightwise.formats.json_text import read_json
from weightwise.formats.keras.config import ConfigReader, Entry, snake_case
from weightwise.stored import Call, Tensor


def read(config: Any, problems: list[str] | None = None) -> Entry:
    return ConfigReader("m!config", [] if problems is None else problems).model(config)


def layer(name: str, *nodes: Any, class_name: str = "Dense", **rest: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name}, "name": name, "inbound_nodes": list(nodes), **rest}


def functional(*layers: Any, inputs: Any = (), outputs: Any = ()) -> dict[str, Any]:
    config = {"name": "outer", "layers": list(layers), "input_layers": list(inputs), "output_layers": list(outputs)}
    return {"class_name": "Functional", "config": config}


ENTRY = layer("entry", class_name="InputLayer")


def calls(entry: Entry) -> dict[str, tuple[Call, ...]]:
    return {inner.layer.name: inner.layer.calls for inner in entry.layers}


def test_the_bare_list_of_the_oldest_sequential_models():
    config = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "a"}}]}
    entry = read(config)
    assert (entry.layer.name, entry.layer.class_name) == ("sequential", "Sequential")
    assert calls(entry) == {"a": (Call(()),)}
    assert (entry.layer.inputs, entry.layer.outputs) == ((), (Tensor("a"),))


def test_a_sequential_model_is_a_chain_from_its_input_layer():
    layers = [
        {"class_name": "InputLayer", "config": {"name": "i"}},
        *({"class_name": "Dense", "config": {"name": n}} for n in "ab"),
    ]
    entry = read({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    assert calls(entry) == {"i": (Call(()),), "a": (Call((Tensor("i"),)),), "b": (Call((Tensor("a"),)),)}
    assert (entry.layer.inputs, entry.layer.outputs) == ((Tensor("i"),), (Tensor("b"),))


def test_an_empty_sequential_model():
    entry = read({"class_name": "Sequential", "config": {"name": "s", "layers": []}})
    assert (entry.layers, entry.layer.outputs) == ((), ())


def test_the_nodes_of_keras_1_have_no_arguments():
    entry = read(functional(ENTRY, layer("a", [["entry", 0, 0]]), inputs=[["entry", 0, 0]], outputs=[["a", 0, 0]]))
    assert calls(entry)["a"] == (Call((Tensor("entry"),)),)
    assert (entry.layer.inputs, entry.layer.outputs) == ((Tensor("entry"),), (Tensor("a"),))


def test_operations_of_keras_2_have_constants_and_tensors_among_their_arguments():
    sliced = layer("sliced", ["a", 0, 1, {"y": ["entry", 0, 0], "name": None}], class_name="TFOpLambda")
    constant = layer("constant", [["_CONSTANT_VALUE", -1, 2.5, {"y": ["a", 0, 0]}]], class_name="TFOpLambda")
    found = calls(read(functional(ENTRY, layer("a", [["entry", 0, 0, {}]]), sliced, constant)))
    assert found["sliced"] == (Call((Tensor("a", 0, 1), Tensor("entry")), {"y": Tensor("entry"), "name": None}),)
    assert found["constant"] == (Call((Tensor("a"),), {"y": Tensor("a")}),)


def keras_tensor(name: str, call: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0], "shape": [None, 3]}}


def test_the_nodes_of_keras_3_keep_constants_under_their_place():
    node = {"args": [keras_tensor("entry"), 2], "kwargs": {"axis": -1, "other": keras_tensor("a")}}
    found = calls(read(functional(ENTRY, layer("a", [["entry", 0, 0]]), layer("b", node))))
    (call,) = found["b"]
    assert call.inputs == (Tensor("entry"), Tensor("a"))
    assert call.arguments == {"1": 2, "axis": -1, "other": Tensor("a")}


def test_inputs_may_be_one_several_or_named():
    for structure in (["entry", 0, 0], [["entry", 0, 0]], {"image": ["entry", 0, 0]}):
        config = functional(ENTRY)
        config["config"]["input_layers"] = structure
        assert read(config).layer.inputs == (Tensor("entry"),)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ([["missing", 0, 0, {}]], "call 0 of the layer missing is read, but it is not there"),
        ([["entry", 7, 0, {}]], "call 7 of the layer entry is read, but it is not there"),
        ([["entry", 0]], "a call reads 'entry', which is no tensor"),
        ([["entry", 0, "x"]], "expected a tensor as the name of a layer and two numbers, found ['entry', 0, 'x']"),
        ({"args": 3}, "a call has no list of arguments"),
        (
            {"args": [{"class_name": "__keras_tensor__"}]},
            "expected a tensor as the name of a layer and two numbers, found None",
        ),
    ],
)
def test_a_graph_that_makes_no_sense_is_a_problem_and_the_layers_are_kept(node, reason):
    problems: list[str] = []
    entry = read(functional(ENTRY, layer("a", node), inputs=[["entry", 0, 0]]), problems)
    assert calls(entry) == {"entry": (), "a": ()}
    assert entry.layer.inputs == ()
    assert problems == [f"m!config: how the layers of outer are connected cannot be read ({reason})."]


def test_classes_say_where_they_come_from():
    layers = [
        {"class_name": "Dense", "module": "keras.layers", "registered_name": None, "config": {"name": "a"}},
        {"class_name": "Gate", "module": None, "registered_name": "mine>Gate", "config": {"name": "b"}},
        {"class_name": "mine>Gate", "config": {"name": "c"}},
    ]
    entry = read({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    found = [(inner.layer.class_name, inner.layer.package) for inner in entry.layers]
    assert found == [("Dense", "keras.layers"), ("Gate", "mine>Gate"), ("Gate", "mine>Gate")]


def test_a_wrapper_keeps_its_layer_in_its_configuration():
    inner = {"class_name": "Dense", "config": {"name": "inner"}}
    wrapper = {"class_name": "TimeDistributed", "config": {"name": "each", "layer": inner}}
    entry = read({"class_name": "Sequential", "config": {"name": "s", "layers": [wrapper]}})
    assert entry.layers[0].layers == ()
    assert entry.layers[0].layer.config["layer"] == inner


def test_layers_in_the_configuration_of_a_custom_layer_are_no_model():
    parts = [{"class_name": "Dense", "config": {"name": "inner"}}]
    custom = {"class_name": "Merge", "config": {"name": "merged", "layers": parts}}
    entry = read({"class_name": "Sequential", "config": {"name": "s", "layers": [custom]}})
    assert entry.layers[0].layers == ()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"class_name": 3},
        {"class_name": "Sequential", "config": "text"},
        {"class_name": "Sequential", "config": {"layers": [None]}},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": 7}]}},
        functional(layer("a"), layer("a")),
    ],
)
def test_what_is_no_configuration_is_refused(config):
    with pytest.raises(FormatError, match=r"^m!config: expected "):
        read(config)


def test_models_in_models_without_end_are_refused():
    config: dict[str, Any] = {"class_name": "Sequential", "config": {"name": "s", "layers": []}}
    for depth in range(400):
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": [config]}}
        if depth == 45:
            assert read(config).layers
    with pytest.raises(FormatError, match=r"^m!config: expected "):
        read(config)


def test_deep_arguments_are_refused():
    node: Any = keras_tensor("entry")
    for _ in range(5000):
        node = [node]
    with pytest.raises(FormatError, match="nested without end"):
        read(functional(ENTRY, layer("a", {"args": node})))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"a": ' * 100_000, '{"a": ' + "9" * 5000 + "}", b"\xff\xfe{}", '"text"', "\x00" * 10],
)
def test_text_that_is_no_json_object_is_refused(text):
    with pytest.raises(FormatError, match=r"^name: expected .*JSON"):
        read_json(text, "name")


def test_json_of_python_may_hold_numbers_that_json_has_not():
    value = read_json('{"a": NaN, "b": -Infinity}', "name")
    assert math.isnan(value["a"])
    assert value["b"] == -math.inf


def test_too_much_json_is_refused(monkeypatch):
    monkeypatch.setattr("weightwise.formats.json_text.MOST_BYTES", 10)
    with pytest.raises(FormatError, match="expected at most 10 bytes of JSON, found 14"):
        read_json(json.dumps({"a": "12345"}), "name")


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("MaxPooling2D", "max_pooling2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("GRUCell", "gru_cell"),
        ("ReLU", "re_lu"),
        ("STFTSpectrogram", "stft_spectrogram"),
        ("MultiHeadAttention", "multi_head_attention"),
    ],
)
def test_class_names_in_snake_case_are_keras_own(class_name, expected):
    assert snake_case(class_name) == expected
