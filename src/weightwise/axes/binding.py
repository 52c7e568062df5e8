"""An axes string, and the same string bound to one array's shape."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from weightwise.axes import coordinates
from weightwise.axes.coordinates import Coordinate, Position
from weightwise.axes.factors import (
    Dimension,
    Factor,
    check_contents,
    counted,
    measured,
    rearranged,
)
from weightwise.axes.notation import check_distinct, expanded, read
from weightwise.axes.products import cut, single
from weightwise.axes.sizes import known_size, solved
from weightwise.axes.terms import Expand, Term, atoms, size_names, spelled
from weightwise.errors import AxesError
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt


@functools.cache
def parse(text: str) -> Axes:
    """The axes that the text names; raises AxesError with the column of the first fault.

    >>> parse("kh kw in/groups (groups out/groups)").names
    ('kh', 'kw', 'in', 'groups', 'out')
    """
    return Axes(read(text))


@dataclass(frozen=True)
class Axes:
    """One line of the axes language; `str` is its canonical text, and equal lines are equal."""

    terms: tuple[Term, ...]
    """One for each dimension of the array."""

    def __str__(self) -> str:
        return spelled(self.terms)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sizes in order, each once, without primes."""
        return tuple(dict.fromkeys(size_names(self.terms)))

    def expand(self, **names: str) -> Axes:
        """The axes with `...name` replaced by the axes given for it; raises AxesError if there is none.

        >>> str(parse("...kept heads").expand(kept="rows columns"))
        'rows columns heads'
        """
        terms = expanded(self.terms, {name: read(text) for name, text in names.items()})
        check_distinct(terms, spelled(terms))
        return Axes(terms)

    def bind(self, shape: Sequence[int], sizes: Mapping[str, int] | None = None, *, what: str = "the array") -> Bound:
        """The axes with the sizes that follow from the shape and from the `sizes` known otherwise.

        Raises AxesError, which names `what`, the axes and the shape, where they contradict each other.

        >>> parse("(gate[i f g o] units) in").bind((28, 5)).text()
        '(gate[i f g o] · units 7) · in 5'
        """
        shape = tuple(map(int, shape))
        try:
            known = self._sizes(shape, sizes or {})
            dimensions = measured(self.terms, shape, known, single(self.terms, known))
            return Bound(self, shape, known, dimensions)
        except AxesError as error:
            raise AxesError(f"{what}: axes '{self}' {error}, the array has shape {shape}") from None

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...] | None:
        """The shape of an array with these axes; None where the sizes leave it open, AxesError where they contradict.

        >>> parse("(h w c) rank").shape({"h": 4, "w": 3, "c": 5, "rank": 2})
        (60, 2)
        """
        found = [known_size(term, sizes) for term in self.terms]
        return tuple(size for size in found if size is not None) if None not in found else None

    def _sizes(self, shape: tuple[int, ...], facts: Mapping[str, int]) -> dict[str, int]:
        for term in atoms(self.terms):
            if isinstance(term, Expand):
                raise AxesError(f"want {term} to be expanded first")
        if len(shape) != len(self.terms):
            count = len(self.terms)
            raise AxesError(f"want {count} dimension{'s' if count != 1 else ''}")
        return solved(self.terms, shape, facts)


@dataclass(frozen=True)
class Bound:
    """Axes that are bound to the shape of one array."""

    axes: Axes
    shape: tuple[int, ...]
    sizes: Mapping[str, int] = field(hash=False)
    """The size of each name that has one."""
    dimensions: tuple[Dimension, ...]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors of all dimensions in order, bare ones left out."""
        return counted(self.dimensions)

    def text(self) -> str:
        """The axes with their sizes, as in `kh 3 · kw 3 · in 1 · out 32`; of a single number, `scalar`."""
        return " · ".join(dimension.text() for dimension in self.dimensions) or "scalar"

    def position(self, index: Sequence[int]) -> dict[str, Coordinate]:
        """The coordinates of one element by name; where `in` lies in groups, also the one along all of `in`.

        Raises SelectionError where the array has no such index.

        >>> parse("(h w c) out").bind((9216, 128), {"h": 12, "w": 12}).position((1234, 3))
        {'h': 1, 'w': 7, 'c': 18, 'out': 3}
        """
        return coordinates.position(self.dimensions, index)

    def index(self, position: Position) -> tuple[int, ...]:
        """The index of the element with these coordinates; raises SelectionError if they do not name one.

        >>> parse("in (gate[i f g o] units)").bind((5, 28)).index({"in": 2, "gate": "f", "units": 3})
        (2, 10)
        """
        return coordinates.index(self.dimensions, position)

    def select(self, array: npt.ArrayLike, position: Position) -> tuple[npt.NDArray[Any], Bound]:
        """The part of the array at the given coordinates, and what its axes are; a view where NumPy has one.

        Raises SelectionError for an axis or coordinate that is not there, or that only a product is known of.
        """
        from weightwise.axes import arrangement

        wanted = coordinates.shares(self.dimensions, position)
        values, rest = arrangement.selected(array, self.dimensions, wanted)
        axes = parse(" ".join(dimension.notation for dimension in rest))
        return values, axes.bind(values.shape, self.sizes)

    def rearranged(self, target: str | Axes) -> Bound:
        """What the axes of `arrange`'s result are bound to; raises AxesError if the names differ."""
        axes = parse(target) if isinstance(target, str) else target
        ones = single((*self.axes.terms, *axes.terms), self.sizes)
        try:
            dimensions = rearranged(axes.terms, self.dimensions, self.sizes, ones)
            check_contents(*map(counted, self._aligned(axes)))
        except AxesError as error:
            raise AxesError(f"axes '{self.axes}' cannot be arranged as '{axes}': {error}") from None
        shape = tuple(dimension.size for dimension in dimensions)
        return Bound(axes, shape, self.sizes, dimensions)

    def _aligned(self, axes: Axes) -> tuple[tuple[Dimension, ...], tuple[Dimension, ...]]:
        """The dimensions of these axes and of others, cut into the same factors.

        Where the one has `out` and the other `(groups out/groups)`, both have the latter.
        """
        both = (*self.axes.terms, *axes.terms)
        ones = single(both, self.sizes)
        source, target = (cut(line.terms, both, self.sizes) for line in (self.axes, axes))
        check_distinct(source, spelled(source))
        check_distinct(target, spelled(target))
        dimensions = measured(source, self.shape, self.sizes, ones)
        return dimensions, rearranged(target, dimensions, self.sizes, ones)

    def arrange(self, array: npt.ArrayLike, target: str | Axes, apart: bool = False) -> npt.NDArray[Any]:
        """The same values under other axes, a view where NumPy has one; raises AxesError if the names differ.

        Where merged axes may stay `apart`, which makes a view of it, the result may have more dimensions.

        >>> import numpy
        >>> kernel = numpy.zeros((3, 2, 1, 4))
        >>> parse("kh kw in out").bind(kernel.shape).arrange(kernel, "out in (kh kw)").shape
        (4, 1, 6)
        """
        from weightwise.axes import arrangement

        return arrangement.arranged(array, *self._aligned(self.rearranged(target).axes), apart)

    def pattern(self, target: str | Axes) -> str:
        """The arrangement in one line, as in `kh kw in out -> out in kh kw`."""
        return f"{self.notation} -> {self.rearranged(target).notation}"

    @property
    def notation(self) -> str:
        """The axes as they turned out: with one group, `in/groups (groups out/groups)` is `in out`."""
        return " ".join(dimension.notation for dimension in self.dimensions)
