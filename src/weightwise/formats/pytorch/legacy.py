"""PyTorch's files before version 1.6: pickles one after the other, and then the bytes of the storages.

    magic 0x1950a86a20f9469cfc6c   protocol 1001   system   what was saved   keys of the storages
    and for each key   count (8 bytes)   the values

Each of the first five is a pickle. Storages are little-endian. Version 0.1 wrote a tar archive, see `torch_tar`.
https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

from __future__ import annotations

from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.dtypes import BITS
from weightwise.formats.pickles import Pickle, read_pickle
from weightwise.formats.pickles.values import Global
from weightwise.formats.pytorch.objects import torch_model
from weightwise.formats.pytorch.values import QUANTIZED, TORCH, Storage, dtype_of
from weightwise.source import Source
from weightwise.stored import StoredModel

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAGIC_BYTES = MAGIC.to_bytes(10, "little")
MAGIC_TEXT = str(MAGIC).encode()
"""As protocol 0 writes it."""
COUNT = 8
MOST_PARTS = 8
"""Of a persistent id."""


def match(source: Source) -> bool:
    """Returns whether the bytes begin with the pickle of the magic number, in any protocol."""
    start = source.read(0, min(source.size, 64))
    return start[:1] in (b"\x80", b"L") and (MAGIC_BYTES in start or MAGIC_TEXT in start)


def open_model(source: Source) -> StoredModel:
    """Returns the model of a file; raises `FormatError` when its pickles cannot be read."""
    pickle, problems = unpickled(source)
    return torch_model(source, pickle, "legacy", problems)


def unpickled(source: Source) -> tuple[Pickle, list[str]]:
    """Returns what was saved, and what is wrong with it; raises `FormatError` when its pickles cannot be read."""
    magic = read_pickle(source, {})
    protocol = read_pickle(source, {}, start=magic.end)
    if magic.value != MAGIC or protocol.value != PROTOCOL:
        raise FormatError(
            f"{source.name}: expected the magic number and the protocol {PROTOCOL} of PyTorch, found others; "
            "get the file again."
        )
    system = read_pickle(source, TORCH, start=protocol.end)
    storages = Storages()
    saved = read_pickle(source, TORCH, storages.storage, start=system.end)
    return saved, storages.fill(source, saved.end)


class Storages:
    """The storages that a pickle names, and views of them, each made once."""

    def __init__(self) -> None:
        """Has none."""
        self.made: dict[str, Storage] = {}
        self.views: dict[tuple[str, str], tuple[Storage, int, int]] = {}

    def storage(self, identity: Any) -> Any:
        """Returns the storage, or the class, of a persistent id."""
        if not isinstance(identity, tuple) or not 2 <= len(identity) <= MOST_PARTS:
            raise ValueError("a persistent id that is none")
        kind, *data = identity
        if kind in ("module", b"module"):  # a class with the source text of its file, which nobody needs
            return data[0]
        if kind not in ("storage", b"storage"):
            raise ValueError("a persistent id that is no storage")
        place, key, _, _, *view = data
        if not isinstance(place, Global) or not isinstance(key, str) or len(key) > 100:
            raise ValueError("a storage without a key")
        whole = self.made.setdefault(key, Storage(key, dtype_of(place)))
        return self.view(whole, view[0]) if view and view[0] is not None else whole

    def view(self, whole: Storage, described: Any) -> Storage:
        """Returns a part of a storage: `(key, offset, count)`, in elements."""
        key, offset, count = described
        if (
            not isinstance(key, str)
            or not all(type(number) is int and 0 <= number < 1 << 62 for number in (offset, count))
            or len(key) > 100
        ):
            raise ValueError("a view of a storage without an offset or a size")
        if (whole.key, key) not in self.views:
            self.views[whole.key, key] = (Storage(key, whole.dtype), offset, count)
        return self.views[whole.key, key][0]

    def fill(self, source: Source, start: int) -> list[str]:
        """Gives the storages their bytes, which lie from a byte of the source on; returns what is wrong."""
        problem = ""
        try:
            keys = read_pickle(source, {}, start=start)
            self.place(source, keys.value, keys.end)
        except FormatError as error:
            problem = str(error)
        for storage in self.made.values():
            if storage.source is None:
                storage.problem = problem or "the file does not list it"
        for (whole, _), (storage, offset, count) in self.views.items():
            cut(storage, self.made[whole], offset, count)
        return [problem] * bool(problem)

    def place(self, source: Source, keys: Any, position: int) -> None:
        """Finds the bytes of each storage; raises `FormatError` at the first that is not there whole."""
        if not isinstance(keys, list):
            raise FormatError(f"{source.name}: expected a list of storages, found {type(keys).__name__}.")
        for key in keys:
            if not isinstance(key, str) or key not in self.made:
                raise FormatError(f"{source.name}: a storage is listed that no tensor has; get the file again.")
            storage = self.made[key]
            if storage.source is not None:
                raise FormatError(f"{source.name}: the storage {key:.40} is listed twice; get the file again.")
            count = int.from_bytes(source.read(position, COUNT), "little")
            size = count * itemsize(storage.dtype)
            storage.source = source.window(position + COUNT, size, source.name)
            position += COUNT + size


def cut(storage: Storage, whole: Storage, offset: int, count: int) -> None:
    """Gives a view of a storage its part of the bytes."""
    if whole.source is None:
        storage.problem = whole.problem
        return
    size = itemsize(whole.dtype)
    try:
        storage.source = whole.source.window(offset * size, count * size, whole.source.name)
    except FormatError as error:
        storage.problem = str(error)


def itemsize(dtype: str) -> int:
    """Returns the bytes of one element of a storage."""
    return BITS.get(QUANTIZED.get(dtype, dtype), 8) // 8
