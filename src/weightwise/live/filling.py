"""Gives a model in memory other values: all that can be wrong is told before the first array is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from weightwise.errors import SelectionError, UnsupportedError
from weightwise.formats.dtypes import BITS, read_as
from weightwise.live import live_model
from weightwise.stored import StoredArray, StoredLayer, StoredModel

if TYPE_CHECKING:
    import numpy

MOST_NAMED = 5
"""So many paths are listed in one error."""


def fill(thing: Any, values: Mapping[str, numpy.ndarray]) -> None:
    """Gives arrays of a model in memory the values that stand beside their paths; the others stay as they are.

    Paths are those of the arrays of `live_model(thing)`. Values have the array's shape and are converted to its dtype,
    a number of one kind never to one of a narrower kind, as a fraction to a whole number; tied arrays get the same.
    Raises `SelectionError` for a path that no array has, and `UnsupportedError` for an array or values that do not fit;
    then nothing is changed.
    """
    model = live_model(thing)
    arrays = {array.path: array for array in arrays_of(model)}
    given: dict[str, str] = {}  # the path whose values an array gets, by the path of its owner
    for path, found in values.items():
        check(model, arrays, path, found)
        first = given.setdefault(arrays[path].tied or path, path)
        if first != path and not agree(values[first], found):
            raise UnsupportedError(f"{model.path}: {first} and {path} are tied, and cannot get different values.")
    ways = [(setter(model, array), source) for array, source in receivers(arrays, given)]
    for assign, source in ways:
        assign(plain(values[source]))


def receivers(arrays: Mapping[str, StoredArray], given: Mapping[str, str]) -> Iterator[tuple[StoredArray, str]]:
    """Yields the arrays that get values, tied ones among them, and the path beside which these stand."""
    for array in arrays.values():
        source = given.get(array.tied or array.path)
        if source is not None:
            yield array, source


def setter(model: StoredModel, array: StoredArray) -> Callable[[numpy.ndarray], None]:
    """Returns what sets the values of an array; raises `UnsupportedError`."""
    if isinstance(array.assign, str):
        raise UnsupportedError(f"{model.path}: {array.path} cannot be filled: {array.assign}.")
    if array.dtype not in BITS:
        raise UnsupportedError(f"{model.path}: {array.path} cannot be filled: it is {array.dtype}, and no numbers.")
    return array.assign


def arrays_of(model: StoredModel) -> Iterator[StoredArray]:
    """Yields all arrays of a model, those of layers first; one that several layers have is there for each."""
    yield from layer_arrays(model.root)
    yield from (*model.optimizer, *model.state)


def layer_arrays(layer: StoredLayer) -> Iterator[StoredArray]:
    """Yields the arrays of a layer and of those in it."""
    yield from layer.arrays
    for inner in layer.layers:
        yield from layer_arrays(inner)


def check(model: StoredModel, arrays: Mapping[str, StoredArray], path: str, values: numpy.ndarray) -> None:
    """Raises `SelectionError` or `UnsupportedError` when an array cannot get these values."""
    import numpy

    if path not in arrays:
        names = ", ".join(list(arrays)[:MOST_NAMED]) + ", …" * (len(arrays) > MOST_NAMED)
        raise SelectionError(f"{model.path}: no array is called {path}; there are {names or 'none'}.")
    array = arrays[path]
    setter(model, array)
    if values.shape != array.shape:
        raise UnsupportedError(f"{model.path}: {path} has the shape {array.shape}, and the values {values.shape}.")
    kind = numpy.dtype(read_as(array.dtype))
    whole = values.dtype.kind in "iu" and kind.kind in "iu"
    if not (agree(values, values.astype(kind)) if whole else numpy.can_cast(values.dtype, kind, "same_kind")):
        raise UnsupportedError(f"{model.path}: {path} is {array.dtype}, which cannot have values of {values.dtype}.")


def agree(first: numpy.ndarray, second: numpy.ndarray) -> bool:
    """Returns whether values are the same, NaN with NaN."""
    import numpy

    return numpy.array_equal(first, second, equal_nan=first.dtype.kind in "fc")


def plain(values: numpy.ndarray) -> numpy.ndarray:
    """Returns values as every framework takes them: in C order, in the machine's order of bytes, writable."""
    import numpy

    return numpy.require(values, values.dtype.newbyteorder("="), ["C", "W"])
