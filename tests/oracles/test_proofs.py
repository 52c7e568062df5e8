"""Every row of every convention, proven from the golden facts of the real framework, and by mutation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracles.proof import (
    bound,
    described,
    difference,
    fact_inputs,
    fact_weights,
    outputs,
    survivors,
)
from weightwise.conventions import keras

GOLDEN = Path(__file__).parent / "golden"
FACTS = [json.loads(line) for path in sorted(GOLDEN.glob("keras_*.jsonl")) for line in path.read_text().splitlines()]

all_facts = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["name"])


@all_facts
def test_the_reference_computes_what_the_framework_computes(fact):
    description = described(fact, keras.describe)
    weights = fact_weights(fact)
    ours = outputs(description, bound(description.slots, weights), fact_inputs(fact), weights)
    assert difference(ours, fact) <= fact["tolerance"]


@all_facts
def test_the_keys_are_those_of_the_frameworks_file(fact):
    slots = described(fact, keras.describe).slots
    assert [slot.key for slot in slots] == [weight["key"] for weight in fact["weights"]]


@all_facts
def test_the_output_shapes_are_the_frameworks(fact):
    operation = described(fact, keras.describe).operation
    shapes = operation.output_shapes([(None, *spec["shape"][1:]) for spec in fact["inputs"]])
    assert [list(shape) for shape in shapes] == fact["shapes"]


@all_facts
def test_no_mutant_survives(fact):
    allowed = fact["symmetries"]
    unexpected = [
        (weight, mutant)
        for weight, mutant, changed in survivors(fact, described(fact, keras.describe))
        if changed is not None and changed <= fact["tolerance"] and mutant not in allowed.get(weight, ())
    ]
    assert not unexpected


def test_names_of_cases_are_distinct():
    names = [fact["name"] for fact in FACTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", keras.all_rows(), ids=lambda row: f"{row.layer} {row.name}")
def test_every_row_has_a_case(row):
    proven = [(fact["class_name"], f"/{weight['name']}") for fact in FACTS for weight in fact["weights"]]
    missing = [
        layer
        for layer in row.layer.split()
        if not any(name == layer and path.endswith(f"/{row.name}") for name, path in proven)
    ]
    assert not missing
