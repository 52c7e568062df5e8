"""From text to terms: a recursive descent over the grammar that `weightwise.axes` writes down."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NoReturn

from weightwise.axes.terms import (
    Expand,
    Labels,
    Merge,
    Name,
    One,
    Parts,
    Quotient,
    Reversed,
    Term,
    atoms,
    claims,
    replaced,
    spelled,
)
from weightwise.errors import AxesError

TOKEN = re.compile(r"\s*(?P<token>[a-z][a-zA-Z0-9_]*|[0-9]+|\.\.\.|[()\[\]{}:|/'-])", re.ASCII)
WORD = re.compile(r"[a-z]")


def read(text: str) -> tuple[Term, ...]:
    """The terms of an axes string, one for each dimension; raises AxesError with the first fault's column."""
    reader = _Reader(text)
    terms = reader.terms()
    if reader.token:
        reader.fail("an axis or 1")
    check_distinct(terms, text)
    return terms


def expanded(terms: tuple[Term, ...], supplied: Mapping[str, tuple[Term, ...]]) -> tuple[Term, ...]:
    """The terms with each `...name` replaced by the terms supplied; raises AxesError for one not there."""
    for name in supplied.keys() - {term.name for term in atoms(terms) if isinstance(term, Expand)}:
        raise AxesError(f"axes '{spelled(terms)}' have no ...{name} to expand")
    return replaced(terms, lambda term: supplied.get(term.name, (term,)) if isinstance(term, Expand) else (term,))


def check_distinct(terms: tuple[Term, ...], text: str) -> None:
    """Raise AxesError if one axis stands twice, so that its name would not tell which one is meant."""
    for name, times in Counter(claims(terms)).items():
        if times > 1:
            hint = f"a second axis of the same size is {name}'"
            raise AxesError(f"axes '{text}' name the axis {name} twice; {hint}")


class _Reader:
    """A place in the text: `token` is the next token ("" at the end), `column` where it starts, from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self.token = ""
        self.column = 1
        self.advance()

    def advance(self) -> str:
        """The token that was next; moves behind it."""
        taken = self.token
        found = TOKEN.match(self.text, self.end)
        if found:
            self.token, self.column, self.end = found["token"], found.start("token") + 1, found.end()
        else:
            rest = self.text[self.end :].lstrip()
            self.column = len(self.text) - len(rest) + 1
            self.token = ""
            if rest:
                self.fail("a name, a number or one of ( ) [ ] { } : | / - ' ...")
        return taken

    def fail(self, expected: str) -> NoReturn:
        found = self.text[self.column - 1 : self.column] if not self.token else self.token
        raise AxesError(f"axes '{self.text}', column {self.column}: expected {expected}, found {found or 'the end'}")

    def accept(self, mark: str) -> bool:
        """Whether the next token is this mark; if so, moves behind it."""
        if self.token != mark:
            return False
        self.advance()
        return True

    def expect(self, mark: str) -> None:
        if not self.accept(mark):
            self.fail(f"'{mark}'")

    def word(self, expected: str) -> str:
        if not WORD.match(self.token) or self.token == "ceil":
            self.fail(expected)
        return self.advance()

    def terms(self) -> tuple[Term, ...]:
        terms: list[Term] = []
        while self.token and self.token not in ")]}|:/'":
            terms.append(self.term())
        return tuple(terms)

    def product(self) -> tuple[Term, ...]:
        """At least one term."""
        return self.terms() or self.fail("an axis or 1")

    def term(self) -> Term:
        if self.accept("1"):
            return One()
        if self.accept("("):
            merge = Merge(self.product())
            self.expect(")")
            return merge
        if self.accept("-"):
            return Reversed(self.axis())
        if self.accept("..."):
            return Expand(self.word("a name"))
        if self.accept("ceil"):
            return self.ceiling()
        return self.named()

    def ceiling(self) -> Quotient:
        self.expect("(")
        numerator = self.axis()
        self.expect("/")
        quotient = Quotient(numerator, self.divisor(), ceil=True)
        self.expect(")")
        return quotient

    def named(self) -> Term:
        """What begins with a name."""
        axis = self.axis()
        if self.accept("/"):
            return Quotient(axis, self.divisor())
        if not axis.primes and self.accept("["):
            return self.labels(axis.name)
        if not axis.primes and self.accept("{"):
            return self.parts(axis.name)
        return axis

    def axis(self) -> Name:
        name = self.word("an axis or 1")
        primes = 0
        while self.accept("'"):
            primes += 1
        return Name(name, primes)

    def divisor(self) -> str | int:
        if self.token.isdigit() and int(self.token) > 1:
            return int(self.advance())
        return self.word("a name or a number above 1")

    def labels(self, name: str) -> Labels:
        labels: list[str] = []
        while not (labels and self.accept("]")):
            labels.append(self.label(labels))
        return Labels(name, tuple(labels))

    def parts(self, name: str) -> Parts:
        labels: list[str] = []
        blocks: list[tuple[Term, ...]] = []
        while not (labels and self.accept("}")):
            if labels:
                self.expect("|")
            labels.append(self.label(labels))
            self.expect(":")
            blocks.append(self.product())
        return Parts(name, tuple(labels), tuple(blocks))

    def label(self, taken: list[str]) -> str:
        if self.token in taken:
            self.fail("a label that does not stand here already")
        return self.word("a label")
