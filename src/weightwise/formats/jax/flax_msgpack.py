"""Flax's own files: a tree in MessagePack, whose arrays are an extension that holds shape, dtype and bytes.

    {"params": {"Dense_0": {"kernel": <1: [[3, 5], "float32", bytes]>, "bias": …}}, "step": 7}

An array of more than 1 GiB is in pieces: {"__msgpack_chunked_array__": true, "shape": {…}, "chunks": {"0": …}}.

Specification: https://github.com/google/flax/blob/main/flax/serialization.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from pathlib import PurePath
from typing import TYPE_CHECKING

from weightwise.errors import FormatError
from weightwise.formats.contiguous import contiguous, unreadable
from weightwise.formats.cursor import Cursor
from weightwise.formats.dtypes import BITS
from weightwise.formats.jax.msgpack import Binary, Value, leaves
from weightwise.formats.named import model_of_tree
from weightwise.formats.tree import Leaf, Path
from weightwise.source import Source
from weightwise.stored import StoredArray, StoredModel

if TYPE_CHECKING:
    import numpy

ARRAY, COMPLEX, SCALAR = 1, 2, 3
"""Flax's types of extensions."""
CHUNKED = "__msgpack_chunked_array__"
MOST_DIMENSIONS = 64
REPLACED = "\ufffd"
"""What stands for bytes that are no text."""
LOOKED_AT = 1000
"""So many leaves are looked at for an array."""
DTYPES = {bool: "bool", int: "int64", float: "float64", complex: "complex128"}


def match(source: Source) -> bool:
    """Returns whether the bytes are a map of MessagePack in which there are arrays."""
    start = source.read(0, min(source.size, 6))
    if not (start[:1] in (b"\xde", b"\xdf") or b"\x81" <= start[:1] <= b"\x8f"):
        return False
    try:
        found = zip(range(LOOKED_AT), leaves(Cursor(source)), strict=False)
        return any(isinstance(value, Binary) and value.code in (ARRAY, SCALAR) for _, (_, value) in found)
    except FormatError:
        return False


def open_model(source: Source) -> StoredModel:
    """Returns the model of a file; raises `FormatError` when no array of it can be told."""
    problems: list[str] = []
    found = read_tree(source, problems)
    if not found:
        raise FormatError(problems[0] if problems else f"{source.name}: expected arrays, found none.")
    return model_of_tree(
        source.path,
        "Flax (MessagePack)",
        PurePath(source.path).name.partition(".")[0],
        found,
        framework="Flax",
        nbytes=source.size,
        problems=problems,
    )


def read_tree(source: Source, problems: list[str]) -> list[Leaf]:
    """Returns the arrays and numbers of a file with their paths, up to where it is damaged; damage is a problem."""
    found: dict[Path, Value] = {}
    cursor = Cursor(source)
    try:
        for path, value in leaves(cursor):
            if path in found:
                problems.append(f"{source.name}: {shown(path)} is there twice; the first one is shown.")
            found.setdefault(path, value)
        if cursor.position < source.size:
            problems.append(
                f"{source.name}: {source.size - cursor.position:,} bytes follow the tree; get the file again."
            )
    except FormatError as error:
        problems.append(str(error))
    garbled = [path for path in found if any(REPLACED in key for key in path)]
    if garbled:
        problems.append(f"{source.name}: expected names in UTF-8, found {shown(garbled[0]):.200}; get the file again.")
    chunked = {path[:-1] for path in found if path[-1:] == (CHUNKED,)}
    result: list[Leaf] = []
    for path, value in found.items():
        if path[:-1] in chunked and path[-1] == CHUNKED:
            result.append((path[:-1], joined(source, path[:-1], found, problems)))
        elif path[:-2] not in chunked and value is not None and not isinstance(value, str):
            result.append((path, array_of(source, path, value, problems)))
    return result


def shown(path: Sequence[str]) -> str:
    """Returns a path as it is shown."""
    return "/".join(path)


