"""Orders of names: as people count, and whether an order says anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

PARTS = re.compile(r"(\d{1,9}|[/.])")


def natural(path: str) -> list[tuple[int, str]]:
    """Returns what sorts paths so that `dense_10` comes after `dense_2`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in PARTS.split(path)]


def is_alphabetical(names: Sequence[str]) -> bool:
    """Returns whether names are sorted by their signs, as writers do that do not keep the model's order."""
    return all(first <= second for first, second in pairwise(names))
