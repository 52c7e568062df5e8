"""Where a number is and what it is for, or what a part of an array is; what people point at is read by `selector`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from math import prod
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from weightwise.answers.effect import effect
from weightwise.answers.explain import layer_axes, owning_layer
from weightwise.answers.meaning import axis_meaning, label_meaning
from weightwise.answers.selector import Selector, parse_selector
from weightwise.answers.target import found_weight
from weightwise.axes import Bound, Coordinate, Dimension, parse
from weightwise.axes.coordinates import every_factor
from weightwise.errors import SelectionError
from weightwise.model import Layer, Model, Weight
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Place:
    """One coordinate, and what it means."""

    axis: str
    at: Coordinate
    meaning: str


@dataclass(frozen=True, repr=False)
class Location:
    """One number of one array."""

    weight: Weight
    layer: Layer
    index: tuple[int, ...]
    position: Mapping[str, Coordinate]
    """Its coordinates by the names of the axes; empty where these are unknown."""
    places: tuple[Place, ...]
    value: float | int | bool
    effect: str
    """What it multiplies and what it is added to, as a clause; empty where its axes are unknown."""
    offset: int | None
    """The byte at which it starts in the file on disk; None where the storage is not contiguous."""
    nbytes: int
    """The bytes that it takes in memory."""

    def __repr__(self) -> str:
        """Return the text of it."""
        return _text(self)


@dataclass(frozen=True)
class Statistics:
    """What can be counted of a set of numbers, computed in float64."""

    count: int
    smallest: float
    largest: float
    mean: float
    deviation: float
    zeros: int


@dataclass(frozen=True, repr=False)
class Slice:
    """A part of one array: some axes are fixed, the others are left."""

    weight: Weight
    layer: Layer
    selector: Selector
    places: tuple[Place, ...]
    """What is fixed."""
    shape: tuple[int, ...]
    """What is left."""
    bound: Bound | None
    """The axes that are left; None where they are unknown."""
    values: Array = field(repr=False, compare=False)
    statistics: Statistics | None
    """None for a part without a number."""

    def __repr__(self) -> str:
        """Return the text of it."""
        return _text(self)


def _text(answer: Location | Slice) -> str:
    # Imported when it is shown: views rest on answers, this is only for those who look at one.
    from weightwise.views.location import location_text

    return location_text(answer, get_terminal_size().columns).removesuffix("\n")


def locate(model: Model, text: str) -> Location | Slice:
    """Return the number, or the part of an array, that a selector points at; raises `SelectionError`."""
    selector = parse_selector(text)
    weight = found_weight(model, selector.array)
    layer = owning_layer(model, weight)
    if selector.position:
        return _by_name(model, layer, weight, selector)
    return _by_order(model, layer, weight, selector)


def _by_order(model: Model, layer: Layer, weight: Weight, selector: Selector) -> Location | Slice:
    index = _checked(weight, selector.index)
    numbers = tuple(place for place in index if place is not None)
    if len(numbers) == len(index):
        return _location(model, layer, weight, numbers)
    part = tuple(slice(None) if place is None else place for place in index)
    bound = _left(weight, index)
    fixed = _fixed(layer, weight, index)
    return _slice(layer, weight, selector, fixed, weight.values()[part], bound)


def _checked(weight: Weight, index: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the index with every dimension; raises `SelectionError` for a place that is not there."""
    if len(index) > len(weight.shape):
        dimensions = f"{len(weight.shape)} dimension{'' if len(weight.shape) == 1 else 's'}"
        raise SelectionError(f"{weight.path} has {dimensions}, {weight.shape}; {len(index)} places were given")
    for number, (place, size) in enumerate(zip(index, weight.shape, strict=False)):
        if place is not None and place >= size:
            legal = f"0 to {size - 1}" if size else "no index, its size is 0"
            raise SelectionError(f"{weight.path}: {_called(weight, number)} has {legal}; {place} is not one of them")
    return (*index, *(None for _ in weight.shape[len(index) :]))


def _called(weight: Weight, number: int) -> str:
    name = f" ({weight.bound.dimensions[number].text()})" if weight.bound else ""
    return f"dimension {number}{name}"


def _left(weight: Weight, index: Sequence[int | None]) -> Bound | None:
    """Return the axes of the dimensions that are not fixed."""
    if weight.bound is None:
        return None
    pairs = zip(weight.bound.dimensions, index, weight.shape, strict=True)
    left = [(dimension.notation, size) for dimension, place, size in pairs if place is None]
    return parse(" ".join(text for text, _ in left)).bind([size for _, size in left], weight.bound.sizes)


