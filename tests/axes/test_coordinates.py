"""What one element of an array is called, and where the element of a name lies."""

import numpy as np
import pytest

from weightwise.axes import parse
from weightwise.errors import SelectionError

LSTM = parse("side{input: in | recurrent: units'} (gate[i j f o] units)").bind((12, 28))
GROUPED = parse("kh kw in/groups (groups out/groups)").bind((3, 2, 5, 8), {"groups": 2})
TRANSPOSED = parse("kh kw (groups in/groups) out/groups").bind((3, 2, 6, 4), {"groups": 2})
FLATTENED = parse("(h w c) out").bind((9216, 128), {"h": 12, "w": 12})
ATTENTION = parse("part{q: heads head_dim | k: kv_heads head_dim | v: kv_heads head_dim} in").bind(
    (24, 5), {"heads": 4, "head_dim": 3}
)
UNRESOLVED = parse("(part[q k v] heads head_dim) in").bind((36, 5))


@pytest.mark.parametrize(
    ("bound", "index", "position"),
    [
        (parse("kh kw in out").bind((3, 3, 1, 32)), (2, 1, 0, 31), {"kh": 2, "kw": 1, "in": 0, "out": 31}),
        (FLATTENED, (1234, 3), {"h": 1, "w": 7, "c": 18, "out": 3}),
        (parse("in (gate[i f g o] units)").bind((5, 28)), (2, 10), {"in": 2, "gate": "f", "units": 3}),
        (LSTM, (4, 27), {"side": "input", "in": 4, "gate": "o", "units": 6}),
        (LSTM, (5, 8), {"side": "recurrent", "units'": 0, "gate": "j", "units": 1}),
        (
            GROUPED,
            (0, 1, 3, 6),
            {"kh": 0, "kw": 1, "in/groups": 3, "groups": 1, "out/groups": 2, "in": 8, "out": 6},
        ),
        (
            TRANSPOSED,
            (0, 1, 4, 3),
            {"kh": 0, "kw": 1, "groups": 1, "in/groups": 1, "out/groups": 3, "in": 4, "out": 7},
        ),
        (ATTENTION, (16, 2), {"part": "k", "kv_heads": 1, "head_dim": 1, "in": 2}),
        (ATTENTION, (23, 2), {"part": "v", "kv_heads": 1, "head_dim": 2, "in": 2}),
        (UNRESOLVED, (17, 4), {"part": "k", "heads·head_dim": 5, "in": 4}),
        (parse("-kh kw").bind((5, 3)), (1, 2), {"kh": 3, "kw": 2}),
        (parse("1 out").bind((1, 3)), (0, 2), {"out": 2}),
        (parse("").bind(()), (), {}),
    ],
)
def test_position_and_index(bound, index, position):
    assert bound.position(index) == position
    assert bound.index(position) == index


def test_a_position_is_of_plain_numbers():
    position = FLATTENED.position(np.array([1234, 3]))
    assert {type(coordinate) for coordinate in position.values()} == {int}


def test_a_block_may_be_given_by_its_number():
    assert LSTM.index({"side": 1, "units'": 0, "gate": 2, "units": 1}) == (5, 15)


def test_the_global_channel_stands_for_its_group_and_share():
    assert GROUPED.index({"kh": 0, "kw": 1, "in/groups": 3, "out": 6}) == (0, 1, 3, 6)
    assert GROUPED.index({"kh": 0, "kw": 1, "in": 8, "out": 6}) == (0, 1, 3, 6)
    assert GROUPED.index({"kh": 0, "kw": 1, "in": 8, "out/groups": 2}) == (0, 1, 3, 6)
    assert TRANSPOSED.index({"kh": 0, "kw": 1, "in": 4, "out": 7}) == (0, 1, 4, 3)


@pytest.mark.parametrize(
    ("bound", "index", "message"),
    [
        (FLATTENED, (9216, 0), r"\(h 12 · w 12 · c 64\) has the indices 0 to 9215; 9216 is not one of them"),
        (FLATTENED, (0, -1), "out 128 has the indices 0 to 127; -1 is not one of them"),
        (FLATTENED, (0,), "an index of 2 numbers is needed, not of 1"),
        (parse("in").bind((0,)), (0,), "in 0 has no index, its size is 0"),
    ],
)
def test_an_index_that_is_not_there_has_no_position(bound, index, message):
    with pytest.raises(SelectionError, match=message):
        bound.position(index)


@pytest.mark.parametrize(
    ("bound", "position", "message"),
    [
        (FLATTENED, {"h": 1, "w": 7, "c": 18}, "the coordinate along out is missing"),
        (FLATTENED, {"h": 12, "w": 7, "c": 18, "out": 3}, "h has the indices 0 to 11; 12 is not one of them"),
        (FLATTENED, {"h": 1, "w": -1, "c": 18, "out": 3}, "w has the indices 0 to 11; -1 is not one of them"),
        (FLATTENED, {"h": 1, "w": "x", "c": 18, "out": 3}, "w is counted by numbers from 0, not by 'x'"),
        (
            FLATTENED,
            {"h": 1, "w": 7, "c": 18, "out": 3, "in": 3},
            "there is no axis in here; the axes are h, w, c, out",
        ),
        (LSTM, {"side": "input", "in": 0, "gate": "g", "units": 0}, "gate has the blocks i, j, f, o, not 'g'"),
        (LSTM, {"side": "input", "in": 0, "gate": 4, "units": 0}, "gate has the indices 0 to 3; 4 is not one of them"),
        (LSTM, {"side": "input", "units'": 0, "gate": "i", "units": 0}, "the coordinate along in is missing"),
        (
            LSTM,
            {"side": "input", "in": 0, "units'": 0, "gate": "i", "units": 0},
            "units' does not lie in the block that is chosen",
        ),
        (
            UNRESOLVED,
            {"part": "q", "heads·head_dim": 0, "in": 0, "heads": 0},
            "only heads·head_dim 12 as a whole is known, not the axis heads in it",
        ),
        (GROUPED, {"kh": 0, "kw": 1, "in": 10, "out": 6}, "in has the indices 0 to 9; 10 is not one of them"),
        (GROUPED, {"kh": 0, "kw": 1, "in": 3, "out": 6}, "out 6 lies at groups 1, not 0"),
    ],
)
def test_a_position_that_names_no_element_is_refused_with_the_reason(bound, position, message):
    with pytest.raises(SelectionError, match=message):
        bound.index(position)
