"""Inputs for a model: random ones of the shapes that it declares, and those of a file fitted to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.errors import SelectionError, UnsupportedError
from weightwise.model import Layer, Model
from weightwise.naming.signals import operands
from weightwise.ops.activation import Activation
from weightwise.ops.embedding import Embedding
from weightwise.ops.norm import Norm
from weightwise.ops.operation import Shape, spatial_axes
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Identity
from weightwise.ops.spatial import Spatial
from weightwise.records import dataclass
from weightwise.stored import StoredLayer, Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

BATCH = 2
OPEN_SIZES = (32, 64, 96)
"""What axes become whose sizes a model leaves open: sizes that are halved without a rest, and differ."""
WHOLE = ("int", "uint", "bool")
VALUE_BY_VALUE = (Activation, Identity, Norm, Rescaling)
"""Operations that leave the axes as they are."""


@dataclass(frozen=True)
class Entry:
    """One input of a model, as it is declared."""

    tensor: Tensor
    shape: Shape | None
    """None where nothing tells it."""
    indices: range | None
    """What whole numbers it takes; None for an input of real numbers."""
    axes: tuple[str, ...] = ()
    """Its axes without the batch's; empty where no layer tells them."""


def entries(model: Model) -> tuple[Entry, ...]:
    """Return the inputs of a model in its order."""
    stored = model.stored.root
    if not stored.inputs:  # a Sequential of old lists none; its first layer reads what is given
        first = model.layers[:1]
        return tuple(Entry(Tensor(""), layer.inputs[0] if layer.inputs else None, _indices([layer])) for layer in first)
    return tuple(_entry(model.root, tensor) for tensor in stored.inputs)


def declares_inputs(model: Model) -> bool:
    """Return whether a model says of which shapes its inputs are."""
    return all(entry.shape is not None for entry in entries(model))


def _entry(model: Layer, tensor: Tensor) -> Entry:
    own = next((layer for layer in model.stored.layers if layer.name == tensor.layer), None)
    found = list(_reading(model, tensor))
    shapes = [*_declared(own), *(shape for layer, place, _ in found for shape in layer.inputs[place : place + 1])]
    shape = next((shape for shape in shapes if shape is not None), None)
    dtype = str(own.config.get("dtype", "")) if own else ""
    indices = _indices([layer for layer, _, _ in found])
    if indices is None and dtype.startswith(WHOLE):
        indices = range(2)
    return Entry(tensor, shape, indices, _axes(model, tensor))


def _declared(layer: StoredLayer | None) -> Iterator[Shape]:
    for key in ("batch_shape", "batch_input_shape"):
        shape = layer.config.get(key) if layer else None
        if isinstance(shape, list | tuple):
            yield tuple(shape)


def _reading(model: Layer, tensor: Tensor) -> Iterator[tuple[Layer, int, Layer]]:
    """Yield the layers whose first call reads a tensor, with its place there and the model that they are in."""
    by_name = {layer.stored.name: layer for layer in model.layers}
    for stored in model.stored.layers:
        layer = by_name.get(stored.name)
        read = operands(stored.calls[0]) if stored.calls else ()
        for place, found in enumerate(read):
            if found != tensor or layer is None:
                continue
            inner = layer.stored.inputs[place : place + 1] if layer.is_model else ()
            yield from (_reading(layer, inner[0]) if inner else [(layer, place, model)])


def _indices(layers: Sequence[Layer]) -> range | None:
    """Return the indices that every embedding among these layers takes; without the one that marks padding."""
    found = [layer.operation for layer in layers if isinstance(layer.operation, Embedding)]
    if not found:
        return None
    first = 1 if any(embedding.mask_zero for embedding in found) else 0
    return range(first, min(embedding.vocabulary for embedding in found))


def random_inputs(model: Model, seed: int = 0, batch: int = BATCH) -> tuple[Array, ...]:
    """Return an input of random numbers for each that the model declares: normal ones, or whole ones as indices.

    Raises `UnsupportedError` where a shape is declared nowhere.
    """
    import numpy

    generator = numpy.random.default_rng(seed)
    return tuple(_random(model, entry, generator, batch) for entry in entries(model))


