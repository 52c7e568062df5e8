"""How sizes, shapes and counts are written for people."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.ops.operation import Shape

UNKNOWN = "unknown"


def shape_text(shape: Shape | None) -> str:
    """Return a tensor's sizes without its batch axis: `26 × 26 × 32`; an open size is `?`."""
    if shape is None:
        return UNKNOWN
    return " × ".join("?" if size is None else str(size) for size in shape[1:]) or "scalar"


def shapes_text(shapes: Sequence[Shape | None]) -> str:
    """Return the sizes of several tensors."""
    return ", ".join(shape_text(shape) for shape in shapes) or UNKNOWN


def sizes_text(shape: Sequence[int]) -> str:
    """Return the sizes of an array, all of them: `3 × 3 × 32 × 64`."""
    return " × ".join(map(str, shape)) or "scalar"


def bytes_text(count: int) -> str:
    """Return a number of bytes in binary units: `4.58 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count:,} B" if unit == "B" else f"{size:,.2f} {unit}"
        size /= 1024
    return f"{size:,.2f} TiB"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 layer`, `8 layers`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
