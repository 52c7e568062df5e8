"""Files that appear whole or not at all, whatever happens while they are written.

A file is written beside its place as `.name.pid.partial`, synced, and renamed: POSIX lets nobody see a rename half done
(https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html), and syncing the folder makes it last. A
process that is killed leaves what was there before, and a partial file that no reader is given.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom, FileIO
from pathlib import Path
from typing import Any

from weightwise.errors import UnwritableError, WeightwiseError
from weightwise.kernels.memory import PAGE
from weightwise.source import PARTIAL

LONG = 1 << 20
"""So many bytes are worth a write past the system's cache."""
PIECE = 1 << 18
"""So many bytes are copied to the cache at once: for more, Linux looks for runs of memory, which takes longer."""


@contextmanager
def whole(path: str | Path) -> Iterator[BufferedRandom]:
    """Gives a file to write and read, which takes the place of `path` when the block ends, or vanishes when it raises.

    A file that is there keeps its permissions. Raises `UnwritableError` where the system does not let it be written.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}") if target.name else target
    file = opened(target, partial)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException as error:  # an interrupt leaves nothing behind, either
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, WeightwiseError):
            raise unwritable(target, error, "make room there or write to another place") from error
        raise
    sync_folder(target.parent)


def opened(target: Path, partial: Path) -> BufferedRandom:
    """Returns the partial file, new and empty; raises `UnwritableError`."""
    try:
        if target.is_dir():
            raise UnwritableError(f"{target}: this is a directory; give the name of a file in it.")
        if not target.parent.is_dir():
            raise UnwritableError(f"{target}: the folder {target.parent} is not there; make it first.")
        return BufferedRandom(Straight(partial, "x+"))
    except UnwritableError:
        raise
    except FileExistsError as error:
        raise UnwritableError(
            f"{target}: another write of it goes on, or was cut off and left {partial}; remove that if none goes on."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise unwritable(target, error, "write to another place") from error


class Straight(FileIO):
    """A file whose long runs of bytes go to the disk without a copy in the system's cache, where the system can do so.

    Linux can where the bytes lie on whole pages of the file, and in memory as they do in the file (`O_DIRECT` in
    https://man7.org/linux/man-pages/man2/open.2.html): so a large file costs the processor next to nothing, and leaves
    in the cache what is there.
    """

    def write(self, data: Any) -> int:
        """Writes bytes at the position, not all of many, and returns how many."""
        view = memoryview(data)
        if len(view) < LONG or not hasattr(os, "O_DIRECT"):
            return super().write(view[:PIECE])
        before = -self.tell() % PAGE
        if before:
            return super().write(view[:before])
        try:
            with self.direct():
                return super().write(view[: len(view) // PAGE * PAGE])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return super().write(view[:PIECE])

    @contextmanager
    def direct(self) -> Iterator[None]:
        """Writes past the cache while the block runs; raises `OSError` with `EINVAL` where the system does not."""
        import fcntl

        flags = fcntl.fcntl(self.fileno(), fcntl.F_GETFL)
        fcntl.fcntl(self.fileno(), fcntl.F_SETFL, flags | os.O_DIRECT)
        try:
            yield
        finally:
            fcntl.fcntl(self.fileno(), fcntl.F_SETFL, flags)


def unwritable(target: Path, error: OSError | ValueError, advice: str) -> UnwritableError:
    """Returns the error of a file that the system does not let be written."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnwritableError(f"{target}: it cannot be written ({why}); {advice}.")


def sync_folder(folder: Path) -> None:
    """Makes the renaming last, where the system lets a folder be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
