"""Every row of every convention, proven from the golden facts of the real framework, and by mutation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import pytest

from tests.oracles.proof import (
    Fact,
    bound,
    described,
    difference,
    fact_inputs,
    fact_weights,
    outputs,
    survivors,
)
from weightwise.conventions import flax, keras, pytorch
from weightwise.conventions.choice import PACKAGES, Describe, framework_convention, keras_convention
from weightwise.conventions.keras import keras1, legacy
from weightwise.conventions.row import Slot
from weightwise.naming.slots import Expected, matched
from weightwise.stored import Addressing, StoredArray

GOLDEN = Path(__file__).parent / "golden"
APART = ("keras2_cudnn.jsonl",)
"""Facts whose arrays are no arrangement of the operation's; tests of their own prove what they hold."""
FACTS = [
    json.loads(line)
    for path in sorted(GOLDEN.glob("*.jsonl"))
    if path.name not in APART
    for line in path.read_text().splitlines()
]


def label(fact: Fact) -> str:
    """Return the name of a fact, with the version and the backend that made it."""
    return f"{fact['name']} ({fact['framework']} {fact['version']}, {fact['backend']})"


def convention(fact: Fact) -> Describe:
    """Return the convention of the framework that made a fact."""
    if fact["framework"] in PACKAGES:
        return framework_convention(fact["framework"]).describe
    return keras_convention(fact["version"], fact["backend"]).describe


all_facts = pytest.mark.parametrize("fact", FACTS, ids=label)


@all_facts
def test_the_reference_computes_what_the_framework_computes(fact):
    description = described(fact, convention(fact))
    weights = fact_weights(fact)
    ours = outputs(description, bound(description.slots, weights), fact_inputs(fact), weights)
    assert difference(ours, fact) <= fact["tolerance"]


@all_facts
def test_the_keys_are_those_of_the_frameworks_file(fact):
    slots = described(fact, convention(fact)).slots
    keys = listed_keys(fact, slots) if "listed" in fact else [slot.key for slot in slots]
    assert keys == [weight["key"] for weight in fact["weights"]]


def listed_keys(fact: Fact, slots: Sequence[Slot]) -> list[str]:
    """Return the name of each slot's array among those that the file lists, which has no other keys."""
    arrays = [StoredArray(name, "", (), "", 0, numpy.empty, name) for name in fact["listed"]]
    expected = [Expected(fact["config"]["name"], slot) for slot in slots]
    found, _, reason = matched(expected, arrays, Addressing.ORDER, prefixed=fact["version"].startswith("1"))
    assert not reason
    return [found[place].name for place in range(len(slots))]


@all_facts
def test_the_output_shapes_are_the_frameworks(fact):
    operation = described(fact, convention(fact)).operation
    shapes = operation.output_shapes([(None, *spec["shape"][1:]) for spec in fact["inputs"]])
    assert [list(shape) for shape in shapes] == fact["shapes"]


@all_facts
def test_no_mutant_survives(fact):
    allowed = fact["symmetries"]
    unexpected = [
        (weight, mutant)
        for weight, mutant, changed in survivors(fact, described(fact, convention(fact)))
        if changed is not None and changed <= fact["tolerance"] and mutant not in allowed.get(weight, ())
    ]
    assert not unexpected


def test_names_of_cases_are_distinct():
    names = [label(fact) for fact in FACTS]
    assert len(names) == len(set(names))


ROWS = [("3", row) for row in keras.all_rows()] + [("2", row) for row in legacy.own_rows()]
ROWS += [("1", row) for row in keras1.own_rows()]
ROWS += [("PyTorch", row) for row in pytorch.all_rows()] + [("Flax", row) for row in flax.all_rows()]


def keras_generation(fact: Fact) -> str:
    """Return the first number of the version of Keras that made a fact; empty for another framework."""
    return "" if fact["framework"] in PACKAGES else fact["version"].partition(".")[0]


@pytest.mark.parametrize(("generation", "row"), ROWS, ids=lambda value: getattr(value, "layer", value))
def test_every_row_has_a_case(generation, row):
    facts = [fact for fact in FACTS if generation in (fact["framework"], keras_generation(fact))]
    facts = [fact for fact in facts if generation != "1" or row.when(fact["config"])]  # two rows have the same name
    proven = [pair for fact in facts for weight in fact["weights"] for pair in owners(fact, weight["name"])]
    missing = [
        layer
        for layer in row.layer.split()
        if not any(name == proving(generation, layer) and path.endswith(f"/{row.name}") for name, path in proven)
    ]
    assert not missing


def owners(fact: Fact, name: str) -> Iterator[tuple[str, str]]:
    """Yield the classes that an array is of, and its name in each: a layer of an LSTM of PyTorch is a part of it."""
    yield fact["class_name"], f"/{name}"
    if numbered := re.fullmatch(r"(\w+)_l\d+(?:_reverse)?", name):
        yield f"{fact['class_name']}_l", f"/{numbered[1]}"


def proving(generation: str, layer: str) -> str:
    """Return the class whose cases prove the rows of a class; the cells of Keras 1 are no layers of their own."""
    return layer.removesuffix("Cell") if generation == "1" else layer
