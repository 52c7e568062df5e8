"""PyTorch's files of version 0.1: a tar archive of three members.

    storages   how many; for each (key, location, class) as a pickle, a count of 8 bytes and the values; then the views
    tensors    how many; for each (key, storage, class) as a pickle, dimensions (4 bytes and 4 unused), sizes, strides
               and offset, 8 bytes each
    pickle     what was saved; tensors and storages are persistent ids, their keys

https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (`legacy_load`)
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.cursor import Cursor
from weightwise.formats.pickles import Pickle, read_pickle
from weightwise.formats.pickles.values import Global
from weightwise.formats.pytorch.legacy import COUNT, cut, itemsize
from weightwise.formats.pytorch.objects import torch_model
from weightwise.formats.pytorch.values import TORCH, Storage, Tensor, dtype_of
from weightwise.source import Source
from weightwise.stored import StoredModel

BLOCK = 512
SIGNATURE, SIGNATURE_AT = b"ustar", 257
NAME, SIZE = slice(0, 100), slice(124, 136)
MEMBERS = ("storages", "tensors", "pickle")
MOST_DIMENSIONS = 64


def match(source: Source) -> bool:
    """Returns whether the bytes are a tar archive with the members of PyTorch."""
    if source.size < BLOCK or source.read(SIGNATURE_AT, len(SIGNATURE)) != SIGNATURE:
        return False
    return set(MEMBERS) <= set(members(source))


def open_model(source: Source) -> StoredModel:
    """Returns the model of an archive; raises `FormatError` when its members cannot be read."""
    parts = members(source)
    made: dict[int, Storage | Tensor] = {}
    read_storages(parts["storages"], made)
    read_tensors(parts["tensors"], made)
    pickle = read_pickle(parts["pickle"], TORCH, lambda identity: persistent(identity, made))
    return torch_model(source, pickle, "tar")


def members(source: Source) -> Mapping[str, Source]:
    """Returns the members of a tar archive that are all there, by name."""
    found: dict[str, Source] = {}
    position = 0
    while position + BLOCK <= source.size:
        header = source.read(position, BLOCK)
        name = header[NAME].rstrip(b"\0").decode(errors="replace")
        digits = header[SIZE].strip(b" \0")
        if not name or not digits.isdigit() or set(digits) & set(b"89"):
            break
        size = int(digits, 8)
        if position + BLOCK + size > source.size:
            break
        found.setdefault(name, source.window(position + BLOCK, size, f"{source.name}!{name}"))
        position += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
    return found


def counted(source: Source) -> tuple[int, Pickle]:
    """Returns how many entries a member has, and the pickle that says so; raises `FormatError`."""
    pickle = read_pickle(source, {})
    if type(pickle.value) is not int or not 0 <= pickle.value <= source.size:
        raise FormatError(f"{source.name}: expected how many entries it has, found something else.")
    return pickle.value, pickle


def entry(source: Source, start: int) -> tuple[Pickle, tuple[Any, Any, Any]]:
    """Returns the description of a storage or a tensor; raises `FormatError`."""
    pickle = read_pickle(source, TORCH, start=start)
    if not isinstance(pickle.value, tuple) or len(pickle.value) != 3 or type(pickle.value[0]) is not int:
        raise FormatError(f"{source.name}: expected a key with a class at byte {start:,}, found something else.")
    return pickle, pickle.value


def read_storages(source: Source, made: dict[int, Storage | Tensor]) -> None:
    """Adds the storages, and the views of them; raises `FormatError`."""
    entries, pickle = counted(source)
    position = pickle.end
    for _ in range(entries):
        described, (key, _, place) = entry(source, position)
        storage = Storage(str(key), storage_dtype(source, place))
        count = int.from_bytes(source.read(described.end, COUNT), "little")
        size = count * itemsize(storage.dtype)
        storage.source = source.window(described.end + COUNT, size, source.name)
        made[key] = storage
        position = described.end + COUNT + size
    views = read_pickle(source, {}, start=position).value
    for view in views if isinstance(views, list) else ():
        add_view(source, view, made)


def storage_dtype(source: Source, place: Any) -> str:
    """Returns the dtype of a class of storages; raises `FormatError`."""
    try:
        return dtype_of(place)
    except ValueError as error:
        raise FormatError(f"{source.name}: expected a class of storages, found {error}.") from error


def add_view(source: Source, view: Any, made: dict[int, Storage | Tensor]) -> None:
    """Adds a part of a storage, `(key, key of the whole, offset, count)`; raises `FormatError`."""
    whole = made.get(view[1]) if isinstance(view, tuple) and len(view) == 4 and type(view[1]) is int else None
    if not isinstance(whole, Storage) or not all(type(number) is int for number in view):
        raise FormatError(f"{source.name}: expected a part of a storage that is there, found {type(view).__name__}.")
    part = Storage(str(view[0]), whole.dtype)
    cut(part, whole, view[2], view[3])
    made[view[0]] = part


def read_tensors(source: Source, made: dict[int, Storage | Tensor]) -> None:
    """Adds the tensors; raises `FormatError`."""
    count, pickle = counted(source)
    position = pickle.end
    for _ in range(count):
        described, (key, owner, _) = entry(source, position)
        storage = made.get(owner) if type(owner) is int else None
        if not isinstance(storage, Storage):
            raise FormatError(f"{source.name}: a tensor's storage is not there; get the file again.")
        cursor = Cursor(source, described.end)
        dimensions, _ = struct.unpack("<ii", cursor.take(8))
        if not 0 <= dimensions <= MOST_DIMENSIONS:
            raise FormatError(f"{source.name}: expected a tensor's dimensions, found {dimensions:,}.")
        numbers = struct.unpack(f"<{2 * dimensions + 1}q", cursor.take(8 * (2 * dimensions + 1)))
        shape, strides = numbers[:dimensions], numbers[dimensions:-1]
        made[key] = Tensor(storage, numbers[-1], shape, strides, storage.dtype)
        position = cursor.position


def persistent(identity: Any, made: Mapping[int, Storage | Tensor]) -> Any:
    """Returns what a persistent id stands for: a class with its source text, a tensor or a storage."""
    if isinstance(identity, tuple) and identity and isinstance(identity[0], Global):
        return identity[0]
    return made[int(identity)]
