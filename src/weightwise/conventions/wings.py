"""Which module of a framework's table knows which class: a file loads the modules that it needs, and no others.

Most of what a start costs would be the operations of layers that the file does not have. A wing is a module with `ROWS`
and `RULES`; `tests/conventions` holds each framework's index of them against the modules' own tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from types import ModuleType

from weightwise.conventions.row import Row
from weightwise.conventions.rule import Rule
from weightwise.records import dataclass


@dataclass(frozen=True)
class Wings:
    """The wings of one framework."""

    package: str
    """The package whose modules they are."""
    classes: Mapping[str, str]
    """The classes that each wing knows, with a space between them."""

    @cached_property
    def index(self) -> Mapping[str, str]:
        """The wing of each class."""
        return {class_name: wing for wing, classes in self.classes.items() for class_name in classes.split()}

    def rule(self, class_name: str) -> Rule:
        """Return the rule of a class; raises `KeyError` for one that no wing knows."""
        rule: Rule = self._module(self.index[class_name]).RULES[class_name]
        return rule

    def rows_for(self, class_name: str) -> tuple[Row, ...]:
        """Return the rows of the wing that knows a class; none for a class that no wing knows."""
        wing = self.index.get(class_name)
        return self._module(wing).ROWS if wing else ()

    def all_rows(self) -> tuple[Row, ...]:
        """Return the rows of every wing."""
        return tuple(row for wing in self.classes for row in self._module(wing).ROWS)

    def _module(self, wing: str) -> ModuleType:
        return import_module(f"{self.package}.{wing}")


class Rules(Mapping[str, Rule]):
    """The rules of all classes, `own` ones first; the wing of a class is imported when its rule is asked for."""

    def __init__(self, wings: Wings, own: Mapping[str, Rule] | None = None) -> None:
        """Keep the wings, and the rules of a generation of its own."""
        self._wings = wings
        self._own = own or {}

    def __getitem__(self, class_name: str) -> Rule:
        return self._own[class_name] if class_name in self._own else self._wings.rule(class_name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._wings.index, **self._own})

    def __len__(self) -> int:
        return len({**self._wings.index, **self._own})

    def __contains__(self, class_name: object) -> bool:
        return class_name in self._own or class_name in self._wings.index
