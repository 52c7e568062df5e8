"""Readers: one file per format, and the containers that formats share. Bytes become a `StoredModel`.

What a file is, is found from its bytes and never from its name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from weightwise.errors import FormatError
from weightwise.source import Source, open_source
from weightwise.stored import StoredModel

READABLE = "Keras archives (.keras), weights (.weights.h5, .weights.json) and models or weights in HDF5 (.h5, .hdf5)"


def open_stored(path: str | Path) -> StoredModel:
    """Returns what a file holds, without reading values; raises `MissingFileError` or `FormatError`."""
    source = open_source(path)
    # Imported here, so that `import weightwise` does not wait for the standard library's zip and JSON.
    from weightwise.formats import keras_archive, keras_hdf5, keras_weights

    readers: list[tuple[Callable[[Source], bool], Callable[[Source], StoredModel]]] = [
        (keras_archive.match, keras_archive.open_model),
        (keras_hdf5.match, keras_hdf5.open_model),
        (keras_weights.match, keras_weights.open_model),
    ]
    for match, open_model in readers:
        if match(source):
            return open_model(source)
    start = source.read(0, min(source.size, 8))
    raise FormatError(
        f"{source.name}: this is no model that can be read, it begins with {start!r}; readable are {READABLE}."
    )


__all__ = ["open_stored"]