def _fixed(layer: Layer, weight: Weight, index: Sequence[int | None]) -> tuple[Place, ...]:
    """Return the coordinates of the dimensions that are fixed."""
    if weight.bound is None or not weight.size:
        return ()
    position = weight.bound.position([place or 0 for place in index])
    chosen = [dimension for dimension, place in zip(weight.bound.dimensions, index, strict=True) if place is not None]
    names = {factor.name for factor in every_factor(chosen)}
    return tuple(_places(layer, weight.bound.dimensions, {name: at for name, at in position.items() if name in names}))


def _by_name(model: Model, layer: Layer, weight: Weight, selector: Selector) -> Location | Slice:
    bound = weight.bound
    if bound is None:
        raise SelectionError(
            f"{weight.path}: its axes are unknown ({weight.note}), so select by index: {_example(weight)}"
        )
    try:
        index = bound.index(selector.position)
    except SelectionError:  # an axis is left, and then this is a part; or one is wrong, and then `select` says which
        values, left = _selected(weight, bound, selector)
        places = tuple(_places(layer, bound.dimensions, selector.position))
        return _slice(layer, weight, selector, places, values, left)
    return _location(model, layer, weight, index)


def _selected(weight: Weight, bound: Bound, selector: Selector) -> tuple[Array, Bound]:
    try:
        return bound.select(weight.values(), selector.position)
    except SelectionError as error:
        raise SelectionError(f"{weight.path}: {error}") from None


def _example(weight: Weight) -> str:
    return f"'[{weight.index}][{', '.join('0' for _ in weight.shape)}]'"


def _location(model: Model, layer: Layer, weight: Weight, index: tuple[int, ...]) -> Location:
    position = weight.bound.position(index) if weight.bound else {}
    nbytes = weight.stored.nbytes // weight.size
    place = flat_place(weight.shape, index)
    offset = weight.stored.offset
    return Location(
        weight,
        layer,
        index,
        _own(weight, position),
        tuple(_places(layer, weight.bound.dimensions, position)) if weight.bound else (),
        _value(weight, index, place),
        effect(model, layer, weight, index),
        None if offset is None else offset + place * nbytes,
        nbytes,
    )


def _own(weight: Weight, position: Mapping[str, Coordinate]) -> dict[str, Coordinate]:
    """Return the coordinates along the array's own axes, and not along the whole that shares of groups make."""
    names = {factor.name for factor in every_factor(weight.bound.dimensions)} if weight.bound else set()
    return {name: at for name, at in position.items() if name in names}


def flat_place(shape: Sequence[int], index: Sequence[int]) -> int:
    """Return the place of an element among all elements, the last dimension running fastest."""
    return sum(at * prod(shape[number + 1 :]) for number, at in enumerate(index))


def _value(weight: Weight, index: tuple[int, ...], place: int) -> float | int | bool:
    """Return the value as a Python number; where the storage is contiguous, only its bytes are read."""
    if weight.stored.run is not None:
        number: float | int | bool = weight.stored.run(place, 1).item()
    else:
        number = weight.values()[index].item()
    return number


def _places(layer: Layer, dimensions: Sequence[Dimension], position: Mapping[str, Coordinate]) -> Iterator[Place]:
    """Yield what each coordinate means."""
    factors = {factor.name: factor for factor in every_factor(dimensions)}
    sizes = {name: len(factor.labels) or factor.size for name, factor in factors.items()}
    for name, at in position.items():
        meaning = axis_meaning(name, layer_axes(layer))
        size = sizes.get(name) or _whole(dimensions, name)
        label = label_meaning(name, at) if isinstance(at, str) else ""
        yield Place(name, at, meaning.place.format(at=at, size=f"{size:,}", label=label))


def _whole(dimensions: Sequence[Dimension], name: str) -> int:
    """Return the size of an axis of which only a share is an axis of the array."""
    sizes = {factor.name: factor.size for factor in every_factor(dimensions)}
    return next(
        factor.size * sizes[factor.share[1]]
        for factor in every_factor(dimensions)
        if factor.share and factor.share[0] == name
    )


def _slice(
    layer: Layer, weight: Weight, selector: Selector, places: tuple[Place, ...], values: Array, bound: Bound | None
) -> Slice:
    return Slice(weight, layer, selector, places, values.shape, bound, values, statistics(values))


def statistics(values: Array) -> Statistics | None:
    """Return what can be counted of the values; None where there is none."""
    import numpy

    if not values.size:
        return None
    numbers = values.astype("float64")
    return Statistics(
        numbers.size,
        float(numbers.min()),
        float(numbers.max()),
        float(numbers.mean()),
        float(numbers.std()),
        int(numpy.count_nonzero(numbers == 0)),
    )
