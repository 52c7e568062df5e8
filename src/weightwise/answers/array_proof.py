"""Whether two models hold the same arrays, after bringing each pair to the same axes; neither needs a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightwise.answers.array_pairs import Laid, Matched, array_pairs, laid
from weightwise.answers.proof import Comparison, Line, Proof, Verdict, compared
from weightwise.errors import UnsupportedError
from weightwise.model import Model, Weight
from weightwise.porting.siblings import Pair, Siblings, siblings

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

MOST_LISTED = 6
TIED = "one of the two files ties it to this array"
NARROWEST_FIRST = ("bfloat16", "float16", "float32", "float64")


def between_arrays(one: Model, other: Model, tolerance: float = 0.0) -> Proof:
    """Return the proof that two models hold the same values, array by array; what has no counterpart is listed."""
    found = siblings(other, one)
    if found is not None:
        return _of_one_architecture(found, tolerance)
    pairs = array_pairs(one, other)
    lines = tuple(_line(pair, tolerance) for pair in sorted(pairs, key=lambda pair: pair.one[0].index))
    notes = tuple(_alone(one, [weight for pair in pairs for weight in pair.one]))
    notes += tuple(_alone(other, [weight for pair in pairs for weight in pair.other]))
    failure = " ".join((*notes, *_open(lines)))
    return Proof((Comparison("array", one.stored.path, other.stored.path, tolerance, lines, failure),))


def _of_one_architecture(found: Siblings, tolerance: float) -> Proof:
    """Return the proof that two files of one known architecture hold the same, each array by what it is there."""
    other, one = found.source, found.target
    lines = [_sibling_line(pair, found, tolerance) for pair in found.pairs]
    for pair in found.omitted:
        values = (pair.target.values(), pair.source.values())
        lines.append(_narrowed((pair.target, pair.source), values, TIED, tolerance))
    notes = [*_listed(one.path, found.missing), *_listed(other.path, found.left), *_open(lines)]
    return Proof((Comparison("array", one.path, other.path, tolerance, tuple(lines), " ".join(notes)),))


def _open(lines: Sequence[Line]) -> Iterator[str]:
    """Yield a sentence for the arrays that have a counterpart and could not be compared with it."""
    names = [line.name for line in lines if line.verdict is Verdict.OPEN]
    if names:
        yield f"the axes of {_first(names)} could not be brought together."


def _sibling_line(pair: Pair, found: Siblings, tolerance: float) -> Line:
    weights = (pair.target, pair.source)
    try:
        fed = found.fed(pair)
    except UnsupportedError as error:
        return Line(pair.target.path, pair.source.path, None, Verdict.OPEN, str(error))
    before, _, after = fed.pattern.partition(" -> ")
    note = TIED if pair.tied else "" if before == after else fed.pattern
    return _narrowed(weights, (pair.target.values(), fed.read()), note, tolerance)


def _narrowed(weights: tuple[Weight, Weight], values: tuple[Array, Array], note: str, tolerance: float) -> Line:
    one, other = weights
    return _compared((one.path, other.path), Laid(*values, note), _narrower(one.dtype, other.dtype), tolerance)


def _line(pair: Matched, tolerance: float) -> Line:
    """Return the nearest of the ways in which two counterparts can be laid over each other."""
    names = [" + ".join(weight.path for weight in side) for side in (pair.one, pair.other)]
    narrow = _narrower(pair.one[0].dtype, pair.other[0].dtype)
    best: Line | None = None
    for found in laid(pair):
        line = _compared(names, found, narrow, tolerance)
        if best is None or _distance(line) < _distance(best) or line.verdict is Verdict.EQUAL:
            best = line
        if best.verdict is Verdict.EQUAL:
            break
    if best is not None:
        return best
    shapes = " and ".join(str(weight.shape) for weight in (*pair.one, *pair.other))
    return Line(names[0], names[1], None, Verdict.OPEN, f"their axes cannot be brought together: {shapes}")


def _compared(names: Sequence[str], found: Laid, narrow: str, tolerance: float) -> Line:
    """Return the line of two arrays; of two dtypes, what is equal as the narrower has it is equal, and said so."""
    line = compared(names[0], names[1], found.one, found.other, tolerance, found.note)
    if line.verdict is not Verdict.DIFFERENT or not narrow or found.one.shape != found.other.shape:
        return line
    if not (rounded(found.one, narrow) == rounded(found.other, narrow)).all():
        return line
    return replace(line, verdict=Verdict.EQUAL, note=", ".join(filter(None, (found.note, f"rounded to {narrow}"))))


def _narrower(one: str, other: str) -> str:
    """Return which of two different dtypes has fewer digits; an empty string where that cannot be told."""
    both = [dtype for dtype in NARROWEST_FIRST if dtype in (one, other)]
    return both[0] if len(both) == 2 else ""


def rounded(values: Array, dtype: str) -> Array:
    """Return values as a dtype holds them, to the nearest and of two as near the even one."""
    import numpy

    if dtype != "bfloat16":
        return values.astype(dtype)
    bits = values.astype("float32").view("uint32").astype("uint64")
    kept: Array = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype("uint32")
    return kept.view(numpy.float32)


def _distance(line: Line) -> float:
    return line.difference.relative if line.difference is not None else float("inf")


def _alone(model: Model, paired: Sequence[Weight]) -> Iterator[str]:
    """Yield a sentence for the arrays without a counterpart; counters, which compute nothing, need none."""
    indices = {weight.index for weight in paired}
    alone = [weight for weight in model.weights if weight.index not in indices and weight.role != "-"]
    yield from _listed(model.stored.path, alone)


def _listed(path: str, alone: Sequence[Weight]) -> Iterator[str]:
    if alone:
        yield f"{path} has arrays without a counterpart: {_first([weight.path for weight in alone])}."


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(names[:MOST_LISTED])}{more}"
