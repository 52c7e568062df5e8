"""The words of the axes language as frozen values; `str` of each is its canonical text.

The language itself is written down in `weightwise.axes`; this module only says what a parsed line is made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from weightwise.records import dataclass


@dataclass(frozen=True)
class One:
    """`1`: a dimension of length one."""

    def __str__(self) -> str:
        return "1"


@dataclass(frozen=True)
class Name:
    """`in`, or `in'`, which is another axis of the same size."""

    name: str
    primes: int = 0

    def __str__(self) -> str:
        return self.name + "'" * self.primes


@dataclass(frozen=True)
class Quotient:
    """`in/groups`, one group's share of `in`; or `ceil(in/block)`, the number of blocks that cover `in`."""

    numerator: Name
    divisor: str | int
    ceil: bool = False

    def __str__(self) -> str:
        text = f"{self.numerator}/{self.divisor}"
        return f"ceil({text})" if self.ceil else text


@dataclass(frozen=True)
class Labels:
    """`gate[i f g o]`: an axis of named, equal blocks, in stored order."""

    name: str
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}[{' '.join(self.labels)}]"


@dataclass(frozen=True)
class Parts:
    """`side{input: in | recurrent: units'}`: an axis of named, unequal blocks, each a product of axes."""

    name: str
    labels: tuple[str, ...]
    blocks: tuple[tuple[Term, ...], ...]

    def __str__(self) -> str:
        pairs = zip(self.labels, self.blocks, strict=True)
        return f"{self.name}{{{' | '.join(f'{label}: {spelled(block)}' for label, block in pairs)}}}"


@dataclass(frozen=True)
class Merge:
    """`(h w c)`: several axes in one dimension, slowest first."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return f"({spelled(self.terms)})"


@dataclass(frozen=True)
class Reversed:
    """`-kh`: an axis that is stored backwards."""

    axis: Name

    def __str__(self) -> str:
        return f"-{self.axis}"


@dataclass(frozen=True)
class Expand:
    """`...kept`: stands for axes that the layer's configuration supplies."""

    name: str

    def __str__(self) -> str:
        return f"...{self.name}"


Term: TypeAlias = One | Name | Quotient | Labels | Parts | Merge | Reversed | Expand


def spelled(terms: Iterable[Term]) -> str:
    """The axes text of a sequence of terms."""
    return " ".join(map(str, terms))


def leaves(terms: Iterable[Term]) -> Iterator[Term]:
    """The terms with every merge opened, slowest first."""
    for term in terms:
        if isinstance(term, Merge):
            yield from leaves(term.terms)
        else:
            yield term


def atoms(terms: Iterable[Term]) -> Iterator[Term]:
    """The terms with every merge and every unequal block opened."""
    for term in leaves(terms):
        if isinstance(term, Parts):
            for block in term.blocks:
                yield from atoms(block)
        else:
            yield term


def replaced(terms: Iterable[Term], change: Callable[[Term], tuple[Term, ...]]) -> tuple[Term, ...]:
    """The terms with `change` made to each of their atoms; a merge or block of which nothing is left is a `1`."""
    result: list[Term] = []
    for term in terms:
        match term:
            case Merge(inner):
                result.append(Merge(replaced(inner, change) or (One(),)))
            case Parts(name, labels, blocks):
                changed = (replaced(block, change) or (One(),) for block in blocks)
                result.append(Parts(name, labels, tuple(changed)))
            case _:
                result.extend(change(term))
    return tuple(result)


def size_names(terms: Iterable[Term]) -> Iterator[str]:
    """The names of the sizes that the terms speak of, primes removed, as often as they stand there."""
    for term in atoms(terms):
        match term:
            case Name(name) | Reversed(Name(name)):
                yield name
            case Quotient(Name(name), divisor):
                yield name
                if isinstance(divisor, str):
                    yield divisor


def exact_shares(terms: Iterable[Term]) -> Iterator[tuple[str, Quotient]]:
    """Each share of an axis among a named number of groups, after that name: `groups` and `in/groups`."""
    for term in atoms(terms):
        match term:
            case Quotient(_, str(divisor), False):
                yield divisor, term


def claims(terms: Iterable[Term]) -> Iterator[str]:
    """The names that the terms take for themselves; the blocks of one axis may share names."""
    for term in leaves(terms):
        match term:
            case Parts(name, _, blocks):
                yield name
                most: Counter[str] = Counter()
                for block in blocks:
                    most |= Counter(claims(block))
                yield from most.elements()
            case Labels(name) | Expand(name):
                yield name
            case Quotient(numerator, _, rounded):
                yield str(term) if rounded else str(numerator)
            case (Name() as axis) | Reversed(axis):
                yield str(axis)
