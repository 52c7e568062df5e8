"""Finds the tensors in a value that a pickle made: in dictionaries, lists, tuples and instances, by dotted names.

Every container is walked once, however often the file repeats it, and nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weightwise.formats.pickle_numpy import is_ndarray
from weightwise.formats.pickle_values import Instance, attributes
from weightwise.formats.torch_values import Tensor

MOST_SIGNS = 1000
"""Of a name; deeper parts of a file are left out."""


@dataclass(frozen=True)
class Named:
    """A tensor of PyTorch, or an array of NumPy, and its name."""

    name: str
    value: Tensor | Instance


def tensors_in(value: Any, name: str = "", apart: Any = None) -> Iterator[Named]:
    """Yields the tensors and arrays in a value in its own order, without those in `apart`, a part of it."""
    seen = {id(apart)}
    levels: list[Iterator[tuple[str, Any]]] = [iter([(name, value)])]
    while levels:
        for inner_name, inner in levels[-1]:
            if isinstance(inner, Tensor) or is_ndarray(inner):
                yield Named(inner_name, inner)
            elif isinstance(inner, (dict, list, tuple, Instance)) and id(inner) not in seen:
                seen.add(id(inner))
                levels.append(children(inner_name, inner))
                break
        else:
            levels.pop()


def children(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields what is directly in a value, with names."""
    prefix = f"{name}." if name else ""
    for key, inner in entries(value):
        if len(prefix) + len(key) <= MOST_SIGNS:
            yield prefix + key, inner


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields what is directly in a value, with keys as text."""
    if isinstance(value, dict):
        yield from ((key_text(key), inner) for key, inner in value.items())
    elif isinstance(value, Instance):
        yield from attributes(value.state).items()
        yield from ((key_text(key), inner) for key, inner in value.entries.items())
        yield from ((str(place), inner) for place, inner in enumerate((*value.arguments, *value.items)))
    else:
        yield from ((str(place), inner) for place, inner in enumerate(value))


def key_text(key: Any) -> str:
    """Returns a key of a dictionary as a part of a name."""
    if isinstance(key, bytes):
        return key.decode(errors="backslashreplace")
    return str(key) if isinstance(key, (str, int, float)) else "?"


def holds_tensors(value: Any) -> bool:
    """Returns whether there is any tensor in a value."""
    return next(tensors_in(value), None) is not None
