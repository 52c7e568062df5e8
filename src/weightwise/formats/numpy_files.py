"""NumPy's files: `.npy`, one array, and `.npz`, a zip archive of them.

Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, ZipInfo

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive
from weightwise.formats.named import model_by_names
from weightwise.formats.npy import MOST_HEADER, PREFIX, NpyHeader, follows, is_npy, npy_array, read_npy_header
from weightwise.source import Source, memory_source
from weightwise.stored import StoredArray, StoredModel

if TYPE_CHECKING:
    import numpy

SUFFIX = ".npy"
FIRST = PREFIX + 4 + MOST_HEADER
"""So many bytes of a member are unpacked to read its header."""


def match(thing: Source | Archive) -> bool:
    """Returns whether this is one array alone, or an archive of arrays."""
    if isinstance(thing, Archive):
        return bool(thing.members) and all(name.endswith(SUFFIX) for name in thing.members)
    return is_npy(thing) and not follows(thing)


def open_model(thing: Source | Archive) -> StoredModel:
    """Returns the arrays of a file; raises `FormatError` when none of them can be told."""
    if isinstance(thing, Archive):
        return archive_model(thing)
    header = read_npy_header(thing)
    array = npy_array(thing, header, Path(thing.path).stem)
    return model_of(thing, "NumPy array (.npy)", [array], list(ending(thing, header)))


def ending(source: Source, header: NpyHeader) -> Iterator[str]:
    """Yields why the file does not end where its array does."""
    there = source.size - header.data
    if header.nbytes is None:
        yield f"{source.name}: the values are {header.description:.40}, and what they take cannot be told."
    elif header.nbytes != there:
        yield f"{source.name}: expected {header.nbytes:,} bytes of values, found {there:,}; get the file again."


def archive_model(archive: Archive) -> StoredModel:
    """Returns the arrays of an archive; a member that cannot be read is a problem."""
    problems = [archive.problem] * bool(archive.problem)
    arrays = []
    for name, infos in archive.members.items():
        try:
            arrays.append(member_array(archive, name, infos, problems))
        except FormatError as error:
            problems.append(str(error))
    if not arrays:
        raise FormatError(problems[0])
    return model_of(archive.source, "NumPy arrays (.npz)", arrays, problems)


def member_array(archive: Archive, name: str, infos: Sequence[ZipInfo], problems: list[str]) -> StoredArray:
    """Returns the array of a member; raises `FormatError`. One that is stored as it is, is read where it lies."""
    path = name.removesuffix(SUFFIX)
    if len(infos) != 1 or infos[0].compress_type == ZIP_STORED:
        member = archive.member(name)
        header = read_npy_header(member)
        problems.extend(ending(member, header))
        return npy_array(member, header, path)
    start = beginning(archive, infos[0])
    header = read_npy_header(start)
    return replace(npy_array(start, header, path), read=lambda: unpacked(archive, name, path), run=None)


def beginning(archive: Archive, info: ZipInfo) -> Source:
    """Returns the first bytes of a deflated member; raises `FormatError`."""
    packed = archive.packed(info)
    try:
        first = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed.read(0, min(packed.size, FIRST)), FIRST)
    except zlib.error as error:
        raise archive.error(info.filename, f"it cannot be unpacked ({error}); get the file again") from error
    return memory_source(packed.path, packed.name, first)


def unpacked(archive: Archive, name: str, path: str) -> numpy.ndarray:
    """Returns the values of a deflated member; raises `FormatError`."""
    member = archive.member(name)
    return npy_array(member, read_npy_header(member), path).read()


def model_of(source: Source, form: str, arrays: Sequence[StoredArray], problems: Sequence[str]) -> StoredModel:
    """Returns the model of arrays that have names."""
    name = Path(source.path).name.partition(".")[0]
    return model_by_names(source.path, form, name, arrays, nbytes=source.size, problems=problems)
