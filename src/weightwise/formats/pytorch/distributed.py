"""PyTorch's distributed checkpoints: a folder with `.metadata` and the pieces of arrays in `.distcp` files.

`.metadata` is a pickle of `torch.distributed.checkpoint.metadata.Metadata`: each array's shape, dtype and chunks, and
for each chunk the file, offset and length of what `torch.save` wrote for it.
https://docs.pytorch.org/docs/stable/distributed.checkpoint.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, UnsupportedError, WeightwiseError
from weightwise.formats.archive import read_archive
from weightwise.formats.dtypes import BITS
from weightwise.formats.pickles import read_pickle
from weightwise.formats.pickles.values import Dictionary, Instance, Unhashed, as_key, attributes
from weightwise.formats.pytorch import zipped
from weightwise.formats.pytorch.arrays import sizes, stored_array
from weightwise.formats.pytorch.objects import assembled, contents_of, executed
from weightwise.formats.pytorch.values import TORCH, Pieces, Tensor, dtype_of
from weightwise.records import dataclass
from weightwise.source import Folder, Source, open_folder
from weightwise.stored import StoredArray, StoredModel

if TYPE_CHECKING:
    import numpy

METADATA = ".metadata"
CLASS = b"torch.distributed.checkpoint.metadata"
HEAD = 256
KNOWN = ("torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING",)
MOST_KEYS = 16


@dataclass(frozen=True)
class Chunk:
    """A part of an array."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    source: Source
    """What `torch.save` wrote for it."""


def match(thing: Source | Folder) -> bool:
    """Returns whether this is the metadata of a distributed checkpoint, or the folder of one."""
    if isinstance(thing, Folder):
        return METADATA in thing.files and match(thing.source(METADATA))
    return thing.read(0, 1) == b"\x80" and CLASS in thing.read(0, min(thing.size, HEAD))


def open_model(thing: Source | Folder) -> StoredModel:
    """Returns the model of a checkpoint; raises `FormatError` when its metadata cannot be read."""
    folder = thing if isinstance(thing, Folder) else open_folder(Path(thing.path).parent)
    metadata = folder.source(METADATA) if isinstance(thing, Folder) else thing
    pickle = read_pickle(metadata, {**TORCH, **dict.fromkeys(KNOWN)})
    reader = Reader(folder, metadata, pickle.value)
    contents = contents_of(reader.tree())
    contents.remarks += executed(pickle)
    size = metadata.size + sum(source.size for source in reader.files.values())
    return assembled(folder.path, size, contents, "PyTorch distributed checkpoint", reader.problems)


