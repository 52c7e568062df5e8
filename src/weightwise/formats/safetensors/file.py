"""safetensors: one file, or shards of one model beside a table of which array is in which.

`config.json` beside the files, which says what was built, is the root's configuration as it is; for an adapter, whose
names alone do not say whose they are, `adapter_config.json` is.

Specification: https://github.com/huggingface/safetensors#format; the table:
https://huggingface.co/docs/huggingface_hub/package_reference/serialization
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.beside import CONFIG
from weightwise.formats.beside import configuration as beside
from weightwise.formats.contiguous import contiguous, unreadable
from weightwise.formats.json_text import read_json
from weightwise.formats.named import model_by_names
from weightwise.formats.order import is_alphabetical, natural
from weightwise.formats.safetensors.header import LENGTH, Entry, Header, read_header
from weightwise.formats.weight_map import read_weight_map, writer
from weightwise.records import dataclass
from weightwise.source import Folder, Source, open_source
from weightwise.stored import StoredArray, StoredModel

SUFFIX = ".safetensors"
TABLE = ".safetensors.index.json"
USUAL_TABLE = "model.safetensors.index.json"
LARGEST_CLAIM = 1 << 40
"""A file that claims a longer header is of another format."""
ADAPTER = "adapter_config.json"
ADAPTED = ".lora_"
AXES = "weightwise.axes"
"""The entry of the metadata that declares axes: JSON, the axes string of each array by its name."""
FRAMEWORKS = {"pt": "PyTorch", "flax": "Flax"}
"""What `format` in the metadata means, where there is a table of conventions for it."""
NUMBERED = re.compile(r"(.*)-\d+-of-(\d+)\.safetensors")


@dataclass(frozen=True)
class Shard:
    """What one file holds."""

    source: Source
    header: Header
    arrays: tuple[StoredArray, ...]
    problems: tuple[str, ...]


def match(thing: Source | Folder) -> bool:
    """Returns whether this is a safetensors file, a table of such shards, or a folder with either."""
    if isinstance(thing, Folder):
        return any(name.endswith(SUFFIX) for name in thing.files)
    return is_file(thing) or writer(thing) == "safetensors"


def is_file(source: Source) -> bool:
    """Returns whether the bytes begin with the length of a header, and a header follows."""
    start = source.read(0, min(source.size, LENGTH + 1))
    return start[LENGTH:] == b"{" and int.from_bytes(start[:LENGTH], "little") < LARGEST_CLAIM


def open_model(thing: Source | Folder) -> StoredModel:
    """Returns the model of a file, a table or a folder; raises `FormatError`."""
    if isinstance(thing, Folder):
        return folder_model(thing)
    if is_file(thing):
        return model_of(thing.path, Path(thing.path), "safetensors (.safetensors)", [read_shard(thing)], ())
    return table_model(thing)


def folder_model(folder: Folder) -> StoredModel:
    """Returns the model of a folder: by its table, its one file, or all files as shards; raises `FormatError`."""
    tables = [name for name in folder.files if name.endswith(TABLE)]
    if len(tables) > 1 and USUAL_TABLE not in tables:
        raise FormatError(
            f"{folder.path}: expected one table of shards, found {', '.join(tables)}; give the path of one."
        )
    if tables:
        return table_model(folder.source(USUAL_TABLE if USUAL_TABLE in tables else tables[0]))
    names = [name for name in folder.files if name.endswith(SUFFIX)]
    if len(names) == 1:
        return open_model(folder.source(names[0]))
    shards, problems = read_shards(Path(folder.path), names)
    repeated = first_repeated(shards)
    if repeated:
        raise FormatError(f"{folder.path}: expected shards of one model, found {repeated}; give the path of one file.")
    problems += missing_numbers(folder.path, names)
    return model_of(folder.path, Path(folder.path, "model"), "safetensors in shards", shards, problems)


def first_repeated(shards: Sequence[Shard]) -> str:
    """Returns which array is in two files, or an empty string."""
    owners: dict[str, Source] = {}
    for shard in shards:
        for array in shard.arrays:
            if array.path in owners:
                return f"{array.path:.200} in {Path(owners[array.path].path).name} and {Path(shard.source.path).name}"
            owners[array.path] = shard.source
    return ""


def missing_numbers(path: str, names: Sequence[str]) -> Iterator[str]:
    """Yields which files are missing among those that are numbered `model-00001-of-00030`."""
    found = [match for match in map(NUMBERED.fullmatch, names) if match]
    for stem, count in dict.fromkeys(match.groups() for match in found):
        there = sum(match.groups() == (stem, count) for match in found)
        if there < int(count):
            yield f"{path}: expected {int(count):,} shards {stem}-…-of-{count}, found {there:,}; get the others too."


def table_model(source: Source) -> StoredModel:
    """Returns the model whose shards a table lists; raises `FormatError` when none of them can be read."""
    table = read_weight_map(source)
    listed = {name: shards[0] for name, shards in table.items() if shards}
    folder = Path(source.path).parent
    shards, problems = read_shards(folder, sorted(set(listed.values())))
    if not shards:
        raise FormatError(" ".join(problems[:1]) or f"{source.name}: the table lists no shards.")
    kept = [replace(shard, arrays=tuple(chosen(shard, listed))) for shard in shards]
    there = {array.path for shard in kept for array in shard.arrays}
    lost = [name for name in listed if name not in there]
    if lost:
        problems.append(
            f"{source.name}: {len(lost):,} arrays of the table are not in its shards, the first is {lost[0]:.200}."
        )
    stem = Path(source.path).name.removesuffix(TABLE)
    return model_of(str(folder), folder / stem, "safetensors in shards", kept, problems)


def chosen(shard: Shard, listed: Mapping[str, str]) -> Iterator[StoredArray]:
    """Yields the arrays of a shard, without those that the table has in another one."""
    name = Path(shard.source.path).name
    return (array for array in shard.arrays if listed.get(array.path, name) == name)


def read_shards(folder: Path, names: Sequence[str]) -> tuple[list[Shard], list[str]]:
    """Returns the files that can be read, and why the others cannot."""
    shards, problems = [], []
    for name in sorted(names, key=natural):
        try:
            shards.append(read_shard(open_source(folder / name)))
        except WeightwiseError as error:
            problems.append(str(error))
    return shards, problems


def read_shard(source: Source) -> Shard:
    """Returns what a file holds; raises `FormatError`."""
    header = read_header(source)
    problems: list[str] = list(header.problems)
    axes = declared_axes(source, header, problems)
    start = header.data
    arrays = tuple(stored(source, entry, start, axes.get(entry.name, "")) for entry in header.entries)
    return Shard(source, header, arrays, tuple(problems))


def stored(source: Source, entry: Entry, start: int, axes: str) -> StoredArray:
    """Returns the array of an entry."""
    if entry.problem:
        size = entry.end - entry.begin
        return unreadable(source.name, entry.name, entry.shape, entry.dtype, size, entry.problem)
    key = entry.name.rpartition(".")[2]
    return contiguous(source, entry.name, entry.shape, entry.dtype, start + entry.begin, key=key, axes=axes)


def declared_axes(source: Source, header: Header, problems: list[str]) -> Mapping[str, str]:
    """Returns the axes that the metadata declare, by the array's name."""
    if AXES not in header.metadata:
        return {}
    try:
        found = read_json(header.metadata[AXES], f"{source.name}: {AXES} in the metadata")
    except FormatError as error:
        problems.append(str(error))
        return {}
    names = {entry.name for entry in header.entries}
    wrong = [name for name, axes in found.items() if name not in names or not isinstance(axes, str)]
    if wrong:
        problems.append(f"{source.name}: {AXES} in the metadata expects axes of arrays, found {wrong[0]!r:.80}.")
    return {name: axes for name, axes in found.items() if name not in wrong}


