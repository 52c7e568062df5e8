"""A layer whose inputs are not known: its arrays are named all the same, and what it computes is told in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weightwise.conventions import flax, keras, pytorch
from weightwise.ops.operation import ShapeError

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
TABLES = {"flax": flax.TABLE, "keras": keras.TABLE, "pytorch": pytorch.TABLE}
FACTS = [
    (TABLES[framework], json.loads(line))
    for framework in TABLES
    for path in sorted(GOLDEN.glob(f"{framework}_*.jsonl"))
    for line in path.read_text().splitlines()
]


@pytest.mark.parametrize(("table", "fact"), FACTS, ids=lambda value: value["name"] if isinstance(value, dict) else "")
def test_an_operation_says_that_it_has_no_inputs(table, fact):
    config = {**fact["config"], **fact["arguments"]}
    operation = table.describe(fact["class_name"], config, [tuple(spec["shape"]) for spec in fact["inputs"]]).operation
    with pytest.raises(ShapeError):
        operation.output_shapes([])
    assert operation.sentence()
    assert operation.tensor_axes([None] * len(fact["inputs"])) != ()


def of_pytorch() -> list[dict]:
    return [fact for table, fact in FACTS if table is pytorch.TABLE and fact["weights"]]


@pytest.mark.parametrize("fact", of_pytorch(), ids=lambda fact: fact["name"])
def test_the_arrays_of_pytorch_need_no_inputs(fact):
    slots = pytorch.describe(fact["class_name"], fact["config"], ()).slots
    assert [slot.key for slot in slots] == [weight["key"] for weight in fact["weights"]]
