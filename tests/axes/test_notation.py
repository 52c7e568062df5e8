"""The grammar of `weightwise.axes`, one construct after the other, and what is refused."""

import pytest

from weightwise.axes import (
    Expand,
    Labels,
    Merge,
    Name,
    One,
    Parts,
    Quotient,
    Reversed,
    parse,
)
from weightwise.errors import AxesError

IN, OUT, HEADS, HEAD_DIM = Name("in"), Name("out"), Name("heads"), Name("head_dim")


def test_axes():
    assert parse("in out").terms == (IN, OUT)
    assert parse("").terms == ()


def test_one():
    assert parse("1 (in mult)").terms == (One(), Merge((IN, Name("mult"))))


def test_name():
    assert parse("units units' units''").terms == (Name("units"), Name("units", 1), Name("units", 2))
    assert parse("in_C each_b x2").terms == (Name("in_C"), Name("each_b"), Name("x2"))


def test_quotient():
    share = Quotient(IN, "groups")
    assert parse("in/groups (groups out/groups)").terms == (share, Merge((Name("groups"), Quotient(OUT, "groups"))))
    assert parse("ceil(in/block) out").terms == (Quotient(IN, "block", ceil=True), OUT)
    assert parse("ceil(in/2) units'/12").terms == (Quotient(IN, 2, ceil=True), Quotient(Name("units", 1), 12))


def test_labels():
    gate = Labels("gate", ("i", "f", "g", "o"))
    assert parse("gate[i f g o] in").terms == (gate, IN)
    assert parse("(gate[i f g o] units)").terms == (Merge((gate, Name("units"))),)


def test_parts():
    side = Parts("side", ("input", "recurrent"), ((IN,), (Name("units", 1),)))
    assert parse("side{input: in | recurrent: units'} units").terms == (side, Name("units"))
    slot = Parts("slot", ("q", "k"), ((Quotient(HEADS, "kv_heads"),), (One(),)))
    merged = (Name("kv_heads"), slot, HEAD_DIM)
    assert parse("(kv_heads slot{q: heads/kv_heads | k: 1} head_dim)").terms == (Merge(merged),)
    part = Parts("part", ("q", "k"), ((HEADS, HEAD_DIM), (Name("kv_heads"), HEAD_DIM)))
    assert parse("part{q: heads head_dim | k: kv_heads head_dim}").terms == (part,)


def test_merge():
    assert parse("(h w c) out").terms == (Merge((Name("h"), Name("w"), Name("c"))), OUT)
    assert parse("(h (w c))").terms == (Merge((Name("h"), Merge((Name("w"), Name("c"))))),)


def test_reversed():
    assert parse("-kh in").terms == (Reversed(Name("kh")), IN)


def test_expand():
    axes = parse("...kept (heads ...inner)")
    assert axes.terms == (Expand("kept"), Merge((HEADS, Expand("inner"))))
    assert str(axes.expand(kept="rows columns", inner="head_dim")) == "rows columns (heads head_dim)"
    assert str(axes.expand(inner="head_dim")) == "...kept (heads head_dim)"
    assert str(axes.expand(kept="", inner="")) == "(heads)"
    assert str(parse("part{q: ...kept | k: in}").expand(kept="")) == "part{q: 1 | k: in}"


@pytest.mark.parametrize(
    "text",
    [
        "kh kw in out",
        "(h w c) out",
        "in (gate[i f g o] units)",
        "side{input: in | recurrent: units'} (gate[i j f o] units)",
        "part{q: heads head_dim | k: kv_heads head_dim | v: kv_heads head_dim} in",
        "(kv_heads slot{q: heads/kv_heads | k: 1 | v: 1} head_dim) in",
        "in key_in value_in head_dim value_dim",
        "kh kw in/groups (groups out/groups)",
        "kh kw (groups in/groups) out/groups",
        "ceil(in/block) out",
        "(in mult) 1 kh kw",
        "-kh -kw in out",
        "(heads half[re im] pairs) in",
        "(heads pairs half[re im]) in",
        "(part[q k v] heads head_dim) in",
        "(heads part[q k v] head_dim) in",
        "(part[gate up] inner) in",
        "(inner part[gate up]) in",
        "...kept (heads ...inner)",
        "",
    ],
)
def test_a_canonical_line_is_printed_as_it_was_read(text):
    assert str(parse(text)) == text


