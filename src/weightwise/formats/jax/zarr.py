"""zarr, versions 2 and 3: an array as metadata in JSON and blocks of values, each under a key of its own.

    kernel/.zarray   {"shape": [60, 7], "chunks": [60, 7], "dtype": "<f4", "compressor": {"id": "zstd"}, …}
    kernel/0.0       the one block

The keys are names of files in a folder, or keys of a database. Specification: https://zarr-specs.readthedocs.io
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.contiguous import unreadable
from weightwise.formats.dtypes import BITS, NUMPY, code_dtype, decoded, encoded
from weightwise.formats.jax.zarr_codecs import Block, codes_of, put, shape_of
from weightwise.formats.json_text import read_json
from weightwise.formats.npy import dtype_of
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

Fetch = Callable[[str], Source | None]
"""Returns the bytes of a key, or None where there is nothing."""
METADATA = (".zarray", "zarr.json")
FREE_EXPANSION = 1 << 30
MOST_EXPANSION = 100
"""Values may take so many bytes, or so many times those of their blocks: blocks of zeros are often left out."""
MOST_BLOCKS = 1_000_000
FILLS = {None: 0, "NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True)
class Layout:
    """What the metadata say of an array."""

    shape: tuple[int, ...]
    dtype: str
    """The dtype's name; the file's own word where its values cannot be read."""
    order: str
    """The order of the bytes of one value, `<` or `>`."""
    chunks: tuple[int, ...]
    codecs: Sequence[Mapping[str, Any]]
    """How a block is packed, in the order in which it was done."""
    prefix: str
    separator: str
    """The key of a block is the prefix, and its place with the separator in between."""
    fill: Any

    def key(self, place: Sequence[int]) -> str:
        """Returns the key of a block."""
        return self.prefix + self.separator.join(map(str, place)) if place else self.prefix[:1] or "0"


def read_array(fetch: Fetch, name: str, path: str) -> StoredArray:
    """Returns the array whose metadata and blocks are under the keys `name/…`; raises `FormatError`."""
    found = next(((key, source) for key in METADATA if (source := fetch(f"{name}/{key}"))), None)
    if found is None:
        raise FormatError(f"{name}: expected {' or '.join(METADATA)}, found neither.")
    key, source = found
    metadata = read_json(source.read(0, source.size), f"{source.name}: the metadata of {path}")
    try:
        layout = layout_2(metadata) if key == METADATA[0] else layout_3(metadata)
    except FormatError as error:
        raise FormatError(f"{source.name}: the metadata of {path}: {error}; get the file again.") from error
    if layout.dtype not in BITS:
        return unreadable(source.name, path, layout.shape, layout.dtype, 0, "they are no numbers that are known")
    nbytes = prod(layout.shape) * itemsize(layout.dtype)
    read = partial(values, source.path, path, layout, lambda key: fetch(f"{name}/{key}"))
    return StoredArray(path, path, layout.shape, layout.dtype, nbytes, read, file=source.path)


def itemsize(dtype: str) -> int:
    """Returns the bytes of one value; zarr keeps an int4 in a byte."""
    return max(1, BITS[dtype] // 8)


def layout_2(metadata: Mapping[str, Any]) -> Layout:
    """Returns what the metadata of version 2 say; raises `FormatError`."""
    description, compressor = metadata.get("dtype"), metadata.get("compressor")
    if metadata.get("filters") or not isinstance(compressor, dict | None):
        raise FormatError("expected no filters, and a compressor or none")
    name = description if isinstance(description, str) else "a structure"
    codecs = [{"name": "transpose", "configuration": {"order": metadata.get("order", "C")}}]
    return Layout(
        shape_of(metadata.get("shape")),
        name if name in BITS else dtype_of(name) or name[:40],
        ">" if name.startswith(">") else "<",
        shape_of(metadata.get("chunks")),
        codecs + ([{"name": compressor.get("id")}] if compressor else []),
        "",
        str(metadata.get("dimension_separator") or "."),
        metadata.get("fill_value"),
    )


def layout_3(metadata: Mapping[str, Any]) -> Layout:
    """Returns what the metadata of version 3 say; raises `FormatError`."""
    grid, keys, codecs = (metadata.get(key) for key in ("chunk_grid", "chunk_key_encoding", "codecs"))
    if not (isinstance(grid, dict) and isinstance(keys, dict) and isinstance(codecs, list)):
        raise FormatError("expected chunk_grid, chunk_key_encoding and codecs")
    if not all(isinstance(codec, dict) for codec in codecs):
        raise FormatError(f"expected codecs as objects, found {codecs!r:.80}")
    configuration, default = keys.get("configuration") or {}, keys.get("name") != "v2"
    separator = str(configuration.get("separator") or ("/" if default else "."))
    chunks = shape_of((grid.get("configuration") or {}).get("chunk_shape"))
    dtype = str(metadata.get("data_type"))[:40]
    prefix = f"c{separator}" if default else ""
    return Layout(
        shape_of(metadata.get("shape")), dtype, "<", chunks, codecs, prefix, separator, metadata.get("fill_value")
    )


def values(file: str, path: str, layout: Layout, fetch: Fetch) -> numpy.ndarray:
    """Returns the values of an array; raises `FormatError` when a block of it is damaged."""
    try:
        return decoded(codes(layout, fetch), layout.dtype)
    except WeightwiseError as error:
        raise type(error)(f"{file}: the values of {path} cannot be read: {error}.") from error


def codes(layout: Layout, fetch: Fetch) -> numpy.ndarray:
    """Returns what is stored for each value; raises `FormatError`."""
    import numpy

    if len(layout.chunks) != len(layout.shape) or not all(layout.chunks):
        raise FormatError(f"blocks of {layout.chunks} do not divide an array of {layout.shape}")
    counts = [ceil(size / step) for size, step in zip(layout.shape, layout.chunks, strict=True)]
    if prod(counts) > MOST_BLOCKS:
        raise FormatError(f"expected at most {MOST_BLOCKS:,} blocks, found {prod(counts):,}")
    blocks = {place: fetch(layout.key(place)) for place in product(*map(range, counts))}
    stored = sum(block.size for block in blocks.values() if block)
    whole = max(prod(layout.shape), prod(layout.chunks)) * itemsize(layout.dtype)
    if whole > max(FREE_EXPANSION, MOST_EXPANSION * stored):
        raise FormatError(f"{whole:,} bytes of values are more than blocks of {stored:,} bytes can mean")
    result = numpy.zeros(layout.shape, code_dtype(layout.dtype))
    block = Block(layout.chunks, layout.dtype, layout.order, fill_code(layout))
    for place, source in blocks.items():
        data = block.fill if source is None else codes_of(source.read(0, source.size), block, layout.codecs)
        put(result, place, layout.chunks, data)
    return result


def fill_code(layout: Layout) -> Any:
    """Returns the code of values that are not stored; raises `FormatError`."""
    import numpy

    fill = FILLS.get(layout.fill, 0) if isinstance(layout.fill, str | None) else layout.fill
    fill = complex(*fill) if isinstance(fill, list) and len(fill) == 2 else fill
    try:
        wanted = numpy.array([fill], layout.dtype if layout.dtype in NUMPY else "float32")
        return encoded(wanted, layout.dtype)[0]
    except (ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"expected a number of {layout.dtype} as fill_value, found {fill!r:.80}") from error
