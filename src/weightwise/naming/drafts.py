"""Layers whose operations, shapes and expected arrays are known, before the stored arrays are given to them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, takewhile
from typing import Any

from weightwise.conventions.choice import Describe
from weightwise.conventions.row import Description, Slot
from weightwise.errors import FormatError
from weightwise.naming.signals import (
    MASKS,
    UNKNOWN,
    Signal,
    in_order,
    is_shape,
    operands,
    outputs_of,
    recorded_shapes,
)
from weightwise.naming.slots import substituted
from weightwise.ops.blocks import block_axes
from weightwise.ops.operation import Operation, Shape, ShapeError
from weightwise.records import dataclass
from weightwise.stored import Call, SizeOf, StoredLayer, Tensor


@dataclass(frozen=True)
class Draft:
    """A layer with everything but its arrays."""

    path: str
    stored: StoredLayer
    trainable: bool
    operation: Operation | None = None
    slots: tuple[Slot, ...] = ()
    """Its own arrays in the framework's order, with their trainability in this model."""
    layers: tuple[Draft, ...] = ()
    inputs: tuple[Signal, ...] = ()
    outputs: tuple[Signal, ...] = ()
    call_outputs: tuple[tuple[Signal, ...], ...] = ()
    """The outputs of each of its calls; empty for a layer whose graph is not known."""
    note: str = ""
    """Why its operation or its output shape is unknown."""

    def walk(self) -> Iterator[Draft]:
        """Yield this layer, then every layer inside it."""
        yield self
        for layer in self.layers:
            yield from layer.walk()


def drafted(
    stored: StoredLayer,
    path: str,
    describe: Describe,
    trainable: bool,
    inputs: Sequence[Signal],
    call: Call | None = None,
) -> Draft:
    """Return a layer, or a model with all its layers, for input signals in the order of its inputs.

    The arguments of its call say how it computes as its configuration does, so a table reads them as one.
    """
    trainable = trainable and bool(stored.config.get("trainable", True))
    if stored.layers:
        known = all(signal.shape is not None for signal in inputs)
        return _drafted_model(stored, path, describe, trainable, inputs if known else ())
    return _drafted_layer(stored, path, describe, trainable, inputs, _arguments(call) if call else {})


def _arguments(call: Call) -> dict[str, object]:
    """Return the arguments that are given, without masks, which change neither arrays nor shapes."""
    return {
        name: value
        for name, value in call.arguments.items()
        if value is not None and not (name in MASKS and isinstance(value, Tensor))
    }


def _drafted_model(
    stored: StoredLayer, path: str, describe: Describe, trainable: bool, inputs: Sequence[Signal]
) -> Draft:
    signals: dict[Tensor, Signal] = dict(zip(stored.inputs, inputs, strict=False))
    drafts: dict[str, dict[int, Draft]] = {}
    recorded = _recorded(stored, inputs)
    names = {layer.name for layer in stored.layers}
    for tensor in (tensor for tensor in stored.inputs if tensor.layer not in names and tensor not in signals):
        if shape := recorded.get((tensor.layer, tensor.call), {}).get(tensor.index):
            signals[tensor] = Signal(shape)  # what enters a graph of PyTorch is no layer that would declare it
    prefix = f"{path}/" if path else ""
    for layer, number in in_order(stored.layers):
        arriving = [signals.get(tensor, UNKNOWN) for tensor in operands(layer.calls[number])]
        if not arriving:
            arriving = _entering(layer, stored, signals, inputs)
        # A layer was built when it was first called; a later call may read a tensor of another shape.
        called = replace(layer, build_shape=None) if number else layer
        called = replace(called, config=_sized(called.config, signals))
        earlier = drafts.get(layer.name, {})
        draft = _same_call(layer, number, arriving, earlier) or drafted(
            called, prefix + layer.name, describe, trainable, arriving, layer.calls[number]
        )
        draft = _completed(draft, recorded.get((layer.name, number), {}))
        drafts.setdefault(layer.name, {})[number] = draft
        for index, signal in enumerate(draft.outputs):
            signals.setdefault(Tensor(layer.name, number, index), signal)
    layers = tuple(
        _with_calls(drafts[layer.name])
        if layer.name in drafts
        else drafted(layer, prefix + layer.name, describe, trainable, ())
        for layer in stored.layers
        if not (stored.class_name == "Sequential" and layer.class_name == "InputLayer")
    )
    outputs = tuple(signals.get(tensor, UNKNOWN) for tensor in stored.outputs)
    return Draft(path, stored, trainable, layers=layers, inputs=tuple(inputs), outputs=outputs)


