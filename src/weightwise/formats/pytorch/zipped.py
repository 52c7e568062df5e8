"""PyTorch's zip files, `.pt`, `.pth`, `.bin`, `.ckpt`: what `torch.save` writes since version 1.6.

    archive/data.pkl   the pickle of what was saved; storages are persistent ids
    archive/data/0     the bytes of storage 0, stored as they are
    archive/byteorder  `little` or `big`; little where it is missing
    archive/version    of the format

The folder's name is the file's, or anything: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive
from weightwise.formats.pickles import Pickle, read_pickle
from weightwise.formats.pickles.machine import Constructor
from weightwise.formats.pickles.values import Global
from weightwise.formats.pytorch.objects import torch_model
from weightwise.formats.pytorch.values import TORCH, Storage, dtype_of
from weightwise.stored import StoredModel

PICKLE = "data.pkl"
LEAST_PARTS, MOST_PARTS = 5, 8
"""Of a persistent id."""
ORDERS = {b"little": "<", b"big": ">"}


def match(archive: Archive) -> bool:
    """Returns whether an archive holds a pickle of PyTorch, and no code of TorchScript."""
    folder = folder_of(archive)
    return folder is not None and not any(name.startswith(f"{folder}code/") for name in archive.members)


def open_model(archive: Archive) -> StoredModel:
    """Returns the model of an archive; raises `FormatError` when its pickle cannot be read."""
    pickle, problems = unpickled(archive)
    return torch_model(archive.source, pickle, "zip", problems)


def unpickled(archive: Archive, constructors: Mapping[str, Constructor | None] = TORCH) -> tuple[Pickle, list[str]]:
    """Returns what was saved, and what is wrong with it; raises `FormatError` when its pickle cannot be read."""
    folder = folder_of(archive) or ""
    start = min(info.header_offset for infos in archive.members.values() for info in infos)
    if start:
        raise FormatError(
            f"{archive.source.name}: expected one archive of PyTorch, found another {start:,} bytes before it; if this "
            "is a part of a distributed checkpoint, give the path of its folder."
        )
    storages = Storages(archive, folder)
    pickle = read_pickle(archive.member(f"{folder}{PICKLE}"), constructors, storages.storage)
    return pickle, [archive.problem] * bool(archive.problem) + storages.problems


def folder_of(archive: Archive) -> str | None:
    """Returns the archive's folder that has the pickle, with its slash; None when there is none."""
    names = (name for name in archive.members if name == PICKLE or name.endswith(f"/{PICKLE}"))
    folders = sorted((name.removesuffix(PICKLE) for name in names), key=lambda folder: (folder.count("/"), folder))
    return folders[0] if folders else None


class Storages:
    """The storages of an archive, each made once."""

    def __init__(self, archive: Archive, folder: str, inside: str = "data") -> None:
        """Reads the order of the bytes; `inside` is the folder of the storages in the archive's own."""
        self.archive = archive
        self.folder = folder
        self.inside = inside
        self.problems: list[str] = []
        self.made: dict[tuple[str, str], Storage] = {}
        self.order = self.byte_order()

    def byte_order(self) -> str:
        """Returns the order of the bytes of all values, `<` or `>`."""
        name = f"{self.folder}byteorder"
        if name not in self.archive.members:
            return "<"
        try:
            member = self.archive.member(name)
            order = ORDERS.get(member.read(0, min(member.size, 16)))
            if order is None:
                raise FormatError(f"{member.name}: expected little or big; little is taken.")
        except FormatError as error:
            self.problems.append(str(error))
        else:
            return order
        return "<"

    def storage(self, identity: Any) -> Storage:
        """Returns the storage of a persistent id: `("storage", class, key, location, count)`."""
        if not isinstance(identity, tuple) or not LEAST_PARTS <= len(identity) <= MOST_PARTS:
            raise ValueError("a persistent id that is none")
        kind, place, key, *_ = identity
        if kind not in ("storage", b"storage") or not isinstance(place, Global):
            raise ValueError("a persistent id that is no storage")
        if not isinstance(key, str) or len(key) > 100:
            raise ValueError("a storage without a key")
        dtype = dtype_of(place)
        if (key, dtype) not in self.made:
            self.made[key, dtype] = self.found(Storage(key, dtype, order=self.order))
        return self.made[key, dtype]

    def found(self, storage: Storage) -> Storage:
        """Returns a storage with its bytes, or with the reason why there are none."""
        name = f"{self.folder}{self.inside}/{storage.key}"
        if name not in self.archive.members:
            storage.problem = f"the archive has no member {name}"
            return storage
        try:
            storage.source = self.archive.lazy(name)
        except FormatError as error:
            storage.problem = str(error)
        return storage
