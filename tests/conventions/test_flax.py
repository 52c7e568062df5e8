"""What Flax's table says beyond the proofs: settings that weightwise cannot compute, and what a file leaves open."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from weightwise.conventions.flax import RULES, all_rows, describe
from weightwise.conventions.flax.bare import EINSUMS, SETTINGS, owned, readings, told_class
from weightwise.ops.operation import ShapeError
from weightwise.ops.uncomputed import Uncomputed

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
FACTS = [json.loads(line) for path in sorted(GOLDEN.glob("flax_*.jsonl")) for line in path.read_text().splitlines()]
CONV = {"features": 4, "kernel_size": [3, 2]}
IMAGES = [(None, 5, 6, 3)]


def described(fact):
    """Return what the table says of a fact's module."""
    return describe(
        fact["class_name"], {**fact["config"], **fact["arguments"]}, [spec["shape"] for spec in fact["inputs"]]
    )


def axes(arrays):
    """Return the class and the axes of each reading."""
    return [(name, {slot.key: slot.axes for slot in slots}) for name, slots in readings(arrays)]


def test_the_full_name_of_a_class_is_the_short_one():
    short = describe("linen.Dense", {"features": 5}, [(None, 3)])
    assert describe("flax.linen.linear.Dense", {"features": 5}, [(None, 3)]) == short
    assert describe("flax.nnx.nn.linear.Linear", {"out_features": 5}, [(None, 3)]).slots == short.slots
    assert describe("mine.Dense", {"features": 5}, [(None, 3)]) is None


def test_every_class_of_the_rows_has_a_rule():
    assert {name for row in all_rows() for name in row.layer.split()} <= set(RULES)
    assert set(SETTINGS) <= set(RULES)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"mask": True}, "a mask takes some of its kernel away"),
        ({"padding": "SAME_LOWER"}, "the odd element before"),
        ({"input_dilation": 2}, "its input_dilation spreads the input"),
    ],
)
def test_a_convolution_that_is_not_computed_keeps_its_axes(setting, reason):
    description = describe("linen.Conv", {**CONV, **setting}, IMAGES)
    assert isinstance(description.operation, Uncomputed)
    assert [slot.axes for slot in description.slots] == ["out", "kh kw in/groups (groups out/groups)"]
    with pytest.raises(ShapeError, match=reason):
        description.operation.forward([numpy.zeros((1, 5, 6, 3))], {})


def test_a_spread_input_has_a_shape_that_is_not_told():
    operation = describe("linen.Conv", {**CONV, "input_dilation": [2, 1]}, IMAGES).operation
    with pytest.raises(ShapeError, match="shape of its output"):
        operation.output_shapes(IMAGES)
    assert operation.tensor_axes([("h", "w", "c")]) is None


@pytest.mark.parametrize("padding", ["ELSEWHERE", [[1, 2]], [[1, 2, 3], [1, 2, 3]]])
@pytest.mark.parametrize("name", ["linen.Conv", "nnx.ConvTranspose"])
def test_a_padding_that_flax_does_not_have_is_refused(name, padding):
    with pytest.raises(ShapeError):
        describe(name, {**CONV, "padding": padding}, IMAGES)


@pytest.mark.parametrize(
    ("name", "config", "shape"),
    [
        ("linen.GroupNorm", {"num_groups": 2, "reduction_axes": [2, 3]}, (None, 4, 5, 6)),
        ("linen.SelfAttention", {"num_heads": 2, "decode": True}, (None, 3, 6)),
        ("linen.SelfAttention", {"num_heads": 2, "attention_fn": "mine"}, (None, 3, 6)),
    ],
)
def test_settings_that_compute_otherwise_are_not_computed(name, config, shape):
    assert isinstance(describe(name, config, [shape]).operation, Uncomputed)


