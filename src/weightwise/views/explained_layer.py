"""What a layer is, in sentences: what it does, what feeds it, how its sizes follow, and what its arrays hold."""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.answers.explain import LayerExplanation, WeightExplanation
from weightwise.answers.neighbours import Arrival
from weightwise.model import Layer
from weightwise.ops.reckoning import Reckoning
from weightwise.ops.reshaping import Input
from weightwise.views.explained_array import body, evidence, fate, filled, made, title
from weightwise.views.phrases import class_text, does_text, joined, parameters_text, product_text
from weightwise.views.prose import INDENT, Page, as_sentence
from weightwise.views.quantities import counted, shape_text, shapes_text, sizes_text
from weightwise.views.style import styled
from weightwise.views.table import Cell, Row


def layer_parts(explanation: LayerExplanation, page: Page) -> Iterator[str]:
    """Yield the paragraphs of one layer that stands for itself."""
    layer = explanation.layer
    siblings = "" if "." in explanation.number else f" of {explanation.siblings}"
    yield page.title(layer.name, f" ({class_text(layer)}), layer {explanation.number}{siblings}")
    yield page.prose(_does(layer), *_graph(explanation))
    if explanation.sizes:
        yield "The sizes of its output:\n" + page.table([_size(size) for size in explanation.sizes])
    if layer.is_model:
        yield page.prose(_contents(layer))
        yield from (short(inner, page) for outer in explanation.layers for inner in outer.walk())
    elif not explanation.weights:
        yield page.prose(_nothing(layer))
    else:
        yield page.prose(*_arrays(explanation))
        told: set[object] = set()
        for weight in explanation.weights:
            yield title(weight, page, weight.weight.name)
            yield from body(weight, page, told)
        yield page.prose(*evidence(explanation.weights))


def short(explanation: LayerExplanation, page: Page, told: str = "") -> str:
    """Return one layer in a few lines, as a part of its model, of which a note on many arrays was `told`."""
    layer = explanation.layer
    parts = [
        f"{styled(explanation.number, 'faint', page.color)} "
        + page.title(layer.name, f" ({class_text(layer)}){_shapes(layer)}"),
        page.prose(_contents(layer) if layer.is_model else _does(layer), _sums(explanation), indent=INDENT),
    ]
    if explanation.weights:
        parts.append(page.table([_summary(weight) for weight in explanation.weights]))
        parts.append(INDENT + parameters_text(explanation.arithmetic))
    notes = dict.fromkeys(without(weight.weight.note, told) for weight in explanation.weights)
    parts += [page.prose(as_sentence(note), indent=INDENT) for note in notes if note not in ("", layer.note)]
    return "\n".join(part for part in parts if part)


def without(note: str, told: str) -> str:
    """Return a note without the end of it that was told.

    >>> without("it scales by 1 + w; the names are those of Gemma", "the names are those of Gemma")
    'it scales by 1 + w'
    """
    return note.removesuffix(told).removesuffix("; ") if told else note


def _shapes(layer: Layer) -> str:
    """Return the shapes of what comes in and goes out; nothing of a layer in a file that says none of any."""
    if layer.purpose:
        return ""
    arriving = f"{shapes_text(layer.inputs)} → " if layer.inputs else ""
    return f": {arriving}{shapes_text(layer.outputs)}"


def _sums(explanation: LayerExplanation) -> str:
    """Return the arithmetic of the sizes, each once: `26 - 3 + 1 = 24.`"""
    sums = dict.fromkeys(str(size) for size in explanation.sizes if size.formula != str(size.size))
    return f"Its size: {', '.join(sums)}." if sums else ""


def _summary(explanation: WeightExplanation) -> Row:
    weight = explanation.weight
    axes = weight.bound.text() if weight.bound else f"{sizes_text(weight.shape)}, axes unknown"
    style = "axes" if weight.bound else "warning"
    return [Cell(f"[{weight.index}]", "index"), Cell(weight.name), Cell(axes, style, spans=True)]


def _contents(layer: Layer) -> str:
    return (
        f"It is a model of its own, with {counted(len(layer.layers), 'layer')}, "
        f"{counted(len(layer.weights), 'array')} and {counted(layer.parameters, 'parameter')}."
    )


def _does(layer: Layer) -> str:
    if does := does_text(layer):
        return f"It {does}."
    return "" if layer.is_model else f"What it does cannot be told: {layer.note}."


def _graph(explanation: LayerExplanation) -> Iterator[str]:
    """Yield what the layer reads, and who reads it."""
    layer = explanation.layer
    if not explanation.connected:
        yield "The file does not say which layer feeds it, and which layers read it."
        return
    if explanation.arrivals:
        yield f"It reads {joined([_arrival(arrival) for arrival in explanation.arrivals], 'and')}."
    if len(layer.calls) > 1:
        yield f"The model uses it {len(layer.calls)} times, always with the same weights; its first use is told here."
    yield _receivers(explanation)


def _arrival(arrival: Arrival) -> str:
    source = "the model's input" if arrival.layer is None else f"the output of {arrival.layer.name}"
    return f"{source}, {shape_text(arrival.shape)}"


def _receivers(explanation: LayerExplanation) -> str:
    names = joined([reader.name for reader in explanation.readers], "and")
    output = f"Its output, {shapes_text(explanation.layer.outputs)},"
    if explanation.ends:
        return f"{output} goes to {names} and out of the model." if names else f"{output} is the output of the model."
    return f"{output} goes to {names}." if names else f"{output} goes nowhere."


def _size(size: Reckoning) -> Row:
    return [Cell(size.axis, "axes"), Cell(str(size)), Cell(size.reason, spans=True)]


def _nothing(layer: Layer) -> str:
    """Return why a layer without arrays is a layer."""
    if layer.operation is None:
        return "The file holds no array of it."
    if isinstance(layer.operation, Input):
        return "It has no array: it only says what the data look like."
    if roles := list(layer.operation.roles()):
        return f"It needs arrays, {' and '.join(roles)}, and the file lacks them."
    return (
        "It has no array, because it follows a fixed rule: there is nothing to learn. It is a layer all the same, "
        "since a layer is a step of the computation, and only some steps have something to learn."
    )


def _arrays(explanation: LayerExplanation) -> Iterator[str]:
    """Yield how many parameters the layer has, and why."""
    weights = explanation.weights
    products = [f"{weight.weight.name} {product_text(weight.arithmetic)}" for weight in weights]
    if len(weights) == 1:
        yield f"It has one array, {products[0]}: {counted(explanation.arithmetic.parameters, 'parameter')}."
    else:
        yield f"It has {counted(len(weights), 'array')}: {joined(products, 'and')}."
        yield f"Together these are {parameters_text(explanation.arithmetic)}."
    yield _share(explanation)
    yield from _training(weights)
    yield from made(weights)


def _share(explanation: LayerExplanation) -> str:
    """Return what one filter or output has: `Each of the 64 filters has 3·3·32 factors and 1 bias.`"""
    share = explanation.share
    return f"Each of the {counted(share.count, share.noun)} has {share.factors} factors and 1 bias." if share else ""


def _training(weights: tuple[WeightExplanation, ...]) -> Iterator[str]:
    """Yield what training does with the arrays, those together that it treats alike."""
    fates = [fate(weight) for weight in weights]
    for pattern in dict.fromkeys(fates):
        names = [weight.weight.name for weight, own in zip(weights, fates, strict=True) if own == pattern]
        if len(names) == len(weights):
            yield filled(pattern, "they", "all of them")
        else:
            numbers = f"the numbers of {joined(names, 'and')}"
            yield filled(pattern, numbers, numbers)