def _random(model: Model, entry: Entry, generator: numpy.random.Generator, batch: int) -> Array:
    if entry.shape is None:
        raise UnsupportedError(
            f"{model.stored.path}: it does not say of which shape its input is; give one with --input FILE.npy"
        )
    shape = concrete(entry.shape, batch)
    if entry.indices is not None:
        return generator.integers(entry.indices.start, max(entry.indices.stop, entry.indices.start + 1), shape)
    return generator.standard_normal(shape)


def concrete(shape: Shape, batch: int) -> tuple[int, ...]:
    """Return a shape with a number for each open size.

    >>> concrete((None, None, None, 3), 2)
    (2, 32, 64, 3)
    """
    sizes = iter(OPEN_SIZES * len(shape))
    return (shape[0] or batch, *(size if size is not None else next(sizes) for size in shape[1:]))


def fitted(model: Model, arrays: Mapping[str, Array]) -> tuple[tuple[Array, ...], tuple[str, ...]]:
    """Return the arrays of a file as the inputs of a model, and a sentence for each that had to be changed.

    An array that lacks only an axis of length 1, as grey images may, gets it. Raises `SelectionError` where the
    arrays do not fit, or where more than one does.
    """
    wanted = entries(model)
    notes: list[str] = []
    left = dict(arrays)
    inputs = [_chosen(model, entry, len(wanted) - place - 1, left, notes) for place, entry in enumerate(wanted)]
    return tuple(inputs), tuple(notes)


def _chosen(model: Model, entry: Entry, after: int, left: dict[str, Array], notes: list[str]) -> Array:
    """Take the array that is one input, after which so many follow, out of those that are left."""
    name = entry.tensor.layer
    if name in left and _fits(left[name].shape, entry.shape):
        return left.pop(name)
    fitting = [key for key, array in left.items() if _fits(array.shape, entry.shape)]
    found = fitting or [key for key, array in left.items() if _fits((*array.shape, 1), entry.shape)]
    in_order = len(left) == after + 1
    if not found or (len(found) > 1 and not in_order):
        shapes = ", ".join(f"{key} {array.shape}" for key, array in left.items())
        raise SelectionError(
            f"{model.stored.path}: its input {name or ''} takes the shape {entry.shape}, and of the file's arrays "
            f"{'more than one fits' if found else 'none fits'}: {shapes}; give a file with one array per input"
        )
    array = left.pop(found[0])
    if fitting:
        return array
    notes.append(f"{found[0]} has shape {array.shape}; it is given an axis of length 1 at its end.")
    return array[..., None]


def entering(one: Model, other: Model, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Return the inputs of one model as another takes them: with their axes in its order, where the layers tell it.

    Raises `SelectionError` where the two models take different inputs.
    """
    mine, yours = entries(one), entries(other)
    if len(mine) != len(yours):
        raise SelectionError(f"{one.stored.path} takes {len(mine)} inputs and {other.stored.path} {len(yours)}")
    return tuple(_turned(a, b, array) for a, b, array in zip(mine, yours, inputs, strict=True))


def _turned(one: Entry, other: Entry, array: Array) -> Array:
    if one.axes and other.axes and sorted(one.axes) == sorted(other.axes) and array.ndim == len(one.axes) + 1:
        return array.transpose(0, *(one.axes.index(axis) + 1 for axis in other.axes))
    if _fits(array.shape, other.shape):
        return array
    raise SelectionError(f"an input of shape {array.shape} is one of shape {other.shape} in the other model")


def _axes(model: Layer, tensor: Tensor, met: frozenset[Tensor] = frozenset()) -> tuple[str, ...]:
    """Return the axes of a tensor without the batch's, as the first layer with spatial axes behind it reads them."""
    for layer, _, inside in _reading(model, tensor):
        operation = layer.operation
        if isinstance(operation, Spatial):
            return spatial_axes(operation.rank, operation.channels_first)
        output = Tensor(layer.stored.name, 0)
        if (
            isinstance(operation, VALUE_BY_VALUE)
            and output not in met
            and (found := _axes(inside, output, met | {output}))
        ):
            return found
    return ()


def _fits(shape: Sequence[int], declared: Shape | None) -> bool:
    """Return whether an array has the declared sizes, where they are told, whatever its batch."""
    if declared is None:
        return True
    return len(shape) == len(declared) and all(
        size is None or size == own for own, size in zip(shape[1:], declared[1:], strict=True)
    )
