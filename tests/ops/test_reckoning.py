"""The arithmetic that people read, computed: every formula gives the size that the framework made."""

from __future__ import annotations

import json
from math import ceil, prod
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.oracles.proof import described
from weightwise.conventions import keras
from weightwise.ops.activation import Activation
from weightwise.ops.conv import Conv
from weightwise.ops.operation import ShapeError, split_shape
from weightwise.ops.padding import Cropping, ZeroPadding
from weightwise.ops.pooling import Pooling
from weightwise.ops.reckoning import reckonings
from weightwise.ops.reshaping import Flatten
from weightwise.ops.resizing import UpSampling
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
FAMILIES = ("convolution", "pooling", "spatial", "reshaping")


def computed(formula: str, **open_sizes: int) -> float:
    """Return what a formula gives; it is Python but for the sign of the product."""
    return eval(formula.replace("·", "*"), {"ceil": ceil, "__builtins__": {}}, open_sizes)


def facts():
    for family in FAMILIES:
        for line in (GOLDEN / f"keras_{family}.jsonl").read_text().splitlines():
            fact = json.loads(line)
            if len(fact["inputs"]) == 1:
                yield fact


FACTS = list(facts())


def told(fact):
    operation = described(fact, keras.describe).operation
    return operation, reckonings(operation, [tuple(fact["inputs"][0]["shape"])])


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["name"])
def test_each_formula_gives_the_size_that_keras_made(fact):
    operation, steps = told(fact)
    shape = fact["outputs"][0]["shape"]
    if isinstance(operation, Flatten):
        expected = [prod(shape[1:])]
    else:
        spatial, channels = split_shape(tuple(shape), getattr(operation, "channels_first", False))
        expected = [*spatial, channels]
    if steps:
        assert [step.size for step in steps] == expected
        assert [computed(step.formula) for step in steps] == expected


def test_the_facts_hold_every_kind_that_is_reckoned():
    kinds = {type(operation).__name__ for operation, steps in map(told, FACTS) if steps}
    assert kinds == {
        "Conv",
        "Cropping",
        "DepthwiseConv",
        "Flatten",
        "Pooling",
        "SeparableConv",
        "TransposedConv",
        "UpSampling",
        "ZeroPadding",
    }


@st.composite
def windows(draw):
    padding = draw(st.sampled_from(["valid", "same", "causal", ((0, 0),), ((2, 1),), ((0, 3),)]))
    number = st.integers(1, 4)
    return Window((draw(number),), (draw(number),), (draw(st.integers(1, 3)),), padding)


@given(windows(), st.integers(1, 15))
def test_a_window_has_as_many_places_as_its_formula_gives_whether_the_size_is_open_or_not(window, size):
    conv = Conv(window, filters=7)
    try:
        expected = window.output_size(0, size)
    except ShapeError:
        assume(False)
    closed, channels = reckonings(conv, [(None, size, 5)])
    assert (closed.axis, closed.size, computed(closed.formula)) == ("position", expected, expected)
    assert (channels.axis, channels.size) == ("c", 7)
    (open_size, _) = reckonings(conv, [(None, None, 5)])
    assert open_size.size is None
    assert computed(open_size.formula, position=size) == expected


@given(windows(), st.integers(1, 9))
def test_a_spread_window_covers_what_its_formula_gives(window, size):
    assume(not isinstance(window.padding, str))
    spread = TransposedConv(window, filters=3)
    try:
        ((_, expected, _),) = spread.output_shapes([(None, size, 2)])
    except ShapeError:
        assume(False)
    assert computed(reckonings(spread, [(None, size, 2)])[0].formula) == expected
    assert computed(reckonings(spread, [(None, None, 2)])[0].formula, position=size) == expected


def step(operation, *shape):
    return reckonings(operation, [(None, *shape)])[0]


def window(size, stride=1, dilation=1, padding="valid"):
    return Window((size,), (stride,), (dilation,), padding)


@pytest.mark.parametrize(
    ("operation", "text", "reason"),
    [
        (Conv(window(3), 8), "28 - 3 + 1 = 26", "the window has 3 positions"),
        (Conv(window(1), 8), "28 - 1 + 1 = 28", "the window has 1 position"),
        (
            Conv(window(3, dilation=2), 8),
            "28 - (3 - 1)·2 = 24",
            "the window has 3 positions that lie 2 apart, so it spans 5",
        ),
        (
            Conv(window(3, stride=2), 8),
            "(28 - 3) // 2 + 1 = 13",
            "the window has 3 positions; it moves 2 positions at a time; // divides and rounds down",
        ),
        (
            Conv(window(4, padding="same"), 8),
            "28 + 3 - 4 + 1 = 28",
            "the window has 4 positions; padding 'same' adds 1 position before and 2 after",
        ),
        (
            Conv(window(4, stride=3, padding="same"), 8),
            "ceil(28 / 3) = 10",
            "the window has 4 positions; it moves 3 positions at a time; ceil rounds up; "
            "padding 'same' adds 1 position before and 2 after",
        ),
        (
            Conv(window(3, dilation=2, padding="causal"), 8),
            "28 + 4 - (3 - 1)·2 = 28",
            "the window has 3 positions that lie 2 apart, so it spans 5; "
            "padding 'causal' adds 4 positions before and none after, so that no position sees a later one",
        ),
        (
            Pooling("max", window(2, stride=2)),
            "28 / 2 = 14",
            "the window has 2 positions; it moves 2 positions at a time",
        ),
        (
            Pooling("max", window(3, stride=3)),
            "28 // 3 = 9",
            "the window has 3 positions; it moves 3 positions at a time; // divides and rounds down",
        ),
        (ZeroPadding(((1, 2),)), "28 + 1 + 2 = 31", "1 zero before and 2 after"),
        (Cropping(((1, 2),)), "28 - 1 - 2 = 25", "1 cut off before and 2 after"),
        (UpSampling((3,)), "28·3 = 84", "each position becomes 3"),
    ],
)
def test_what_a_person_reads(operation, text, reason):
    told = step(operation, 28, 5)
    assert (str(told), told.reason) == (text, reason)


def test_an_open_size_is_called_by_its_axis():
    assert str(step(Conv(window(3), 8), None, 5)) == "position - 3 + 1"


def test_flatten_multiplies_all_sizes():
    (told,) = reckonings(Flatten(), [(None, 12, 11, 64)])
    assert str(told) == "12·11·64 = 8448"


def test_what_keeps_its_sizes_or_is_not_known_has_nothing_to_reckon():
    assert reckonings(Activation("relu"), [(None, 3)]) == ()
    assert reckonings(None, [(None, 3)]) == ()
    assert reckonings(Flatten(), [None]) == ()
    assert reckonings(Flatten(), []) == ()
