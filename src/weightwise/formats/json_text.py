"""JSON from files: bounded, and its errors say where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from weightwise.errors import FormatError

MOST_BYTES = 1 << 26


def read_json(data: str | bytes, name: str) -> Mapping[str, Any]:
    """Returns a JSON object; raises `FormatError` that names the text."""
    if len(data) > MOST_BYTES:
        raise FormatError(f"{name}: expected at most {MOST_BYTES:,} bytes of JSON, found {len(data):,}.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:  # text that is no JSON, no UTF-8, or nested without end
        raise FormatError(f"{name}: expected JSON, found text that is none ({error}); get the file again.") from error
    if not isinstance(value, dict):
        raise FormatError(f"{name}: expected a JSON object, found {type(value).__name__}.")
    return value
