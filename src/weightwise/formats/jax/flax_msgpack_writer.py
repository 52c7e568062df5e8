"""Writes Flax's own files: the tree of variables in MessagePack, names sorted as JAX sorts them.

    {"batch_stats": {"BatchNorm_0": {"mean": …}}, "params": {"BatchNorm_0": {"scale": …}, "Dense_0": {"kernel": …}}}

What linen computes while it trains, the statistics of a BatchNorm, is in a collection of its own; nnx has none. The
optimizer and the step are no weights, and are left out.

https://github.com/google/flax/blob/v0.12.8/flax/serialization.py (`msgpack_serialize`),
https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from weightwise.errors import UnsupportedError
from weightwise.formats.durable import whole
from weightwise.formats.jax.flax_msgpack import ARRAY, CHUNKED
from weightwise.formats.jax.msgpack import LENGTHS
from weightwise.formats.octets import Block, Octets, itemsize, size_of, write_ahead
from weightwise.formats.tree import Path
from weightwise.stored import StoredArray, StoredLayer, StoredModel

LARGEST = 1 << 30
"""Arrays of more bytes are written in pieces."""
PARAMETERS, STATISTICS = "params", "batch_stats"
MEASURED = ("mean", "var")
"""What the statistics of a BatchNorm are called."""
SHORT: Mapping[str, tuple[int, int]] = {"map": (0x80, 16), "list": (0x90, 16), "text": (0xA0, 32)}
"""The first byte of what is shorter than this, its length in it."""
FIXED: Mapping[int, int] = {1 << power: 0xD4 + power for power in range(5)}
"""The first byte of extensions of these lengths."""
TRUE = b"\xc3"
Tree = dict[str, "Tree | StoredArray"]


def write_msgpack(path: str | FilePath, stored: StoredModel) -> None:
    """Writes what `flax.serialization.from_bytes` reads; the file appears whole or not at all.

    Raises `UnsupportedError` for names that cannot be a tree, `UnwritableError` for the disk.
    """
    tree = nested(variables(stored.root))
    with whole(path) as file:
        write_ahead(file, lambda octets: blocks(octets, tree))


def variables(root: StoredLayer) -> Iterator[tuple[Path, StoredArray]]:
    """Yields the arrays with their places in the tree: where their file had them, or by their layers' names."""
    collections = not any("nnx." in layer.class_name for layer in below(root))
    for layer in below(root):
        names = parts(layer.name) if layer is not root else ()
        for array in layer.arrays:
            if not layer.configured:
                yield parts(array.path), array
            elif collections:
                yield (collection(array), *names, *parts(array.key)), array
            else:
                yield (*names, *parts(array.key)), array


def below(layer: StoredLayer) -> Iterator[StoredLayer]:
    """Yields a layer and all layers in it."""
    yield layer
    for inner in layer.layers:
        yield from below(inner)


def parts(path: str) -> Path:
    """Returns the parts of a path, as msgpack's or, between dots, as the safetensors files of Flax have them."""
    return tuple(path.split("/" if "/" in path else ".")) if path else ()


def collection(array: StoredArray) -> str:
    """Returns the collection of variables of linen that an array is in."""
    return STATISTICS if array.trainable is False or array.key in MEASURED else PARAMETERS


def nested(found: Iterator[tuple[Path, StoredArray]]) -> Tree | StoredArray:
    """Returns the tree of arrays; raises `UnsupportedError` where two are at one place, or one is in another."""
    top: Tree = {}
    for path, array in found:
        tree = top
        for name in ("", *path)[:-1]:
            inner = tree.setdefault(name, {})
            if isinstance(inner, StoredArray):
                raise taken(path)
            tree = inner
        if ("", *path)[-1] in tree:
            raise taken(path)
        tree[("", *path)[-1]] = array
    return top.get("", {})


def taken(path: Path) -> UnsupportedError:
    """Returns the error of an array whose place in the tree is another's."""
    return UnsupportedError(f"{'/'.join(path)}: its place in the tree is another array's; rename its layer.")


def blocks(octets: Octets, tree: Tree | StoredArray) -> Iterator[Block]:
    """Yields the bytes of a tree."""
    if isinstance(tree, StoredArray):
        yield from array_blocks(octets, tree)
        return
    yield head("map", len(tree))
    for name in sorted(tree):
        yield text(name)
        yield from blocks(octets, tree[name])


def array_blocks(octets: Octets, array: StoredArray) -> Iterator[Block]:
    """Yields the bytes of an array, a large one in pieces."""
    if size_of(array) > LARGEST:
        yield from pieces(octets, array)
        return
    yield array_head(array.shape, array.dtype)
    yield from octets.of(array)


def pieces(octets: Octets, array: StoredArray) -> Iterator[Block]:
    """Yields the bytes of an array in pieces, a map of them that says the shape."""
    most = max(1, LARGEST // itemsize(array.dtype))
    sizes = b"".join(text(str(place)) + number(size) for place, size in enumerate(array.shape))
    yield head("map", 3) + text(CHUNKED) + TRUE + text("shape") + head("map", len(array.shape)) + sizes
    yield text("chunks") + head("map", -(-array.size // most))
    begun = left = 0
    for block in octets.of(array):
        while block:
            if not left:
                count = min(most, array.size - begun * most)
                yield text(str(begun)) + array_head((count,), array.dtype)
                begun, left = begun + 1, count * itemsize(array.dtype)
            part = block[:left]
            yield part
            left, block = left - len(part), block[len(part) :]


def array_head(shape: Sequence[int], dtype: str) -> bytes:
    """Returns what stands before the bytes of an array: an extension of a list of shape, dtype and bytes."""
    size = itemsize(dtype)
    for length in shape:
        size *= length
    sizes = head("list", len(shape)) + b"".join(map(number, shape))
    inner = head("list", 3) + sizes + text(dtype) + head("binary", size)
    return head("extension", len(inner) + size) + bytes([ARRAY]) + inner


def text(value: str) -> bytes:
    """Returns a text."""
    encoded = value.encode()
    return head("text", len(encoded)) + encoded


def number(value: int) -> bytes:
    """Returns a whole number that is not negative."""
    if value < 0x80:
        return bytes([value])
    power = next(power for power in range(4) if value < 1 << (8 << power))
    return bytes([0xCC + power]) + value.to_bytes(1 << power, "big")


def head(kind: str, size: int) -> bytes:
    """Returns the first bytes of a value of this kind and length."""
    first, room = SHORT.get(kind, (0, 0))
    if size < room:
        return bytes([first | size])
    if kind == "extension" and size in FIXED:
        return bytes([FIXED[size]])
    widths = {width: code for code, (name, width) in LENGTHS.items() if name == kind}
    width = min(width for width in widths if size < 1 << 8 * width)
    return bytes([widths[width]]) + size.to_bytes(width, "big")