def test_without_an_input_what_follows_from_it_is_not_computed():
    by_size = describe("linen.GroupNorm", {"num_groups": None, "group_size": 2}, ())
    assert isinstance(by_size.operation, Uncomputed)
    assert [slot.axes for slot in by_size.slots] == ["features", "features"]
    heads = describe("linen.SelfAttention", {"num_heads": 2, "use_bias": False}, ())
    assert {slot.key: slot.axes for slot in heads.slots}["query/kernel"] == "in heads head_dim"
    assert heads.slots[0].sizes == {"heads": 2}
    assert heads.operation.sentence().endswith("with 2 heads")
    with pytest.raises(ShapeError, match="cannot be split"):
        describe("linen.SelfAttention", {"num_heads": 4}, [(None, 3, 6)])


CELL = {"class_name": "linen.GRUCell", "config": {"features": 4}}
RNN = {"class_name": "linen.RNN", "config": {"cell": CELL}}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("linen.RNN", {"cell": CELL, "time_major": True}),
        ("linen.Bidirectional", {"forward_rnn": RNN, "backward_rnn": RNN, "time_major": True}),
        ("linen.Bidirectional", {"forward_rnn": RNN, "backward_rnn": RNN, "merge_fn": "mine"}),
    ],
)
def test_sequences_in_another_order_are_not_computed(name, config):
    assert isinstance(describe(name, config, [(None, 5, 3)]).operation, Uncomputed)


def test_a_module_that_is_no_cell_is_refused():
    dense = {"class_name": "linen.Dense", "config": {"features": 4}}
    with pytest.raises(ShapeError, match="no recurrent cell"):
        describe("linen.RNN", {"cell": dense}, [(None, 5, 3)])
    with pytest.raises(ShapeError, match="no recurrent modules"):
        describe("linen.Bidirectional", {"forward_rnn": dense, "backward_rnn": dense}, [(None, 5, 3)])


def test_a_function_of_somebody_else_is_refused():
    with pytest.raises(ShapeError, match="expected a function of JAX"):
        describe("linen.GRUCell", {"features": 4, "gate_fn": "mine"}, [(None, 3), (None, 4)])


@pytest.mark.parametrize("equation", ["abc->abd", "abc,cd->bad"])
def test_an_equation_of_another_form_is_refused(equation):
    with pytest.raises(ShapeError):
        describe("linen.Einsum", {"shape": [3, 4], "einsum_str": equation}, [(None, 5, 3)])


def test_axes_that_the_input_does_not_have_are_refused():
    with pytest.raises(ShapeError, match="expected axes of an input"):
        describe("linen.LayerNorm", {"reduction_axes": 4}, [(None, 5, 3)])
    with pytest.raises(ShapeError, match="whole numbers"):
        describe("linen.LayerNorm", {"reduction_axes": "last"}, [(None, 5, 3)])


@pytest.mark.parametrize("fact", [fact for fact in FACTS if fact["weights"]], ids=lambda fact: fact["name"])
def test_a_modules_own_reading_is_among_those_of_its_names(fact):
    name = fact["class_name"]
    wanted = {slot.key: slot.axes for slot in described(fact).slots}
    if name in EINSUMS or any("axis_" in told for told in wanted.values()):
        return
    module = f"{name.rpartition('.')[2]}_0"  # as linen calls it
    arrays = {f"{module}/{weight['key']}": weight["shape"] for weight in fact["weights"]}
    found = {path: axes(inside) for path, inside in owned(arrays).items()}
    if name.endswith(("RNN", "Bidirectional")) or "base_module" in str(list(arrays)):
        assert all(found.values())
    else:
        assert (name, wanted) in found[module]


