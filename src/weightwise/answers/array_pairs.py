"""Which array of one model is which of another, and how the axes of the one can be laid as those of the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.answers.counterparts import layers_matched
from weightwise.axes import Bound, parse
from weightwise.errors import AxesError
from weightwise.model import Layer, Model, Weight
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

SHARE = re.compile(r"\(groups (\w+)/groups\)|(\w+)/groups")
"""A group's share of an axis, and all of an axis in groups: both have the axis in their order."""


@dataclass(frozen=True)
class Matched:
    """An array of one model and those of another that hold the same: one, or two biases that act as their sum."""

    one: tuple[Weight, ...]
    other: tuple[Weight, ...]


def owners(model: Model) -> list[Layer]:
    """Return the layers that have arrays of their own, an array that several have with the first."""
    met: set[int] = set()
    found = []
    for layer in (*(layer for layer in model.walk() if not layer.is_model), *([model.own] if model.own else [])):
        if layer.weights and not met.issuperset(weight.index for weight in layer.weights):
            found.append(layer)
        met.update(weight.index for weight in layer.weights)
    return found


def array_pairs(one: Model, other: Model) -> list[Matched]:
    """Return the arrays that are each other's counterparts: those of one path, or those of layers in one order."""
    paths = [{weight.stored.path: weight for weight in model.weights} for model in (one, other)]
    if paths[0].keys() == paths[1].keys():
        return [Matched((weight,), (paths[1][path],)) for path, weight in paths[0].items()]
    ours, theirs = owners(one), owners(other)
    return [pair for a, b in layers_matched(ours, theirs) for pair in _within(ours[a], theirs[b])]


def _within(mine: Layer, yours: Layer) -> Iterator[Matched]:
    """Yield the arrays of two layers by their roles, and those without one by their names or their sizes in order."""
    left = [[weight for weight in layer.weights if weight.role != "-"] for layer in (mine, yours)]
    for key in (_role, _name, _sizes):
        groups = [_grouped(side, key) for side in left]
        for value in groups[0].keys() & groups[1].keys() - {""}:
            one, other = groups[0][value], groups[1][value]
            if key is _role and len(one) != len(other):
                found = [Matched(one, other)]
            else:
                found = [Matched((a,), (b,)) for a, b in zip(one, other, strict=False)]
            for pair in found:
                left = [[weight for weight in side if weight not in (*pair.one, *pair.other)] for side in left]
                yield pair


def _grouped(weights: Sequence[Weight], key: Any) -> Mapping[Any, tuple[Weight, ...]]:
    values = dict.fromkeys(key(weight) for weight in weights)
    return {value: tuple(weight for weight in weights if key(weight) == value) for value in values}


def _role(weight: Weight) -> str:
    return re.sub(r"^0/", "", weight.role)


def _name(weight: Weight) -> str:
    return weight.name.rpartition("/")[2]


def _sizes(weight: Weight) -> tuple[int, ...]:
    return tuple(sorted(size for size in weight.shape if size > 1))


@dataclass(frozen=True)
class Laid:
    """Two arrays with their axes in one order."""

    one: Array
    other: Array
    note: str
    """How the other was moved: `out in kh kw -> kh kw in out`; empty where it was not."""


def laid(pair: Matched) -> Iterator[Laid]:
    """Yield the ways in which the axes of two counterparts agree: one where both are known, none where they cannot."""
    if len(pair.one) != len(pair.other):
        yield from _summed(pair)
        return
    (one,), (other,) = pair.one, pair.other
    mine, yours = _lines(one), _lines(other)
    values, others = one.values(), other.values()
    sizes = {**_merged_sizes(one.bound), **_merged_sizes(other.bound)}
    met: set[tuple[str, str]] = set()
    for line in mine:
        for second in yours:
            for a, b in _refined(one, other, line, second):
                if (a, b) in met:
                    continue
                met.add((a, b))
                arranged = _arranged(b, others, a, sizes)
                if arranged is not None and arranged.shape == values.shape:
                    yield Laid(values, arranged, "" if a == b else f"{b} -> {a}")
    if not met & {(line, line) for line in mine} and values.shape == others.shape and not _told(one, other):
        yield Laid(values, others, "" if values.ndim < 2 else "as they lie, for their axes are not known")


def _told(one: Weight, other: Weight) -> bool:
    """Return whether the names of the axes of both settle how they lie."""
    return (
        one.bound is not None
        and other.bound is not None
        and set(one.bound.sizes) == set(other.bound.sizes)
        and len(one.shape) > 1
    )


def _lines(weight: Weight) -> list[str]:
    """Return what the axes of an array are, or can be, without the groups."""
    lines = [weight.bound.notation] if weight.bound is not None else list(weight.readings)
    return list(dict.fromkeys(SHARE.sub(lambda found: found[1] or found[2], line) for line in lines))


def _refined(one: Weight, other: Weight, a: str, b: str) -> Iterator[tuple[str, str]]:
    """Yield the lines, and those in which an axis that the other side merges from several is spelled out."""
    yield a, b
    for line in _spelled_out(b, other.shape, one.bound):
        yield a, line
    for line in _spelled_out(a, one.shape, other.bound):
        yield line, b


def _spelled_out(line: str, shape: Sequence[int], merged: Bound | None) -> Iterator[str]:
    """Yield a line with an axis as the product that another array has for it, in each order of channels and places."""
    terms = line.split(" ") if "(" not in line else []
    for dimension in merged.dimensions if merged else ():
        names = [factor.name for factor in dimension.factors]
        if len(names) < 2 or any(factor.labels for factor in dimension.factors):
            continue
        for order in (names, [*names[1:], names[0]], [names[-1], *names[:-1]]):
            for place, (term, size) in enumerate(zip(terms, shape, strict=False)):
                if size == dimension.size and term not in names:
                    yield " ".join((*terms[:place], f"({' '.join(order)})", *terms[place + 1 :]))


def _merged_sizes(bound: Bound | None) -> dict[str, int]:
    """Return the sizes of the axes that are merged with others in one dimension."""
    merged = [dimension.factors for dimension in (bound.dimensions if bound else ()) if len(dimension.factors) > 1]
    return {factor.name: factor.size for factors in merged for factor in factors}


def _arranged(line: str, values: Array, target: str, sizes: Mapping[str, int]) -> Array | None:
    axes = parse(line)
    try:
        known = {name: size for name, size in sizes.items() if name in axes.names}
        return axes.bind(values.shape, known).arrange(values, target)
    except AxesError:
        return None


def _summed(pair: Matched) -> Iterator[Laid]:
    """Yield two biases that act as their sum, against the one that another framework has."""
    more = pair.one if len(pair.one) > len(pair.other) else pair.other
    one, other = (_sum([weight.values() for weight in side]) for side in (pair.one, pair.other))
    if all("bias" in weight.name for weight in more) and one.shape == other.shape:
        yield Laid(one, other, f"the sum of {' and '.join(weight.name for weight in more)}")


def _sum(arrays: Sequence[Array]) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total
