"""Writes `docs/proofs.md`, the matrix of what is proven, from the golden facts: `python docs/make_proofs.py`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from weightwise.conventions import keras
from weightwise.conventions.keras import legacy
from weightwise.conventions.row import Row

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "oracles" / "golden"
PAGE = ROOT / "docs" / "proofs.md"

INTRODUCTION = """# What is proven

This page is made by `docs/make_proofs.py` from the facts in `tests/oracles/golden`.

A case is one layer in one configuration, built and run by the real framework in float64 with random weights. It is
proven when the order, the names and the trainability of its variables, the places of its arrays in the framework's
own file, its output shapes for an open batch, and its outputs (at most 1e-10 of the largest value off, computed in
NumPy from the named axes alone) are the framework's, and when every exchange of two axes or two blocks, and every
spatial axis turned round, that still binds is caught. An array that does not enter the output (a count, a seed) is
proven by the framework's name, shape and order, and marked †.
"""

Fact = Mapping[str, Any]


def facts() -> list[Fact]:
    """Return every golden fact."""
    return [json.loads(line) for path in sorted(GOLDEN.glob("*.jsonl")) for line in path.read_text().splitlines()]


def page(all_facts: Sequence[Fact]) -> str:
    """Return the page's text."""
    parts = [INTRODUCTION, *_totals(all_facts)]
    for framework, version in sorted({(fact["framework"], fact["version"]) for fact in all_facts}):
        chosen = [fact for fact in all_facts if (fact["framework"], fact["version"]) == (framework, version)]
        parts += [f"## {framework} {version}", "", "| layer | arrays | cases |", "|---|---|---|"]
        parts += _rows(chosen, version)
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _totals(all_facts: Sequence[Fact]) -> Iterator[str]:
    yield "| framework | version | backend | cases | classes |"
    yield "|---|---|---|---|---|"
    groups: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
    for fact in all_facts:
        groups[fact["framework"], fact["version"], fact["backend"]].append(fact)
    for (framework, version, backend), group in sorted(groups.items()):
        classes = len({fact["class_name"] for fact in group})
        yield f"| {framework} | {version} | {backend} | {len(group)} | {classes} |"
    yield f"| all | | | {len(all_facts)} | {len({fact['class_name'] for fact in all_facts})} |"
    yield ""


def _rows(chosen: Iterable[Fact], version: str) -> Iterator[str]:
    by_class: dict[str, list[Fact]] = defaultdict(list)
    for fact in chosen:
        by_class[fact["class_name"]].append(fact)
    for name, group in sorted(by_class.items()):
        rows = legacy.legacy_rows() if version.startswith("2") else keras.all_rows()
        own = legacy.CLASSES.get(name, name)
        arrays = "<br>".join(_array(row) for row in rows if own in row.layer.split()) or "–"
        yield f"| {name} | {arrays} | {_cases(name, group)} |"


def _array(row: Row) -> str:
    mark = " †" if row.role == "-" else ""
    return f"{row.name}{mark} `{row.axes or 'scalar'}`".replace("|", "\\|")


def _cases(name: str, group: Sequence[Fact]) -> str:
    texts = (fact["name"].removeprefix(name).lstrip(" ,:") or "default" for fact in group)
    return f"{len(group)}: " + "; ".join(texts).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(facts()))
