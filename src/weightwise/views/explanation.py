"""An explanation as plain sentences; those of a whole model are here, those of its layers and arrays beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from weightwise.answers.explain import Explanation, LayerExplanation, ModelExplanation, WeightExplanation
from weightwise.answers.overview import Overview
from weightwise.model import Evidence, Model
from weightwise.views.explained_array import array_parts
from weightwise.views.explained_layer import layer_parts, short
from weightwise.views.phrases import joined
from weightwise.views.prose import Page
from weightwise.views.quantities import counted


def explanation_text(explanation: Explanation, width: int, color: bool = False) -> str:
    """Return the explanation for a terminal of `width` columns."""
    page = Page(width, color)
    match explanation:
        case ModelExplanation():
            parts = _model(explanation, page)
        case LayerExplanation():
            parts = layer_parts(explanation, page)
        case WeightExplanation():
            parts = array_parts(explanation, page)
    return "\n\n".join(part for part in parts if part) + "\n"


def _model(explanation: ModelExplanation, page: Page) -> Iterator[str]:
    model = explanation.model
    yield page.title(model.name or "model", f" · {Path(model.stored.path).name}")
    yield page.prose(*_layers_and_arrays(explanation.facts))
    yield page.prose(*_mistake(explanation))
    yield page.prose(*_flat(explanation))
    yield page.prose(*_parameters(explanation.facts))
    yield page.prose(*_unknown(explanation.facts))
    rule = _rule(model)
    if rule:
        yield page.prose(f"Where nothing else is said of an array, its axes are recognised: {rule}.")
    for layer in explanation.layers:
        yield from (short(inner, page, rule) for inner in layer.walk())
    yield page.prose(_advice(explanation))


def _layers_and_arrays(facts: Overview) -> Iterator[str]:
    """Yield why layers and arrays are not the same."""
    yield f"The model has {counted(facts.layers, 'layer')}. A layer is a step of the computation: it reads numbers,"
    yield "does one thing with them, and hands the result on."
    owners, without = sum(facts.owners.values()) - facts.owners.get(0, 0), facts.owners.get(0, 0)
    if owners and without:
        yield "Some steps have something to learn, and keep it in weight arrays; the others follow a fixed rule and"
        yield f"need none. Here {_have(owners)} {_arrays(facts)}, and {_have(without)} none."


def _have(layers: int) -> str:
    return f"{counted(layers, 'layer')} {'have' if layers != 1 else 'has'}"


def _arrays(facts: Overview) -> str:
    """Return how many arrays the layers have that have any."""
    numbers = [arrays for arrays in facts.owners if arrays]
    if len(numbers) == 1:
        return f"{counted(numbers[0], 'array')}{' each' if facts.owners[numbers[0]] > 1 else ''}"
    return f"{counted(facts.arrays, 'array')} together"


def _mistake(explanation: ModelExplanation) -> Iterator[str]:
    """Yield why the index of an array is not the number of a layer, where one could think so."""
    if explanation.mistaken is None:
        return
    place, layer, weight = explanation.mistaken
    facts = explanation.facts
    name = weight.name if weight.role else f"array {weight.name}"
    yield f"That there are {facts.layers:,} layers and also {facts.arrays:,} arrays is a coincidence."
    yield f"get_weights() counts arrays, not layers: get_weights()[{place}] is the {name} of {weight.layer},"
    yield f"and {layer.name}, which is the layer at the same place, has no array at all."


def _flat(explanation: ModelExplanation) -> Iterator[str]:
    """Yield what the arrays of one dimension are."""
    roles = explanation.flat
    if not roles:
        return
    count = sum(roles.values())
    if set(roles) == {"bias"}:
        yield f"{'Each of the' if count > 1 else 'The'} {counted(count, 'array')} with one dimension is a bias."
    else:
        named = joined([f"{number:,} {_role(role)}" for role, number in roles.items()], "and")
        yield f"What the {counted(count, 'array')} with one dimension {'is' if count == 1 else 'are'}: {named}."
    yield "The layer decides that, and not the shape:"
    yield f"in other models such an array can be {joined(explanation.others, 'or')}."


def _role(role: str) -> str:
    return {"": "unknown", "-": "kept beside the weights"}.get(role, role.replace("_", " "))


def _parameters(facts: Overview) -> Iterator[str]:
    if not facts.parameters:
        return
    yield f"All arrays together hold {counted(facts.parameters, 'number')}, the parameters of the model."
    yield _training(facts)
    if facts.optimizer:
        yield f"The file also holds {facts.optimizer:,} numbers of the optimizer's state, which are no weights."


def _training(facts: Overview) -> str:
    if facts.evidence.get(Evidence.UNKNOWN):
        return ""  # what training does with an array is not known without knowing what the array is
    if facts.trainable == facts.parameters:
        return "Training changes all of them."
    return f"Training learns {facts.trainable:,} of them, and {facts.parameters - facts.trainable:,} it does not."


def _unknown(facts: Overview) -> Iterator[str]:
    unknown = facts.evidence.get(Evidence.UNKNOWN, 0)
    if unknown:
        yield f"The axes of {counted(unknown, 'array')} are unknown; why, stands below."


def _rule(model: Model) -> str:
    """Return the rule of a known architecture that the arrays of several layers rest on alike."""
    recognised = [weight for weight in model.weights if weight.evidence is Evidence.RECOGNISED]
    layers = Counter(note for note, _ in {(weight.note, weight.layer) for weight in recognised})
    note, count = max(layers.items(), key=itemgetter(1), default=("", 0))
    return note if count > 1 else ""


def _advice(explanation: ModelExplanation) -> str:
    model = explanation.model
    if not model.weights:
        return ""
    weight = model.weights[0]
    command = f"`weightwise explain {Path(model.stored.path).name} {weight.layer or weight.path}`"
    return f"{command} says more of one layer; '[{weight.index}]' in its place says more of one array."
