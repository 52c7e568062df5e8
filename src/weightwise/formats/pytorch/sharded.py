"""A state dict in several of PyTorch's files, and the table of which array lies in which of them.

    pytorch_model.bin.index.json   {"metadata": …, "weight_map": {"fc.weight": "pytorch_model-00001-of-00002.bin"}}

https://huggingface.co/docs/transformers/big_models
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats import contained
from weightwise.formats.pickles import Pickle
from weightwise.formats.pytorch import legacy, zipped
from weightwise.formats.pytorch.objects import Contents, assembled, contents_of, executed
from weightwise.formats.weight_map import read_weight_map, writer
from weightwise.source import Folder, Source, open_folder
from weightwise.stored import StoredModel

TABLE = ".index.json"
NUMBERED = re.compile(r".+-\d{5}-of-(\d{5})\.(?:bin|pt|pth)")


def match(thing: Source | Folder) -> bool:
    """Returns whether this is a table of PyTorch's shards, or a folder with one or with such shards."""
    if isinstance(thing, Source):
        return writer(thing) == "PyTorch"
    return table_of(thing) is not None or any(map(NUMBERED.fullmatch, thing.files))


def table_of(folder: Folder) -> Source | None:
    """Returns the first table of PyTorch's shards in a folder."""
    tables = (folder.source(name) for name in folder.files if name.endswith(TABLE))
    return next((table for table in tables if writer(table) == "PyTorch"), None)


def open_model(thing: Source | Folder) -> StoredModel:
    """Returns the model of all shards together; raises `FormatError` when none of them can be read."""
    if isinstance(thing, Source):
        return by_table(open_folder(Path(thing.path).parent), thing)
    table = table_of(thing)
    return by_table(thing, table) if table else by_number(thing)


def by_table(folder: Folder, table: Source) -> StoredModel:
    """Returns the model whose shards a table lists."""
    owners = {name: shards[0] for name, shards in read_weight_map(table).items() if shards}
    contents, problems, size = joined(folder, sorted(set(owners.values())))
    problems += differences(table, owners, contents)
    if not contents.weights:
        raise FormatError(problems[0] if problems else f"{table.name}: the table lists no shards.")
    return assembled(folder.path, table.size + size, contents, f"PyTorch {contents.kind}", problems)


def by_number(folder: Folder) -> StoredModel:
    """Returns the model whose shards are numbered by their names."""
    names = {name: found for name in folder.files if (found := NUMBERED.fullmatch(name))}
    contents, problems, size = joined(folder, list(names))
    expected = int(next(iter(names.values()))[1])
    if expected != len(names):
        problems.append(f"{folder.path}: expected {expected:,} shards, found {len(names):,}; get the others too.")
    if not contents.weights:
        raise FormatError(problems[0] if problems else f"{folder.path}: the shards hold no arrays.")
    return assembled(folder.path, size, contents, f"PyTorch {contents.kind}", problems)


def joined(folder: Folder, names: Sequence[str]) -> tuple[Contents, list[str], int]:
    """Returns what all shards hold together, what is wrong with them, and their size in bytes."""
    whole = Contents(f"state dict in {len(names)} shards", [])
    problems: list[str] = []
    size = 0
    for name in names:
        try:
            source = folder.source(name)
            pickle, told = unpickled(source)
        except WeightwiseError as error:
            problems.append(str(error))
            continue
        part = contents_of(pickle.value)
        whole.weights += part.weights
        whole.state += part.state + part.optimizer
        whole.remarks += [remark for remark in part.remarks + executed(pickle) if remark not in whole.remarks]
        problems += told + part.problems
        size += source.size
    return whole, problems, size


def unpickled(source: Source) -> tuple[Pickle, list[str]]:
    """Returns what one shard holds, and what is wrong with it; raises `FormatError`."""
    thing = contained(source)
    if isinstance(thing, Source):
        if legacy.match(thing):
            return legacy.unpickled(thing)
    elif zipped.match(thing):
        return zipped.unpickled(thing)
    raise FormatError(f"{source.name}: expected a file of PyTorch, as the table says; get the file again.")


def differences(table: Source, owners: Mapping[str, str], contents: Contents) -> list[str]:
    """Returns in which arrays a table and its shards differ."""
    found = {named.name for named in contents.weights}
    missing = [name for name in owners if name not in found]
    surplus = sorted(found - set(owners))
    return [
        f"{table.name}: {len(names):,} arrays {what}, the first is {names[0][:200]}."
        for names, what in ((missing, "of the table are not in its shards"), (surplus, "are not in the table"))
        if names
    ]