def test_spaces_are_free():
    assert str(parse("  (h  w c )out side { a:b|c : 1 }")) == "(h w c) out side{a: b | c: 1}"


@pytest.mark.parametrize(
    ("text", "column", "expected", "found"),
    [
        ("kh (kw in", 10, "')'", "the end"),
        ("kh kw) in", 6, "an axis or 1", ")"),
        ("()", 2, "an axis or 1", ")"),
        ("in 2", 4, "an axis or 1", "2"),
        ("in/1", 4, "a name or a number above 1", "1"),
        ("in/", 4, "a name or a number above 1", "the end"),
        ("in/groups/block", 10, "an axis or 1", "/"),
        ("ceil", 5, "'('", "the end"),
        ("ceil(in)", 8, "'/'", ")"),
        ("gate[]", 6, "a label", "]"),
        ("gate[i i]", 8, "a label that does not stand here already", "i"),
        ("gate'[i f]", 6, "an axis or 1", "["),
        ("side{a: in | a: out}", 14, "a label that does not stand here already", "a"),
        ("side{a: | b: out}", 9, "an axis or 1", "|"),
        ("side{a in}", 8, "':'", "in"),
        ("side{a: in b: out}", 13, "'|'", ":"),
        ("-(kh kw)", 2, "an axis or 1", "("),
        ("in ...", 7, "a name", "the end"),
        ("kh  Kw", 5, "a name, a number or one of ( ) [ ] { } : | / - ' ...", "K"),
        ("in ö", 4, "a name, a number or one of ( ) [ ] { } : | / - ' ...", "ö"),
    ],
)
def test_a_fault_is_told_with_its_column(text, column, expected, found):
    with pytest.raises(AxesError) as caught:
        parse(text)
    assert str(caught.value) == f"axes '{text}', column {column}: expected {expected}, found {found}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("in in", "in"),
        ("(units' in) units'", "units'"),
        ("-kh kh", "kh"),
        ("in in/groups", "in"),
        ("in side{a: in | b: out}", "in"),
        ("side{a: in in | b: out}", "in"),
        ("gate[i f] gate[a b]", "gate"),
        ("...kept ...kept", "kept"),
    ],
)
def test_an_axis_may_not_stand_twice(text, name):
    with pytest.raises(AxesError, match=f"name the axis {name} twice; a second axis of the same size is {name}'$"):
        parse(text)


def test_the_blocks_of_one_axis_may_share_their_names():
    assert parse("part{q: heads head_dim | k: kv_heads head_dim}").names == ("heads", "head_dim", "kv_heads")


def test_what_is_expanded_may_not_name_an_axis_again():
    with pytest.raises(AxesError, match="'in out in' name the axis in twice"):
        parse("...kept in").expand(kept="in out")


def test_only_what_is_there_is_expanded():
    with pytest.raises(AxesError, match=r"axes '\.\.\.kept in' have no \.\.\.inner to expand"):
        parse("...kept in").expand(kept="a", inner="b")


def test_names_are_the_sizes_in_order_each_once():
    axes = parse("side{input: in | recurrent: units'} (gate[i f] units) -kh out/groups ceil(w/2) 1")
    assert axes.names == ("in", "units", "kh", "out", "groups", "w")


def test_equal_lines_are_one_value():
    assert parse("(h w) c") == parse(" ( h w ) c")
    assert hash(parse("(h w) c")) == hash(parse(" ( h w ) c"))
    assert parse("(h w) c") is parse("(h w) c")
