"""What the messages of an HDF5 object say: dataspaces, datatypes, layouts, filters and attributes.

Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.hdf5.headers import SHARED, Cursor, Headers, Message
from weightwise.records import dataclass

DATASPACE, DATATYPE, LAYOUT, FILTERS, ATTRIBUTE = 0x01, 0x03, 0x08, 0x0B, 0x0C
FIXED, FLOAT, STRING, BITFIELD, OPAQUE, COMPOUND, ENUM, VARIABLE, ARRAY = 0, 1, 3, 4, 5, 6, 8, 9, 10
FLOATS = {(2, 5): "float16", (2, 8): "bfloat16", (4, 8): "float32", (8, 11): "float64"}
"""The floats that are known, by their size and that of their exponent, in bytes and in bits."""
MOST_NESTED = 16


@dataclass(frozen=True)
class Kind:
    """A datatype."""

    name: str
    """NumPy's name, or `bfloat16`."""
    itemsize: int
    code: str = ""
    """How `struct` and, with its size, NumPy spell a number: `<f`, `>i`; empty for what is none."""
    variable: bool = False
    """Whether a value is a text that lies elsewhere."""
    text: bool = False
    """Whether a value is a text of `itemsize` bytes."""


def dataspace(body: Cursor) -> tuple[int, ...] | None:
    """Return a shape; None for a dataset without values."""
    version, rank, flags = body.integer(1), body.integer(1), body.integer(1)
    if version == 1:
        body.take(5)
    elif version != 2:
        raise FormatError(f"version {version} of a dataspace is not known")
    elif body.integer(1) == 2:
        return None
    del flags  # they say that largest sizes follow, which do not matter
    return tuple(body.length() for _ in range(rank))


def datatype(body: Cursor, depth: int = 0) -> Kind:
    """Return the datatype that is described next; raises `FormatError` for one that is nested too deep."""
    if depth > MOST_NESTED:
        raise FormatError("a datatype contains others without end")
    first = body.integer(1)
    group, version = first & 0x0F, first >> 4
    bits, size = body.integer(3), body.integer(4)
    order = ">" if bits & 1 else "<"
    if group == FIXED:
        body.take(4)
        sign = "i" if bits & 8 else "u"
        return Kind(f"{'' if sign == 'i' else 'u'}int{8 * size}", size, f"{order}{sign}")
    if group == FLOAT:
        exponent = body.take(12)[5]
        name = FLOATS.get((size, exponent), f"float of {size} bytes")
        return Kind(name, size, f"{order}f" if (size, exponent) in FLOATS else "")
    if group == STRING:
        return Kind(f"bytes{8 * size}", size, text=True)
    if group == ENUM:
        return _enumeration(body, version, bits & 0xFFFF, depth)
    if group == COMPOUND:
        return _compound(body, version, bits & 0xFFFF, size, depth)
    if group == VARIABLE:
        datatype(body, depth + 1)
        return Kind("object", size, variable=bits & 0x0F == 1)
    if group == OPAQUE:
        body.take(bits & 0xFF)
        # Two opaque bytes are bfloat16, the only dtype of NumPy's that h5py writes so.
        return Kind("bfloat16", size, f"{order}f") if size == 2 else Kind(f"void{8 * size}", size)
    if group == ARRAY:
        rank = body.integer(1)
        body.take(4 * rank if version > 2 else 3 + 8 * rank)
        datatype(body, depth + 1)
    elif group == BITFIELD:
        body.take(4)
    return Kind(f"void{8 * size}", size)


def _enumeration(body: Cursor, version: int, count: int, depth: int) -> Kind:
    base = datatype(body, depth + 1)
    names = [_member_name(body, version) for _ in range(count)]
    body.take(count * base.itemsize)
    return Kind("bool", base.itemsize, base.code) if set(names) == {"FALSE", "TRUE"} else base


def _member_name(body: Cursor, version: int) -> str:
    start = body.position
    name = body.name()
    if version < 3:
        body.take(-(body.position - start) % 8)
    return name


def _compound(body: Cursor, version: int, count: int, size: int, depth: int) -> Kind:
    """Return a compound datatype; two floats called r and i are a complex number."""
    members = [_member(body, version, size, depth) for _ in range(count)]
    (first, *_), names = [kind for _, kind in members] or [Kind("", 0)], [name for name, _ in members]
    same = all(kind == first for _, kind in members)
    if names == ["r", "i"] and same and first.name in ("float32", "float64"):
        return Kind(f"complex{8 * size}", size, f"{first.code[0]}c")
    return Kind(f"void{8 * size}", size)


