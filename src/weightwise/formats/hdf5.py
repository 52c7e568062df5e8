"""HDF5, the container of Keras: groups with attributes, and datasets.

The file's structure is read with pyfive, a reader in pure Python (`docs/hdf5-reader.md` says why), and only from bytes
that are there: `HeaderFile` refuses reads beyond the end and counts what was read, so that a damaged file whose parts
refer to each other in circles ends in an error. Values never pass through pyfive; see `hdf5_values`.

Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.hdf5_values import Chunks, Layout, layout_problem, read_values
from weightwise.source import Source, SourceFile
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy
    import pyfive

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
"""The address of what was never written."""
COMPACT, CHUNKED = 0, 2
MOST_HEADER_BYTES = 1 << 28
MOST_READS = 5_000_000
MOST_DEPTH = 64
SMALLEST_OBJECT = 40
"""Bytes that the shortest object header and the link to it take."""


@dataclass(frozen=True)
class Contents:
    """What an HDF5 file holds, by path; the root's path is an empty string."""

    attributes: Mapping[str, Mapping[str, Any]]
    """The attributes of each group, in the file's order; texts are `str`, arrays are lists."""
    arrays: Mapping[str, StoredArray]
    """The datasets in the file's order; their key is their path."""
    problems: tuple[str, ...]
    """One sentence for each part that could not be read."""


def is_hdf5(source: Source) -> bool:
    """Returns whether the bytes are HDF5: the signature stands at byte 0, 512, 1024, 2048 …"""
    offset = 0
    while offset + len(SIGNATURE) <= source.size:
        if source.read(offset, len(SIGNATURE)) == SIGNATURE:
            return True
        offset = offset * 2 or 512
    return False


def read_hdf5(source: Source) -> Contents:
    """Returns what the file holds without reading values; raises `FormatError` when not even the root can be read."""
    import pyfive  # takes 0.2 s, so only a file that needs it pays for it

    walk = Walk(source)
    with damage(source, "the root group"):
        root = pyfive.File(HeaderFile(source))
        walk.base = root.userblock_size
    walk.visit(root, "", 0)
    if not walk.attributes:
        raise FormatError(walk.problems[0])
    return Contents(walk.attributes, walk.arrays, tuple(walk.problems))


