"""What an array is, in sentences: what its numbers are for, its axes, and how merged ones are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.answers.explain import AxisExplanation, Merged, Training, WeightExplanation
from weightwise.model import Evidence
from weightwise.views.phrases import class_text, does_text, joined, product_text
from weightwise.views.prose import INDENT, Page
from weightwise.views.quantities import counted, sizes_text
from weightwise.views.table import Cell, Row


def array_parts(explanation: WeightExplanation, page: Page) -> Iterator[str]:
    """Yield the paragraphs of one array that stands for itself."""
    weight, layer = explanation.weight, explanation.layer
    yield title(explanation, page, weight.path)
    if weight.layer:
        does = f", which {does}" if (does := does_text(layer)) else ""
        yield page.prose(f"It belongs to {layer.name} ({class_text(layer)}){does}.")
    yield from body(explanation, page)
    yield page.prose(_numbers(explanation), filled(fate(explanation), "they", "them"), *made([explanation]))
    yield page.prose(*evidence([explanation]))


def title(explanation: WeightExplanation, page: Page, name: str) -> str:
    """Return the heading of an array: `[2] kernel · 3 × 3 × 32 × 64 · float32`."""
    weight = explanation.weight
    return page.title(f"[{weight.index}] {name}", f" · {sizes_text(weight.shape)} · {weight.dtype}")


def body(explanation: WeightExplanation, page: Page, told: set[object] | None = None) -> Iterator[str]:
    """Yield what the array is: its role, its axes and how merged ones are read; what is in `told` is not told again."""
    weight = explanation.weight
    told = set() if told is None else told
    if weight.bound is None:
        yield page.prose(*_unknown(explanation), indent=INDENT)
        return
    part = f", for {explanation.part}" if explanation.part else ""
    role = page.prose(f"It holds {explanation.does}{part}.", _flatness(explanation, told), indent=INDENT)
    axes = page.table([row for axis in explanation.axes for row in _axis(axis, told)], INDENT * 2)
    yield f"{role}\n{axes}" if axes.strip() else role
    for merged in explanation.merged:
        if merged.factors not in told:
            told.add(merged.factors)
            yield page.prose(*_merged(merged, len(weight.shape)), indent=INDENT)


def made(weights: Sequence[WeightExplanation]) -> Iterator[str]:
    """Yield why arrays are in no file, once for all of them that have the same reason."""
    yield from (f"{reason}." for reason in dict.fromkeys(weight.weight.stored.made for weight in weights) if reason)


def evidence(weights: Sequence[WeightExplanation]) -> Iterator[str]:
    """Yield what the names rest on, once for all arrays of one layer that have the same evidence."""
    for kind in Evidence:
        same = [weight for weight in weights if weight.weight.evidence is kind]
        if same and kind is not Evidence.UNKNOWN:
            yield _rests_on(kind, same)


def _rests_on(kind: Evidence, weights: Sequence[WeightExplanation]) -> str:
    notes = "; ".join(dict.fromkeys(weight.weight.note for weight in weights if weight.weight.note))
    reason = {
        Evidence.DECLARED: f"the file gives the layer's class, {class_text(weights[0].layer)}, and its configuration",
        Evidence.RECOGNISED: notes or "they match a known rule",
        Evidence.INFERRED: notes or "names and shapes leave no other reading",
    }[kind]
    return f"These names are {kind.value}: {reason}."


def _unknown(explanation: WeightExplanation) -> Iterator[str]:
    weight = explanation.weight
    yield f"What its axes mean is unknown: {weight.note}."
    if weight.readings:
        yield f"What was tried: {', '.join(f'`{reading}`' for reading in weight.readings)}."


def _flatness(explanation: WeightExplanation, told: set[object]) -> str:
    """Return whether an array of one dimension is a bias."""
    if not explanation.others:
        return ""
    other = f"it is {explanation.noun}, not a bias" if explanation.noun else "it is no bias"
    kind = "It is a bias" if explanation.noun == "a bias" else f"It has one dimension, but {other}"
    if _flatness in told:
        return f"{kind}."
    told.add(_flatness)
    return f"{kind}; in other layers an array of one dimension can be {joined(explanation.others, 'or')}."


def _axis(axis: AxisExplanation, told: set[object]) -> Iterator[Row]:
    cause = (
        f": {axis.cause}" if axis.cause else f": {', '.join(label for label, _ in axis.labels)}" if axis.labels else ""
    )
    yield [Cell(axis.name, "axes"), Cell(str(axis.size), right=True), Cell(axis.meaning + cause, spans=True)]
    if axis.labels in told:
        return
    told.add(axis.labels)
    for label, meaning in axis.labels:
        yield [Cell(), Cell(label, "axes", right=True), Cell(meaning, spans=True)]


def _merged(merged: Merged, dimensions: int) -> Iterator[str]:
    """Yield how the places of a merged dimension are counted, with one as an example."""
    places, noun = _places(merged, dimensions)
    product = " × ".join(f"{factor.name} {len(factor.labels) or factor.size}" for factor in merged.factors)
    if merged.source is not None:
        yield f"{places} are the values that {merged.source.name} makes, laid in a row: {merged.size:,} = {product}."
    elif merged.formula:
        yield f"{places} hold several axes: {merged.size:,} = {product}."
    else:
        yield f"{places} hold several axes, in blocks: {', '.join(factor.text() for factor in merged.factors)}."
    if merged.formula:
        yield f"The last axis runs fastest: {_strides(merged, noun)}."
    coordinates = ", ".join(f"{axis} {at}" for axis, at in merged.coordinates.items())
    formula = f" = {merged.formula}" if merged.formula else ""
    yield f"For example, {noun} {merged.place}{formula} is {coordinates}, all counted from 0."


def _places(merged: Merged, dimensions: int) -> tuple[str, str]:
    """Return what the places of a dimension are called, all of them and one."""
    if dimensions == 2:
        noun = ("row", "column")[merged.dimension]
        return f"Its {counted(merged.size, noun)}", noun
    if dimensions == 1:
        return f"Its {counted(merged.size, 'place')}", "place"
    return f"The {counted(merged.size, 'place')} of dimension {merged.dimension}", "place"


def _strides(merged: Merged, noun: str) -> str:
    """Return how often each axis changes: `c changes from one row to the next, w every 64 rows, h every 768`."""
    fastest, *others = reversed(merged.factors)
    changes, stride = [f"{fastest.name} changes from one {noun} to the next"], fastest.size
    for factor in others:
        changes.append(f"{factor.name} every {counted(stride, noun)}")
        stride *= factor.size
    return ", ".join(changes)


def _numbers(explanation: WeightExplanation) -> str:
    sums = explanation.arithmetic
    return f"It has {product_text(sums)} {'number' if sums.parameters == 1 else 'numbers'}."


def fate(explanation: WeightExplanation) -> str:
    """Return what training does with the numbers of an array, `{they}` and `{them}`; empty where it is not known."""
    match explanation.training:
        case Training.LEARNED:
            return "training changes {them}"
        case Training.FROZEN:
            why = "" if explanation.layer.trainable else "the layer is frozen: "
            return f"{why}training leaves {{them}} as they are"
        case Training.COLLECTED:
            return f"{{they}} {explanation.source}"
        case Training.UNKNOWN:
            return ""


def filled(pattern: str, they: str, them: str) -> str:
    """Return the sentence of a fate; empty for none."""
    text = pattern.format(they=they, them=them)
    return f"{text[0].upper()}{text[1:]}." if text else ""
