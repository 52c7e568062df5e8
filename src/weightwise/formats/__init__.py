"""Readers: one file per format, and the containers that formats share. Bytes become a `StoredModel`.

What a file is, is found from its bytes and never from its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from weightwise.errors import FormatError
from weightwise.source import Source, open_source
from weightwise.stored import StoredModel

MOST_PROBLEMS = 20
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
            model = open_model(source)
            return replace(model, problems=told(source, model.problems))
    start = source.read(0, min(source.size, 8))
    raise FormatError(
        f"{source.name}: this is no model that can be read, it begins with {start!r}; readable are {READABLE}."
    )


def told(source: Source, problems: Sequence[str]) -> tuple[str, ...]:
    """Returns the problems as errors would say them, each in one line, and the number of those that are too many."""
    first = [str(FormatError(problem)) for problem in problems[:MOST_PROBLEMS]]
    rest = len(problems) - len(first)
    return (*first, f"{source.name}: {rest:,} more parts cannot be read.") if rest else tuple(first)


__all__ = ["open_stored"]
