"""What the newest HDF5 format keeps in fractal heaps, members and attributes of groups: read with pyfive, in bounds.

Keras writes none; h5py does where it is told to (`libver="latest"`) and a group has many members. pyfive trusts what a
file says of itself. So it gets a `HeaderFile`, which refuses reads beyond the end and counts what was read, and memory
that it would take for what a header promises is refused before it does (`BoundedObjects`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pyfive.dataobjects import DataObjects

from weightwise.errors import FormatError
from weightwise.formats.hdf5.headers import MOST_BYTES, MOST_READS, Headers
from weightwise.formats.hdf5.messages import decoded
from weightwise.source import Source, SourceFile


class HeaderFile(SourceFile):
    """The file as pyfive sees it: reads are whole or refused, and all together they have an end."""

    def __init__(self, source: Source) -> None:
        """Starts at the first byte, with a budget that no sound file exceeds."""
        super().__init__(source)
        self._bytes = min(8 * source.size + (1 << 20), MOST_BYTES)
        self._reads = min(source.size // 16 + 20_000, MOST_READS)

    def read(self, size: int = -1) -> bytes:
        """Returns `size` bytes; raises `FormatError` when they are not there or the file goes round in circles."""
        self.source.check(self.position, size)
        self._bytes -= size
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise FormatError("its parts refer to each other in circles")
        return super().read(size)


class BoundedObjects(DataObjects):  # type: ignore[misc]  # pyfive ships no types
    """The header of one object."""

    def _attr_value(self, ptype: Any, buf: bytes, count: int, offset: int) -> Any:
        """Returns the values of an attribute: pyfive would take memory for as many as the header says."""
        if count > len(buf):
            raise FormatError(f"an attribute says that it has {count:,} values")
        return super()._attr_value(ptype, buf, count, offset)


def members(headers: Headers, address: int) -> dict[str, int | str]:
    """Returns the members of a group: the address of each, or the path to which a soft link leads."""
    return dict(_objects(headers, address).get_links())


def attributes(headers: Headers, address: int) -> dict[str, Any]:
    """Returns the attributes of an object, in Python's own types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyfive warns of what it cannot read; the value that is missing tells it
        found: Mapping[str, Any] = _objects(headers, address).get_attributes()
        return {name: plain(value) for name, value in found.items()}


def _objects(headers: Headers, address: int) -> BoundedObjects:
    source = headers.source
    return BoundedObjects(HeaderFile(source.window(headers.base, source.size - headers.base, source.name)), address)


def plain(value: Any) -> Any:
    """Returns an attribute in Python's own types: text as `str`, an array as a list, nothing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return decoded(value)
    return value if isinstance(value, str | int | float) else None
