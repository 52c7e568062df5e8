"""The reference forward pass, layer by layer: what each call of each layer returns, in NumPy from the named axes alone.

A layer of a model inside the model goes by its path, and its runs are counted over all: the second call of a layer that
its model calls twice, in the second call of that model, is run 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.naming.signals import UNKNOWN, Signal, in_order, operands, outputs_of
from weightwise.ops.blocks import joined_blocks
from weightwise.ops.operation import Operation, ShapeError
from weightwise.records import dataclass
from weightwise.stored import Call, StoredLayer, Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Value:
    """One tensor with its numbers, and what is known of its axes."""

    array: Array
    signal: Signal


@dataclass(frozen=True)
class Computed:
    """One output of one run of one layer."""

    tensor: Tensor
    """The layer by its path, the number of the run and that of the output."""
    layer: Layer
    value: Value


Trace = Generator[Computed, None, tuple[Value, ...]]
"""What the layers compute, in the order in which they run; at its end it returns the outputs."""


def traced(model: Model, inputs: Sequence[Array], dtype: str = "float64") -> Trace:
    """Yield each output of each layer at inference, for inputs with the batch first; return the model's outputs.

    Computes in `dtype`. Nothing is kept longer than a layer still reads it. Raises `UnsupportedError` when a layer's
    operation is unknown, or when one of its arrays is, or when a call is not what the operation computes.
    """
    import numpy

    given = [numpy.asarray(array) for array in inputs]
    floats = [array.astype(dtype) if array.dtype.kind == "f" else array for array in given]
    return (yield from _model_trace(model.root, [Value(array, Signal(array.shape)) for array in floats], dtype, 0))


def _model_trace(model: Layer, inputs: Sequence[Value], dtype: str, run: int) -> Trace:
    named = dict(zip(_listed(model.stored), model.layers, strict=True))
    # Keras 1 and the first Keras 2 list no input of a Sequential; its first layer reads what is given.
    values = _entering(model, inputs)
    readers = Counter(tensor for layer in model.stored.layers for call in layer.calls for tensor in operands(call))
    readers.update(model.stored.outputs)
    for stored, number in in_order(model.stored.layers):
        if Tensor(stored.name, number) in values:
            continue
        layer, read = named[stored.name], operands(stored.calls[number])
        arriving = [_known(tensor, values) for tensor in read] or inputs
        _check_call(layer, number, [value.array for value in arriving])
        outputs = yield from _layer_trace(layer, arriving, dtype, run * len(stored.calls) + number)
        values.update({Tensor(stored.name, number, index): output for index, output in enumerate(outputs)})
        _release(values, readers, read)
    return tuple(_known(tensor, values) for tensor in model.stored.outputs)


def _entering(model: Layer, inputs: Sequence[Value]) -> dict[Tensor, Value]:
    """Return the inputs of a model by its tensors; raises `UnsupportedError` where it takes another number of them."""
    expected = model.stored.inputs
    if expected and len(expected) != len(inputs):
        raise UnsupportedError(f"{model.name}: it takes {len(expected)} inputs, and {len(inputs)} are given")
    return dict(zip(expected, inputs, strict=True)) if expected else {}


def _layer_trace(layer: Layer, inputs: Sequence[Value], dtype: str, run: int) -> Trace:
    if layer.is_model:
        return (yield from _model_trace(layer, inputs, dtype, run))
    operation = _operation(layer)
    arrays = operation.forward([value.array for value in inputs], arranged_weights(layer, dtype))
    signals = _signals(operation, [value.signal for value in inputs], arrays)
    outputs = tuple(Value(array, signal) for array, signal in zip(arrays, signals, strict=True))
    for index, output in enumerate(outputs):
        yield Computed(Tensor(layer.name, run, index), layer, output)
    return outputs


def _signals(operation: Operation, inputs: Sequence[Signal], arrays: Sequence[Array]) -> Sequence[Signal]:
    """Return what is known of the axes of the outputs; those of an operation that cannot tell are unknown."""
    try:
        signals = outputs_of(operation, inputs)
    except ShapeError:
        signals = ()
    return [*signals[: len(arrays)], *[UNKNOWN] * (len(arrays) - len(signals))]


def _release(values: dict[Tensor, Value], readers: Counter[Tensor], read: Iterable[Tensor]) -> None:
    """Forget the tensors that no layer will read again."""
    readers.subtract(read)
    for tensor in read:
        if readers[tensor] == 0:
            values.pop(tensor, None)


def _known(tensor: Tensor, values: Mapping[Tensor, Value]) -> Value:
    """Return the value of a tensor; raises `UnsupportedError` for one that no layer of the model returns."""
    if tensor not in values:
        raise UnsupportedError("the model computes more than its layers do, with operators that are none")
    return values[tensor]


def _check_call(layer: Layer, number: int, inputs: Sequence[Array]) -> None:
    """Raise `UnsupportedError` where the call is not what the operation computes, or changes what later layers do."""
    first, arguments = (_settings(layer.stored.calls[place]) for place in (0, number))
    if arguments.get("training"):
        raise UnsupportedError(f"{layer.name}: it is called as in training, and only inference can be computed")
    if arguments != first:
        raise UnsupportedError(f"{layer.name}: its calls differ in {arguments} and {first}, and only one is computed")
    if layer.stored.calls[number].inputs != operands(layer.stored.calls[number]):
        raise UnsupportedError(f"{layer.name}: it is called with a mask, and only calls without one can be computed")
    mask = layer.operation.mask(inputs) if layer.operation else None
    if mask is not None and not mask.all():
        raise UnsupportedError(f"{layer.name}: it marks padding in these inputs, which later layers would have to skip")


def _settings(call: Call) -> dict[str, Any]:
    """Return the arguments of a call that are no tensors."""
    return {
        name: value for name, value in call.arguments.items() if value is not None and not isinstance(value, Tensor)
    }


def _listed(stored: StoredLayer) -> list[str]:
    """Return the names of the layers that the model lists, in order: a Sequential does not list its InputLayer."""
    hidden = "InputLayer" if stored.class_name == "Sequential" else None
    return [layer.name for layer in stored.layers if layer.class_name != hidden]


def _operation(layer: Layer) -> Operation:
    if layer.operation is None:
        raise UnsupportedError(f"{layer.name}: its operation is unknown, so nothing can be computed: {layer.note}")
    return layer.operation


def layer_outputs(layer: Layer, inputs: Sequence[Array], dtype: str = "float64") -> tuple[Array, ...]:
    """Return one layer's outputs for its inputs; raises `UnsupportedError` as `traced` does."""
    return run(_layer_trace(layer, [Value(array, Signal(array.shape)) for array in inputs], dtype, 0))


def run(trace: Trace) -> tuple[Array, ...]:
    """Return the outputs at the end of a trace."""
    while True:
        try:
            next(trace)
        except StopIteration as end:
            return tuple(value.array for value in end.value)


def arranged_weights(layer: Layer, dtype: str = "float64") -> dict[str, Array]:
    """Return a layer's arrays by role, in the axes that its operation takes; raises `UnsupportedError`."""
    roles = layer.operation.roles() if layer.operation else {}
    blocks: dict[str, dict[str, Array]] = {role: {} for role in roles}
    for weight in layer.weights:
        if weight.bound is None:
            raise UnsupportedError(f"{weight.path}: its axes are unknown: {weight.note}")
        if weight.role in blocks:
            arranged = weight.bound.arrange(weight.values(), weight.neutral).astype(dtype)
            blocks[weight.role][weight.at] = arranged
    missing = [role for role in roles if not blocks[role]]
    if missing:
        raise UnsupportedError(f"{layer.name}: the file has no array for its {', '.join(missing)}")
    try:
        return {role: joined_blocks(axes, blocks[role]) for role, axes in roles.items()}
    except KeyError as error:
        raise UnsupportedError(f"{layer.name}: the file has no array for its {error}") from None
