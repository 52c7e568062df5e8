"""How large each name is: one equation for each dimension, solved one unknown at a time.

Every size in the language is a sum of products of names and of their inverses, with no negative coefficient.
Sampled at 1, 2, 3 such an expression of one unknown lies on a line only if it is linear (every other power is
strictly convex there), so three exact values decide whether, and how, an equation can be solved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import ceil, prod
from typing import TYPE_CHECKING

from weightwise.axes.products import reduced
from weightwise.axes.terms import (
    Labels,
    Merge,
    Name,
    One,
    Parts,
    Quotient,
    Reversed,
    Term,
    atoms,
    size_names,
)
from weightwise.errors import AxesError

if TYPE_CHECKING:
    from fractions import Fraction


def ratio(numerator: int | Fraction, denominator: int | Fraction) -> int | Fraction:
    """The exact quotient: a whole number where it is one."""
    if isinstance(numerator, int) and isinstance(denominator, int) and numerator % denominator == 0:
        return numerator // denominator
    from fractions import Fraction  # takes as long as all of this package, and few sizes need it

    return Fraction(numerator) / denominator


def value(term: Term, sizes: Mapping[str, int | Fraction]) -> int | Fraction:
    """The size of a term whose names all have one."""
    match term:
        case One():
            return 1
        case Name(name) | Reversed(Name(name)):
            return sizes[name]
        case Labels(_, labels):
            return len(labels)
        case Quotient():
            return _share(term, sizes)
        case Merge(terms):
            return prod(value(inner, sizes) for inner in terms)
        case Parts(_, _, blocks):
            return sum(value(Merge(block), sizes) for block in blocks)
        case _:
            raise AxesError(f"want {term} to be expanded first")


def _share(quotient: Quotient, sizes: Mapping[str, int | Fraction]) -> int | Fraction:
    divisor = quotient.divisor if isinstance(quotient.divisor, int) else sizes[quotient.divisor]
    if not divisor:
        raise AxesError(f"want {quotient.divisor} above 0, to divide {quotient.numerator} by it")
    share = ratio(sizes[quotient.numerator.name], divisor)
    return ceil(share) if quotient.ceil else share


def unknowns(term: Term, sizes: Mapping[str, int]) -> frozenset[str]:
    """The names in the term that have no size yet."""
    return frozenset(size_names([term])) - sizes.keys()


def known_size(term: Term, sizes: Mapping[str, int]) -> int | None:
    """The size of a term, or None while a name in it has none; raises AxesError if it is no whole number."""
    if unknowns(term, sizes):
        return None
    size = value(term, sizes)
    if size.denominator != 1:
        raise AxesError(f"want {term} to be a whole number{_given(term, sizes)}")
    return int(size)


def solved(terms: Sequence[Term], shape: Sequence[int], facts: Mapping[str, int]) -> dict[str, int]:
    """The facts and every size that follows from them and the shape; raises AxesError if they contradict."""
    sizes = dict(facts)
    while found := next(_solutions(terms, shape, sizes), None):
        name, size = found
        sizes[name] = size
    for number, (term, length) in enumerate(zip(terms, shape, strict=True)):
        whole = reduced([term], sizes)
        expected = known_size(whole[0] if len(whole) == 1 else term, sizes)
        if expected not in (None, length):
            raise AxesError(f"want {expected} in dimension {number}{_given(term, sizes)}")
    return sizes


def _solutions(terms: Sequence[Term], shape: Sequence[int], sizes: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The one unknown name of each equation that has a single solution, with that solution."""
    for number, (term, length) in enumerate(zip(terms, shape, strict=True)):
        product = Merge(reduced([term], sizes))
        names = unknowns(product, sizes)
        if len(names) != 1 or _rounded(product, names):
            continue
        (name,) = names
        size = _solution(partial(_value_at, product, sizes, name), length)
        if size is None:
            continue
        if size < 0 or size.denominator != 1:
            given = _given(term, sizes)
            raise AxesError(f"want a whole size of {name} in dimension {number}, not {size}{given}")
        yield name, int(size)


def _value_at(term: Term, sizes: Mapping[str, int], name: str, guess: int | Fraction) -> int | Fraction:
    return value(term, {**sizes, name: guess})


def _solution(size_at: Callable[[int | Fraction], int | Fraction], length: int) -> int | Fraction | None:
    """The x with `size_at(x) == length`, if the size is linear in x or in 1/x and does depend on it."""
    for inverse in (False, True):
        first, second, third = (size_at(ratio(1, guess) if inverse else guess) for guess in (1, 2, 3))
        slope = second - first
        if slope and third - second == slope:
            x = 1 + ratio(length - first, slope)
            if not inverse:
                return x
            return ratio(1, x) if x else -1
    return None


def _rounded(term: Term, names: frozenset[str]) -> bool:
    """Whether one of the names stands inside a `ceil`, which many sizes satisfy."""
    ceilings = (atom for atom in atoms([term]) if isinstance(atom, Quotient) and atom.ceil)
    return any(names.intersection(size_names([ceiling])) for ceiling in ceilings)


def _given(term: Term, sizes: Mapping[str, int]) -> str:
    """The sizes that an equation was read with, as in " (groups 2, in 7)"."""
    given = [f"{name} {sizes[name]}" for name in dict.fromkeys(size_names([term])) if name in sizes]
    return f" ({', '.join(given)})" if given else ""