def array_of(source: Source, path: Path, value: Value, problems: list[str]) -> StoredArray:
    """Returns the array that a value of the file is; what cannot be read as one is a problem."""
    if isinstance(value, bool | int | float):
        return number(source, path, value)
    try:
        if isinstance(value, Binary) and value.code in (ARRAY, SCALAR):
            return array_in(value.body, path, problems)
        if isinstance(value, Binary) and value.code == COMPLEX:
            return number(source, path, complex_in(value.body))
        found = "bytes" if isinstance(value, Binary) else type(value).__name__
        raise FormatError(f"{source.name}: expected an array as {shown(path)}, found {found}.")
    except FormatError as error:
        problems.append(str(error))
        size = value.size if isinstance(value, Binary) else 0
        return unreadable(source.name, shown(path), (), "unknown", size, "its shape and dtype cannot be told")


def number(source: Source, path: Path, value: complex) -> StoredArray:
    """Returns one of Python's numbers as an array without dimensions."""
    dtype = DTYPES[type(value)] if not isinstance(value, int) or value < 1 << 63 else "uint64"

    def read() -> numpy.ndarray:
        import numpy

        return numpy.array(value, dtype)

    return StoredArray(shown(path), path[-1] if path else "", (), dtype, BITS[dtype] // 8, read, file=source.name)


def complex_in(body: Source) -> complex:
    """Returns the complex number that an extension holds; raises `FormatError`."""
    parts = [value for _, value in leaves(Cursor(body))]
    match parts:
        case [float() | int() as real, float() | int() as imaginary]:
            return complex(real, imaginary)
    raise FormatError(f"{body.name}: expected a complex number at byte {body.start}, found {len(parts)} values.")


def array_in(body: Source, path: Path, problems: list[str]) -> StoredArray:
    """Returns the array that an extension holds, also when its bytes are cut off; raises `FormatError`.

    Values that cannot be read are a problem.
    """
    found: dict[Path, Value] = {}
    with suppress(FormatError):
        found.update(leaves(Cursor(body)))
    sizes = sizes_of([value for place, value in found.items() if place[:1] == ("0",)])
    dtype, data = found.get(("1",)), found.get(("2",))
    if sizes is None or not isinstance(dtype, str) or not isinstance(data, Binary):
        raise FormatError(f"{body.name}: expected shape, dtype and bytes of {shown(path)}, found something else.")
    bits = max(8, BITS.get(dtype, 0))  # JAX keeps an int4 in a byte
    why = "" if dtype in BITS else "its dtype is not known"
    if not why and prod(sizes) * bits != 8 * data.size:
        why = f"expected {prod(sizes) * bits // 8:,} bytes for {dtype} {sizes}, found {data.size:,}"
    if why:
        problems.append(f"{body.name}: the values of {shown(path)} cannot be read: {why}.")
        return unreadable(body.name, shown(path), sizes, dtype[:40], data.size, why)
    return contiguous(data.body, shown(path), sizes, dtype, 0, bits=bits)


def sizes_of(values: Sequence[Value]) -> tuple[int, ...] | None:
    """Returns a shape, or None for what is none."""
    sizes = tuple(value for value in values if isinstance(value, int) and value >= 0)
    return sizes if len(sizes) == len(values) <= MOST_DIMENSIONS else None


def joined(source: Source, path: Path, found: Mapping[Path, Value], problems: list[str]) -> StoredArray:
    """Returns an array that is stored in pieces; one that lacks some is a problem."""
    inside = {place[len(path) :]: value for place, value in found.items() if place[: len(path)] == path}
    sizes = sizes_of([value for place, value in inside.items() if place[:1] == ("shape",)])
    pieces = [
        array_of(source, (*path, *place), value, problems)
        for place, value in inside.items()
        if place[:1] == ("chunks",)
    ]
    dtypes = {piece.dtype for piece in pieces}
    nbytes = sum(piece.nbytes for piece in pieces)
    if sizes is None or len(dtypes) != 1 or sum(piece.size for piece in pieces) != prod(sizes):
        why = "its pieces do not make up its shape"
        problems.append(f"{source.name}: the values of {shown(path)} cannot be read: {why}; get the file again.")
        return unreadable(source.name, shown(path), sizes or (), min(dtypes, default="unknown"), nbytes, why)

    def read() -> numpy.ndarray:
        import numpy

        return numpy.concatenate([piece.read() for piece in pieces]).reshape(sizes)

    return StoredArray(shown(path), shown(path), sizes, dtypes.pop(), nbytes, read, file=source.name)
