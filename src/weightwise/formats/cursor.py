"""Reads a source from front to back, in blocks."""

from __future__ import annotations

from weightwise.errors import FormatError
from weightwise.source import Source

SMALLEST, BLOCK = 1 << 12, 1 << 16
"""Bytes of the first block, and of the largest: many a pickle is short."""


class Cursor:
    """A place in a source that moves on with what is taken."""

    def __init__(self, source: Source, position: int = 0) -> None:
        """Starts at a byte of the source."""
        self.source = source
        self._step = SMALLEST
        self._start, self._block, self._at = position, b"", 0

    @property
    def position(self) -> int:
        """The place of the next byte."""
        return self._start + self._at

    def take(self, size: int) -> bytes:
        """Returns the next `size` bytes; raises `FormatError` when they are not all there."""
        end = self._at + size
        if end > len(self._block):
            return self._taken_far(size)
        part = self._block[self._at : end]
        self._at = end
        return part

    def window(self, size: int) -> Source:
        """Returns the next `size` bytes as a source of their own, unread; raises `FormatError`."""
        part = self.source.window(self.position, size, self.source.name)
        self._move(self.position + size)
        return part

    def line(self, most: int) -> bytes:
        """Returns what stands before the next line feed; raises `FormatError` when there is none in `most` bytes."""
        parts: list[bytes] = []
        while sum(map(len, parts)) <= most:
            end = self._block.find(b"\n", self._at)
            parts.append(self._block[self._at : end if end >= 0 else len(self._block)])
            if end >= 0:
                self._at = end + 1
                return b"".join(parts)
            self._fill(self._start + len(self._block), 1)
        raise FormatError(f"{self.source.name}: expected a line of at most {most:,} bytes at byte {self.position:,}.")

    def _move(self, position: int) -> None:
        self._start, self._block, self._at = position, b"", 0

    def _taken_far(self, size: int) -> bytes:
        if size > BLOCK:
            part = self.source.read(self.position, size)
            self._move(self.position + size)
            return part
        self._fill(self.position, size)
        self._at = size
        return self._block[:size]

    def _fill(self, position: int, least: int) -> None:
        size = max(least, min(self._step, self.source.size - position))
        self._step = min(2 * self._step, BLOCK)
        self._block = self.source.read(position, size)
        self._start, self._at = position, 0
