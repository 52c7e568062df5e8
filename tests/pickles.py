"""Writes pickles instruction by instruction, and archives of PyTorch around them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path


def text(value: str) -> bytes:
    content = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(content)) + content


def octets(content: bytes) -> bytes:
    return b"C" + bytes([len(content)]) + content


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def named(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + b"\x93"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def storage(key: str = "0", kind: str = "FloatStorage", count: int = 6) -> bytes:
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(shape: bytes = numbers(2, 3), strides: bytes = numbers(3, 1), offset: int = 0, held: bytes = b"") -> bytes:
    rebuild = name("torch._utils", "_rebuild_tensor_v2")
    return call(rebuild, held or storage(), number(offset), shape, strides, b"\x89", b"}")


def entries(**values: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


def saved(path: Path, content: bytes, *more: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", content)
        for member, data in more or [("archive/data/0", struct.pack("<6f", *range(6)))]:
            archive.writestr(member, data)
    return path


def beside(harm: bytes) -> bytes:
    """A pickle of one good tensor and something else."""
    return b"\x80\x02" + entries(**{"fc.weight": tensor(), "extra": harm}) + b"."
