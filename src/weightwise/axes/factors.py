"""What an axes string says about one array: dimensions, each a product of sized factors, slowest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TypeAlias

from weightwise.axes.products import reduced
from weightwise.axes.sizes import known_size
from weightwise.axes.terms import Labels, One, Parts, Quotient, Reversed, Term, spelled
from weightwise.errors import AxesError
from weightwise.records import dataclass


@dataclass(frozen=True)
class Factor:
    """One axis of an array, or a product of axes of which only the product's size is known."""

    terms: tuple[Term, ...]
    size: int
    blocks: tuple[tuple[Factor, ...], ...] = ()
    """The factors inside each of an axis's unequal blocks, in the order of `labels`; else empty."""

    @property
    def name(self) -> str:
        """The axis as people read it: `kh`, `units'`, `in/groups`, `gate`, `1`; or `heads·head_dim`."""
        match self.terms:
            case (Labels(name),):
                return name
            case (Parts(name),) if self.blocks:
                return name
            case (Reversed(axis),):
                return str(axis)
            case _:
                return "·".join(map(str, self.terms))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the blocks, in stored order; empty for an axis that is counted."""
        match self.terms:
            case (Labels(_, labels),):
                return labels
            case (Parts(_, labels),) if self.blocks:
                return labels
            case _:
                return ()

    @property
    def resolved(self) -> bool:
        """Whether this is one axis, so that an index along it has a meaning."""
        (first, *others) = self.terms
        return not others and (bool(self.blocks) or not isinstance(first, Parts))

    @property
    def reversed(self) -> bool:
        """Whether the axis is stored backwards."""
        return isinstance(self.terms[0], Reversed) and self.resolved

    @property
    def share(self) -> tuple[str, str] | None:
        """For `in/groups`: `in`, and `groups` that it is shared among; None for any other factor."""
        match self.terms:
            case (Quotient(numerator, str(divisor), False),):
                return str(numerator), divisor
            case _:
                return None

    @property
    def bare(self) -> bool:
        """Whether this is a bare `1`."""
        return self.terms == (One(),)

    def text(self) -> str:
        """The factor with its size: `kh 3`, `-kh 3`, `gate[i f g o]`, `(side: input 5 | recurrent 7)`."""
        if self.blocks:
            blocks = (_block_text(*pair) for pair in zip(self.labels, self.blocks, strict=True))
            return f"({self.name}: {' | '.join(blocks)})"
        if self.labels or self.bare:
            return spelled(self.terms)
        return f"{'-' if self.reversed else ''}{self.name} {self.size}"


def _block_text(label: str, factors: tuple[Factor, ...]) -> str:
    """One block of unequal ones: its size, or its factors where it is a product."""
    if len(factors) == 1:
        return f"{label} {factors[0].size}"
    return f"{label} ({' · '.join(factor.text() for factor in factors)})"


@dataclass(frozen=True)
class Dimension:
    """One dimension of an array: the factors that are merged in it, slowest first."""

    factors: tuple[Factor, ...]

    @property
    def size(self) -> int:
        """The length of the dimension."""
        return volume(self.factors)

    @property
    def counted(self) -> tuple[Factor, ...]:
        """The factors without a bare `1`."""
        return tuple(factor for factor in self.factors if not factor.bare)

    @property
    def notation(self) -> str:
        """The dimension in the axes language."""
        terms = [term for factor in self.factors for term in factor.terms]
        return spelled(terms) if len(terms) == 1 else f"({spelled(terms)})"

    def text(self) -> str:
        """The dimension with its sizes: `kh 3`, or `(h 12 · w 12 · c 64)`."""
        text = " · ".join(factor.text() for factor in self.factors)
        return text if len(self.factors) == 1 else f"({text})"


def volume(factors: Iterable[Factor]) -> int:
    """The number of places in a product."""
    return prod(factor.size for factor in factors)


def counted(dimensions: Iterable[Dimension]) -> tuple[Factor, ...]:
    """The factors of all dimensions in order, bare ones left out."""
    return tuple(factor for dimension in dimensions for factor in dimension.counted)


def measured(
    terms: Sequence[Term], shape: Sequence[int], sizes: Mapping[str, int], ones: frozenset[str]
) -> tuple[Dimension, ...]:
    """The dimensions of an array of this shape; what unknown factors enclose is one product with them."""
    return tuple(
        Dimension(_factors(reduced([term], sizes, ones), length, sizes, number))
        for number, (term, length) in enumerate(zip(terms, shape, strict=True))
    )


def _factors(terms: tuple[Term, ...], length: int, sizes: Mapping[str, int], number: int) -> tuple[Factor, ...]:
    factors = [known_factor(term, sizes) for term in terms]
    if None not in factors:
        return tuple(filter(None, factors))
    first = factors.index(None)
    end = len(factors) - factors[::-1].index(None)
    before, after = tuple(filter(None, factors[:first])), tuple(filter(None, factors[end:]))
    rest = volume(before + after)
    if length % rest if rest else length:
        known = ", ".join(f"{factor.name} {factor.size}" for factor in before + after)
        raise AxesError(f"want a multiple of {rest} in dimension {number} ({known})")
    if not rest:
        return (Factor(terms, 0),)  # 0 = 0 · n says nothing of n
    return (*before, Factor(terms[first:end], length // rest), *after)


def known_factor(term: Term, sizes: Mapping[str, int]) -> Factor | None:
    """The factor of one term, or None while the size of a name in it is unknown."""
    size = known_size(term, sizes)
    if size is None:
        return None
    if not isinstance(term, Parts):
        return Factor((term,), size)
    blocks = (tuple(filter(None, (known_factor(inner, sizes) for inner in block))) for block in term.blocks)
    return Factor((term,), size, tuple(blocks))


def rearranged(
    terms: Sequence[Term], source: Sequence[Dimension], sizes: Mapping[str, int], ones: frozenset[str]
) -> tuple[Dimension, ...]:
    """The dimensions of the same values under other terms; an unknown product may move, but only whole."""
    known = [factor for dimension in source for factor in dimension.factors]
    return tuple(Dimension(tuple(_moved(reduced([term], sizes, ones), known, sizes))) for term in terms)


def _moved(terms: tuple[Term, ...], known: Sequence[Factor], sizes: Mapping[str, int]) -> list[Factor]:
    factors: list[Factor] = []
    while terms:
        found = [factor for factor in known if terms[: len(factor.terms)] == factor.terms]
        longest = max(found, key=lambda factor: len(factor.terms), default=None)
        factor = longest or known_factor(terms[0], sizes)
        if factor is None:
            raise AxesError(_unresolved(terms[0], known))
        factors.append(factor)
        terms = terms[len(factor.terms) :]
    return factors


def _unresolved(term: Term, known: Sequence[Factor]) -> str:
    for factor in known:
        if term in factor.terms:
            return f"only the product {factor.name} {factor.size} is known, not the size of {term}"
    return f"the size of {term} is not known"


Choice: TypeAlias = frozenset[tuple[str, str]]


def contents(factors: Sequence[Factor]) -> dict[Choice, frozenset[str]]:
    """The names of the counted axes in each block of the labelled ones, by the labels that choose the block."""
    axis = next((number for number, factor in enumerate(factors) if factor.labels), None)
    if axis is None:
        return {frozenset(): frozenset(factor.name for factor in factors if not factor.bare)}
    factor, before, after = factors[axis], factors[:axis], factors[axis + 1 :]
    blocks = zip(factor.labels, factor.blocks or ((),) * len(factor.labels), strict=True)
    return {
        labels | {(factor.name, label)}: names
        for label, block in blocks
        for labels, names in contents((*before, *block, *after)).items()
    }


def check_contents(source: Sequence[Factor], target: Sequence[Factor]) -> None:
    """Raise AxesError unless every block of the one has its like in the other, with the same axes."""
    old, new = contents(source).items(), contents(target).items()
    if old != new:
        raise AxesError(f"{_listed(old - new)} would become {_listed(new - old)}")


def _listed(blocks: Iterable[tuple[Choice, frozenset[str]]]) -> str:
    """The first of the blocks, in a fixed order."""
    listed = (sorted([*(f"{axis}={label}" for axis, label in labels), *names]) for labels, names in blocks)
    return f"({', '.join(min(listed, default=['nothing']))})"
