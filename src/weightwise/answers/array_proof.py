"""Whether two models hold the same arrays, after bringing each pair to the same axes; neither needs a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.answers.array_pairs import Matched, array_pairs, laid
from weightwise.answers.proof import Comparison, Line, Proof, Verdict, compared
from weightwise.model import Model, Weight

MOST_LISTED = 6


def between_arrays(one: Model, other: Model, tolerance: float = 0.0) -> Proof:
    """Return the proof that two models hold the same values, array by array; what has no counterpart is listed."""
    pairs = array_pairs(one, other)
    lines = tuple(_line(pair, tolerance) for pair in sorted(pairs, key=lambda pair: pair.one[0].index))
    notes = tuple(_alone(one, [weight for pair in pairs for weight in pair.one]))
    notes += tuple(_alone(other, [weight for pair in pairs for weight in pair.other]))
    failure = " ".join(notes)
    return Proof((Comparison("array", one.stored.path, other.stored.path, tolerance, lines, failure),))


def _line(pair: Matched, tolerance: float) -> Line:
    """Return the nearest of the ways in which two counterparts can be laid over each other."""
    names = [" + ".join(weight.path for weight in side) for side in (pair.one, pair.other)]
    best: Line | None = None
    for found in laid(pair):
        line = compared(names[0], names[1], found.one, found.other, tolerance, found.note)
        if best is None or _distance(line) < _distance(best):
            best = line
        if _distance(best) == 0:
            break
    if best is not None:
        return best
    shapes = " and ".join(str(weight.shape) for weight in (*pair.one, *pair.other))
    return Line(names[0], names[1], None, Verdict.OPEN, f"their axes cannot be brought together: {shapes}")


def _distance(line: Line) -> float:
    return line.difference.relative if line.difference is not None else float("inf")


def _alone(model: Model, paired: Sequence[Weight]) -> Iterator[str]:
    """Yield a sentence for the arrays without a counterpart; counters, which compute nothing, need none."""
    indices = {weight.index for weight in paired}
    alone = [weight.path for weight in model.weights if weight.index not in indices and weight.role != "-"]
    if alone:
        more = f" and {len(alone) - MOST_LISTED} more" if len(alone) > MOST_LISTED else ""
        listed = ", ".join(alone[:MOST_LISTED])
        yield f"{model.stored.path} has arrays without a counterpart: {listed}{more}."
