"""Readers: one file per format, and the containers that formats share. Bytes become a `StoredModel`.

What a file is, is found from its bytes and never from its name. A reader is a module with `match`, cheap, and
`open_model`, which returns a `StoredModel`; both get the file's bytes, or its members if it is a zip archive, or what
lies in a folder. No two readers claim the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.source import Folder, Source, open_folder, open_source
from weightwise.stored import StoredModel

if TYPE_CHECKING:
    from weightwise.formats.archive import Archive

GZIP = b"\x1f\x8b"
MOST_PROBLEMS = 20
MOST_TRIED = 1000
"""So many files of a folder are looked into for the one that is a model."""
SOURCES = (
    "safetensors.file",
    "pytorch.legacy",
    "pytorch.tar",
    "pytorch.sharded",
    "pytorch.distributed",
    "numpy_files",
    "jax.equinox",
    "jax.flax_msgpack",
    "keras.hdf5",
    "keras.weights",
)
"""The readers of a `Source`."""
BEGINNINGS = {b"\x89HDF": "keras.hdf5", b"\x80\x02": "pytorch.legacy", b"\x93NUM": "numpy_files"}
"""The reader that is asked first of a file that begins so, because every reader that is asked must be imported."""
ARCHIVES = ("keras.archive", "pytorch.zipped", "numpy_files", "pytorch.script", "pytorch.exported")
"""The readers of an `Archive`."""
FOLDERS: tuple[str, ...] = (
    "safetensors.file",
    "pytorch.distributed",
    "pytorch.sharded",
    "jax.orbax",
)
"""The readers of a `Folder`."""
READABLE = (
    "PyTorch files (.pt, .pth, .bin, .ckpt, .pt2), safetensors, Flax and Orbax checkpoints, NumPy (.npy, .npz), "
    "Equinox (.eqx), Keras archives (.keras), weights (.weights.h5, .weights.json) "
    "and models or weights in HDF5 (.h5, .hdf5)"
)


def open_stored(path: str | Path) -> StoredModel:
    """Returns what a file or a folder holds, without reading values; raises `MissingFileError` or `FormatError`."""
    found = open_folder(path) if Path(path).is_dir() else open_source(path)
    model = folder_model(found) if isinstance(found, Folder) else file_model(found)
    remarks = tuple(str(FormatError(remark)) for remark in model.remarks)  # in one line, whatever a file's names are
    return replace(model, remarks=remarks, problems=told(model.path, model.problems))


def file_model(source: Source) -> StoredModel:
    """Returns what a file holds; raises `FormatError` when no reader knows it."""
    thing = contained(source)
    reader = reader_of(thing)
    if reader is not None:
        return read_by(reader, thing)
    if source.read(0, min(source.size, 2)) == GZIP:
        found = "it is compressed with gzip: unpack it first"
    elif isinstance(thing, Source):
        found = f"it begins with {source.read(0, min(source.size, 8))!r}"
    elif thing.problem:
        raise FormatError(thing.problem)
    else:
        found = f"it is a zip archive of {thing.listing()}"
    raise FormatError(f"{source.name}: this is no model that can be read, {found}; readable are {READABLE}.")


def folder_model(folder: Folder) -> StoredModel:
    """Returns what a folder holds: a model in a format of folders, or the one file in it that is a model."""
    reader = reader_of(folder)
    if reader is not None:
        return read_by(reader, folder)
    if len(folder.files) > MOST_TRIED:
        raise FormatError(f"{folder.path}: a folder of {len(folder.files):,} files; give the path of the model's file.")
    models = [name for name in folder.files if is_model(folder, name)]
    if len(models) == 1:
        return file_model(folder.source(models[0]))
    found = f"{len(models)}: {', '.join(models[:5])}{', …' * (len(models) > 5)}" if models else "none"
    raise FormatError(f"{folder.path}: expected a folder with one model, found {found}; give the path of a model file.")


def is_model(folder: Folder, name: str) -> bool:
    """Returns whether some reader knows a file; one that cannot be read is none."""
    try:
        return reader_of(contained(folder.source(name))) is not None
    except WeightwiseError:
        return False


def contained(source: Source) -> Source | Archive:
    """Returns the members of a zip archive, and any other file as it is."""
    if source.read(0, min(source.size, 4)) != b"PK\x03\x04":
        return source
    # Imported here, so that `import weightwise` does not wait for the standard library's zip.
    from weightwise.formats.archive import read_archive

    return read_archive(source)


def reader_of(thing: Source | Archive | Folder) -> Any:
    """Returns the module that reads this, or None; modules are imported one after the other until one does."""
    from importlib import import_module

    names = asked(thing) if isinstance(thing, Source) else FOLDERS if isinstance(thing, Folder) else ARCHIVES
    modules = (import_module(f"weightwise.formats.{name}") for name in names)
    return next((module for module in modules if module.match(thing)), None)


def asked(source: Source) -> list[str]:
    """Returns the readers of a `Source`, the likely one first."""
    start = source.read(0, min(source.size, 4))
    likely = [name for beginning, name in BEGINNINGS.items() if start.startswith(beginning)]
    return [*likely, *(name for name in SOURCES if name not in likely)]


def read_by(reader: Any, thing: Source | Archive | Folder) -> StoredModel:
    """Returns what a reader makes of something that it knows."""
    model: StoredModel = reader.open_model(thing)
    return model


def told(name: str, problems: Sequence[str]) -> tuple[str, ...]:
    """Returns the problems as errors would say them, each in one line, and the number of those that are too many."""
    first = [str(FormatError(problem)) for problem in problems[:MOST_PROBLEMS]]
    rest = len(problems) - len(first)
    return (*first, f"{name}: {rest:,} more parts cannot be read.") if rest else tuple(first)


__all__ = ["open_stored"]
