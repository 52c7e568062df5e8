"""What is known of the tensors of a graph: their shapes and the meaning of their axes, carried from layer to layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TypeGuard

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass
from weightwise.stored import Call, StoredLayer, Tensor


@dataclass(frozen=True)
class Signal:
    """One tensor: its shape, its axes without the batch's, and the sizes that they name."""

    shape: Shape | None = None
    axes: TensorAxes = None
    sizes: Mapping[str, int] = field(default_factory=dict)


UNKNOWN = Signal()


def in_order(layers: Sequence[StoredLayer], given: Iterable[Tensor] = ()) -> Iterator[tuple[StoredLayer, int]]:
    """Yield each call of each layer after the calls that it reads; calls in a cycle, or of lost layers, come last."""
    names = {layer.name for layer in layers}
    ready = {(tensor.layer, tensor.call) for tensor in given}
    waiting: dict[tuple[str, int], list[tuple[StoredLayer, int]]] = {}
    open_inputs: dict[tuple[str, int], set[tuple[str, int]]] = {}
    queue: list[tuple[StoredLayer, int]] = []
    for layer in layers:
        for number, call in enumerate(layer.calls):
            sources = {(tensor.layer, tensor.call) for tensor in call.inputs if tensor.layer in names} - ready
            open_inputs[layer.name, number] = sources
            for source in sources:
                waiting.setdefault(source, []).append((layer, number))
            if not sources:
                queue.append((layer, number))
    done: set[tuple[str, int]] = set()
    for layer, number in queue:
        done.add((layer.name, number))
        yield layer, number
        for follower in waiting.get((layer.name, number), ()):
            key = (follower[0].name, follower[1])
            open_inputs[key].discard((layer.name, number))
            if not open_inputs[key] and key not in done:
                queue.append(follower)
    for layer in layers:
        for number in range(len(layer.calls)):
            if (layer.name, number) not in done:
                yield layer, number


MASKS = ("mask", "query_mask", "value_mask", "key_mask")
"""Arguments of a call that only say which positions count."""


def operands(call: Call) -> tuple[Tensor, ...]:
    """Return the tensors that a call computes with, which are all that it reads but its masks."""
    masks = {value for name, value in call.arguments.items() if name in MASKS and isinstance(value, Tensor)}
    return tuple(tensor for tensor in call.inputs if tensor not in masks)


def recorded_shapes(layers: Iterable[StoredLayer]) -> dict[tuple[str, int], dict[int, Shape]]:
    """Return the shapes of the outputs of each call (layer, number) that the file records where layers read them."""
    shapes: dict[tuple[str, int], dict[int, Shape]] = {}
    for layer in layers:
        for call in layer.calls:
            for source, shape in zip(call.inputs, call.shapes or _built_on(layer, call), strict=False):
                if is_shape(shape):
                    shapes.setdefault((source.layer, source.call), {}).setdefault(source.index, shape)
    return shapes


def _built_on(layer: StoredLayer, call: Call) -> tuple[object, ...]:
    """Return the shapes of the inputs on which a layer was built, which are those of its first call."""
    if layer.build_shape is None or call is not layer.calls[0]:
        return ()
    shapes = (layer.build_shape,) if len(call.inputs) == 1 else layer.build_shape
    return shapes if len(shapes) == len(call.inputs) else ()


def is_shape(recorded: object) -> TypeGuard[Shape]:
    """Return whether what a file records is the shape of one tensor, and not those of several."""
    return isinstance(recorded, tuple) and all(size is None or isinstance(size, int) for size in recorded)


def outputs_of(operation: Operation, inputs: Sequence[Signal]) -> tuple[Signal, ...]:
    """Return the signals that leave an operation; raises `ShapeError` when it cannot take these inputs."""
    shapes = [signal.shape for signal in inputs if signal.shape is not None]
    opened = operation.open_shape()
    if len(shapes) < len(inputs) == 1 and opened is not None:
        shapes = [opened]
    axes = _axes(operation, inputs)
    if len(shapes) < len(inputs):
        return (Signal(axes=axes, sizes=_fixed(operation, axes)),)
    outputs = operation.output_shapes(shapes)
    first = Signal(outputs[0], axes, {**_fixed(operation, axes), **_sizes(axes, outputs[0], inputs)})
    return (first, *(Signal(shape) for shape in outputs[1:]))


def _axes(operation: Operation, inputs: Sequence[Signal]) -> TensorAxes:
    if not inputs:
        return None
    return operation.tensor_axes([signal.axes for signal in inputs])


def _fixed(operation: Operation, axes: TensorAxes) -> dict[str, int]:
    """Return the sizes of the named axes that the operation itself fixes."""
    names = {name for merged in axes or () for name in merged.split()}
    return {name: size for name, size in operation.sizes(()).items() if name in names}


def _sizes(axes: TensorAxes, shape: Shape, inputs: Sequence[Signal]) -> dict[str, int]:
    """Return the sizes of the named axes: those of the shape, and inside merged axes those that all inputs agree on."""
    if axes is None:
        return {}
    own = {name: size for name, size in zip(axes, shape[1:], strict=False) if size is not None and " " not in name}
    inside = {name for merged in axes if " " in merged for name in merged.split()}
    found = {name: {signal.sizes[name] for signal in inputs if name in signal.sizes} for name in inside}
    return {**{name: sizes.pop() for name, sizes in found.items() if len(sizes) == 1}, **own}


Propagate = Callable[[StoredLayer, Sequence[Signal]], tuple[Signal, ...]]

__all__ = ["UNKNOWN", "Propagate", "ShapeError", "Signal", "in_order", "outputs_of"]