def _sized(config: Mapping[str, Any], signals: Mapping[Tensor, Signal]) -> Mapping[str, Any]:
    """Return a configuration in which the sizes of tensors are numbers, where these are known."""
    lists = {key: value if isinstance(value, tuple) else (value,) for key, value in config.items()}
    if not any(isinstance(item, SizeOf) for value in lists.values() for item in value):
        return config
    sized = {key: tuple(_size(item, signals) for item in value) for key, value in lists.items()}
    return {key: sized[key] if isinstance(value, tuple) else sized[key][0] for key, value in config.items()}


def _size(value: Any, signals: Mapping[Tensor, Signal]) -> Any:
    shape = signals.get(value.tensor, UNKNOWN).shape if isinstance(value, SizeOf) else None
    size = shape[value.axis] if shape is not None and -len(shape) <= value.axis < len(shape) else None
    if size is None:
        return value
    number = value.times * size**value.power
    if abs(number - round(number)) < _EXACT:
        return round(number)
    return struct.unpack("f", struct.pack("f", number))[0] if value.single else number


_EXACT = 1e-9
"""How near a whole number that is computed with fractions is to be one."""


def _same_call(
    layer: StoredLayer, number: int, arriving: Sequence[Signal], earlier: Mapping[int, Draft]
) -> Draft | None:
    """Return the draft of an earlier call of a model that reads the same, which would be made again layer by layer."""
    if not layer.layers:
        return None
    same = (draft for draft in earlier.values() if list(draft.inputs) == list(arriving))
    return next(same, None)


def _completed(draft: Draft, recorded: Mapping[int, Shape]) -> Draft:
    """Return a layer with the shapes recorded where its outputs are read, for those that cannot be computed."""
    more = takewhile(recorded.__contains__, count(len(draft.outputs)))
    computed = [*draft.outputs, *(UNKNOWN for _ in more)]
    outputs = (
        signal if signal.shape is not None else replace(signal, shape=recorded.get(index))
        for index, signal in enumerate(computed)
    )
    return replace(draft, outputs=tuple(outputs))


def _recorded(stored: StoredLayer, inputs: Sequence[Signal]) -> Mapping[tuple[str, int], Mapping[int, Shape]]:
    """Return the shapes that a model's file records, unless it is fed others than those that it was declared with."""
    declared = {layer.name: _declared(layer) for layer in stored.layers}
    fed = zip(stored.inputs, inputs, strict=False)
    as_declared = all(declared.get(tensor.layer) == signal.shape for tensor, signal in fed)
    return recorded_shapes(stored.layers) if as_declared else {}


def _with_calls(drafts: Mapping[int, Draft]) -> Draft:
    """Return the layer of its first call, with the outputs of all."""
    numbers = sorted(drafts)
    return replace(drafts[numbers[0]], call_outputs=tuple(drafts[number].outputs for number in numbers))


def _entering(
    layer: StoredLayer, model: StoredLayer, signals: Mapping[Tensor, Signal], inputs: Sequence[Signal]
) -> list[Signal]:
    """Return what enters a layer that reads no tensor: the model's own input, or the shape that its file records."""
    own = [signal for tensor, signal in signals.items() if tensor.layer == layer.name]
    if own and tuple(model.inputs):
        return own
    if inputs and layer is model.layers[0]:
        return list(inputs)
    shape = _declared(layer)
    return [] if shape is None else [Signal(shape)]


def _declared(layer: StoredLayer) -> Shape | None:
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
    return tuple(shape) if isinstance(shape, (list, tuple)) else None


