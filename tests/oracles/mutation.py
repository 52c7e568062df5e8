"""Every exchange of two axes or of two blocks in an axes string: a proof must fail for each, or it proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from weightwise.axes import Labels, Merge, Name, Parts, Reversed, Term, parse
from weightwise.axes.terms import One, spelled

SPATIAL = ("kd", "kh", "kw")
"""Axes whose direction matters: turning one round is a mistake that a proof must see."""


def mutants(text: str) -> Iterator[str]:
    """Yield each axes string that differs from `text` by one exchange, or by one axis turned round."""
    terms = parse(text).terms
    leaves = list(_leaves(terms, ()))
    for (path, one), (other_path, other) in combinations(leaves, 2):
        if not (isinstance(one, One) and isinstance(other, One)):
            yield spelled(_put(_put(terms, path, other), other_path, one))
    for path, term in leaves:
        for changed in _blocks_exchanged(term):
            yield spelled(_put(terms, path, changed))


def _leaves(terms: tuple[Term, ...], path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Term]]:
    for place, term in enumerate(terms):
        if isinstance(term, Merge):
            yield from _leaves(term.terms, (*path, place))
        else:
            yield (*path, place), term


def _put(terms: tuple[Term, ...], path: tuple[int, ...], new: Term) -> tuple[Term, ...]:
    place, *rest = path
    old = terms[place]
    changed = Merge(_put(old.terms, tuple(rest), new)) if rest and isinstance(old, Merge) else new
    return (*terms[:place], changed, *terms[place + 1 :])


def _blocks_exchanged(term: Term) -> Iterator[Term]:
    if isinstance(term, Name) and term.name in SPATIAL:
        yield Reversed(term)
    if isinstance(term, Reversed):
        yield term.axis
    if isinstance(term, Labels):
        yield from (Labels(term.name, labels) for labels in _exchanged(term.labels))
    if isinstance(term, Parts):
        pairs = tuple(zip(term.labels, term.blocks, strict=True))
        for exchanged in _exchanged(pairs):
            yield Parts(term.name, *zip(*exchanged, strict=True))


def _exchanged(items: tuple) -> Iterator[tuple]:
    for one, other in combinations(range(len(items)), 2):
        changed = list(items)
        changed[one], changed[other] = changed[other], changed[one]
        yield tuple(changed)
