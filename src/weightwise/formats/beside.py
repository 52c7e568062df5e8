"""What lies beside the files of a model and says what was built: `config.json`, `params.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from weightwise.errors import WeightwiseError
from weightwise.formats.json_text import read_json
from weightwise.source import open_source

CONFIG = "config.json"


def configuration(folder: Path, names: Iterable[str], problems: list[str]) -> Mapping[str, Any]:
    """Returns what the first of some files says that is there; nothing where none is, or it cannot be read."""
    found = next((name for name in names if (folder / name).is_file()), None)
    try:
        source = open_source(folder / found) if found else None
        return read_json(source.read(0, source.size), source.name) if source else {}
    except WeightwiseError as error:
        problems.append(str(error))
        return {}
