"""Modules of PyTorch whose weights are computed from other arrays, beyond what the facts have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from tests.oracles.case import weight_values
from weightwise.axes import parse
from weightwise.conventions.pytorch import describe
from weightwise.conventions.pytorch.reparametrised import dims, standing
from weightwise.ops.operation import ShapeError

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden" / "pytorch_reparametrised.jsonl"
LINEAR = {"in_features": 3, "out_features": 5}


def linear(*parameters, buffers=(), **at):
    """Return what is said of a Linear with arrays of these names, and with these dims."""
    return describe("Linear", {**LINEAR, "parameters": [*parameters], "buffers": [*buffers], "_dims": at}, ())


def told(description):
    return {slot.key: slot.axes for slot in description.slots}


def test_the_arrays_come_as_the_state_dict_has_them():
    assert told(linear("bias", "weight_g", "weight_v", weight=0)) == {
        "bias": "out",
        "weight_g": "out 1",
        "weight_v": "out in",
    }


def test_what_is_computed_in_another_way_is_not_told_and_the_rest_is():
    mapped = linear("bias", "parametrizations.weight.original", "parametrizations.weight.0.base")
    assert told(mapped) == {"bias": "out"}
    assert mapped.operation is None
    assert mapped.note == "its weight is computed from other arrays in a way that is not known"
    assert told(linear("bias", "weight_orig", buffers=["weight_mask"])) == {"bias": "out"}
    assert told(linear("bias", "weight_g", "weight_v")) == {"bias": "out"}  # nothing tells along which dimension
    assert told(linear("weight", "parametrizations.bias.original", bias=0)) == {"weight": "out in"}


@pytest.mark.parametrize("dim", [2, -2, 10**9])
def test_a_dimension_that_is_none_is_refused(dim):
    with pytest.raises(ShapeError, match="its weight is computed from others"):
        linear("weight_g", "weight_v", weight=dim)


def test_a_class_that_nobody_knows_stays_unknown():
    assert describe("Gate", {"parameters": ["weight_g", "weight_v"], "buffers": [], "_dims": {"weight": 0}}, ()) is None


def test_names_alone_must_be_clear():
    assert [one.name for one in standing(["weight_g", "weight_v", "bias_g", "bias_v"])] == ["bias", "weight"]
    assert standing(["weight_g", "weight_v", "weight"]) == ()
    assert standing(["weight_g", "weight_v", "weight_orig", "weight_u"]) == ()
    assert standing(["weight_u", "weight_v"]) == ()


def test_the_dimension_is_told_by_shapes_where_one_fits():
    (lengths,) = standing(["weight_g", "weight_v"])
    assert dims(lengths, {"weight_g": (1, 4, 1), "weight_v": (6, 4, 3)}) == [1]
    assert dims(lengths, {"weight_g": (1, 1, 1), "weight_v": (1, 4, 1)}) == [0, 2]
    assert dims(lengths, {"weight_g": (), "weight_v": (6, 4, 3)}) == [-1]
    assert dims(lengths, {"weight_g": (4,), "weight_v": (6, 4, 3)}) == []
    (vectors,) = standing(["weight_orig", "weight_u", "weight_v"])
    assert dims(vectors, {"weight_orig": (6, 4, 3), "weight_u": (4,), "weight_v": (18,)}) == [1]
    assert dims(vectors, {"weight_orig": (6, 4, 3), "weight_u": (4,), "weight_v": (12,)}) == []


@pytest.mark.parametrize("line", GOLDEN.read_text().splitlines(), ids=lambda line: json.loads(line)["name"])
def test_training_leaves_the_vectors_alone(line):
    fact = json.loads(line)
    slots = describe(fact["class_name"], fact["config"], ()).slots
    vectors = {slot.key for slot in slots if slot.role.endswith("_vector")}
    assert vectors == {slot.key for slot in slots if not slot.trainable}
    assert bool(vectors) == ("spectral" in fact["name"])


def test_the_weight_is_what_the_formulas_say():
    description = linear("weight_g", "weight_v", weight=0)
    lengths, directions = (
        weight_values("formula", at, "", size, "float64") for at, size in enumerate([(5, 1), (5, 3)])
    )
    weights = {"magnitude": lengths.T, "direction": directions.T}
    assert {role: parse(axes).terms for role, axes in description.operation.roles().items()} == {
        "magnitude": parse("1 out").terms,
        "direction": parse("in out").terms,
    }
    (made,) = description.operation.forward([numpy.eye(3)], weights)
    expected = lengths * directions / numpy.linalg.norm(directions, axis=1, keepdims=True)
    assert numpy.allclose(made, expected.T, rtol=1e-14)
