"""The one screen: every layer, its output, its arrays with their indices and axes, and the arithmetic.

Where the terminal is wide enough it is a table; where it is not, each layer is a short paragraph.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from weightwise.answers.arithmetic import arithmetic
from weightwise.answers.folding import Fold, folded, unfolded
from weightwise.answers.overview import Overview, coincidence, numbered, overview
from weightwise.model import Evidence, Layer, Model, Weight
from weightwise.records import dataclass
from weightwise.views.prose import as_sentence
from weightwise.views.quantities import bytes_text, counted, shapes_text, sizes_text
from weightwise.views.style import styled
from weightwise.views.table import Cell, Row, lines, table_width

OUTPUT = 2
HEADER = ("#", "layer", "output", "index", "weight", "axes", "parameters")


@dataclass(frozen=True)
class _Entry:
    """One layer of the screen, which may stand for several that are alike."""

    number: str
    depth: int
    name: str
    fold: Fold
    told: bool = True
    """Whether any layer of the file has a class; where none has, none is missed."""

    @property
    def layer(self) -> Layer:
        """The layer that is shown."""
        return self.fold.first

    @property
    def title(self) -> str:
        """What its class is, and how many it stands for."""
        class_name = f"({self.layer.class_name or 'class unknown'})" if self.told else ""
        times = f"×{self.fold.times}" if self.fold.times > 1 else ""
        return " ".join(filter(None, [class_name, times]))


def screen(
    model: Model, width: int, color: bool = False, only: Sequence[Layer] | None = None, fold: bool = True
) -> str:
    """Return the screen for a terminal of `width` columns; of the layers in `only`, or of all.

    Blocks of layers that are alike are told once, unless `fold` is False.
    """
    told = _says_classes(model)
    entries = [*_own(model, only), *_entries(model.layers if only is None else only, fold)]
    entries = [replace(entry, told=told) for entry in entries]
    table = [_header(), *_rows(entries)]
    if not any(entry.layer.outputs for entry in entries):
        table = [[cell for place, cell in enumerate(row) if place != OUTPUT] for row in table]
    if table_width(table) <= width:
        body = lines(table, color, width)
    else:
        body = list(_paragraphs(entries, width, color))
    parts = [_title(model, width, color), "\n".join(body)]
    if only is None:
        parts.append("\n".join(_closing(model, width)))
    return "\n\n".join(part for part in parts if part) + "\n"


def weight_list(weights: Sequence[Weight], color: bool = False) -> str:
    """Return the arrays alone, in the order in which they are given."""
    rows = [
        [
            Cell(f"[{weight.index}]", "index", right=True),
            Cell(weight.path, "strong"),
            Cell(sizes_text(weight.shape)),
            Cell(weight.dtype, "faint"),
            _axes(weight),
        ]
        for weight in weights
    ]
    return "".join(f"{line}\n" for line in lines(rows, color))


def _title(model: Model, width: int, color: bool) -> str:
    facts = overview(model)
    parts = [
        model.name or "model",
        Path(model.stored.path).name,
        *filter(None, [_kind(model)]),
        *([counted(facts.layers, "layer")] if model.layers else []),
        counted(facts.arrays, "weight array"),
        f"{counted(facts.parameters, 'parameter')} {_trained(model, facts)}".strip(),
        bytes_text(facts.nbytes),
    ]
    title = "\n".join(_wrapped(parts, width))
    return styled(parts[0], "strong", color) + title.removeprefix(parts[0])


def _says_classes(model: Model) -> bool:
    """Return whether the file names the class of any of its layers."""
    return any(layer.class_name for layer in model.walk()) or bool(model.root.class_name)


def _kind(model: Model) -> str:
    stored = model.stored
    major, _, rest = stored.version.partition(".")
    version = f"{major}.{rest.split('.')[0]}" if major == "0" and rest else major  # before 1.0 the second number counts
    return " ".join(filter(None, [stored.framework, version, stored.root.class_name]))


def _trained(model: Model, facts: Overview) -> str:
    """Return how many parameters training changes; nothing where the file describes no layer."""
    if not facts.parameters or not any(layer.stored.configured for layer in model.walk()):
        return ""
    if facts.trainable == facts.parameters:
        return "(all trainable)"
    return f"({facts.trainable:,} trainable)"


def _wrapped(parts: Sequence[str], width: int) -> Iterator[str]:
    """Yield lines of parts with dots between them; a part is never broken."""
    current = ""
    for part in parts:
        joined = f"{current} · {part}" if current else part
        if current and len(joined) > width - len(" ·"):
            yield current + " ·"
            joined = f"  {part}"
        current = joined
    yield current


def _header() -> Row:
    return [Cell(name, "faint", right=name == "#") for name in HEADER]


def _own(model: Model, only: Sequence[Layer] | None) -> Iterator[_Entry]:
    """Yield the model as a layer, when it has arrays of its own."""
    if only is None and model.own is not None:
        yield _Entry("", 0, model.name or "model", Fold("", (model.own,)))


def _entries(layers: Sequence[Layer], fold: bool) -> Iterator[_Entry]:
    """Yield what the screen lists: the layers with their numbers, and below a model the layers in it."""
    numbers = {id(layer): number for number, layer in numbered(layers)}
    for item in folded(layers) if fold else unfolded(layers):
        number = numbers[id(item.first)]
        yield _Entry(number, 0, item.name, item)
        for inner_number, inner in numbered(item.first.layers, f"{number}."):
            name = inner.name.rsplit("/", 1)[-1]
            yield _Entry(inner_number, inner_number.count("."), name, Fold(inner.name, (inner,)))


def _rows(entries: Sequence[_Entry]) -> Iterator[Row]:
    for entry in entries:
        layer = entry.layer
        head = [
            Cell(entry.number, "faint", right=True),
            Cell(f"{'  ' * entry.depth}{entry.name} {entry.title}".rstrip(), "strong"),
            Cell(shapes_text(layer.outputs)),
        ]
        if layer.is_model or not layer.weights:
            yield [*head, Cell("–", "faint"), Cell(_sentence(layer), spans=True)]
        else:
            yield from _weight_rows(entry.fold, head)


def _weight_rows(fold: Fold, head: list[Cell]) -> Iterator[Row]:
    last = len(fold.first.weights) - 1
    for place, weight in enumerate(fold.first.weights):
        start = head if place == 0 else [Cell(), Cell(), Cell()]
        end = [Cell(_parameters(fold))] if place == last else []
        yield [
            *start,
            Cell(_index(fold, place), "index"),
            Cell(_weight_name(weight)),
            _axes(weight),
            *end,
        ]


def _index(fold: Fold, place: int) -> str:
    """Return the index of an array, and of the last that it stands for."""
    first = f"[{fold.first.weights[place].index}]"
    return first if fold.times == 1 else f"{first} … [{fold.members[-1].weights[place].index}]"


def _parameters(fold: Fold) -> str:
    text = str(arithmetic(fold.first.weights))
    return text if fold.times == 1 else f"{text} ×{fold.times}"


def _weight_name(weight: Weight) -> str:
    return weight.name if weight.trainable else f"{weight.name} *"


def _axes(weight: Weight) -> Cell:
    if weight.stored.tied:
        return Cell(f"the same array as {weight.stored.tied}", "faint")
    if weight.bound is None:
        return Cell(f"{sizes_text(weight.shape)}, axes unknown", "warning")
    suffix = "" if weight.evidence is Evidence.DECLARED else f" ({weight.evidence.value})"
    return Cell(weight.bound.text() + suffix, "axes")


def _sentence(layer: Layer) -> str:
    if layer.is_model:
        arrays = counted(len(layer.weights), "array")
        return f"is a model of {counted(len(layer.layers), 'layer')} with {arrays}: {layer.parameters:,}"
    if layer.operation is None:
        return layer.note
    if roles := list(layer.operation.roles()):
        return f"{layer.operation.sentence()}; the file lacks its {' and '.join(roles)}"
    return f"{layer.operation.sentence()}; nothing to learn"


def _paragraphs(entries: Sequence[_Entry], width: int, color: bool) -> Iterator[str]:
    for entry in entries:
        layer, margin = entry.layer, "   " * entry.depth
        title = f"{styled(entry.name, 'strong', color)} {entry.title}".rstrip()
        output = f" → {shapes_text(layer.outputs)}" if layer.outputs or entry.told else ""
        yield f"{margin}{styled(entry.number, 'faint', color)} {title}{output}"
        indent = margin + "   "
        if layer.is_model or not layer.weights:
            yield from textwrap.wrap(_sentence(layer), width, initial_indent=indent, subsequent_indent=indent)
            continue
        weights = enumerate(layer.weights)
        cells = [[Cell(_index(entry.fold, place), "index"), Cell(_weight_name(w)), _axes(w)] for place, w in weights]
        yield from (indent + line for line in lines(cells, color))
        yield indent + _parameters(entry.fold)


def _closing(model: Model, width: int) -> Iterator[str]:
    """Yield the sentences below the table, wrapped."""
    for sentence in _sentences(model):
        yield from textwrap.wrap(sentence, width)


def _sentences(model: Model) -> Iterator[str]:
    facts = overview(model)
    mistaken = coincidence(model)
    owners = _owners(facts)
    if mistaken is not None:
        place, layer, weight = mistaken
        yield f"{facts.layers} layers and {facts.arrays} arrays is a coincidence: {owners}."
        yield (f"So get_weights()[{place}] is {weight.layer}'s {weight.name}; {layer.name} has no array at all.")
    elif facts.arrays and owners:
        yield f"{owners[0].upper()}{owners[1:]}."
    if any(not weight.trainable for weight in model.weights):
        yield "* not changed by training."
    if facts.optimizer:
        yield f"The file also holds {facts.optimizer:,} values of the optimizer's state, which are no weights."
    if not _says_classes(model) and model.weights:
        yield "The file says no classes: what its arrays are rests on their names and shapes."
    yield from map(as_sentence, model.stored.remarks)
    unknown = facts.evidence.get(Evidence.UNKNOWN, 0)
    if unknown:
        yield f"The axes of {counted(unknown, 'array')} are unknown: `weightwise explain` says why."


def _owners(facts: Overview) -> str:
    parts: list[str] = []
    for arrays, layers in sorted(facts.owners.items(), reverse=True):
        each = f" {counted(arrays, 'array')}" + (" each" if layers > 1 else "") if arrays else " none"
        verb = "own" if layers > 1 else "owns"
        parts.append((f"{counted(layers, 'layer')}" if not parts else str(layers)) + f" {verb}{each}")
    return ", ".join(parts)
