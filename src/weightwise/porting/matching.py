"""Which layer of a target is which layer of the source, once the source is spelled in the target's framework.

A target may say no more than names and shapes, as a state dict does. What decides, in this order: what the caller says;
that only one layer there has arrays of these names, roles and shapes; that the names are equal; and the order, where
both sides tell it by their graph or by names that are numbered alike (`fc1, fc2`). Where two matches are still possible
nothing is chosen, and the error lists them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model, Weight
from weightwise.naming.signals import in_order
from weightwise.records import dataclass

MOST_LISTED = 6


@dataclass(frozen=True)
class Pair:
    """A layer of the source, spelled in the target's framework, and the layer of the target that it is."""

    source: Layer
    target: Layer
    why: str
    weights: tuple[tuple[Weight, Weight | None], ...]
    """Each array of the target, and the array of the source that is it; None for one that counts training steps."""


def matched(source: Model, target: Model, chosen: Mapping[str, str]) -> list[Pair]:
    """Return the pairs of all layers with weights.

    `chosen` maps names, or beginnings of names, of the source to those of the target. Raises `UnsupportedError` with
    what is possible where that is more than one, and with what is missing where it is none.
    """
    search = _Search(source, target, chosen)
    search.narrow()
    return search.pairs()


def fitting(source: Layer, target: Layer) -> tuple[tuple[Weight, Weight | None], ...] | None:
    """Return the arrays of a target with those of a layer that fit them; None unless all of both do."""
    known = source.operation is not None and target.operation is not None
    if known and type(source.operation) is not type(target.operation):
        return None
    left = {id(weight): weight for weight in source.weights}
    found: list[tuple[Weight, Weight | None]] = []
    for weight in target.weights:
        same = next((other for other in left.values() if _same_array(other, weight)), None)
        if same is None and not _counts(weight):
            return None
        found.append((weight, same))
        if same is not None:
            del left[id(same)]
    return tuple(found) if all(_counts(weight) for weight in left.values()) else None


def _same_array(source: Weight, target: Weight) -> bool:
    if source.shape != target.shape:
        return False
    if target.role and source.role and target.bound is not None:
        return (source.role, source.at) == (target.role, target.at)
    return source.name == target.name


def _counts(weight: Weight) -> bool:
    """Return whether an array counts steps, and does not enter the output."""
    return weight.role == "-" or (not weight.role and weight.name == "num_batches_tracked")


def _with_weights(model: Model) -> list[Layer]:
    layers = [layer for layer in model.walk() if not layer.is_model and layer.weights]
    return [*layers, *([model.own] if model.own else [])]


def _gathered(sources: Sequence[Layer], targets: Sequence[Layer]) -> list[Layer]:
    """Return the target's layers, those inside one module as one where a layer of the source has all their arrays.

    Of the two cells of a Bidirectional, and of the two products of a simple one, a tree without classes tells only that
    they lie beside each other.
    """
    left = list(targets)
    for names in dict.fromkeys(frozenset(weight.name for weight in layer.weights) for layer in sources):
        for module in dict.fromkeys(outer for layer in left for outer in _outer(layer.name)):
            inside = [layer for layer in left if layer.name.startswith(f"{module}/")]
            weights = [_inside(weight, module) for layer in inside for weight in layer.weights]
            if len(inside) > 1 and {weight.name for weight in weights} == names:
                place = left.index(inside[0])
                left = [layer for layer in left if layer not in inside]
                left.insert(place, replace(inside[0], name=module, operation=None, weights=tuple(weights)))
    return left


