"""What can be said of a model, of a layer or of an array, as values: nothing is typed here, everything follows from the
named axes, the operation, the graph and the configuration. `weightwise.views.explanation` puts it in sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from shutil import get_terminal_size

from weightwise.answers.arithmetic import Arithmetic, arithmetic
from weightwise.answers.meaning import axis_meaning, block_meaning, label_meaning
from weightwise.answers.neighbours import Arrival, arrivals, connected, ends, origin, owner, readers
from weightwise.answers.overview import Overview, coincidence, numbered, overview
from weightwise.answers.roles import ROLES, base_role, part_meaning, role_meaning
from weightwise.answers.target import found
from weightwise.axes import Coordinate, Dimension, Factor
from weightwise.axes.coordinates import every_factor
from weightwise.conventions.keras.settings import setting
from weightwise.model import Layer, Model, Weight
from weightwise.ops.reckoning import Reckoning, reckonings
from weightwise.ops.spatial import counted
from weightwise.records import dataclass

EXAMPLE = 1234
"""The place of a merged dimension that is taken apart as an example, where there are that many."""


class Training(Enum):
    """What training does with an array."""

    LEARNED = "learned"
    FROZEN = "frozen"
    COLLECTED = "collected"
    """Not learned by the gradient: a statistic, a count."""
    UNKNOWN = "unknown"
    """Nobody knows what the array is for."""


@dataclass(frozen=True)
class AxisExplanation:
    """One axis, and why it has its size."""

    name: str
    size: int
    meaning: str
    cause: str
    """What fixes the size: a setting, or the layer that feeds this one; empty where it is not known."""
    labels: tuple[tuple[str, str], ...] = ()
    """The blocks of a labelled axis, and what they are."""


@dataclass(frozen=True)
class Merged:
    """One dimension that holds several axes, and how a place along it is read."""

    dimension: int
    factors: tuple[Factor, ...]
    size: int
    place: int
    """A place, as an example."""
    coordinates: Mapping[str, Coordinate]
    """The same place along each axis."""
    formula: str
    """How the one follows from the others; empty where the blocks are unequal."""
    source: Layer | None
    """The layer whose output was flattened into this dimension."""


@dataclass(frozen=True, repr=False)
class WeightExplanation:
    """One array."""

    weight: Weight
    layer: Layer
    framework: str
    does: str
    """What its numbers are."""
    part: str
    """Of which part of the layer it is; empty where it is of the whole."""
    noun: str
    """What people call such an array: `a bias`."""
    axes: tuple[AxisExplanation, ...]
    merged: tuple[Merged, ...]
    arithmetic: Arithmetic
    others: tuple[str, ...]
    """What else an array of one dimension can be, in other layers; empty for an array with more dimensions."""
    training: Training
    source: str
    """Where its numbers come from, if they are not learned."""

    def __repr__(self) -> str:
        """Return the text of it."""
        return _text(self)


@dataclass(frozen=True)
class Share:
    """What one of the outputs of a layer has of its parameters: factors, and one bias."""

    noun: str
    count: int
    factors: str
    """The number of factors as a product: `3·3·32`."""


@dataclass(frozen=True, repr=False)
class LayerExplanation:
    """One layer."""

    layer: Layer
    number: str
    """`2`, or `3.1` for the first layer of the third, which is a model."""
    siblings: int
    """How many layers its model has."""
    connected: bool
    """Whether the file says what feeds it."""
    arrivals: tuple[Arrival, ...]
    readers: tuple[Layer, ...]
    ends: bool
    """Whether the model returns what it makes."""
    sizes: tuple[Reckoning, ...]
    weights: tuple[WeightExplanation, ...]
    arithmetic: Arithmetic
    share: Share | None
    """None for a layer that is not made of one kernel and one bias."""
    layers: tuple[LayerExplanation, ...]
    """Those that a model inside the model lists."""

    def walk(self) -> Iterator[LayerExplanation]:
        """Yield the layer, then every layer inside it."""
        yield self
        for layer in self.layers:
            yield from layer.walk()

    def __repr__(self) -> str:
        """Return the text of it."""
        return _text(self)


@dataclass(frozen=True, repr=False)
class ModelExplanation:
    """A whole model."""

    model: Model
    facts: Overview
    mistaken: tuple[int, Layer, Weight] | None
    """The first layer that has no array of its own number, where there are as many layers as arrays."""
    flat: Mapping[str, int]
    """How many arrays of one dimension have which role."""
    others: tuple[str, ...]
    """What else an array of one dimension can be."""
    layers: tuple[LayerExplanation, ...]

    def __repr__(self) -> str:
        """Return the text of it."""
        return _text(self)


Explanation = ModelExplanation | LayerExplanation | WeightExplanation


def _text(answer: Explanation) -> str:
    # Imported when it is shown: views rest on answers, this is only for those who look at one.
    from weightwise.views.explanation import explanation_text

    return explanation_text(answer, get_terminal_size().columns).removesuffix("\n")


def explain(model: Model, target: str | int | None = None) -> Explanation:
    """Return what can be said of a layer or an array, or of the whole model; raises `SelectionError`."""
    if target is None:
        return _model(model)
    thing = found(model, target)
    if isinstance(thing, Layer):
        return _layer(model, thing)
    return _weight(model, owning_layer(model, thing), thing)


def owning_layer(model: Model, weight: Weight) -> Layer:
    """Return the layer of an array; the model itself for an array that no layer owns."""
    return model[weight.layer] if weight.layer else model.root


def _model(model: Model) -> ModelExplanation:
    flat = Counter(base_role(weight.role) for weight in model.weights if len(weight.shape) == 1)
    return ModelExplanation(
        model,
        overview(model),
        coincidence(model),
        dict(flat),
        _other_nouns(flat),
        _inside(model, model.root),
    )


def _layer(model: Model, layer: Layer, number: str = "") -> LayerExplanation:
    number = number or next(label for label, other in numbered(model.layers) if other is layer)
    return LayerExplanation(
        layer,
        number,
        len(owner(model, layer).layers),
        connected(layer),
        arrivals(model, layer),
        readers(model, layer),
        ends(model, layer),
        reckonings(layer.operation, layer.inputs),
        () if layer.is_model else tuple(_weight(model, layer, weight) for weight in layer.weights),
        arithmetic(layer.weights),
        _share(layer),
        _inside(model, layer, f"{number}."),
    )


def _inside(model: Model, outer: Layer, prefix: str = "") -> tuple[LayerExplanation, ...]:
    """Return the layers that a model lists; those of models among them stand inside these."""
    return tuple(_layer(model, layer, f"{prefix}{place}") for place, layer in enumerate(outer.layers, 1))


def _share(layer: Layer) -> Share | None:
    """Return what one output has, where a kernel and a bias have the axis `out` in common."""
    weights = {weight.role: weight for weight in layer.weights}
    if weights.keys() != {"kernel", "bias"} or {axis.name for axis in weights["bias"].axes} != {"out"}:
        return None
    factors = [axis.size for axis in weights["kernel"].axes if axis.name not in ("out", "groups", "out/groups")]
    return Share(axis_meaning("out", layer_axes(layer)).noun, weights["bias"].size, "·".join(map(str, factors)))


def _weight(model: Model, layer: Layer, weight: Weight) -> WeightExplanation:
    role = role_meaning(weight.role, layer.operation)
    return WeightExplanation(
        weight,
        layer,
        model.stored.framework,
        role.does,
        ", in ".join(filter(None, (block_meaning(weight.at), part_meaning(weight.role)))),
        role.noun,
        tuple(_axis(model, layer, factor) for factor in (weight.bound.factors if weight.bound else ())),
        tuple(_merged(model, layer, weight)),
        arithmetic([weight]),
        _other_nouns([base_role(weight.role)]) if len(weight.shape) == 1 and weight.bound else (),
        _training(weight, bool(role.origin)),
        role.origin,
    )


def _training(weight: Weight, collected: bool) -> Training:
    if not weight.role:
        return Training.UNKNOWN
    if collected:
        return Training.COLLECTED
    return Training.LEARNED if weight.trainable else Training.FROZEN


def _other_nouns(roles: Collection[str]) -> tuple[str, ...]:
    """Return what arrays of one dimension are called that have none of these roles."""
    return tuple(meaning.noun for role, meaning in ROLES.items() if meaning.noun and role not in roles)


def _axis(model: Model, layer: Layer, factor: Factor) -> AxisExplanation:
    meaning = axis_meaning(factor.name, layer_axes(layer))
    size = len(factor.labels) or factor.size
    text = meaning.size.format(n=counted(size, meaning.noun), size=size, last=size - 1)
    if factor.reversed and factor.size > 1:
        text += ", which the array has from the last to the first"
    labels = tuple((label, label_meaning(factor.name, label)) for label in factor.labels)
    return AxisExplanation(factor.name, factor.size, text, _cause(model, layer, factor), labels)


def layer_axes(layer: Layer) -> frozenset[str]:
    """Return the names of all axes of a layer's arrays."""
    return frozenset(axis.name for weight in layer.weights for axis in weight.axes)


