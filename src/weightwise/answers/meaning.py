"""What the axes mean, in words: one entry for each axis, and for each block of a labelled axis.

Sentences about axes are typed here and nowhere else; explain and locate fill in the sizes and the places. In a
pattern `{n}` is the size with its noun (`3 rows`), `{size}` the size, `{last}` the last place, and `{at}` one place,
counted from 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from weightwise.records import dataclass


@dataclass(frozen=True)
class AxisMeaning:
    """What an axis is."""

    noun: str
    """What one place of it is called."""
    size: str
    """Why the array has this axis, of this size."""
    place: str
    """What one place of it is."""
    short: str
    """The same, within a sentence."""
    reads: bool = False
    """Whether it says what is read, and not what is made."""


AXES: Mapping[str, AxisMeaning] = {
    "in": AxisMeaning(
        "value", "one slice for each value that arrives", "value {at} of the {size} that arrive", "value {at}", True
    ),
    "out": AxisMeaning(
        "output", "one for each output of the layer", "output {at} of the layer's {size}", "output {at}"
    ),
    "kd": AxisMeaning(
        "plane", "the window is {n} deep", "plane {at} of the window, which has {size}", "plane {at}", True
    ),
    "kh": AxisMeaning("row", "the window is {n} high", "row {at} of the window, which has {size}", "row {at}", True),
    "kw": AxisMeaning(
        "column", "the window is {n} wide", "column {at} of the window, which has {size}", "column {at}", True
    ),
    "groups": AxisMeaning(
        "group", "the channels are split in {n} that do not see each other", "group {at} of {size}", "group {at}"
    ),
    "in/groups": AxisMeaning(
        "channel",
        "one slice for each channel of one group: a filter reads no other",
        "channel {at} of the {size} in its group",
        "channel {at} of its group",
        True,
    ),
    "out/groups": AxisMeaning(
        "filter", "one filter for each output of one group", "filter {at} of the {size} in its group", "filter {at}"
    ),
    "mult": AxisMeaning(
        "filter",
        "each channel that arrives has {n} of its own",
        "filter {at} of the {size} that each channel has",
        "filter {at} of that channel",
    ),
    "first_in": AxisMeaning(
        "value",
        "one slice for each value of the first input",
        "value {at} of the {size} of the first input",
        "value {at} of the first input",
        True,
    ),
    "second_in": AxisMeaning(
        "value",
        "one slice for each value of the second input",
        "value {at} of the {size} of the second input",
        "value {at} of the second input",
        True,
    ),
    "units": AxisMeaning(
        "unit", "one for each unit, which is one number of the state", "unit {at} of {size}", "unit {at}"
    ),
    "units'": AxisMeaning(
        "unit",
        "one slice for the output of each unit at the step before",
        "unit {at} of {size}, whose output of the step before is read",
        "the output of unit {at} at the step before",
        True,
    ),
    "out'": AxisMeaning(
        "channel",
        "one slice for each channel of the layer's own output at the step before",
        "channel {at} of the {size} that the layer itself made at the step before",
        "channel {at} of its own output at the step before",
        True,
    ),
    "gate": AxisMeaning("gate", "the cell has {n}, in this order", "{label}", "the {label}"),
    "side": AxisMeaning("side", "two sides, in this order", "{label}", "the {label}"),
    "direction": AxisMeaning("direction", "two directions, in this order", "{label}", "the {label}"),
    "part": AxisMeaning("part", "{n} in one array, in this order", "{label}", "the {label}"),
    "layer": AxisMeaning("layer", "one for each layer of the stack", "layer {at} of {size}", "layer {at}"),
    "heads": AxisMeaning("head", "the layer has {n} that attend side by side", "head {at} of {size}", "head {at}"),
    "kv_heads": AxisMeaning(
        "head",
        "the layer has {n} of keys and values, each shared by several heads of queries",
        "head {at} of the {size} of keys and values",
        "head {at} of keys and values",
    ),
    "head_dim": AxisMeaning("number", "each head compares {n}", "number {at} of the {size} of its head", "number {at}"),
    "half": AxisMeaning("number", "each pair has {n}, in this order", "{label}", "the {label}"),
    "pairs": AxisMeaning(
        "pair",
        "each head has {n} of numbers, which rotary positions turn like points around the origin",
        "pair {at} of the {size} of its head, whose two numbers are turned together",
        "pair {at}",
    ),
    "value_dim": AxisMeaning(
        "number",
        "each head hands on {n}",
        "number {at} of the {size} that its head hands on",
        "number {at}",
    ),
    "key_in": AxisMeaning(
        "value",
        "one slice for each value of a key that arrives",
        "value {at} of the {size} of a key",
        "value {at} of each key that arrives",
        True,
    ),
    "value_in": AxisMeaning(
        "value",
        "one slice for each number of a value that arrives",
        "number {at} of the {size} of a value that arrives",
        "number {at} of each value that arrives",
        True,
    ),
    "features": AxisMeaning("feature", "one for each feature", "feature {at} of {size}", "feature {at}"),
    "vocab": AxisMeaning(
        "token", "one row for each token, or category, 0 to {last}", "token {at} of {size}", "token {at}", True
    ),
    "segment": AxisMeaning(
        "segment", "one row for each part of what is read, 0 to {last}", "segment {at} of {size}", "segment {at}", True
    ),
    "position": AxisMeaning(
        "position", "one for each position of the sequence", "position {at} of {size}", "position {at}"
    ),
    "experts": AxisMeaning(
        "expert", "the layer has {n}, of which each input uses some", "expert {at} of {size}", "expert {at}"
    ),
    "rank": AxisMeaning(
        "direction",
        "the low rank of the update: it has {n}",
        "direction {at} of the {size} of the update",
        "direction {at}",
    ),
    "block": AxisMeaning("block", "{n} that share a scale", "block {at} of {size}", "block {at}"),
    "tap": AxisMeaning("tap", "the filter looks at {n}", "tap {at} of {size}", "tap {at}"),
    "d": AxisMeaning("plane", "one for each plane of the feature maps", "plane {at} of {size}", "plane {at}"),
    "h": AxisMeaning("row", "one for each row of the feature maps", "row {at} of {size}", "row {at}"),
    "w": AxisMeaning("column", "one for each column of the feature maps", "column {at} of {size}", "column {at}"),
    "c": AxisMeaning("channel", "one for each channel of the feature maps", "channel {at} of {size}", "channel {at}"),
}

WINDOWED: Mapping[str, AxisMeaning] = {
    "in": AxisMeaning(
        "channel",
        "one slice for each channel that arrives",
        "channel {at} of the {size} that arrive",
        "channel {at}",
        True,
    ),
    "out": AxisMeaning(
        "filter",
        "one for each filter, which makes one channel of the output",
        "filter {at} of {size}, which makes channel {at} of the output",
        "channel {at}",
    ),
}
"""What the axes of a layer with a window are, where that is more than what any layer's are."""

