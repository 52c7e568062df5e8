"""Writes `docs/proofs.md`, the matrix of what is proven, from the golden facts: `python docs/make_proofs.py`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from weightwise.conventions.choice import PACKAGES, keras_convention
from weightwise.conventions.keras import legacy
from weightwise.conventions.row import Config, Row, Shapes
from weightwise.conventions.rule import rows_of
from weightwise.conventions.table import Table

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "oracles" / "golden"
PAGE = ROOT / "docs" / "proofs.md"

INTRODUCTION = """# What is proven

This page is made by `docs/make_proofs.py` from the facts in `tests/oracles/golden`.

A case is one layer in one configuration, built and run by the real framework with random weights. It is proven when
the order, the names and the trainability of its variables, the places of its arrays in the framework's own file, its
output shapes for an open batch, and its outputs (computed in NumPy from the named axes alone) are the framework's, and
when every exchange of two axes or two blocks, and every spatial axis turned round, that still binds is caught. The
outputs may be off by 1e-10 of the largest value, and by 1e-5 where the framework cannot compute in float64, as Keras 1
and the first Keras 2 cannot on TensorFlow. An array that does not enter the output (a count, a seed) is proven by the
framework's name, shape and order, and marked †. `-kh` is stored backwards, as all kernels were on Theano. An array with
the name of a block beside its axes is that block of the one array that others keep.
"""

Fact = Mapping[str, Any]


def facts() -> list[Fact]:
    """Return every golden fact."""
    return [json.loads(line) for path in sorted(GOLDEN.glob("*.jsonl")) for line in path.read_text().splitlines()]


def page(all_facts: Sequence[Fact]) -> str:
    """Return the page's text."""
    parts = [INTRODUCTION, *_totals(all_facts)]
    versions = {(fact["framework"], fact["version"]) for fact in all_facts}
    for framework, version in sorted(versions, key=_numbered):
        chosen = [fact for fact in all_facts if (fact["framework"], fact["version"]) == (framework, version)]
        parts += [f"## {framework} {version}", "", "| layer | arrays | cases |", "|---|---|---|"]
        parts += _rows(chosen)
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _totals(all_facts: Sequence[Fact]) -> Iterator[str]:
    yield "| framework | version | backend | cases | classes |"
    yield "|---|---|---|---|---|"
    groups: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
    for fact in all_facts:
        groups[fact["framework"], fact["version"], fact["backend"]].append(fact)
    for (framework, version, backend), group in sorted(groups.items(), key=lambda item: _numbered(item[0])):
        classes = len({fact["class_name"] for fact in group})
        yield f"| {framework} | {version} | {backend} | {len(group)} | {classes} |"
    yield f"| all | | | {len(all_facts)} | {len({fact['class_name'] for fact in all_facts})} |"
    yield ""


def _numbered(made: Sequence[str]) -> tuple[str, list[int], Sequence[str]]:
    """Return what sorts versions by their numbers."""
    return made[0], [int(number) for number in re.findall(r"\d+", made[1])], made


def _rows(chosen: Iterable[Fact]) -> Iterator[str]:
    by_class: dict[str, list[Fact]] = defaultdict(list)
    for fact in chosen:
        by_class[fact["class_name"]].append(fact)
    for name, group in sorted(by_class.items()):
        arrays = dict.fromkeys(_array(row) for fact in group for row in _proven(fact))
        yield f"| {name} | {'<br>'.join(arrays) or '–'} | {_cases(name, group)} |"


def _proven(fact: Fact) -> Iterator[Row]:
    """Yield the rows that a fact proves."""
    name, config = fact["class_name"], {**fact["config"], **fact["arguments"]}
    shapes = [tuple(spec["shape"]) for spec in fact["inputs"]]
    if fact["framework"] in PACKAGES:
        table = import_module(PACKAGES[fact["framework"]]).TABLE
    else:
        table = keras_convention(fact["version"], fact["backend"]).bare
        name, config = legacy.modern(name, config) if fact["version"].startswith("2") else (name, config)
    yield from _used(table, name, config, shapes)


def _used(table: Table, name: str, config: Config, inputs: Shapes) -> Iterator[Row]:
    """Yield the rows of a layer and of those inside it."""
    yield from rows_of(name, table.rows(name), config)
    for part in table.rules[name].parts(config, inputs):
        yield from _used(table, part.class_name, part.config, part.inputs)


def _array(row: Row) -> str:
    mark = " †" if row.role == "-" else ""
    block = f" {row.at}" if row.at else ""
    return f"{row.name}{mark} `{row.axes or 'scalar'}`{block}".replace("|", "\\|")


def _cases(name: str, group: Sequence[Fact]) -> str:
    texts = (fact["name"].removeprefix(name.rpartition(".")[2]).lstrip(" ,:") or "default" for fact in group)
    return f"{len(group)}: " + "; ".join(dict.fromkeys(texts)).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(facts()))
