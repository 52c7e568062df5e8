"""What a proof says: two sides, a line for each thing that both have, the largest difference and the verdict.

The differences are `max|a - b|`, and relative to the largest value of the second side, `max|a - b| / max|b|`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any

from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    from weightwise.answers.tracing import Value

    Array = numpy.ndarray[Any, Any]

TOLERANCES: Mapping[str, float] = {"float64": 1e-10, "float32": 1e-5}
"""How far apart two sides may be that compute the same in a dtype, relative to the largest value."""


class Verdict(Enum):
    """What a comparison came to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    OPEN = "not compared"


@dataclass(frozen=True)
class Difference:
    """How far apart two arrays of one shape are."""

    absolute: float
    """The largest `|a - b|`; infinite where one of them alone is no number."""
    relative: float
    """The same as a share of the largest `|b|`."""


@dataclass(frozen=True)
class Line:
    """One thing that both sides have."""

    name: str
    """What the first side calls it."""
    other: str
    """What the second side calls it; empty where it has none."""
    difference: Difference | None
    """None where the two were not compared."""
    verdict: Verdict
    note: str = ""
    """How they were brought together, or why they were not, as a clause."""


@dataclass(frozen=True)
class Comparison:
    """Two sides, line by line."""

    what: str
    """What the lines are: `layer`, `array`."""
    one: str
    other: str
    tolerance: float
    lines: tuple[Line, ...]
    """In the order in which the first side computes or lists them."""
    failure: str = ""
    """Why it ended before its end, as a sentence; empty for one that is whole."""
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Line | None:
        """The first line that differs; None where none does."""
        return next((line for line in self.lines if line.verdict is Verdict.DIFFERENT), None)

    @property
    def largest(self) -> Line | None:
        """The line with the largest difference; None where nothing was compared."""
        compared = [(line.difference.relative, line) for line in self.lines if line.difference is not None]
        return max(compared, key=lambda item: item[0])[1] if compared else None

    @property
    def verdict(self) -> Verdict:
        """DIFFERENT where a line is, OPEN where nothing was compared or it is not whole, and EQUAL otherwise."""
        if self.first is not None:
            return Verdict.DIFFERENT
        return Verdict.OPEN if self.failure or self.largest is None else Verdict.EQUAL


@dataclass(frozen=True)
class Proof:
    """All comparisons of one question, and what the source computed."""

    comparisons: tuple[Comparison, ...]
    outputs: tuple[Array, ...] = field(default=(), repr=False, compare=False)
    """What the reference returns for the source and the inputs, batch first; empty where it cannot be computed."""
    notes: tuple[str, ...] = ()
    """What must be said of the inputs and of what was left out, as sentences."""
    asked: tuple[str, tuple[Value, ...]] = field(default=("", ()), repr=False, compare=False)
    """The framework that was asked, and what it returns; nothing where none was, or where it showed no outputs."""

    @property
    def first(self) -> Line | None:
        """The first line that differs; None where none does."""
        return next((found.first for found in self.comparisons if found.first is not None), None)

    @property
    def verdict(self) -> Verdict:
        """DIFFERENT where a comparison is, EQUAL where all are equal, OPEN otherwise, and where there is none."""
        verdicts = {found.verdict for found in self.comparisons}
        if Verdict.DIFFERENT in verdicts:
            return Verdict.DIFFERENT
        return Verdict.EQUAL if verdicts == {Verdict.EQUAL} else Verdict.OPEN


def difference(one: Array, other: Array) -> Difference:
    """Return how far apart two arrays of one shape are; what is equal, also as no number, is not apart."""
    import numpy

    if one.dtype.kind not in "fc" and other.dtype.kind not in "fc" and bool((one == other).all()):
        return Difference(0.0, 0.0)
    wide = numpy.result_type(one, other, numpy.float32) if one.dtype.kind in "biufc" else numpy.dtype("float64")
    a, b = (array.astype(wide, copy=False) for array in (one, other))
    with numpy.errstate(invalid="ignore"):
        apart = numpy.abs(a - b)
    apart = numpy.where((a == b) | (numpy.isnan(a) & numpy.isnan(b)), 0.0, apart)
    absolute = float(numpy.where(numpy.isnan(apart), numpy.inf, apart).max(initial=0.0))
    largest = float(numpy.where(numpy.isfinite(b), numpy.abs(b), 0.0).max(initial=0.0))
    if absolute == 0:
        return Difference(0.0, 0.0)
    return Difference(absolute, absolute / largest if largest else float("inf"))


def compared(name: str, other: str, one: Array, two: Array, tolerance: float, note: str = "") -> Line:
    """Return the line of two arrays; those of two shapes differ."""
    if one.shape != two.shape:
        shapes = f"its shape is {one.shape} there and {two.shape} here"
        return Line(name, other, None, Verdict.DIFFERENT, shapes)
    found = difference(one, two)
    verdict = Verdict.EQUAL if found.relative <= tolerance else Verdict.DIFFERENT
    return Line(name, other, found, verdict, note)
