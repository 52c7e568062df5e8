"""The same product of axes in other words: as short as it can be told, or cut as fine as another line has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from weightwise.axes.terms import (
    Merge,
    Name,
    One,
    Parts,
    Quotient,
    Reversed,
    Term,
    exact_shares,
    leaves,
    replaced,
)


def reduced(terms: Iterable[Term], sizes: Mapping[str, int], ones: frozenset[str] = frozenset()) -> tuple[Term, ...]:
    """The leaves of a product, as short as they can be told without loss.

    `groups in/groups` side by side are all of `in` while nobody knows how many groups there are, and where
    there is one group (`ones`) each share is the whole. Bare ones are left out, unless nothing else is there.
    """
    short: list[Term] = []
    for term in (_whole(leaf, ones) for leaf in leaves(terms)):
        match term:
            case One():
                continue
            case Quotient(numerator, str(name), False) if name not in sizes and short[-1:] == [Name(name)]:
                short[-1] = numerator
            case Parts(name, labels, blocks):
                short.append(Parts(name, labels, tuple(reduced(block, sizes, ones) for block in blocks)))
            case _:
                short.append(term)
    return tuple(short) or (One(),)


def _whole(term: Term, ones: frozenset[str]) -> Term:
    """The term, where a divisor is one: `groups` is then a bare one, and `in/groups` is `in`."""
    match term:
        case Name(name, 0) | Reversed(Name(name, 0)) if name in ones:
            return One()
        case Quotient(numerator, divisor, False) if divisor in ones:
            return numerator
        case _:
            return term


def single(terms: Iterable[Term], sizes: Mapping[str, int]) -> frozenset[str]:
    """The divisors that are known to be one."""
    return frozenset(divisor for divisor, _ in exact_shares(terms) if sizes.get(divisor) == 1)


def cut(terms: tuple[Term, ...], like: Iterable[Term], sizes: Mapping[str, int]) -> tuple[Term, ...]:
    """The terms with `out` cut into `(groups out/groups)`, if the terms of another line have `out/groups`."""
    pairs = {
        share.numerator: Merge((Name(divisor), share))
        for divisor, share in exact_shares(like)
        if sizes.get(divisor, 0) > 1 and share.numerator.name in sizes
    }
    return replaced(terms, lambda term: (pairs.get(term, term) if isinstance(term, Name) else term,))
