"""Bytes of a local file, read when they are asked for and never beyond the end.

A `Source` is a file, a window of a file (a member of an archive that is stored as it is), or bytes that were unpacked
into memory. Every reader gets its bytes here, so this is the one place that says that a file is too short.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import weakref
from collections.abc import Callable
from dataclasses import field
from itertools import islice
from pathlib import Path, PurePosixPath

from weightwise.errors import FormatError, MissingFileError
from weightwise.records import dataclass

Fill = Callable[[int, memoryview], int]
"""Fills a buffer with the bytes at an offset, and returns how many there were."""

PARTIAL = ".partial"
"""How the name of a file ends while it is written; it is no file yet."""
MOST_ENTRIES = 100_000
"""A folder of a model holds fewer files."""


@dataclass(frozen=True)
class Source:
    """Named bytes of a known size."""

    path: str
    """The file on disk."""
    name: str
    """What messages call it: the path, or `model.keras!model.weights.h5` for a member of an archive."""
    size: int
    """In bytes."""
    start: int | None
    """Where it starts in the file on disk; None for bytes that were unpacked."""
    fill: Fill = field(repr=False, compare=False)

    def read(self, offset: int, size: int) -> bytes:
        """Returns `size` bytes from `offset` on; raises `FormatError` when they are not all there."""
        self.check(offset, size)
        buffer = bytearray(size)
        self.read_into(offset, memoryview(buffer))
        return bytes(buffer)

    def read_into(self, offset: int, view: memoryview) -> None:
        """Fills a view of bytes from `offset` on; raises `FormatError` when they are not all there."""
        self.check(offset, len(view))
        filled = 0
        while filled < len(view):
            count = self.fill(offset + filled, view[filled:])
            if not count:
                raise FormatError(f"{self.name}: the file became shorter while it was read; open it again.")
            filled += count

    def check(self, offset: int, size: int) -> None:
        """Raises `FormatError` when bytes are asked for that are not there."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise FormatError(
                f"{self.name}: the file is too short: expected {size:,} bytes at byte {offset:,}, "
                f"but it ends at byte {self.size:,}; get it again from where it came from."
            )

    def window(self, offset: int, size: int, name: str) -> Source:
        """Returns a part of this source as a source of its own; raises `FormatError` when it is not all there."""
        self.check(offset, size)
        start = None if self.start is None else self.start + offset
        return Source(self.path, name, size, start, lambda at, view: self.fill(offset + at, view))

    def file(self) -> SourceFile:
        """Returns a file object over these bytes, for libraries that want one."""
        return SourceFile(self)


class SourceFile:
    """A source as a file that can be read and sought; at its end it reads short, as files do."""

    closed = False

    def __init__(self, source: Source) -> None:
        """Starts at the first byte."""
        self.source = source
        self.position = 0

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def tell(self) -> int:
        """Returns the position in bytes."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position and returns it; raises `OSError` for one before the start, as files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.source.size}[whence]
        if base + offset < 0:
            raise OSError("a position before the start of the file")
        self.position = base + offset
        return self.position

    def read(self, size: int = -1) -> bytes:
        """Returns the next `size` bytes, fewer at the end, or all that are left."""
        left = max(0, self.source.size - self.position)
        count = left if size < 0 else min(size, left)
        data = self.source.read(min(self.position, self.source.size), count)
        self.position += count
        return data


def open_source(path: str | Path) -> Source:
    """Returns the bytes of a local file; raises `MissingFileError`, or `FormatError` for an empty file."""
    name = str(path)
    try:
        check_kind(name, Path(path).stat().st_mode)
        reader = FileReader(path)
    except MissingFileError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise MissingFileError(f"{name}: cannot be opened ({why}); check the path.") from error
    if not reader.size:
        raise FormatError(f"{name}: the file is empty; get it again from where it came from.")
    return Source(name, name, reader.size, 0, reader.fill)


def check_kind(name: str, mode: int) -> None:
    """Raises `MissingFileError` for what is there, but is no file."""
    if stat.S_ISDIR(mode):
        raise MissingFileError(f"{name}: this is a directory; give the path of a model file.")
    if not stat.S_ISREG(mode):
        raise MissingFileError(f"{name}: this is no regular file; save its content to a file and open that.")


@dataclass(frozen=True)
class Folder:
    """A folder and the names of what lies directly in it, sorted."""

    path: str
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def source(self, name: str) -> Source:
        """Returns the bytes of a file in the folder; raises `FormatError` for a name that leads out of it."""
        return open_source(self.inside(name))

    def folder(self, name: str) -> Folder:
        """Returns a folder in this one; raises `FormatError` for a name that leads out of it."""
        return open_folder(self.inside(name))

    def inside(self, name: str) -> Path:
        """Returns the path of something in the folder; raises `FormatError` for a name that leads out of it."""
        if not name or "\0" in name or leads_out(name):
            raise FormatError(f"{self.path}: expected the name of something in this folder, found {name!r:.80}.")
        return Path(self.path, name)


def leads_out(name: str) -> bool:
    """Returns whether a name in a folder or an archive leads to another place."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name


def open_folder(path: str | Path) -> Folder:
    """Returns what a folder holds; raises `MissingFileError`, or `FormatError` when it holds too much."""
    try:
        with os.scandir(path) as entries:
            found = list(islice(entries, MOST_ENTRIES + 1))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise MissingFileError(f"{path}: cannot be opened ({why}); check the path.") from error
    if len(found) > MOST_ENTRIES:
        raise FormatError(f"{path}: a folder of more than {MOST_ENTRIES:,} files; give the path of a model file.")
    files = sorted(entry.name for entry in found if entry.is_file() and not entry.name.endswith(PARTIAL))
    return Folder(str(path), tuple(files), tuple(sorted(entry.name for entry in found if entry.is_dir())))


def memory_source(path: str, name: str, data: bytes) -> Source:
    """Returns bytes that were unpacked into memory as a source."""

    def fill(offset: int, view: memoryview) -> int:
        part = data[offset : offset + len(view)]
        view[: len(part)] = part
        return len(part)

    return Source(path, name, len(data), None, fill)


class FileReader:
    """An open file that several threads may read, and that is closed with the last source that reads it."""

    def __init__(self, path: str | Path) -> None:
        """Opens the file; raises `OSError`."""
        self._file = Path(path).open("rb")  # noqa: SIM115  closed by the finalizer
        self._lock = threading.Lock()
        self.size = self._file.seek(0, io.SEEK_END)
        weakref.finalize(self, self._file.close)

    def fill(self, offset: int, view: memoryview) -> int:
        """Fills a view with the bytes at an offset, and returns how many there were."""
        with self._lock:
            self._file.seek(offset)
            return self._file.readinto(view)