def _cause(model: Model, layer: Layer, factor: Factor) -> str:
    cause = setting(layer.config, factor.name, factor.size)
    return cause or (_arriving(model, layer, factor.size) if factor.name in ("in", "features") else "")


def _arriving(model: Model, layer: Layer, size: int) -> str:
    """Return who makes the `size` values that arrive, if exactly one tensor does and has an axis of that size."""
    arriving = arrivals(model, layer)
    if len(arriving) != 1 or arriving[0].shape is None or size not in arriving[0].shape[1:]:
        return ""
    feeder = arriving[0].layer
    if feeder is None:
        return f"the model's input has {size:,}"
    return f"{feeder.name} {'makes' if feeder.weights else 'hands on'} {size:,}"


def _merged(model: Model, layer: Layer, weight: Weight) -> Iterator[Merged]:
    """Yield the dimensions that hold several axes, each with one place taken apart."""
    if weight.bound is None or not weight.size:
        return
    for number, dimension in enumerate(weight.bound.dimensions):
        if len(dimension.counted) < 2:
            continue
        place = min(EXAMPLE, dimension.size * 2 // 3)
        index = [place if other == number else 0 for other in range(len(weight.shape))]
        names = {factor.name for factor in every_factor([dimension])}
        position = weight.bound.position(index)
        coordinates = {name: at for name, at in position.items() if name in names}
        yield Merged(
            number,
            dimension.counted,
            dimension.size,
            place,
            coordinates,
            _formula(dimension, coordinates),
            flattened_source(model, layer, weight) if number == 0 else None,
        )


def flattened_source(model: Model, layer: Layer, weight: Weight) -> Layer | None:
    """Return the layer whose output was laid in one row and is read by the first dimension of the array, if so."""
    axis = layer.operation.input_axis if layer.operation else ""
    if not axis or not weight.bound or base_role(weight.role) != "kernel":
        return None
    return None if axis in layer_axes(layer) else origin(model, layer)


def _formula(dimension: Dimension, coordinates: Mapping[str, Coordinate]) -> str:
    """Return how coordinates make a place: `(1·12 + 7)·64 + 18`."""
    if any(factor.blocks or factor.reversed or not factor.resolved for factor in dimension.counted):
        return ""
    text = ""
    for factor in dimension.counted:
        at = coordinates[factor.name]
        digit = factor.labels.index(at) if isinstance(at, str) else at
        text = f"{f'({text})' if ' ' in text else text}·{factor.size} + {digit}" if text else str(digit)
    return text
