"""A model with the weights of a file that has no graph: the port of its source to that framework, filled with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weightwise.answers.counterparts import Layout, Pair
from weightwise.errors import AxesError, UnsupportedError
from weightwise.model import Model, Weight
from weightwise.naming import named
from weightwise.porting.matching import matched
from weightwise.porting.porting import SPELLERS, Ported, lowered, speller
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
            pairs = matched(ported.model, weights, chosen)
        except UnsupportedError as error:
            failures.append(str(error))
            continue
        return _filled(ported, weights, [both for pair in pairs for both in pair.weights])
    raise UnsupportedError(failures[0])


def _filled(ported: Ported, weights: Model, pairs: Sequence[tuple[Weight, Weight | None]]) -> Filled:
    given = {own.stored.path: _reading(weight, own) for weight, own in pairs if own is not None}
    stored = ported.model.stored
    root = _with_arrays(stored.root, lambda array: given.get(array.path, array))
    label = f"{stored.framework} with the weights of {weights.stored.path}"
    model = named(replace(stored, path=weights.stored.path, format=label, root=root))
    counterparts = (
        Pair(Tensor(layer, number, index), placed.tensor, placed.layout)
        for (layer, number, index), placed in ported.placed.items()
    )
    return Filled(model, tuple(counterparts), tuple(placed.layout for placed in ported.inputs))


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
