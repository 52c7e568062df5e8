"""Keras's HDF5 files: the legacy format with its lists of names, and the weights of Keras 3 with their paths."""

from __future__ import annotations

from weightwise.errors import FormatError
from weightwise.formats.hdf5 import is_hdf5, read_hdf5
from weightwise.formats.keras.legacy import holds_names, open_legacy
from weightwise.formats.keras.weights import holds_paths, open_weights
from weightwise.source import Source
from weightwise.stored import StoredModel


def match(source: Source) -> bool:
    """Returns whether the bytes are HDF5."""
    return is_hdf5(source)


def open_model(source: Source) -> StoredModel:
    """Returns the model of an HDF5 file; raises `FormatError` when Keras did not write it."""
    contents = read_hdf5(source)
    if holds_names(contents):
        return open_legacy(source, contents)
    if holds_paths(contents):
        return open_weights(source, contents)
    groups = sorted(path for path in contents.attributes if path and "/" not in path)
    found = ", ".join(groups[:5]) or "no groups"
    raise FormatError(
        f"{source.name}: this is HDF5, but not written by Keras: expected the attribute layer_names or groups named "
        f"vars, found {found}; {contents.problems[0] if contents.problems else 'give a model or weights file.'}"
    )
