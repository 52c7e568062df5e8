"""Values moved and selected by name, against NumPy's own indexing."""

import re

import numpy as np
import pytest

from weightwise.axes import parse
from weightwise.errors import AxesError, SelectionError


def numbered(*shape):
    """An array in which each value is its own place."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


KERNEL = numbered(3, 2, 5, 4)
PLAIN = parse("kh kw in out").bind(KERNEL.shape)
LSTM_KERNEL = numbered(12, 28)
LSTM = parse("side{input: in | recurrent: units'} (gate[i j f o] units)").bind(LSTM_KERNEL.shape)


def test_dimensions_are_transposed():
    assert np.array_equal(PLAIN.arrange(KERNEL, "out in kh kw"), KERNEL.transpose(3, 2, 0, 1))
    assert np.array_equal(PLAIN.arrange(KERNEL, parse("out kh kw in")), KERNEL.transpose(3, 0, 1, 2))


def test_axes_are_merged_split_and_flipped_and_bare_ones_come_and_go():
    assert np.array_equal(PLAIN.arrange(KERNEL, "(kw kh) 1 (in out)"), KERNEL.transpose(1, 0, 2, 3).reshape(6, 1, 20))
    assert np.array_equal(PLAIN.arrange(KERNEL, "-kh kw in -out"), KERNEL[::-1, :, :, ::-1])
    flat = parse("1 (c h w) out").bind((1, 24, 5), {"h": 3, "w": 2})
    rows = numbered(1, 24, 5)
    expected = rows.reshape(4, 3, 2, 5).transpose(1, 2, 0, 3).reshape(24, 5)
    assert np.array_equal(flat.arrange(rows, "(h w c) out"), expected)


def test_the_result_is_a_view_where_numpy_has_one():
    for target in ("out in kh kw", "-kh -kw in out", "kh kw in 1 out", "(kh kw) (in out)"):
        assert np.shares_memory(PLAIN.arrange(KERNEL, target), KERNEL)
    gates = numbered(28, 5)
    assert np.shares_memory(
        parse("(gate[i f g o] units) in").bind((28, 5)).arrange(gates, "in gate[i f g o] units"), gates
    )
    assert not np.shares_memory(PLAIN.arrange(KERNEL, "(out in) kh kw"), KERNEL)


def test_the_dtype_stays():
    assert PLAIN.arrange(KERNEL.astype(np.float16), "out in kh kw").dtype == np.float16
    assert (
        LSTM.arrange(LSTM_KERNEL.astype(np.int8), "(gate[i f j o] units) side{input: in | recurrent: units'}").dtype
        == np.int8
    )


def test_blocks_are_reordered_by_their_labels():
    bound = parse("in (gate[i f c o] units)").bind((5, 28))
    array = numbered(5, 28)
    i, f, c, o = np.split(array, 4, axis=1)
    assert np.array_equal(bound.arrange(array, "(gate[i o f c] units) in"), np.hstack([i, o, f, c]).T)
    assert np.array_equal(
        bound.arrange(array, "in (units gate[c o i f])"), np.stack([c, o, i, f], axis=2).reshape(5, 28)
    )


def test_unequal_blocks_are_reordered_and_turned_by_their_labels():
    above, below = LSTM_KERNEL[:5], LSTM_KERNEL[5:]
    turned = np.vstack([below, above]).reshape(12, 4, 7)[:, [0, 2, 1, 3]].reshape(12, 28).T
    target = "(gate[i f j o] units) side{recurrent: units' | input: in}"
    assert np.array_equal(LSTM.arrange(LSTM_KERNEL, target), turned)


def test_equal_blocks_may_be_written_as_parts():
    bound = parse("(part[q k v] heads head_dim) in").bind((36, 5), {"heads": 4})
    array = numbered(36, 5)
    target = "part{k: head_dim heads | q: heads head_dim | v: heads head_dim} in"
    q, k, v = np.split(array, 3)
    k = k.reshape(4, 3, 5).swapaxes(0, 1).reshape(12, 5)
    assert np.array_equal(bound.arrange(array, target), np.vstack([k, q, v]))
    assert np.array_equal(bound.rearranged(target).arrange(np.vstack([k, q, v]), bound.axes), array)


def test_unknown_products_move_whole():
    bound = parse("(part[q k v] heads head_dim) in").bind((36, 5))
    array = numbered(36, 5)
    assert np.array_equal(
        bound.arrange(array, "in (heads head_dim) part[q k v]"), array.reshape(3, 12, 5).transpose(2, 1, 0)
    )
    with pytest.raises(AxesError, match=r"only the product heads·head_dim 12 is known, not the size of heads$"):
        bound.arrange(array, "(heads part[q k v] head_dim) in")
    with pytest.raises(AxesError, match=r"only the product heads·head_dim 12 is known, not the size of head_dim$"):
        bound.arrange(array, "(part[q k v] head_dim heads) in")


def test_one_group_is_none():
    bound = parse("kh kw in/groups (groups out/groups)").bind((3, 2, 5, 4), {"groups": 1})
    for target in ("out in kh kw", "(groups out/groups) in/groups kh kw", "groups out/groups in/groups kh kw"):
        expected = KERNEL.transpose(3, 2, 0, 1)
        assert np.array_equal(bound.arrange(KERNEL, target), expected.reshape(bound.rearranged(target).shape))


def test_all_of_an_axis_is_the_same_as_its_groups_and_shares():
    bias = numbered(8)
    whole = parse("out").bind((8,), {"groups": 2})
    cut = parse("groups out/groups").bind((2, 4))
    assert np.array_equal(whole.arrange(bias, "out/groups groups"), bias.reshape(2, 4).T)
    assert np.array_equal(cut.arrange(bias.reshape(2, 4), "out"), bias)
    swapped = parse("out/groups groups").bind((4, 2))
    assert np.array_equal(swapped.arrange(bias.reshape(4, 2), "out"), bias.reshape(4, 2).T.ravel())
    with pytest.raises(AxesError, match="name the axis groups twice"):
        parse("groups out").bind((2, 8)).arrange(numbered(2, 8), "(groups out/groups)")
    with pytest.raises(AxesError, match=r"\(in/groups, out\) would become \(groups, in/groups, out\)"):
        parse("out in/groups").bind((8, 5), {"groups": 2}).arrange(numbered(8, 5), "out in")


def test_one_group_may_stand_in_a_dimension_of_its_own():
    bound = parse("groups out/groups in/groups").bind((1, 4, 5))
    array = numbered(1, 4, 5)
    assert np.array_equal(bound.arrange(array, "in out"), array[0].T)
    plain = parse("in out").bind((5, 4), {"groups": 1})
    assert np.array_equal(plain.arrange(array[0].T, "groups out/groups in/groups"), array)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("out in kh", r"\(in, kh, kw, out\) would become \(in, kh, out\)"),
        ("out in kh kw gate[i f]", r"\(in, kh, kw, out\) would become \(gate=f, in, kh, kw, out\)"),
        ("out in kh kw units", "the size of units is not known"),
        ("out in kh kw ...more", "want ...more to be expanded first"),
    ],
)
def test_other_names_are_refused(target, reason):
    for refused in (PLAIN.arrange, lambda _, target: PLAIN.pattern(target)):
        with pytest.raises(AxesError, match=f": {reason}$"):
            refused(KERNEL, target)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(SelectionError, match=r"an array of shape \(3, 2, 5, 4\), not \(2, 3, 5, 4\)"):
        PLAIN.arrange(numbered(2, 3, 5, 4), "out in kh kw")
    with pytest.raises(SelectionError, match=r"an array of shape \(3, 2, 5, 4\), not \(4,\)"):
        PLAIN.select(numbered(4), {"out": 1})


def test_pattern():
    assert PLAIN.pattern("out in kh kw") == "kh kw in out -> out in kh kw"
    single = parse("kh kw in/groups (groups out/groups)").bind((3, 2, 5, 4), {"groups": 1})
    assert single.pattern("(groups out/groups) in/groups kh kw") == "kh kw in out -> out in kh kw"
    assert single.notation == "kh kw in out"


def test_select_fixes_axes_and_names_the_others():
    part, rest = PLAIN.select(KERNEL, {"out": 3, "kh": 1})
    assert np.array_equal(part, KERNEL[1, :, :, 3])
    assert np.shares_memory(part, KERNEL)
    assert rest.text() == "kw 2 · in 5"
    number, nothing = PLAIN.select(KERNEL, PLAIN.position((2, 1, 4, 3)))
    assert (number.shape, int(number), nothing.text()) == ((), KERNEL[2, 1, 4, 3], "scalar")
    whole, same = PLAIN.select(KERNEL, {})
    assert np.array_equal(whole, KERNEL)
    assert same == PLAIN


def test_select_inside_a_merged_dimension():
    bound = parse("(h w c) 1 -out").bind((24, 1, 5), {"h": 3, "w": 2})
    rows = numbered(24, 1, 5)
    part, rest = bound.select(rows, {"w": 1, "out": 1})
    assert np.array_equal(part, rows.reshape(3, 2, 4, 1, 5)[:, 1, ..., 3].reshape(12, 1))
    assert rest.text() == "(h 3 · c 4) · 1"


def test_select_blocks():
    part, rest = LSTM.select(LSTM_KERNEL, {"side": "recurrent", "gate": "f"})
    assert np.array_equal(part, LSTM_KERNEL[5:, 14:21])
    assert rest.text() == "units' 7 · units 7"
    part, rest = LSTM.select(LSTM_KERNEL, {"units'": 2})
    assert np.array_equal(part, LSTM_KERNEL[7])
    assert rest.text() == "(gate[i j f o] · units 7)"


def test_select_a_global_channel():
    bound = parse("kh kw in/groups (groups out/groups)").bind((3, 2, 5, 4), {"groups": 2})
    part, rest = bound.select(KERNEL, {"out": 3})
    assert np.array_equal(part, KERNEL[..., 3])
    assert rest.text() == "kh 3 · kw 2 · in/groups 5"
    part, rest = bound.select(KERNEL, {"in": 6})
    assert np.array_equal(part, KERNEL[:, :, 1, 2:])
    assert rest.text() == "kh 3 · kw 2 · out/groups 2"


@pytest.mark.parametrize(
    ("axes", "position", "reason"),
    [
        ("kh kw in out", {"gate": "i"}, "there is no axis gate here; the axes are kh, kw, in, out"),
        ("kh kw in out", {"out": 4}, "out has the indices 0 to 3; 4 is not one of them"),
        ("kh kw in out", {"out": -1}, "out has the indices 0 to 3; -1 is not one of them"),
        (
            "kh kw in (heads head_dim)",
            {"heads": 1},
            "only heads·head_dim 4 as a whole is known, not the axis heads in it",
        ),
        ("kh kw side{a: 1 | b: mult} out", {"side": "a", "mult": 0}, "mult does not lie in the block that is chosen"),
        ("kh side{a: mult | b: mult} in out", {"mult": 0}, "mult lies in the blocks a, b of side: choose one"),
        (
            "kh kw in part{q: heads head_dim | k: head_dim}",
            {"part": "q"},
            "only part{q: heads head_dim | k: head_dim} 4 as a whole is known, not the axis part in it",
        ),
        (
            "kh kw in (heads part[q k] head_dim)",
            {"part": "q"},
            "only heads·part[q k]·head_dim 4 as a whole is known, not the axis part in it",
        ),
    ],
)
def test_what_cannot_be_selected_is_refused_with_the_reason(axes, position, reason):
    with pytest.raises(SelectionError, match=re.escape(reason)):
        parse(axes).bind(KERNEL.shape).select(KERNEL, position)
