"""Equinox's leaves: arrays in NumPy's form one after the other, without names, often after a line of JSON.

The leaves are those of a tree that only the program knows that wrote them, so they are called by their places: `[0]`,
`[1]`. The line says how to build that tree, and is the root's configuration.

https://docs.kidger.site/equinox/api/serialisation/, and https://docs.kidger.site/equinox/examples/serialisation/ for
the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.json_text import read_json
from weightwise.formats.named import model_by_names
from weightwise.formats.npy import MAGIC, follows, npy_array, read_npy_header
from weightwise.source import Source
from weightwise.stored import StoredArray, StoredModel

LONGEST_LINE = 1 << 20


def match(source: Source) -> bool:
    """Returns whether arrays in NumPy's form stand one after the other, or after a line of JSON."""
    return first_array(source) > 0 or follows(source)


def first_array(source: Source) -> int:
    """Returns where the arrays begin after a line of JSON; 0 where there is no such line."""
    if source.read(0, 1) not in (b"{", b"["):
        return 0
    return source.read(0, min(source.size, LONGEST_LINE)).find(b"\n" + MAGIC) + 1


def open_model(source: Source) -> StoredModel:
    """Returns the arrays in the file's order; raises `FormatError`."""
    problems: list[str] = []
    start = first_array(source)
    return model_by_names(
        source.path,
        "Equinox leaves (.eqx)",
        Path(source.path).stem,
        leaves(source, start, problems),
        config=configuration(source, start, problems),
        nbytes=source.size,
        problems=problems,
    )


def configuration(source: Source, size: int, problems: list[str]) -> Mapping[str, Any]:
    """Returns what the first line says, where it is an object."""
    try:
        return read_json(source.read(0, size), f"{source.name}: the first line") if size else {}
    except FormatError as error:
        problems.append(str(error))
        return {}


def leaves(source: Source, offset: int, problems: list[str]) -> list[StoredArray]:
    """Returns the arrays up to the end of the file, or to what is none."""
    arrays: list[StoredArray] = []
    while offset < source.size:
        try:
            header = read_npy_header(source, offset)
        except FormatError as error:
            problems.append(str(error))
            break
        path = f"[{len(arrays)}]"
        arrays.append(npy_array(source, header, path))
        if header.nbytes is None:
            problems.append(f"{source.name}: {path} is of Python objects; what follows it cannot be told.")
            break
        offset = header.data + header.nbytes
    if offset > source.size:
        problems.append(f"{source.name}: the values of {arrays[-1].path} are cut off; get the file again.")
    return arrays