def _outer(name: str) -> list[str]:
    """Return the modules around a layer: `a` and `a/b` for `a/b/c`."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _inside(weight: Weight, module: str) -> Weight:
    """Return a weight as one of a module around its layer, which knows its roles by its names alone."""
    return replace(weight, name=weight.path.removeprefix(f"{module}/"), layer=module, role="")


class _Search:
    """For each layer of the source the layers of the target that it may still be."""

    def __init__(self, source: Model, target: Model, chosen: Mapping[str, str]) -> None:
        self.sources = sources = _with_weights(source)
        self.targets = targets = _gathered(sources, _with_weights(target))
        self.path = target.stored.path
        self.before = tuple(_Before(model) for model in (source, target))
        self.chosen = chosen
        self.fits = {
            (one, other): weights
            for one, layer in enumerate(sources)
            for other, candidate in enumerate(targets)
            if (weights := fitting(layer, candidate)) is not None
        }
        self.open = {
            one: [other for other in range(len(targets)) if (one, other) in self.fits and self.allowed(one, other)]
            for one in range(len(sources))
        }
        self.why: dict[int, str] = {}

    def allowed(self, one: int, other: int) -> bool:
        """Return whether what the caller says allows a pair; of several names that fit a layer the longest counts."""
        source, target = self.sources[one].name, self.targets[other].name
        name = max((name for name in self.chosen if _begins(source, name)), key=len, default="")
        place = max((place for place in self.chosen.values() if _begins(target, place)), key=len, default="")
        return (not name and not place) or self.chosen.get(name) == place

    def narrow(self) -> None:
        """Settle what can be settled, and again what this rules out."""
        self.check_possible()
        for settle in (self.by_shape, self.by_name, self.by_shape, self.by_order, self.by_shape):
            settle()
        self.check_settled()

    def by_shape(self) -> None:
        settled = True
        while settled:
            settled = False
            wanted = Counter(other for options in self.open.values() for other in options)
            for one, options in self.open.items():
                only = options if len(options) == 1 else [other for other in options if wanted[other] == 1]
                if one not in self.why and len(only) == 1:
                    said = any(_begins(self.sources[one].name, name) for name in self.chosen)
                    self.settle(one, only[0], "as you said" if said else "operation and shapes")
                    settled = True
                    break

    def by_name(self) -> None:
        places: dict[str, list[int]] = {}
        for other, layer in enumerate(self.targets):
            places.setdefault(_plain(layer.name), []).append(other)
        for one, options in list(self.open.items()):
            same = [other for other in places.get(_plain(self.sources[one].name), ()) if other in options]
            if one not in self.why and len(same) == 1:
                self.settle(one, same[0], "name and shapes")

    def by_order(self) -> None:
        groups: dict[tuple[int, ...], list[int]] = {}
        for one, options in self.open.items():
            if one not in self.why:
                groups.setdefault(tuple(options), []).append(one)
        for places, ones in groups.items():
            free = [other for other in places if not self.taken(other)]
            names = [self.sources[one].name for one in ones], [self.targets[other].name for other in free]
            if len(free) == len(ones) and all(map(_Before.ordered, self.before, names)):
                for one, other in zip(ones, free, strict=True):
                    self.settle(one, other, "order and shapes")

    def settle(self, one: int, other: int, why: str) -> None:
        self.why[one] = why
        self.open[one] = [other]
        for rival, options in self.open.items():
            if rival != one and other in options:
                self.open[rival] = [option for option in options if option != other]

    def taken(self, other: int) -> bool:
        return any(self.open[one] == [other] for one in self.why)

    def check_possible(self) -> None:
        for one, options in self.open.items():
            if not options:
                layer = self.sources[one]
                arrays = ", ".join(f"{weight.name} {weight.shape}" for weight in layer.weights)
                raise UnsupportedError(
                    f"{self.path}: no layer there has the arrays of {layer.name} ({arrays}){self.rivals(layer)}"
                )

    def rivals(self, layer: Layer) -> str:
        """Return which layers of the target have arrays of the same names, as the end of a sentence."""
        names = {weight.name for weight in layer.weights}
        close = [other for other in self.targets if {weight.name for weight in other.weights} & names]
        if not close:
            return "; its layers are " + _listed(other.name for other in self.targets)
        told = (f"{other.name} has " + ", ".join(f"{w.name} {w.shape}" for w in other.weights) for other in close)
        return "; " + _listed(told)

    def check_settled(self) -> None:
        unsettled = [one for one in self.open if one not in self.why]
        if unsettled:
            lines = [
                f"--map '{self.sources[one].name}={self.targets[other].name}'"
                for one in unsettled[:MOST_LISTED]
                for other in self.open[one]
            ]
            names = _listed(self.sources[one].name for one in unsettled)
            raise UnsupportedError(
                f"{self.path}: more than one match is possible for {names}; choose with {' or '.join(lines)}"
                + (f", and {len(unsettled) - MOST_LISTED} more layers" if len(unsettled) > MOST_LISTED else "")
            )
        left = [layer.name for other, layer in enumerate(self.targets) if not self.taken(other)]
        if left:
            raise UnsupportedError(f"{self.path}: the source has nothing for {_listed(left)}")

    def pairs(self) -> list[Pair]:
        found = [
            Pair(self.sources[one], self.targets[options[0]], self.why[one], self.fits[one, options[0]])
            for one, options in self.open.items()
        ]
        places = {layer.name: place for place, layer in enumerate(self.targets)}
        return sorted(found, key=lambda pair: places[pair.target.name])


class _Before:
    """Which layers of a model are computed before which."""

    def __init__(self, model: Model) -> None:
        self.places: dict[str, int] = {}
        self.earlier: dict[str, int] = {}
        for layer, number in in_order(model.root.stored.layers):
            own = self.places.setdefault(layer.name, len(self.places))
            read = [tensor.layer for tensor in layer.calls[number].inputs]
            earlier = self.earlier.get(layer.name, 0) | 1 << own
            for name in read:
                earlier |= self.earlier.get(name, 0)
            self.earlier[layer.name] = earlier

    def ordered(self, names: Sequence[str]) -> bool:
        """Return whether each of some layers is told to come before the next: by the graph, or by its number.

        The numbers of names tell it where all else in them is alike: `fc1, fc2`, or `features.0, features.3`.
        """
        if all(name in self.places for name in names):
            return all(self.earlier[two] >> self.places[one] & 1 for one, two in pairwise(names))
        numbers = [tuple(map(int, re.findall(r"\d+", name))) for name in names]
        stems = {re.sub(r"\d+", "#", name) for name in names}
        return len(stems) == 1 and all(one < two for one, two in pairwise(numbers))


def _begins(name: str, beginning: str) -> bool:
    """Return whether a name is this, or begins with it where a part of it ends.

    >>> _begins("conv2_block1_0_conv", "conv2_block1"), _begins("conv2_block12", "conv2_block1")
    (True, False)
    """
    return name == beginning or (name.startswith(beginning) and not name[len(beginning)].isalnum())


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    return ", ".join(found[:MOST_LISTED]) + more
