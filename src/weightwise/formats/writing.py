"""Writes a model in the form that the suffix of the file names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from weightwise.errors import UnsupportedError
from weightwise.stored import StoredArray, StoredLayer, StoredModel

Writer = Callable[[Path, StoredModel], None]


def write(path: str | os.PathLike[str], stored: StoredModel) -> None:
    """Writes a model as `.safetensors`, `.keras`, `.weights.h5` or `.msgpack`; the file appears whole or not at all.

    Raises `UnsupportedError` for another suffix, for one of another framework, and for what the format cannot hold;
    `UnwritableError` for the disk.
    """
    name = os.fspath(path)
    suffix = next((suffix for suffix in WRITERS if name.endswith(suffix)), "")
    if not suffix:
        raise UnsupportedError(f"{name}: expected a name that ends in {known(stored.framework)}; rename it.")
    framework, writer = WRITERS[suffix]
    if framework not in ("", stored.framework):
        raise UnsupportedError(
            f"{name}: files in {suffix} are {framework}'s, and these weights are {stored.framework}'s; "
            f"give it a name that ends in {known(stored.framework)}."
        )
    writer(Path(path), stored)


def known(framework: str) -> str:
    """Returns the suffixes that weights of a framework can be written as."""
    suffixes = [suffix for suffix, (owner, _) in WRITERS.items() if owner in ("", framework)]
    return " or ".join(filter(None, [", ".join(suffixes[:-1]), suffixes[-1]]))


def write_keras(path: Path, stored: StoredModel) -> None:
    """Writes an archive of Keras."""
    from weightwise.formats.keras.writer import write_keras

    write_keras(path, stored)


def write_keras_weights(path: Path, stored: StoredModel) -> None:
    """Writes a weights file of Keras."""
    from weightwise.formats.keras.writer import write_keras_weights

    write_keras_weights(path, stored)


def write_msgpack(path: Path, stored: StoredModel) -> None:
    """Writes a tree of Flax."""
    from weightwise.formats.jax.flax_msgpack_writer import write_msgpack

    write_msgpack(path, stored)


def write_safetensors(path: Path, stored: StoredModel) -> None:
    """Writes the arrays by their names, with the axes that they declare."""
    from weightwise.formats.safetensors.file import FRAMEWORKS, axes_entry
    from weightwise.formats.safetensors.writer import Written, write_safetensors

    arrays = dict(named(stored))
    axes = axes_entry({name: array.axes for name, array in arrays.items() if array.axes})
    form = [("format", form) for form, framework in FRAMEWORKS.items() if framework == stored.framework]
    written = [Written(name, array.shape, array.dtype, array.read, array.apart) for name, array in arrays.items()]
    write_safetensors(path, written, dict(form) | axes)


def named(stored: StoredModel) -> Iterator[tuple[str, StoredArray]]:
    """Yields the arrays with their names in a safetensors file, whose parts stand between dots.

    Raises `UnsupportedError` where two have one name.
    """
    from weightwise.formats.jax.flax_msgpack_writer import variables

    met: set[str] = set()
    flax = ((".".join(path), array) for path, array in variables(stored.root))
    for name, array in flax if stored.framework == "Flax" else dotted(stored.root):
        if name in met:
            raise UnsupportedError(f"{name}: two arrays have this name; rename one of their layers.")
        met.add(name)
        yield name, array


def dotted(layer: StoredLayer, name: str = "") -> Iterator[tuple[str, StoredArray]]:
    """Yields the arrays by the name of their layer and their keys, or as their file had them."""
    for array in layer.arrays:
        own = f"{name}.{array.key}".strip(".").replace("/", ".")
        yield own if layer.configured and name else array.path, array
    for inner in layer.layers:
        yield from dotted(inner, inner.name)


WRITERS: Mapping[str, tuple[str, Writer]] = {
    ".safetensors": ("", write_safetensors),
    ".keras": ("Keras", write_keras),
    ".weights.h5": ("Keras", write_keras_weights),
    ".msgpack": ("Flax", write_msgpack),
}
"""By the ending of a name: the framework whose format it is, empty for one of all, and what writes it."""