LONG = AxisMeaning(
    "position", "the window is {n} long", "position {at} of the window, which has {size}", "position {at}", True
)
"""`kw` of a window along a sequence, which has no rows."""

LETTERED: Mapping[str, AxisMeaning] = {
    "in": AxisMeaning(
        "value",
        "the axis {letter} of what arrives, over which the layer sums",
        "place {at} of {size} along {letter} of what arrives",
        "place {at} along {letter}",
        True,
    ),
    "out": AxisMeaning(
        "value",
        "the axis {letter} of the output",
        "place {at} of {size} along {letter} of the output",
        "place {at} along {letter}",
    ),
    "each": AxisMeaning(
        "value",
        "the axis {letter}, which arrives and stays: each place has weights of its own",
        "place {at} of {size} along {letter}",
        "place {at} along {letter}",
    ),
    "last": AxisMeaning(
        "place",
        "one for each place along axis {letter} from the end of what arrives",
        "place {at} of {size} along axis {letter} from the end of what arrives",
        "place {at} along axis {letter} from the end",
    ),
    "axis": AxisMeaning(
        "place",
        "one for each place along axis {letter} of what arrives",
        "place {at} of {size} along axis {letter} of what arrives",
        "place {at} along axis {letter}",
    ),
}
"""Axes that are called by a letter or a number: `in_c`, `out_d`, `each_b` of an equation, `axis_1` of a tensor, and
`last_2` from its end."""

OTHER = AxisMeaning("place", "an axis of its own", "place {at} of {size}", "place {at}")
"""An axis that has no entry."""

PRODUCT = AxisMeaning(
    "place",
    "the file does not tell how large each of the two is",
    "place {at} of {size}, which stand for several axes",
    "place {at}",
)
"""Several axes in one dimension of which only the product is known."""

LABELS: Mapping[tuple[str, str], str] = {
    ("gate", "i"): "input gate, which decides how much of the candidate is let in",
    ("gate", "f"): "forget gate, which decides how much of the old memory is kept",
    ("gate", "g"): "candidate, which is the new content of the memory",
    ("gate", "o"): "output gate, which decides how much of the memory is shown",
    ("gate", "z"): "update gate, which decides how much of the old state is kept",
    ("gate", "r"): "reset gate, which decides how much of the old state the candidate sees",
    ("gate", "h"): "candidate, which is the new content of the state",
    ("side", "input"): "sum over what arrives",
    ("side", "recurrent"): "sum over the output of the step before",
    ("direction", "forward"): "direction from the first position to the last",
    ("direction", "backward"): "direction from the last position to the first",
    ("part", "q"): "queries, what each position looks for",
    ("part", "k"): "keys, by which a position is found",
    ("part", "v"): "values, which are handed on",
    ("half", "re"): "first number of each pair, which is turned as the real part of a complex number",
    ("half", "im"): "second number of each pair, which is turned as the imaginary part of a complex number",
    ("part", "gate"): "gate, which scales the other part",
    ("part", "up"): "values that the gate scales",
}

WINDOW = frozenset({"kd", "kh", "kw"})


def axis_meaning(name: str, beside: Collection[str] = ()) -> AxisMeaning:
    """Return what the axis `name` is in a layer whose arrays have the axes `beside`; `OTHER` if it has no entry."""
    if "·" in name:
        return PRODUCT
    if name == "kw" and WINDOW.isdisjoint(set(beside) - {"kw"}):
        return LONG
    if name in WINDOWED and not WINDOW.isdisjoint(beside):
        return WINDOWED[name]
    part, _, letter = name.rstrip("'").partition("_")
    if name not in AXES and part in LETTERED:
        return _lettered(LETTERED[part], letter)
    return AXES.get(name, OTHER)


def _lettered(meaning: AxisMeaning, letter: str) -> AxisMeaning:
    patterns = {field: getattr(meaning, field).replace("{letter}", letter) for field in ("size", "place", "short")}
    return replace(meaning, **patterns)


def label_name(axis: str, label: str) -> str:
    """Return what one block of a labelled axis is called: `forget gate`."""
    return label_meaning(axis, label).partition(",")[0]


def block_meaning(at: str) -> str:
    """Return what an array is that is one block of an axis, `gate=f`; empty for one that is no block.

    >>> block_meaning("side=input")
    'the sum over what arrives'
    """
    axis, _, label = at.partition("=")
    return f"the {label_meaning(axis, label)}" if label else ""


def label_meaning(axis: str, label: str) -> str:
    """Return what one block of a labelled axis is; the label itself if it has no entry."""
    return LABELS.get((axis, label), label)