def axes_entry(axes: Mapping[str, str]) -> dict[str, str]:
    """Returns what to put into a file's metadata so that it declares axes, given by the array's name.

    >>> axes_entry({"fc.weight": "out in"})
    {'weightwise.axes': '{"fc.weight": "out in"}'}
    """
    return {AXES: json.dumps(dict(axes), ensure_ascii=False)} if axes else {}


def model_of(path: str, stem: Path, form: str, shards: Sequence[Shard], problems: Sequence[str]) -> StoredModel:
    """Returns the model of files that were read; `stem` is the name of the model and where its configuration lies."""
    config_problems: list[str] = []
    arrays = in_order(shards)
    config = configuration(stem.parent, arrays, config_problems)
    return model_by_names(
        path,
        form,
        stem.name.removesuffix(SUFFIX),
        arrays,
        framework=declared_framework(shards),
        config=config,
        nbytes=sum(shard.source.size for shard in shards),
        problems=(*problems, *(problem for shard in shards for problem in shard.problems), *config_problems),
    )


def in_order(shards: Sequence[Shard]) -> list[StoredArray]:
    """Returns all arrays in the order of the files; where the writer sorted them by name, as people count.

    The library writes the widest dtypes first and sorts by name within each, so that the model's own order is lost.
    """
    arrays = [array for shard in shards for array in shard.arrays]
    return sorted(arrays, key=lambda array: natural(array.path)) if all(map(is_sorted, shards)) else arrays


def is_sorted(shard: Shard) -> bool:
    """Returns whether the arrays of each dtype are together and sorted by name."""
    groups: dict[str, list[str]] = {}
    for array in shard.arrays:
        groups.setdefault(array.dtype, []).append(array.path)
    together = [path for paths in groups.values() for path in paths]
    return together == [array.path for array in shard.arrays] and all(map(is_alphabetical, groups.values()))


def declared_framework(shards: Sequence[Shard]) -> str:
    """Returns the framework that all files say wrote them, or an empty string."""
    said = {shard.header.metadata.get("format", "") for shard in shards}
    return FRAMEWORKS.get(said.pop(), "") if len(said) == 1 else ""


def configuration(folder: Path, arrays: Sequence[StoredArray], problems: list[str]) -> Mapping[str, Any]:
    """Returns what lies beside the files and says what was built; an adapter's own says more than the model's."""
    names = (CONFIG, ADAPTER)
    return beside(folder, names[::-1] if any(ADAPTED in array.path for array in arrays) else names, problems)
