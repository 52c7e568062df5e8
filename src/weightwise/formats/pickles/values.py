"""What a pickle makes, inert: nothing here imports, calls or compares what a file names.

Numbers, texts, lists, tuples and dictionaries are Python's own. A dictionary's keys are only hashed where that is safe
and quick: other keys are wrapped in `Unhashed`, one per key. Sets are lists. Whatever a pickle would import is a
`Global`, and what it would make by calling one is an `Instance`. Long byte strings stay in the file, as a `Source`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from weightwise.records import dataclass

HASHED = (str, bytes, bool, type(None))
SMALL = 1 << 60
"""Integers below it have hashes of their own; others can be chosen so that all hashes are the same."""


@dataclass(frozen=True)
class Global:
    """A thing that the pickle names, which unpickling would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Stateful:
    """What may be given a state: what `__setstate__` would get, or what `__dict__` would be."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        """Has no state yet."""
        self.state: Any = None


class Instance(Stateful):
    """What a call of something unknown would have made."""

    __slots__ = ("arguments", "callee", "entries", "items", "named")

    def __init__(self, callee: Any, arguments: tuple[Any, ...] = (), named: Any = None) -> None:
        """Has a callee, a `Global` or whatever else stood in its place, and what it would have been called with."""
        super().__init__()
        self.callee = callee
        self.arguments = arguments
        self.named = named
        self.items: list[Any] | None = None  # what would have been appended or added
        self.entries: Dictionary | None = None  # what would have been set by key

    def is_a(self, *names: str) -> bool:
        """Returns whether the class or function is one of these, by module and name."""
        return isinstance(self.callee, Global) and str(self.callee) in names


class Dictionary(dict[Any, Any]):
    """A dictionary that may have attributes, as a state dict has `_metadata`."""

    __slots__ = ("state",)
    state: Any


@dataclass(eq=False)
class Unhashed:
    """A key that is not hashed by its value: it is equal to no other."""

    key: Any


def as_key(key: Any) -> Any:
    """Returns a value as the key of a dictionary."""
    if isinstance(key, HASHED) or (type(key) is int and -SMALL < key < SMALL):
        return key
    return Unhashed(key)


def dictionary(pairs: Iterable[tuple[Any, Any]]) -> Dictionary:
    """Returns a dictionary of pairs; of equal keys the last one's value counts, as in Python."""
    return Dictionary((as_key(key), value) for key, value in pairs)


def attributes(state: Any) -> Mapping[Any, Any]:
    """Returns an object's attributes by name from the state that its pickle has; none when it has another form.

    A damaged file may have keys that are no names.
    """
    if isinstance(state, tuple) and len(state) == 2:  # `__dict__`, and what is in slots
        return ChainMap(*(part for part in state if isinstance(part, dict)))
    return state if isinstance(state, dict) else {}
