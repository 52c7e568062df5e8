"""A model with the weights of a file that has no graph: the port of its source to that framework, filled with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightwise.answers.counterparts import SEPARATORS, Layout, Pair
from weightwise.errors import AxesError, UnsupportedError
from weightwise.model import Model, Weight
from weightwise.naming import named
from weightwise.porting.matching import matched
from weightwise.porting.porting import SPELLERS, Ported, lowered, speller
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer, Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Filled:
    """A port with the weights of another file."""

    model: Model
    pairs: tuple[Pair, ...]
    """What each tensor of the source is in the port."""
    layouts: tuple[Layout | None, ...]
    """How the inputs lie in the port."""

    def entering(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Return the source's inputs as the port takes them."""
        both = zip(inputs, self.layouts, strict=True)
        return tuple(array if layout is None else array.transpose(layout) for array, layout in both)


def filled_port(source: Model, weights: Model, chosen: Mapping[str, str]) -> Filled:
    """Return the port of a model with the weights of a file; raises `UnsupportedError` where they are not its weights.

    A file that does not say its framework is of the one whose names its arrays have.
    """
    own = weights.stored.framework
    failures = []
    for framework in [own] if own else SPELLERS:
        try:
            ported = lowered(source, speller(framework))
            pairs = (None if chosen else _by_name(ported.model, weights)) or [
                both for pair in matched(ported.model, weights, chosen) for both in pair.weights
            ]
        except UnsupportedError as error:
            failures.append(str(error))
            continue
        return _filled(ported, weights, pairs)
    raise UnsupportedError(failures[0])


def as_port(one: Model, other: Model) -> Filled | None:
    """Return a model as the port of another one; None where its layers are not called as those of a port are."""
    try:
        ported = lowered(one, speller(other.stored.framework))
    except UnsupportedError:
        return None
    classes = {layer.name: layer.class_name for layer in other.walk()}
    same = all(classes.get(layer.name) == layer.class_name for layer in ported.model.walk())
    return _filled_with(other, ported) if same else None


def _filled_with(model: Model, ported: Ported) -> Filled:
    return Filled(model, _pairs(ported), tuple(placed.layout for placed in ported.inputs))


def _pairs(ported: Ported) -> tuple[Pair, ...]:
    return tuple(
        Pair(Tensor(layer, number, index), placed.tensor, placed.layout)
        for (layer, number, index), placed in ported.placed.items()
    )


def _by_name(ported: Model, weights: Model) -> list[tuple[Weight, Weight | None]] | None:
    """Return the arrays of a file with those of a port under the same names and of the same shapes, if it has all.

    A file that says no classes may have them in other layers: Flax keeps each gate of an LSTM in one of its own.
    """
    names = {_plain(weight.path): weight for weight in weights.weights}
    wanted = [weight for weight in ported.weights if weight.role != "-"]
    found = [(names.get(_plain(weight.path)), weight) for weight in wanted]
    pairs = [(own, weight) for own, weight in found if own is not None and own.shape == weight.shape]
    return [*pairs] if len(pairs) == len(wanted) else None


def _plain(path: str) -> str:
    return SEPARATORS.sub("_", path)


def _filled(ported: Ported, weights: Model, pairs: Sequence[tuple[Weight, Weight | None]]) -> Filled:
    given = {own.stored.path: _reading(weight, own) for weight, own in pairs if own is not None}
    stored = ported.model.stored
    root = _with_arrays(stored.root, lambda array: given.get(array.path, array))
    label = f"{stored.framework} with the weights of {weights.stored.path}"
    model = named(replace(stored, path=weights.stored.path, format=label, root=root))
    return _filled_with(model, ported)


def _reading(weight: Weight, own: Weight) -> StoredArray:
    """Return an array of the port that reads from the file, where its rows may be told in another order."""

    def read() -> Array:
        if weight.bound is not None and own.bound is not None and weight.bound.notation != own.bound.notation:
            try:
                return weight.bound.arrange(weight.values(), own.bound.axes)
            except AxesError:  # names that differ say nothing of another order
                pass
        return weight.values()

    return replace(own.stored, read=read, dtype=weight.dtype, nbytes=weight.stored.nbytes)


def _with_arrays(layer: StoredLayer, change: Callable[[StoredArray], StoredArray]) -> StoredLayer:
    arrays = tuple(map(change, layer.arrays))
    return replace(layer, arrays=arrays, layers=tuple(_with_arrays(inner, change) for inner in layer.layers))
