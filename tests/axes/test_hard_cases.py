"""The layouts that no shape can tell apart, each written as a line and checked against NumPy's own indexing."""

import numpy as np
import pytest

from weightwise.axes import parse


def numbered(*shape):
    """An array in which each value is its own place."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


ROTARY = {"heads": 3, "pairs": 5}
QKV = {"heads": 4, "head_dim": 3}


def test_rotary_rows_in_halves_or_interleaved():
    halves = parse("(heads half[re im] pairs) in").bind((30, 7), ROTARY)
    array = numbered(30, 7)
    interleaved = halves.arrange(array, "(heads pairs half[re im]) in")
    for head, pair in np.ndindex(3, 5):
        assert np.array_equal(interleaved[head * 10 + 2 * pair], array[head * 10 + pair])
        assert np.array_equal(interleaved[head * 10 + 2 * pair + 1], array[head * 10 + 5 + pair])
    assert halves.position((17, 0)) == {"heads": 1, "half": "im", "pairs": 2, "in": 0}
    assert halves.rearranged("(heads pairs half[re im]) in").position((17, 0))["pairs"] == 3


def test_qkv_three_ways_or_per_head():
    fused = parse("(part[q k v] heads head_dim) in").bind((36, 5), QKV)
    array = numbered(36, 5)
    per_head = fused.arrange(array, "(heads part[q k v] head_dim) in")
    for number, label in enumerate("qkv"):
        part, rest = fused.select(array, {"part": label})
        assert np.array_equal(part, array[number * 12 : number * 12 + 12])
        assert rest.text() == "(heads 4 · head_dim 3) · in 5"
        for head in range(4):
            rows = per_head[head * 9 + number * 3 : head * 9 + number * 3 + 3]
            assert np.array_equal(rows, part[head * 3 : head * 3 + 3])


def test_gate_and_up_side_by_side_or_interleaved():
    halves = parse("(part[gate up] inner) in").bind((12, 5))
    array = numbered(12, 5)
    interleaved = halves.arrange(array, "(inner part[gate up]) in")
    assert np.array_equal(interleaved[0::2], array[:6])
    assert np.array_equal(interleaved[1::2], array[6:])
    assert np.array_equal(halves.arrange(array, "(part[up gate] inner) in"), np.vstack([array[6:], array[:6]]))


def test_grouped_query_heads_fused_or_per_group_of_them():
    sizes = {"heads": 6, "kv_heads": 2, "head_dim": 5}
    fused = "part{q: heads head_dim | k: kv_heads head_dim | v: kv_heads head_dim} in"
    per_group = "(kv_heads slot{q: heads/kv_heads | k: 1 | v: 1} head_dim) in"
    array = numbered(50, 3)
    query, _ = parse(fused).bind(array.shape, sizes).select(array, {"part": "q"})
    keys, rest = parse(fused).bind(array.shape, sizes).select(array, {"part": "k"})
    assert np.array_equal(query, array[:30])
    assert np.array_equal(keys, array[30:40])
    assert rest.text() == "(kv_heads 2 · head_dim 5) · in 3"
    grouped = parse(per_group).bind(array.shape, sizes)
    groups = array.reshape(2, 5, 5, 3)
    query, rest = grouped.select(array, {"slot": "q"})
    assert np.array_equal(query, groups[:, :3].reshape(30, 3))
    assert rest.text() == "(kv_heads 2 · heads/kv_heads 3 · head_dim 5) · in 3"
    values, rest = grouped.select(array, {"slot": "v", "kv_heads": 1})
    assert np.array_equal(values, groups[1, 4])
    assert rest.text() == "head_dim 5 · in 3"
    assert grouped.position((41, 2)) == {
        "kv_heads": 1,
        "slot": "k",
        "head_dim": 1,
        "in": 2,
    }
    assert grouped.position((36, 2)) == {
        "kv_heads": 1,
        "slot": "q",
        "heads/kv_heads": 2,
        "head_dim": 1,
        "heads": 5,
        "in": 2,
    }


def test_heads_counted_per_group_or_all_together():
    sizes = {"heads": 6, "kv_heads": 2, "head_dim": 5}
    array = numbered(50, 3)
    bound = parse("(kv_heads part{q: heads/kv_heads | k: 1 | v: 1} head_dim) in").bind(array.shape, sizes)
    groups = array.reshape(2, 5, 5, 3)
    split = "part{q: heads head_dim | k: kv_heads head_dim | v: kv_heads head_dim} in"
    expected = [groups[:, :3].reshape(30, 3), groups[:, 3].reshape(10, 3), groups[:, 4].reshape(10, 3)]
    assert np.array_equal(bound.arrange(array, split), np.vstack(expected))
    assert np.array_equal(bound.rearranged(split).arrange(np.vstack(expected), bound.axes), array)
    query, rest = bound.select(array, {"part": "q"})
    assert rest.pattern("in (heads head_dim)") == "(kv_heads heads/kv_heads head_dim) in -> in (heads head_dim)"
    assert np.array_equal(rest.arrange(query, "in (heads head_dim)"), expected[0].T)


def test_input_and_state_in_one_kernel():
    kernel = numbered(12, 28)
    bound = parse("side{input: in | recurrent: units'} (gate[i j f o] units)").bind(kernel.shape)
    for side, rows in {"input": kernel[:5], "recurrent": kernel[5:]}.items():
        part, rest = bound.select(kernel, {"side": side})
        i, j, f, o = np.split(rows, 4, axis=1)
        target = f"{rest.dimensions[0].notation} (gate[i f j o] units)"
        assert np.array_equal(rest.arrange(part, target), np.hstack([i, f, j, o]))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_convolution(groups):
    """The same row for an ordinary, a grouped and a depthwise one."""
    kernel = numbered(3, 2, 4 // groups, 8)
    bound = parse("kh kw in/groups (groups out/groups)").bind(kernel.shape, {"groups": groups})
    assert (bound.sizes["in"], bound.sizes["out"]) == (4, 8)
    for index in np.ndindex(kernel.shape):
        out, share = index[3], index[2]
        position = bound.position(index)
        assert position["out"] == out
        assert position["in"] == out // (8 // groups) * (4 // groups) + share
        assert bound.index({"kh": index[0], "kw": index[1], "in": position["in"], "out": out}) == index
    moved = bound.arrange(kernel, "(groups out/groups) in/groups kh kw")
    assert np.array_equal(moved, kernel.transpose(3, 2, 0, 1))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_transposed_convolution(groups):
    kernel = numbered(3, 2, 4, 8 // groups)
    bound = parse("kh kw (groups in/groups) out/groups").bind(kernel.shape, {"groups": groups})
    for index in np.ndindex(kernel.shape):
        position = bound.position(index)
        assert position["in"] == index[2]
        assert position["out"] == index[2] // (4 // groups) * (8 // groups) + index[3]


def test_depthwise_with_a_multiplier():
    kernel = numbered(3, 2, 5, 4)
    bound = parse("kh kw in mult").bind(kernel.shape)
    moved = bound.arrange(kernel, "(in mult) 1 kh kw")
    assert np.array_equal(moved, kernel.transpose(2, 3, 0, 1).reshape(20, 1, 3, 2))
    assert bound.rearranged("(in mult) 1 kh kw").text() == "(in 5 · mult 4) · 1 · kh 3 · kw 2"


def test_scales_of_blocks():
    bound = parse("ceil(in/block) out").bind((3, 4), {"in": 11, "block": 4})
    assert bound.text() == "ceil(in/block) 3 · out 4"
    assert np.array_equal(bound.arrange(numbered(3, 4), "out ceil(in/block)"), numbered(3, 4).T)
    assert parse("ceil(in/2) out").bind((6, 4), {"in": 11}).sizes["in"] == 11


def test_a_transposed_kernel_stored_backwards():
    kernel = numbered(3, 2, 5, 4)
    bound = parse("-kh -kw in out").bind(kernel.shape)
    assert np.array_equal(bound.arrange(kernel, "kh kw out in"), kernel[::-1, ::-1].swapaxes(2, 3))
    assert bound.position((0, 0, 0, 0)) == {"kh": 2, "kw": 1, "in": 0, "out": 0}
    row, _ = bound.select(kernel, {"kh": 0})
    assert np.array_equal(row, kernel[2])


def test_dense_rows_after_flatten():
    kernel = numbered(60, 7)
    channels_last = parse("(h w c) out").bind(kernel.shape, {"h": 3, "w": 4})
    expected = kernel.reshape(3, 4, 5, 7).transpose(2, 0, 1, 3).reshape(60, 7).T
    assert np.array_equal(channels_last.arrange(kernel, "out (c h w)"), expected)


def test_axes_that_the_configuration_supplies():
    axes = parse("...reduced heads head_dim").expand(reduced="in_a in_b")
    assert axes.bind((2, 3, 4, 5)).text() == "in_a 2 · in_b 3 · heads 4 · head_dim 5"
