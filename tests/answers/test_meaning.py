"""Every name that a table uses has a sentence, and every sentence can be said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.oracles.proof import described
from weightwise.answers.meaning import (
    AXES,
    LABELS,
    LETTERED,
    LONG,
    OTHER,
    PRODUCT,
    WINDOWED,
    axis_meaning,
    label_meaning,
    label_name,
)
from weightwise.answers.roles import PARTS, ROLES, UNNAMED, VARIANTS, part_meaning, part_name, role_meaning
from weightwise.axes import Expand, Labels, Parts, parse
from weightwise.axes.terms import leaves
from weightwise.conventions import keras, pytorch
from weightwise.conventions.keras import all_rows
from weightwise.ops.attention import Attention
from weightwise.ops.dense import Dense, QuantizedDense
from weightwise.ops.norm import BatchNorm, Standardization
from weightwise.ops.operand import Operand
from weightwise.ops.wrappers import TimeDistributed

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
TABLES = {"keras": keras.TABLE.describe, "pytorch": pytorch.describe}
FACTS = [
    (TABLES[framework], json.loads(line))
    for framework in TABLES
    for path in sorted(GOLDEN.glob(f"{framework}_*.jsonl"))
    for line in path.read_text().splitlines()
]
ROWS = [*all_rows(), *pytorch.all_rows()]


def names(axes):
    """Yield the names of all axes of a line, without those that a configuration supplies."""
    for term in leaves(parse(axes).terms):
        match term:
            case Expand():
                continue
            case Parts(name, _, blocks):
                yield name
                for block in blocks:
                    yield from names(" ".join(map(str, block)))
            case Labels(name):
                yield name
            case _ if str(term) != "1":
                yield str(term).removeprefix("-")


def labels(axes):
    for term in leaves(parse(axes).terms):
        if isinstance(term, Labels | Parts):
            yield from ((term.name, label) for label in term.labels)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.layer.split()[0]} {row.name} {row.axes}")
def test_every_row_of_the_table_can_be_explained(row):
    assert role_meaning(row.role) is not UNNAMED
    assert all(axis_meaning(name) is not OTHER for name in names(row.axes))
    assert all(label in LABELS for label in labels(row.axes))
    assert all(part in PARTS for part in row.role.split("/")[:-1])


def test_the_names_that_a_row_has():
    assert list(names("kh -kw in/groups (groups out/groups) units' gate[i f] 1 ...kept")) == [
        "kh",
        "kw",
        "in/groups",
        "groups",
        "out/groups",
        "units'",
        "gate",
    ]
    assert list(names("side{input: in | recurrent: units'}")) == ["side", "in", "units'"]


@pytest.mark.parametrize(
    ("describe", "fact"), FACTS, ids=lambda value: value["name"] if isinstance(value, dict) else ""
)
def test_every_array_that_a_framework_made_can_be_explained(describe, fact):
    description = described(fact, describe)
    for slot in description.slots:
        assert role_meaning(slot.role, description.operation) is not UNNAMED
        assert all(axis_meaning(name) is not OTHER for name in names(slot.axes)), slot.axes
        assert part_meaning(slot.role) == part_meaning(slot.role).strip()


ALL_AXES = [*AXES.values(), *WINDOWED.values(), *LETTERED.values(), LONG, OTHER, PRODUCT]


@pytest.mark.parametrize("meaning", ALL_AXES, ids=lambda meaning: meaning.size)
def test_every_sentence_of_an_axis_takes_its_numbers(meaning):
    filled = {"n": "7 rows", "size": 7, "last": 6, "at": 3, "label": "forget gate", "letter": "b"}
    for pattern in (meaning.size, meaning.place, meaning.short):
        text = pattern.format(**filled)
        assert "{" not in text
        assert text == text.strip()
        assert not text.endswith(".")
    assert "3" in meaning.place.format(**filled) or "forget gate" in meaning.place.format(**filled)
    assert "3" in meaning.short.format(**filled) or "forget gate" in meaning.short.format(**filled)


@pytest.mark.parametrize("meaning", [*ROLES.values(), *VARIANTS.values(), UNNAMED], ids=lambda meaning: meaning.does)
def test_every_sentence_of_a_role_takes_its_places(meaning):
    assert "{" not in meaning.effect.format(read="value 3", made="output 5")
    assert not meaning.does.endswith(".")
    assert not meaning.origin or re.match(r"(are|were) .*[^.]$", meaning.origin)
    assert not meaning.noun or meaning.noun.startswith("a ")


def test_what_an_array_of_one_dimension_can_be_is_in_the_table():
    flat = {row.role for row in all_rows() if len(parse(row.axes).terms) == 1}
    assert {role for role, meaning in ROLES.items() if meaning.noun} <= flat
    assert "bias" in flat


def test_every_variant_is_one_of_a_role():
    assert {role for role, _ in VARIANTS} <= ROLES.keys()


def test_in_and_out_are_channels_where_there_is_a_window():
    assert axis_meaning("in").noun == "value"
    assert axis_meaning("in", ["kh", "kw", "in", "out"]).noun == "channel"
    assert axis_meaning("out", ["in", "out"]).noun == "output"
    assert axis_meaning("out", ["kw", "in", "out"]).noun == "filter"


def test_a_window_along_a_sequence_has_no_columns():
    assert axis_meaning("kw", ["kw", "in", "out"]) is LONG
    assert axis_meaning("kw", ["kh", "kw", "in", "out"]).noun == "column"


@pytest.mark.parametrize("name", ["in_c", "out_d", "each_b", "axis_3", "last_2"])
def test_lettered_axes_say_their_letter(name):
    meaning = axis_meaning(name)
    letter = name[-1]
    assert all(f" {letter}" in pattern for pattern in (meaning.size, meaning.place, meaning.short))


def test_a_name_with_an_underscore_of_its_own_is_no_lettered_axis():
    assert axis_meaning("head_dim") is AXES["head_dim"]
    assert axis_meaning("value_in") is AXES["value_in"]


def test_what_has_no_entry_is_told_in_general():
    assert axis_meaning("stripe") is OTHER
    assert axis_meaning("heads·head_dim") is PRODUCT
    assert role_meaning("stripe") is UNNAMED
    assert label_meaning("gate", "stripe") == "stripe"


def test_a_label_has_a_name_and_more():
    assert label_name("gate", "f") == "forget gate"
    assert label_meaning("gate", "f").startswith("forget gate, which")


def test_parts_of_a_layer():
    assert part_meaning("kernel") == part_name("kernel") == ""
    assert part_name("query/kernel") == "the queries"
    assert part_meaning("query/kernel") == "the queries, what each position looks for"
    assert part_meaning("1/bias") == "cell 1 of the stack"
    assert part_name("output/kernel") == ""
    assert part_meaning("forward/0/kernel").endswith(", in cell 0 of the stack")


def test_the_same_role_means_more_in_some_operations():
    assert "moving average" in role_meaning("mean", BatchNorm((-1,))).origin
    assert "before training" in role_meaning("mean", Standardization((-1,))).origin
    assert "added" in role_meaning("mean", Standardization((-1,), invert=True)).effect
    assert "dot product" in role_meaning("scale", Attention(scale=True)).does
    assert "tanh" in role_meaning("scale", Attention("additive", scale=True)).does
    assert "rounded" in role_meaning("scale", QuantizedDense(3)).does
    assert "rounded" in role_meaning("scale", TimeDistributed(QuantizedDense(3))).does
    assert "multiplied" in role_meaning("other", Operand("multiply", (3,))).does
    assert "adds" in role_meaning("other", Operand("add", (3,))).does
    assert role_meaning("kernel", Dense(3)) is ROLES["kernel"]
