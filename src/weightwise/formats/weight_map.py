"""The table of a model in shards: JSON that says for each name which file beside it holds it.

    {"metadata": {"total_size": 320}, "weight_map": {"fc.weight": "pytorch_model-00001-of-00002.bin"}}

Keras, safetensors and PyTorch write the same table; what the shards are is told by their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from weightwise.errors import FormatError
from weightwise.formats.json_text import read_json
from weightwise.source import Source

HEAD = 1 << 16
TABLE = b'"weight_map"'
FIRST_SHARD = re.compile(rb'"weight_map"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"[^"]*(\.\w+)"')
WRITERS = {b".safetensors": "safetensors", b".bin": "PyTorch", b".pt": "PyTorch", b".pth": "PyTorch"}


def writer(source: Source) -> str:
    """Returns whose shards a table names, Keras's where nobody else's; an empty string for what is no such table."""
    if source.read(0, 1) != b"{":
        return ""
    head = source.read(0, min(source.size, HEAD))
    if TABLE not in head:
        return ""
    first = FIRST_SHARD.search(head)
    return WRITERS.get(first[1], "Keras") if first else "Keras"


def read_weight_map(source: Source) -> Mapping[str, tuple[str, ...]]:
    """Returns the shards of each name, in the table's order; raises `FormatError` for shards in another folder."""
    table = read_json(source.read(0, source.size), source.name).get("weight_map")
    if not isinstance(table, Mapping):
        raise FormatError(f"{source.name}: expected weight_map as an object, found {table!r:.80}.")
    return {name: tuple(checked(source, shard) for shard in listed(value)) for name, value in table.items()}


def listed(value: object) -> list[object]:
    """Returns the shards of one name: one, or a list of them."""
    return value if isinstance(value, list) else [value]


def checked(source: Source, shard: object) -> str:
    """Returns the name of a shard; raises `FormatError` when it is no file beside the table."""
    if not isinstance(shard, str) or shard in ("", ".", "..") or not shard.isprintable() or set(shard) & set("/\\:"):
        raise FormatError(f"{source.name}: expected the names of files in the same folder, found {shard!r:.80}.")
    return shard