class Reader:
    """The arrays that the metadata describe."""

    def __init__(self, folder: Folder, metadata: Source, value: Any) -> None:
        """Reads which chunks lie where; raises `FormatError` when the metadata are none."""
        self.folder = folder
        self.problems: list[str] = []
        self.files: dict[str, Source] = {}
        self.found = fields(value)
        if not isinstance(self.found.get("state_dict_metadata"), dict):
            raise FormatError(f"{metadata.name}: expected the metadata of a checkpoint, found none.")
        self.places: dict[str, list[tuple[Any, Any]]] = {}
        places = self.found.get("storage_data")
        for key, info in places.items() if isinstance(places, dict) else ():
            index = fields(key.key if isinstance(key, Unhashed) else key)
            name = index.get("fqn")
            if isinstance(name, str):
                self.places.setdefault(name, []).append((index.get("offset"), info))

    def tree(self) -> Dictionary:
        """Returns what was saved, as it was nested; what is no array is None."""
        tree = Dictionary()
        nested = self.found.get("planner_data")
        for name, described in self.found["state_dict_metadata"].items():
            if not isinstance(name, str):
                continue
            keys = nested.get(name) if isinstance(nested, dict) else None
            self.put(tree, keys if isinstance(keys, tuple) and 0 < len(keys) < MOST_KEYS else (name,), name, described)
        return tree

    def put(self, tree: Dictionary, keys: tuple[Any, ...], name: str, described: Any) -> None:
        """Adds one array to the tree."""
        for key in keys[:-1]:
            inner = tree.setdefault(as_key(key), Dictionary())
            if not isinstance(inner, Dictionary):
                return self.problems.append(f"{self.folder.path}: {name:.200} lies in what is an array itself.")
            tree = inner
        is_array = "size" in fields(described)
        tree[as_key(keys[-1])] = Pieces(partial(self.array, name, fields(described))) if is_array else None
        return None

    def array(self, name: str, described: Mapping[str, Any], path: str) -> StoredArray:
        """Returns one array; raises `FormatError` with its name when its chunks are not there."""
        shape, dtype = sizes(described.get("size")), dtype_in(described, path)
        listed, places = described.get("chunks"), self.places.get(name, [])
        if not isinstance(listed, list) or len(listed) != len(places):
            raise FormatError(f"{path}: expected each of its chunks in a file, found {len(places):,} of them")
        pieces = [fields(piece) for piece in listed]
        shapes = {sizes(piece.get("offsets")): sizes(piece.get("sizes")) for piece in pieces}
        chunks = [self.chunk(shapes, sizes(start), info, path) for start, info in places]
        nbytes = prod(shape) * BITS.get(dtype, 8) // 8
        there = sum(chunk.source.size for chunk in chunks)
        if nbytes > there:
            raise FormatError(f"{path}: expected {nbytes:,} bytes in its chunks, found {there:,}")
        read = partial(joined, chunks, shape, dtype, path)
        file = chunks[0].source.path if len(chunks) == 1 else self.folder.path
        return StoredArray(path, path, shape, dtype, nbytes, read, file=file)

    def chunk(
        self, shapes: Mapping[tuple[int, ...], tuple[int, ...]], start: tuple[int, ...], info: Any, path: str
    ) -> Chunk:
        """Returns the chunk at a place of an array; raises `FormatError` when it is not there."""
        found = fields(info)
        if found.get("transform_descriptors"):
            raise FormatError(f"{path}: its chunks are transformed, as by compression, which is not supported")
        name, offset, length = (found.get(key) for key in ("relative_path", "offset", "length"))
        if not isinstance(name, str) or type(offset) is not int or type(length) is not int:
            raise FormatError(f"{path}: its chunks lie nowhere")
        window = self.file(name, path).window(offset, length, self.file(name, path).name)
        if start not in shapes:
            raise FormatError(f"{path}: it has no chunk at {start}")
        return Chunk(start, shapes[start], window)

    def file(self, name: str, path: str) -> Source:
        """Returns a file with chunks of an array; raises `FormatError`."""
        if name not in self.files:
            try:
                self.files[name] = self.folder.source(name)
            except WeightwiseError as error:
                raise FormatError(f"{path}: its chunk in {name:.200} cannot be read ({error})") from error
        return self.files[name]


def fields(value: Any) -> Mapping[str, Any]:
    """Returns the fields of an instance of a dataclass; none for something else."""
    return attributes(value.state) if isinstance(value, Instance) else {}


def dtype_in(described: Mapping[str, Any], path: str) -> str:
    """Returns the dtype of an array from its `properties`; raises `FormatError`."""
    properties = described.get("properties")
    state = properties.state if isinstance(properties, Instance) else None
    place = state[0] if isinstance(state, tuple) and state else fields(properties).get("dtype")
    try:
        return dtype_of(place)
    except ValueError as error:
        raise FormatError(f"{path}: its dtype cannot be told ({error})") from error


def joined(chunks: list[Chunk], shape: tuple[int, ...], dtype: str, path: str) -> numpy.ndarray:
    """Returns the values of all chunks together; raises `FormatError` when they do not make the whole array."""
    import numpy

    parts = [(chunk, values(chunk, dtype, path)) for chunk in chunks]
    if sum(part.size for _, part in parts) != prod(shape) or not parts:
        raise FormatError(f"the values of {path} cannot be read: its chunks do not make the shape {shape}.")
    whole = numpy.empty(shape, parts[0][1].dtype)
    filled = numpy.zeros(shape, bool)
    for chunk, part in parts:
        place = tuple(slice(at, at + size) for at, size in zip(chunk.start, chunk.shape, strict=True))
        if whole[place].shape != part.shape or filled[place].any():
            raise FormatError(f"the values of {path} cannot be read: the chunk at {chunk.start} does not fit.")
        whole[place] = part
        filled[place] = True
    return whole


def values(chunk: Chunk, dtype: str, path: str) -> numpy.ndarray:
    """Returns the values of a chunk, of its shape; raises `FormatError` or `UnsupportedError`."""
    archive = read_archive(chunk.source)
    if not zipped.match(archive):
        raise UnsupportedError(
            f"{chunk.source.name}: the chunk of {path} is no file of torch.save; only those are read."
        )
    tensor = zipped.unpickled(archive)[0].value
    if not isinstance(tensor, Tensor) or tensor.dtype != dtype or tuple(tensor.shape) != chunk.shape:
        raise FormatError(f"{chunk.source.name}: the chunk of {path} is not the {dtype} array that the metadata tell.")
    return stored_array(tensor, path).read()
