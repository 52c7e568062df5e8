"""Finds the tensors in a value that a pickle made: in dictionaries, lists, tuples and instances, by dotted names.

Every container is walked once, however often the file repeats it, and nothing here recurses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.pickles.numpy_values import is_ndarray
from weightwise.formats.pickles.values import Instance
from weightwise.formats.pytorch.values import Pieces, Tensor
from weightwise.records import dataclass
from weightwise.stored import StoredArray

SPARSE = "torch._utils._rebuild_sparse_tensor"
MOST_SIGNS = 500
"""Of a name; deeper parts of a file are left out."""
MOST_ARRAYS = 200_000
MOST_PEEKED = 100_000
"""So many values are looked at to find out whether there is any tensor among them."""


@dataclass(frozen=True)
class Named:
    """A tensor of PyTorch, or an array of NumPy, and its name."""

    name: str
    value: Tensor | Pieces | Instance


def tensors_in(value: Any, name: str = "", apart: Any = None, most: int = sys.maxsize) -> Iterator[Named]:
    """Yields the tensors and arrays in a value in its own order, without those in `apart`, a part of it.

    At most `most` values are looked at.
    """
    seen = {id(apart)}
    levels: list[Iterator[tuple[str, Any]]] = [iter([(name, value)])]
    count = looked = 0
    while levels:
        for inner_name, inner in levels[-1]:
            looked += 1
            if looked > most:
                return
            if isinstance(inner, (Tensor, Pieces)) or is_ndarray(inner):
                count += 1
                if count > MOST_ARRAYS:
                    yield left_out("the rest", f"there are more than {MOST_ARRAYS:,} arrays")
                    return
                yield Named(inner_name, inner)
            elif isinstance(inner, (dict, list, tuple, Instance)) and id(inner) not in seen:
                seen.add(id(inner))
                if len(inner_name) > MOST_SIGNS:
                    yield left_out(f"{inner_name[:40]}…", f"its name is longer than {MOST_SIGNS} signs")
                    continue
                levels.append(children(inner_name, inner))
                break
        else:
            levels.pop()


def left_out(name: str, why: str) -> Named:
    """Returns what stands for a part that is not walked: an array that cannot be made."""

    def make(name: str) -> StoredArray:
        raise FormatError(f"{name}: {why}")

    return Named(name, Pieces(make))


def children(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields what is directly in a value, with names; what an instance has is named as the instance."""
    if isinstance(value, Instance) and value.is_a(SPARSE):
        yield from sparse_parts(name, value)
        return
    if isinstance(value, Instance):
        parts = (value.state, value.entries, value.arguments, value.items)
        yield from ((name, part) for part in parts if part)
        return
    prefix = f"{name}." if name else ""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield prefix + key_text(key), inner


def sparse_parts(name: str, value: Instance) -> Iterator[tuple[str, Any]]:
    """Yields the tensors of a sparse tensor: its places, and then its values."""
    data = value.arguments[-1] if value.arguments else ()
    found = [part for part in data if isinstance(part, Tensor)] if isinstance(data, tuple) else []
    names = ("indices", "values") if len(found) < 3 else ("compressed_indices", "plain_indices", "values")
    yield from ((f"{name}.{part}", tensor) for part, tensor in zip(names, found, strict=False))


def key_text(key: Any) -> str:
    """Returns a key of a dictionary as a part of a name, cut where it is too long for one."""
    if isinstance(key, bytes):
        return key[:MOST_SIGNS].decode(errors="backslashreplace")
    return key[: MOST_SIGNS + 1] if isinstance(key, str) else str(key) if isinstance(key, (int, float)) else "?"


def holds_tensors(value: Any) -> bool:
    """Returns whether there is any tensor among the first values in a value."""
    return next(tensors_in(value, most=MOST_PEEKED), None) is not None
