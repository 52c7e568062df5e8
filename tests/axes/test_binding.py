"""Axes bound to a shape: the sizes, what people read, and what is contradicted."""

import subprocess
import sys

import pytest

from weightwise.axes import Bound, parse
from weightwise.errors import AxesError

GQA = "part{q: heads head_dim | k: kv_heads head_dim | v: kv_heads head_dim} in"
GQA_PER_GROUP = "(kv_heads slot{q: heads/kv_heads | k: 1 | v: 1} head_dim) in"


@pytest.mark.parametrize(
    ("axes", "shape", "facts", "text"),
    [
        ("kh kw in out", (3, 3, 1, 32), {}, "kh 3 · kw 3 · in 1 · out 32"),
        ("out", (32,), {}, "out 32"),
        ("", (), {}, "scalar"),
        ("(h w c) out", (9216, 128), {"h": 12, "w": 12, "c": 64}, "(h 12 · w 12 · c 64) · out 128"),
        ("(h w c) out", (9216, 128), {"h": 12, "w": 12}, "(h 12 · w 12 · c 64) · out 128"),
        ("in (gate[i f g o] units)", (5, 28), {}, "in 5 · (gate[i f g o] · units 7)"),
        ("side[input recurrent] units", (2, 7), {}, "side[input recurrent] · units 7"),
        ("units units'", (7, 7), {}, "units 7 · units' 7"),
        ("(in mult) 1 kh kw", (6, 1, 3, 2), {"mult": 2}, "(in 3 · mult 2) · 1 · kh 3 · kw 2"),
        ("-kh -kw in out", (3, 2, 5, 4), {}, "-kh 3 · -kw 2 · in 5 · out 4"),
        ("(1 in) out", (3, 2), {}, "in 3 · out 2"),
        ("in out", (0, 2), {}, "in 0 · out 2"),
        ("(h w) out", (0, 2), {"h": 3}, "(h 3 · w 0) · out 2"),
        # groups: one group leaves the plain axes, several are axes of their own, unknown ones leave the whole
        ("kh kw in/groups (groups out/groups)", (3, 2, 5, 8), {"groups": 1}, "kh 3 · kw 2 · in 5 · out 8"),
        (
            "kh kw in/groups (groups out/groups)",
            (3, 2, 5, 8),
            {"groups": 2},
            "kh 3 · kw 2 · in/groups 5 · (groups 2 · out/groups 4)",
        ),
        ("kh kw in/groups (groups out/groups)", (3, 2, 5, 8), {}, "kh 3 · kw 2 · in/groups 5 · out 8"),
        ("groups in/groups out/groups", (2, 3, 4), {}, "groups 2 · in/groups 3 · out/groups 4"),
        ("groups in/groups out/groups", (1, 3, 4), {}, "1 · in 3 · out 4"),
        (
            "kh (groups in/groups) out/groups",
            (3, 6, 1),
            {"groups": 6},
            "kh 3 · (groups 6 · in/groups 1) · out/groups 1",
        ),
        ("in/groups kh", (5, 3), {"in": 15}, "in/groups 5 · kh 3"),
        ("in/2 out", (5, 3), {}, "in/2 5 · out 3"),
        ("ceil(in/block) out", (3, 4), {}, "ceil(in/block) 3 · out 4"),
        ("(ceil(in/block) out)", (12,), {"out": 4}, "(ceil(in/block) 3 · out 4)"),
        # unequal blocks
        (
            "side{input: in | recurrent: units'} (gate[i j f o] units)",
            (12, 28),
            {},
            "(side: input 5 | recurrent 7) · (gate[i j f o] · units 7)",
        ),
        (
            GQA,
            (24, 5),
            {"heads": 4, "head_dim": 3},
            "(part: q (heads 4 · head_dim 3) | k (kv_heads 2 · head_dim 3) | v (kv_heads 2 · head_dim 3)) · in 5",
        ),
        (
            GQA_PER_GROUP,
            (24, 5),
            {"heads": 4, "head_dim": 3},
            "(kv_heads 2 · (slot: q 2 | k 1 | v 1) · head_dim 3) · in 5",
        ),
        # partial binding
        ("(heads head_dim) in", (12, 5), {}, "heads·head_dim 12 · in 5"),
        ("(part[q k v] heads head_dim) in", (36, 5), {}, "(part[q k v] · heads·head_dim 12) · in 5"),
        ("(heads head_dim part[q k v]) in", (36, 5), {}, "(heads·head_dim 12 · part[q k v]) · in 5"),
        ("(heads part[q k v] head_dim) in", (36, 5), {}, "heads·part[q k v]·head_dim 36 · in 5"),
        ("(heads head_dim) (heads' mult)", (12, 8), {"head_dim": 3}, "(heads 4 · head_dim 3) · (heads' 4 · mult 2)"),
        ("(a -b) in", (12, 5), {}, "a·-b 12 · in 5"),
        ("(a b c)", (0,), {"b": 0}, "a·b·c 0"),
        (GQA, (24, 5), {"head_dim": 3}, f"{GQA.removesuffix(' in')} 24 · in 5"),
    ],
)
def test_text(axes, shape, facts, text):
    assert parse(axes).bind(shape, facts).text() == text