def _member(body: Cursor, version: int, size: int, depth: int) -> tuple[str, Kind]:
    name = _member_name(body, version)
    if version > 2:
        body.take((max(size - 1, 1).bit_length() + 7) // 8 if size > 1 else 1)
    else:
        body.take(4 if version == 2 else 32)
    return name, datatype(body, depth + 1)


@dataclass(frozen=True)
class Storage:
    """Where a dataset's header says that its values lie. Only one of `address`, `data`, `chunk` is given."""

    address: int | None = None
    data: bytes | None = None
    chunk: tuple[int, ...] | None = None
    """The shape of one chunk."""
    tree: int | None = None
    """The address of the tree that says where the chunks lie."""
    newest: bool = False
    """Whether the chunks have one of the newest indices, which the kept library reads."""


def storage(body: Cursor) -> Storage:
    """Return where values lie; raises `FormatError` for a layout that is not known."""
    version = body.integer(1)
    if version in (1, 2):
        return _storage_older(body)
    if version not in (3, 4):
        raise FormatError(f"version {version} of a layout is not known")
    group = body.integer(1)
    if group == 0:
        return Storage(data=body.take(body.integer(2)))
    if group == 1:
        return Storage(address=body.address())
    if group != 2:
        raise FormatError("its values lie in other files")
    if version == 4:
        return Storage(chunk=(), newest=True)
    rank = body.integer(1) - 1
    tree = body.address()
    return Storage(chunk=tuple(body.integer(4) for _ in range(rank)), tree=tree)


def _storage_older(body: Cursor) -> Storage:
    rank, group = body.integer(1), body.integer(1)
    body.take(5)
    address = body.address() if group else None
    sizes = tuple(body.integer(4) for _ in range(rank))
    if group == 0:
        return Storage(data=body.take(body.integer(4)))
    return Storage(address=address) if group == 1 else Storage(chunk=sizes[:-1], tree=address)


def filters(body: Cursor) -> Iterator[int]:
    """Yield the numbers of what was done to each chunk, in the order of writing."""
    version, count = body.integer(1), body.integer(1)
    if version == 1:
        body.take(6)
    for _ in range(count):
        number = body.integer(2)
        named = version == 1 or number >= 256
        name_size = body.integer(2) if named else 0
        body.take(2)
        values = body.integer(2)
        body.take(name_size + (-name_size % 8 if version == 1 else 0))
        body.take(4 * (values + (values % 2 if version == 1 else 0)))
        yield number


def attribute(body: Cursor) -> tuple[str, Any]:
    """Return an attribute's name, and its value in Python's own types: text as `str`, an array as a list."""
    version, flags = body.integer(1), body.integer(1)
    if version not in (1, 2, 3):
        raise FormatError(f"version {version} of an attribute is not known")
    name_size, type_size, space_size = body.integer(2), body.integer(2), body.integer(2)
    if version == 3:
        body.take(1)
    padding = 8 if version == 1 else 1
    name = padded(body, name_size, padding).name()
    described = padded(body, type_size, padding)
    kind = committed(described) if version > 1 and flags & 1 else datatype(described)
    shape = dataspace(padded(body, space_size, padding))
    return name, None if shape is None else _nested(_values(body, kind, shape), shape)


def padded(body: Cursor, size: int, multiple: int) -> Cursor:
    """Return the next `size` bytes, and pass over those that fill them up to a multiple."""
    part = body.part(size)
    body.take(min(-size % multiple, body.left))
    return part


def committed(reference: Cursor) -> Kind:
    """Return a datatype that is an object of its own, which several datasets share."""
    version, _ = reference.integer(1), reference.integer(1)
    if version == 1:
        reference.take(6)
    address = reference.address()
    headers = reference.headers
    found = [] if address is None else [message for message in headers.messages(address) if message.kind == DATATYPE]
    if not found or found[0].flags & SHARED:
        raise FormatError("the datatype that it shares with others is not there")
    return datatype(Cursor(found[0].body, headers))


def kind_of(message: Message, headers: Headers) -> Kind:
    """Return the datatype of a dataset."""
    body = Cursor(message.body, headers)
    return committed(body) if message.flags & SHARED else datatype(body)


def _values(body: Cursor, kind: Kind, shape: Sequence[int]) -> list[Any]:
    """Return the values of an attribute one after the other; raises `FormatError` when they are not there."""
    count = prod(shape)
    if count * max(kind.itemsize, 1) > body.left:
        raise FormatError(f"an attribute says that it has {count:,} values")
    if kind.variable:
        return [_variable_text(body.part(kind.itemsize)) for _ in range(count)]
    if kind.text:
        return [decoded(body.take(kind.itemsize)) for _ in range(count)]
    code = NUMBERS.get(f"{kind.code[1:]}{kind.itemsize}") if kind.name != "bfloat16" else None
    if code is None:
        return [None] * count
    values = struct.unpack(f"{kind.code[0]}{count}{code}", body.take(count * kind.itemsize))
    return [bool(value) for value in values] if kind.name == "bool" else list(values)


NUMBERS = {
    f"{group}{size}": code
    for size, codes in ((1, "bB"), (2, "hH"), (4, "iI"), (8, "qQ"))
    for group, code in zip("iu", codes, strict=True)
} | {
    "f2": "e",
    "f4": "f",
    "f8": "d",
}
"""How `struct` spells numbers, by their kind and size in bytes."""


def _variable_text(reference: Cursor) -> str | bytes:
    size, address, number = reference.integer(4), reference.address(), reference.integer(4)
    if not size or not address:
        return ""
    return decoded(reference.headers.heap_object(address, number)[:size])


def _nested(values: list[Any], shape: Sequence[int]) -> Any:
    """Return values in order as lists in lists; the one value of no shape is itself."""
    if not shape:
        return values[0]
    step = prod(shape[1:])
    return (
        [_nested(values[place * step : (place + 1) * step], shape[1:]) for place in range(shape[0])]
        if len(shape) > 1
        else values
    )


def decoded(value: bytes) -> str | bytes:
    """Return UTF-8 as text, and other bytes as they are."""
    try:
        return value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return value
