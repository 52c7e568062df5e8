"""The allow-list of Python's own names: what pickles of plain data name, and the inert values that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightwise.formats.pickles.machine import Constructor
from weightwise.formats.pickles.values import Dictionary, Global, Instance, dictionary


def pairs(arguments: tuple[Any, ...]) -> Dictionary:
    """Returns a dictionary: `OrderedDict([(key, value)])`, or with nothing."""
    (items,) = arguments or ((),)
    return dictionary(items.items() if isinstance(items, dict) else items)


def defaults(arguments: tuple[Any, ...]) -> Dictionary:
    """Returns a dictionary: `defaultdict(factory, pairs)`; the factory is left out."""
    return pairs(arguments[1:])


def items(arguments: tuple[Any, ...]) -> list[Any]:
    """Returns the items of a list or a set."""
    (values,) = arguments or ((),)
    return list(values)


def items_of_tuple(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the items of a tuple."""
    return tuple(items(arguments))


def instance(arguments: tuple[Any, ...]) -> Instance:
    """Returns an instance: `_reconstructor(class, base, state)`, `__newobj__(class, *arguments)`."""
    callee, *rest = arguments
    if not isinstance(callee, Global):
        raise TypeError("an instance of something that is no class")
    return Instance(callee, tuple(rest))


def encoded(arguments: tuple[Any, ...]) -> bytes:
    """Returns bytes: `encode(text, "latin1")`, as protocols below 3 write them."""
    content, encoding = arguments
    if encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes in another encoding")
    data: bytes = content.encode("latin-1")
    return data


def octets(arguments: tuple[Any, ...]) -> Any:
    """Returns bytes: `bytes()`, or `bytearray(content)`."""
    content = arguments[0] if arguments else b""
    if len(arguments) > 1:
        return encoded(arguments)
    return content if isinstance(content, bytes) else bytes(items((content,)))


def complex_number(arguments: tuple[Any, ...]) -> complex:
    """Returns a complex number: `complex(real, imaginary)`."""
    real, imaginary = arguments
    return complex(float(real), float(imaginary))


PYTHON: Mapping[str, Constructor | None] = {
    "collections.OrderedDict": pairs,
    "collections.defaultdict": defaults,
    "_codecs.encode": encoded,
    "copy_reg._reconstructor": instance,
    "copyreg._reconstructor": instance,
    "copyreg.__newobj__": instance,
    **{
        f"{module}.{name}": constructor
        for module in ("builtins", "__builtin__")
        for name, constructor in {
            "dict": pairs,
            "list": items,
            "set": items,
            "frozenset": items,
            "tuple": items_of_tuple,
            "bytes": octets,
            "bytearray": octets,
            "complex": complex_number,
        }.items()
    },
}