@pytest.mark.parametrize(
    ("axes", "shape", "facts", "sizes"),
    [
        ("(gate[i f g o] units) in", (28, 5), {}, {"units": 7, "in": 5}),
        ("in/groups (groups out/groups)", (5, 8), {"groups": 2}, {"groups": 2, "in": 10, "out": 8}),
        ("in/groups (groups out/groups)", (5, 8), {"in": 10}, {"in": 10, "groups": 2, "out": 8}),
        ("in/groups (groups out/groups)", (5, 8), {}, {"out": 8}),
        (GQA, (24, 5), {"heads": 4, "kv_heads": 2}, {"heads": 4, "kv_heads": 2, "head_dim": 3, "in": 5}),
        (GQA_PER_GROUP, (24, 5), {"head_dim": 3, "kv_heads": 2}, {"head_dim": 3, "kv_heads": 2, "heads": 4, "in": 5}),
        ("ceil(in/block) out", (3, 4), {"block": 2}, {"block": 2, "out": 4}),
        ("(units units')", (49,), {}, {}),
        ("in out", (5, 4), {"groups": 3}, {"in": 5, "out": 4, "groups": 3}),
    ],
)
def test_sizes_that_follow_are_told_and_no_others(axes, shape, facts, sizes):
    assert parse(axes).bind(shape, facts).sizes == sizes


@pytest.mark.parametrize(
    ("axes", "shape", "facts", "reason"),
    [
        ("kh kw in out", (9216, 128), {}, "want 4 dimensions"),
        ("out", (3, 4), {}, "want 1 dimension"),
        ("units units'", (7, 8), {}, "want 7 in dimension 1 (units 7)"),
        ("in out", (5, 4), {"out": 6}, "want 6 in dimension 1 (out 6)"),
        ("gate[i f g o] units", (3, 7), {}, "want 4 in dimension 0"),
        ("1 out", (2, 7), {}, "want 1 in dimension 0"),
        ("(gate[i f g o] units)", (30,), {}, "want a whole size of units in dimension 0, not 15/2"),
        (
            "side{input: in | recurrent: units'} units",
            (5, 7),
            {},
            "want a whole size of in in dimension 0, not -2 (units 7)",
        ),
        ("(heads head_dim)", (12,), {"heads": 5}, "want a whole size of head_dim in dimension 0, not 12/5 (heads 5)"),
        ("(part[q k v] heads head_dim)", (35,), {}, "want a multiple of 3 in dimension 0 (part 3)"),
        ("(a b c)", (5,), {"a": 0}, "want a multiple of 0 in dimension 0 (a 0)"),
        ("in/groups", (3,), {"groups": 2, "in": 7}, "want in/groups to be a whole number (in 7, groups 2)"),
        ("(groups in/groups)", (7,), {"groups": 2}, "want in/groups to be a whole number (in 7, groups 2)"),
        ("in/groups", (3,), {"groups": 0}, "want groups above 0, to divide in by it"),
        ("...kept out", (3, 4, 5), {}, "want ...kept to be expanded first"),
    ],
)
def test_a_contradiction_names_the_array_the_axes_and_the_shape(axes, shape, facts, reason):
    with pytest.raises(AxesError) as caught:
        parse(axes).bind(shape, facts, what="conv2d_1/kernel")
    assert str(caught.value) == f"conv2d_1/kernel: axes '{axes}' {reason}, the array has shape {shape}"


def test_factors_are_flat_and_leave_bare_ones_out():
    bound = parse("(in mult) 1 -kh kw").bind((6, 1, 3, 2), {"mult": 2})
    assert [(factor.name, factor.size) for factor in bound.factors] == [("in", 3), ("mult", 2), ("kh", 3), ("kw", 2)]
    assert [factor.reversed for factor in bound.factors] == [False, False, True, False]
    assert [[factor.name for factor in dimension.factors] for dimension in bound.dimensions] == [
        ["in", "mult"],
        ["1"],
        ["kh"],
        ["kw"],
    ]
    assert tuple(dimension.size for dimension in bound.dimensions) == (6, 1, 3, 2)


def test_a_labelled_axis_tells_its_labels():
    gate, units = parse("(gate[i f g o] units)").bind((28,)).factors
    assert (gate.name, gate.size, gate.labels, gate.resolved) == ("gate", 4, ("i", "f", "g", "o"), True)
    assert (units.name, units.size, units.labels) == ("units", 7, ())
    (side,) = parse("side{input: in | recurrent: units}").bind((12,), {"in": 5}).factors
    assert (side.name, side.size, side.labels, side.resolved) == ("side", 12, ("input", "recurrent"), True)
    assert [[factor.name for factor in block] for block in side.blocks] == [["in"], ["units"]]


def test_an_unresolved_product_is_one_factor():
    part, product = parse("(part[q k v] heads head_dim)").bind((36,)).factors
    assert part.resolved
    assert (product.name, product.size, product.labels, product.resolved) == ("heads·head_dim", 12, (), False)
    (blocks,) = parse("part{q: a b | k: a}").bind((36,)).factors
    assert (blocks.name, blocks.size, blocks.labels, blocks.resolved) == ("part{q: a b | k: a}", 36, (), False)


def test_a_single_share_of_unknown_groups_is_an_axis():
    (share,) = parse("in/groups").bind((5,)).factors
    assert (share.name, share.size, share.resolved) == ("in/groups", 5, True)


def test_bound_is_a_value():
    first, second = (parse("in out").bind((5, 4)) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert isinstance(first, Bound)


def test_reading_and_binding_need_no_numpy():
    program = (
        "import sys; from weightwise.axes import parse; parse('in (h out)').bind((2, 6), {'h': 3}).position((1, 2))"
    )
    subprocess.run([sys.executable, "-c", f"{program}; assert 'numpy' not in sys.modules"], check=True)


def test_a_whole_that_is_known_is_compared_although_its_groups_are_not():
    kernel = parse("(groups out/groups) in/groups kh kw")
    assert kernel.bind((64, 32, 3, 3), {"out": 64}).text() == "out 64 · in/groups 32 · kh 3 · kw 3"
    with pytest.raises(AxesError, match="want 32 in dimension 0"):
        kernel.bind((64, 32, 3, 3), {"out": 32})
