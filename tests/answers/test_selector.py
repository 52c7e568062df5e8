"""What points into an array: the grammar, there and back, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightwise.answers.selector import Selector, parse_selector
from weightwise.errors import SelectionError

ARRAYS = st.one_of(
    st.integers(0, 999).map(lambda number: f"[{number}]"),
    st.from_regex(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*){0,3}", fullmatch=True),
)
PLACES = st.lists(st.one_of(st.none(), st.integers(0, 10**9)), max_size=6).map(tuple)
AXES = st.sampled_from(["kh", "in", "in/groups", "units'", "gate", "head_dim", "heads·head_dim"])
POSITIONS = st.dictionaries(AXES, st.one_of(st.integers(0, 99), st.sampled_from(["i", "f", "input"])), min_size=1)


@given(ARRAYS, PLACES)
def test_places_in_order_there_and_back(array, index):
    selector = Selector(array, index)
    assert parse_selector(str(selector)) == selector


@given(ARRAYS, POSITIONS)
def test_places_by_name_there_and_back(array, position):
    selector = Selector(array, position=position)
    assert parse_selector(str(selector)) == selector


@given(ARRAYS, PLACES.filter(bool), st.text(" \t", max_size=2))
def test_spaces_do_not_count(array, index, space):
    places = f"{space},{space}".join(":" if place is None else str(place) for place in index)
    text = f"{space}{array}{space}[{space}{places}{space}]{space}"
    assert parse_selector(text) == Selector(array, index)


@given(st.text(max_size=12))
def test_anything_else_is_an_error_of_our_own(text):
    try:
        selector = parse_selector(text)
    except SelectionError as error:
        assert "\n" not in str(error) or "\n" in text
    else:
        assert parse_selector(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "points at nothing"),
        ("[2][", "points at nothing"),
        ("[2]]", "points at nothing"),
        ("[2][0][1]", "points at nothing"),
        ("[][0]", "points at nothing"),
        ("kernel[[0]]", "points at nothing"),
        ("[2][]", "a place is missing"),
        ("[2][0,]", "a place is missing"),
        ("[2][-1]", "'-1' is no place: a number from 0, or a colon for all, is needed"),
        ("[2][1:2]", "'1:2' is no place"),
        ("[2][...]", "'...' is no place"),
        ("[2][1e3]", "'1e3' is no place"),
        ("[2][٣]", "'٣' is no place"),
        ("[2][9999999999999999999999]", "is no place"),
        ("[2][kh=0, 1]", "'1' is no axis=place, as the others are"),
        ("[2][0, kh=1]", "'0' is no axis=place, as the others are"),
        ("[2][kh=]", "'kh=' is no place"),
        ("[2][kh=-1]", "'kh=-1' is no place"),
        ("[2][kh=0, kh=1]", "kh is given twice"),
    ],
)
def test_slips_are_told(text, message):
    with pytest.raises(SelectionError) as caught:
        parse_selector(text)
    assert message in str(caught.value)


def test_an_array_alone_is_all_of_it():
    assert parse_selector("[2]") == Selector("[2]")
    assert parse_selector("a/b") == Selector("a/b")
    assert parse_selector("2[0]") == Selector("2", (0,))