class HeaderFile(SourceFile):
    """The file as pyfive sees it: reads are whole or refused, and all together they have an end."""

    def __init__(self, source: Source) -> None:
        """Starts at the first byte, with a budget that no sound file exceeds."""
        super().__init__(source)
        self._bytes = min(8 * source.size + (1 << 20), MOST_HEADER_BYTES)
        self._reads = min(source.size // 16 + 20_000, MOST_READS)

    def read(self, size: int = -1) -> bytes:
        """Returns `size` bytes; raises `FormatError` when they are not there or the file goes round in circles."""
        self.source.check(self.position, size)
        self._bytes -= size
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise FormatError("its parts refer to each other in circles")
        return super().read(size)


@contextmanager
def damage(source: Source, thing: str) -> Iterator[None]:
    """Turns whatever pyfive meets in damaged bytes into one `FormatError` that names the file and the thing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyfive warns of what it cannot read; the value that is missing tells it
            yield
    except Exception as error:  # pyfive checks little: damaged bytes end in any exception that Python has
        raise FormatError(
            f"{source.name}: {thing} cannot be read ({cause(source, error)}); the file is damaged, or uses a part of "
            "HDF5 that is not supported: get it again from where it came from."
        ) from error


def cause(source: Source, error: Exception) -> str:
    """Returns the heart of an error's sentence, without the file's name and the advice."""
    if isinstance(error, WeightwiseError):
        return str(error).removeprefix(f"{source.name}: ").partition(";")[0].rstrip(".")
    return f"{type(error).__name__} {error}".strip()


@dataclass
class Walk:
    """One pass over all groups and datasets of a file, which collects what can be read and says what cannot."""

    source: Source
    base: int = 0
    """Where HDF5's own addresses start in the file."""
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def visit(self, group: pyfive.Group, path: str, depth: int) -> None:
        """Collects a group and everything below it."""
        try:
            with damage(self.source, f"the attributes of the group {path or '/'}"):
                self.attributes[path] = {name: plain(value) for name, value in group.attrs.items()}
        except FormatError as error:
            self.problems.append(str(error))
            self.attributes[path] = {}
        for name in group:
            try:
                self.enter(group, name, f"{path}/{name}".lstrip("/"), depth + 1)
            except FormatError as error:
                self.problems.append(str(error))

    def enter(self, group: pyfive.Group, name: str, path: str, depth: int) -> None:
        """Collects one member of a group; raises `FormatError`."""
        import pyfive

        with damage(self.source, f"the object {path}"):
            self.check_bounds(name, depth)
            member = group.get_lazy_view(name)
            if isinstance(member, pyfive.Dataset):
                self.add(member, path)
            elif member is None:
                raise FormatError("it is a link that leads nowhere")
        if isinstance(member, pyfive.Group):
            self.visit(member, path, depth)

    def check_bounds(self, name: str, depth: int) -> None:
        """Raises `FormatError` for a member that no sound file has."""
        if not name or name == "." or "/" in name:
            raise FormatError("that is no name of a member")
        if depth > MOST_DEPTH or len(self.attributes) + len(self.arrays) > self.source.size // SMALLEST_OBJECT:
            raise FormatError("groups contain each other")

    def add(self, dataset: pyfive.Dataset, path: str) -> None:
        """Collects a dataset; a problem is noted when the file cannot hold its values."""
        layout = dataset_layout(dataset, self.base)
        start = self.source.start if layout.offset is not None else None
        self.arrays[path] = StoredArray(
            path=path,
            key=path,
            shape=layout.shape,
            dtype=layout.dtype,
            nbytes=layout.nbytes,
            read=partial(values, self.source, path, layout),
            file=self.source.name,
            offset=None if start is None or layout.offset is None else start + layout.offset,
        )
        problem = layout_problem(self.source, layout)
        if problem:
            self.problems.append(f"{self.source.name}: the values of {path} are not there: {problem}.")


def values(source: Source, path: str, layout: Layout) -> numpy.ndarray:
    """Returns the values of a dataset; raises `FormatError` when the file does not hold them whole."""
    with damage(source, f"the values of {path}"):
        return read_values(source, layout)


def dataset_layout(dataset: pyfive.Dataset, base: int) -> Layout:
    """Returns what a dataset's header says of its values; `base` is where HDF5's addresses start in the file."""
    storage = dataset.id
    described = partial(Layout, tuple(map(int, dataset.shape)), dataset.dtype, dtype_name(dataset.dtype), base=base)
    if storage.layout_class == COMPACT:
        return described(data=dataset[()].tobytes())
    if storage.layout_class == CHUNKED:
        filters = tuple(int(entry["filter_id"]) for entry in storage.filter_pipeline or ())
        chunks = Chunks(tuple(map(int, dataset.chunks)), filters, lambda: storage.index)
        return described(chunks=chunks)
    written = storage.data_offset != UNDEFINED
    return described(offset=base + storage.data_offset if written else None)


def dtype_name(kind: numpy.dtype) -> str:
    """Returns the dtype's name; two opaque bytes are bfloat16, the only NumPy dtype that h5py writes so."""
    if kind.kind == "V" and kind.itemsize == 2 and kind.fields is None:
        return "bfloat16"
    metadata: Mapping[str, Any] = kind.metadata or {}
    if set(metadata.get("enum", ())) == {"FALSE", "TRUE"}:
        return "bool"
    return str(kind.name)


def plain(value: Any) -> Any:
    """Returns an attribute in Python's own types: text as `str`, an array as a list, nothing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return decoded(value)
    return value if isinstance(value, str | int | float) else None


def decoded(value: bytes) -> str | bytes:
    """Returns UTF-8 as text, and other bytes as they are."""
    try:
        return value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return value