def _drafted_layer(
    stored: StoredLayer,
    path: str,
    describe: Describe,
    trainable: bool,
    inputs: Sequence[Signal],
    arguments: Mapping[str, object],
) -> Draft:
    if not stored.configured:
        return Draft(path, stored, trainable, inputs=tuple(inputs), note="the file has no configuration of it")
    draft = Draft(path, stored, trainable, inputs=tuple(inputs))
    if stored.build_shape is not None and (not inputs or any(signal.shape is None for signal in inputs)):
        inputs = _built(stored.build_shape, inputs)
    try:
        description = _described(stored, describe, inputs, arguments)
    except FormatError:
        raise
    except (ShapeError, KeyError, TypeError, ValueError) as error:
        if stored.build_shape is not None:  # of several inputs Keras 2 may record the first alone
            unbuilt = replace(stored, build_shape=None)
            return replace(_drafted_layer(unbuilt, path, describe, trainable, draft.inputs, arguments), stored=stored)
        return replace(draft, note=_reason(stored, error))
    if description is None:
        return replace(draft, note=f"weightwise does not know the class {stored.class_name or stored.name}")
    operation = description.operation
    for slot in description.slots:
        wrong = next((name for name, size in slot.sizes.items() if not isinstance(size, int)), None)
        if wrong is not None:
            found = f"its {wrong} is {slot.sizes[wrong]!r}, which is no whole number"
            return replace(draft, note=f"the configuration of this {stored.class_name} cannot be read: {found}")
    slots = tuple(_slot(slot, operation, trainable, inputs) for slot in description.slots)
    if operation is None:
        return replace(draft, slots=slots, note=description.note)
    try:
        outputs = outputs_of(operation, inputs)
    except ShapeError as error:
        return replace(draft, operation=operation, slots=slots, note=str(error))
    return replace(draft, operation=operation, slots=slots, inputs=tuple(inputs), outputs=outputs)


def _built(shape: tuple[object, ...], inputs: Sequence[Signal]) -> list[Signal]:
    """Return the recorded build shape, or shapes, as the input signals; inputs of another number stay as they are."""
    shapes = [recorded for recorded in ([shape] if is_shape(shape) else shape) if is_shape(recorded)]
    return [Signal(recorded) for recorded in shapes] if len(inputs) in (0, len(shapes)) else list(inputs)


def _described(
    stored: StoredLayer, describe: Describe, inputs: Sequence[Signal], arguments: Mapping[str, object]
) -> Description | None:
    """Return what the table says; where the arguments of the call are beyond it, of the arrays alone."""
    shapes = [signal.shape for signal in inputs if signal.shape is not None]
    known = shapes if len(shapes) == len(inputs) else ()
    try:
        return describe(_class(stored), {**stored.config, **arguments}, known)
    except ShapeError as error:
        if not arguments:
            raise
        description = describe(_class(stored), stored.config, known)
        return description and replace(description, operation=None, note=str(error))


def _class(stored: StoredLayer) -> str:
    """Return the name by which a table knows the class: with its package, unless it is one of the framework's layers.

    A class of somebody else's may be called as one of these, and a function of the graph is: `keras.src.ops.numpy.Add`.
    """
    package = stored.package
    native = not package or (package.split(".")[0] in _FRAMEWORKS and not any(part in package for part in _OTHERS))
    return stored.class_name if native else f"{package}.{stored.class_name}"


_FRAMEWORKS = ("keras", "tf_keras", "tensorflow", "torch")
_OTHERS = (".ops", ".applications", ".quantized", ".qat", ".intrinsic")
"""What a framework calls as its layers too: functions of the graph, layers that one architecture has of its own, and
modules that compute in whole numbers."""


def _slot(slot: Slot, operation: Operation | None, trainable: bool, inputs: Sequence[Signal]) -> Slot:
    """Return the slot with its trainability in this model and, after a Flatten, its input axis spelled out."""
    slot = replace(slot, trainable=slot.trainable and trainable)
    if operation is None:
        return slot
    slot = replace(slot, neutral=block_axes(operation.roles().get(slot.role, ""), slot.at))
    if len(inputs) != 1:
        return slot
    return substituted(slot, operation.input_axis, inputs[0])


def _reason(stored: StoredLayer, error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the configuration of this {stored.class_name} lacks {error}"
    return f"the configuration of this {stored.class_name} cannot be read: {error}"
