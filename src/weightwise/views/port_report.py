"""The report of a port: a line per array of the target, what fills it, how it is arranged, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from weightwise.porting.filling import Filling
from weightwise.porting.plan import Expected, Plan
from weightwise.views.code_pytorch_modules import SIGNATURES, arguments
from weightwise.views.style import styled
from weightwise.views.table import Cell, lines, table_width


def report_text(plan: Plan, written: Sequence[str], width: int, color: bool) -> str:
    """Return the report as text."""
    rows = [[Cell(name, "faint") for name in ("target array", "", "source array", "arrangement", "why")]]
    rows += [list(_row(filling)) for filling in plan.fillings]
    text = [styled(_title(plan, written), "strong", color), ""]
    text += lines(rows, color) if table_width(rows) <= width else _stacked(plan, width, color)
    for heading, listed in _remarks(plan):
        text += [
            "",
            styled(heading, "strong", color),
            *lines([[Cell("–"), Cell(one, spans=True)] for one in listed], color, width),
        ]
    return "\n".join(text) + "\n"


def _title(plan: Plan, written: Sequence[str]) -> str:
    framework = plan.ported.model.stored.framework
    place = f" into {plan.target.stored.path}" if plan.target else ""
    end = f"written to {' and '.join(written)}" if written else "nothing is written"
    return f"{plan.source.stored.path} → {framework}{place} · {len(plan.fillings)} arrays · {end}"


def _row(filling: Filling) -> Iterator[Cell]:
    yield Cell(filling.target.path)
    yield Cell("←")
    yield Cell(_sources(filling), "index")
    yield Cell(_pattern(filling), "axes")
    yield Cell(filling.why, "faint")


def _sources(filling: Filling) -> str:
    if filling.fed is None:
        return "–"
    return " + ".join(source.path for source in filling.fed.sources) or "–"


def _pattern(filling: Filling) -> str:
    if filling.fed is None:
        return "as it is"
    before, _, after = filling.fed.pattern.partition(" -> ")
    return f"{before}, as it is" if before == after else filling.fed.pattern


def _stacked(plan: Plan, width: int, color: bool) -> list[str]:
    """Return the report for narrow places: two lines per array."""
    text: list[str] = []
    for filling in plan.fillings:
        text.append(f"{filling.target.path} ← {styled(_sources(filling), 'index', color)}")
        detail = [Cell("   "), Cell(f"{_pattern(filling)}  ({filling.why})", "axes", spans=True)]
        text += lines([detail], color, width)
    return text


def _remarks(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """Yield what else must be said, with its heading."""
    lost = [
        f"{filling.target.path}: {filling.fed.lost}" for filling in plan.fillings if filling.fed and filling.fed.lost
    ]
    lossy = [f"{filling.target.path}: {filling.lossy}" for filling in plan.lossy]
    for heading, listed in (
        ("What the target's layers must be, which it does not tell", list(map(_made, plan.expected))),
        ("What arrays do not carry", list(plan.settings)),
        ("What cannot be taken back", lost),
        ("What the dtype cannot hold", lossy),
        ("What nothing takes", list(plan.left)),
    ):
        if listed:
            yield heading, listed


def _made(layer: Expected) -> str:
    """Return a layer as the code of its framework makes it."""
    plain = layer.class_name.rpartition(".")[2]
    if plain in SIGNATURES:
        return f"{layer.name}: nn.{plain}({', '.join(arguments(plain, layer.config))})"
    settings = (f"{name}={value!r}" for name, value in layer.config.items())
    return f"{layer.name}: {plain}({', '.join(settings)})"


def report_document(plan: Plan, written: Sequence[str]) -> dict[str, Any]:
    """Return the report as a document for JSON."""
    return {
        "source": plan.source.stored.path,
        "target": plan.target.stored.path if plan.target else None,
        "framework": plan.ported.model.stored.framework,
        "written": list(written),
        "arrays": [_array_document(filling) for filling in plan.fillings],
        "settings": list(plan.settings),
        "expected": [_made(layer) for layer in plan.expected],
        "left": list(plan.left),
    }


def _array_document(filling: Filling) -> dict[str, Any]:
    fed = filling.fed
    return {
        "target": filling.target.path,
        "sources": [source.path for source in fed.sources] if fed else [],
        "pattern": fed.pattern if fed else None,
        "shape": list(filling.target.shape),
        "dtype": filling.target.dtype,
        "why": filling.why,
        "lost": (fed.lost if fed else "") or None,
        "lossy": filling.lossy or None,
    }