def test_readings_of_a_kernel_and_a_bias():
    assert axes({"kernel": (3, 5), "bias": (5,)})[:4] == [
        (name, {"kernel": "in out", "bias": "out"})
        for name in ("linen.Dense", "nnx.Linear", "linen.DenseGeneral", "nnx.LinearGeneral")
    ]
    images = {told["kernel"] for _, told in axes({"kernel": (3, 2, 4, 5), "bias": (5,)})}
    assert images == {
        "kh kw in/groups (groups out/groups)",
        "-kh -kw in out",
        "in_1 in_2 in_3 out",
    }
    square = {told["kernel"] for _, told in axes({"kernel": (3, 2, 5, 5), "bias": (5,)})}
    assert square == images | {"kh kw out in", "in_1 in_2 out in_3"}


def test_names_tell_most_classes():
    cell = {"hi/kernel": (5, 5), "hi/bias": (5,), "ii/kernel": (3, 5)}
    assert not list(readings(cell))
    assert [name for name, _ in readings({"embedding": (3, 5)})] == ["linen.Embed", "nnx.Embed"]
    gru = {"dense_i/kernel": (3, 15), "dense_i/bias": (15,), "dense_h/kernel": (5, 15)}
    assert [name for name, _ in readings(gru)] == ["nnx.GRUCell"]


def test_shared_heads_are_fewer_than_those_of_the_queries():
    def heads(count):
        small = (6, count, 3)
        return {"query/kernel": (6, 4, 3), "key/kernel": small, "value/kernel": small, "out/kernel": (4, 3, 6)}

    assert all("kv_heads" not in told["key/kernel"] for _, told in axes(heads(4)))
    assert [told["key/kernel"] for _, told in axes(heads(2))] == ["key_in kv_heads head_dim"]
    assert axes(heads(3)) == []


def test_modules_own_their_arrays_and_those_of_their_parts():
    arrays = {
        "Conv_0/kernel": (3, 2, 4),
        "RNN_0/cell/dense_h/kernel": (5, 15),
        "RNN_0/cell/dense_i/bias": (15,),
        "RNN_0/cell/dense_i/kernel": (3, 15),
        "head/query/kernel": (4, 5),
        "head/out/bias": (5,),
        "scale": (3,),
    }
    assert {path: list(inside) for path, inside in owned(arrays).items()} == {
        "Conv_0": ["kernel"],
        "RNN_0/cell": ["dense_h/kernel", "dense_i/bias", "dense_i/kernel"],
        "head/query": ["kernel"],
        "head/out": ["bias"],
        "": ["scale"],
    }


def test_a_module_named_after_its_class_tells_it():
    assert told_class("Dense_12") == "linen.Dense"
    assert told_class("Dense") == told_class("Gate_0") == told_class("") == ""


@pytest.mark.parametrize("name", ["linen.Dropout", "nnx.Dropout"])
def test_a_dropout_stores_nothing_and_does_nothing_at_inference(name):
    description = describe(name, {"rate": 0.5}, [(None, 4, 3)])
    assert description.slots == ()
    assert description.operation.output_shapes([(None, 4, 3)]) == ((None, 4, 3),)


def test_an_instance_norm_along_two_axes_needs_its_input():
    description = describe("linen.InstanceNorm", {"feature_axes": [1, 3]}, ())
    assert isinstance(description.operation, Uncomputed)
    assert [slot.axes for slot in description.slots] == ["axis_1 axis_3", "axis_1 axis_3"]


def test_the_outputs_of_an_einsum_may_stand_anywhere():
    apart = {told["kernel"] for _, told in axes({"kernel": (5, 3, 2), "bias": (5, 2)})}
    assert apart == {"each in out", "position (in kw) out", "out_1 in out_2"}
    assert {told["kernel"] for _, told in axes({"kernel": (3, 5, 2), "bias": (5, 2)})} == {"in out_1 out_2"}
    assert {told["kernel"] for _, told in axes({"kernel": (5, 5), "bias": (5,)})} == {"in out", "out in"}
    assert {told["kernel"] for _, told in axes({"kernel": (3, 5)})} == {"in out", "out in"}
    assert axes({"kernel": (2,) * 9, "bias": (2,) * 4}) == []
