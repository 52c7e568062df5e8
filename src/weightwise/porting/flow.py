"""The calls of a model in one list, those of the models inside it among them, in an order in which they can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import count

from weightwise.conventions.spelling import Feed
from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.naming.signals import in_order, operands
from weightwise.ops.operation import Shape
from weightwise.records import dataclass
from weightwise.stored import Call, Tensor

ENTRY = -1
"""What stands for a call in the values that enter the model."""


@dataclass(frozen=True)
class Value:
    """One tensor: an output of a call, by its number in the flow, or an input of the model, where that is `ENTRY`."""

    use: int
    index: int = 0


@dataclass(frozen=True)
class Use:
    """One call of one layer."""

    layer: Layer
    number: int
    """Which of its runs it is, over all calls of the models that it is in, as `answers.tracing` counts them."""
    call: Call
    inputs: tuple[Value, ...]
    last: Layer | None = None
    """The layer whose output it returns, where it is that of two layers as one."""
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    """What stands for roles of its operation that none of its weights has."""


@dataclass(frozen=True)
class Flow:
    """All calls of a model."""

    uses: tuple[Use, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Value, ...]
    shapes: dict[Value, Shape] = field(default_factory=dict)
    """The shapes of the values that are known."""

    def readers(self, value: Value) -> Iterator[Use]:
        """Yield the calls that read a value."""
        return (use for use in self.uses if value in use.inputs)

    def number(self, use: Use) -> int:
        """Return the number of a call."""
        return next(number for number, other in enumerate(self.uses) if other is use)


def flow(model: Model) -> Flow:
    """Return the calls of a model; raises `UnsupportedError` for one whose graph is not known, or not whole."""
    root = model.root
    if not model.has_graph:
        raise UnsupportedError(f"{model.stored.path}: the file has no graph that says which layer reads which")
    walk = _Walk()
    entering = tuple(Value(ENTRY, index) for index in range(max(len(root.stored.inputs), 1)))
    outputs = walk.model(root, entering, model.stored.path)
    return Flow(tuple(walk.uses), root.stored.inputs, outputs, walk.shapes)


class _Walk:
    """The calls that were met so far."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.shapes: dict[Value, Shape] = {}
        self.numbers = count()

    def model(self, model: Layer, entering: Sequence[Value], path: str, run: int = 0) -> tuple[Value, ...]:
        """Add the calls of a model's layers, and return its outputs."""
        stored = model.stored
        layers = {layer.stored.name: layer for layer in model.layers}
        values = dict(zip(stored.inputs, entering, strict=False))
        self._note_inputs(model, values)
        for inner, number in in_order(stored.layers):
            if Tensor(inner.name, number) in values:
                continue
            arriving = [self._found(tensor, values, path) for tensor in operands(inner.calls[number])]
            layer = layers.get(inner.name)
            if layer is None:  # a Sequential does not list its InputLayer
                values[Tensor(inner.name, number)] = entering[0]
                continue
            outputs = self._call(layer, number, tuple(arriving or entering), path, run)
            values.update({Tensor(inner.name, number, index): value for index, value in enumerate(outputs)})
        return tuple(self._found(tensor, values, path) for tensor in stored.outputs)

    def _call(self, layer: Layer, number: int, arriving: tuple[Value, ...], path: str, run: int) -> tuple[Value, ...]:
        if layer.is_model:
            return self.model(layer, arriving, path, run * len(layer.stored.calls) + number)
        shapes = layer.call_outputs[number] if number < len(layer.call_outputs) else layer.outputs
        use = len(self.uses)
        self.uses.append(Use(layer, run * len(layer.stored.calls) + number, layer.stored.calls[number], arriving))
        for shapes_read in (layer.inputs if number == 0 else (), layer.stored.calls[number].shapes):
            for value, shape in zip(arriving, shapes_read, strict=False):
                self._note(value, shape)
        for index, shape in enumerate(shapes):
            self._note(Value(use, index), shape)
        return tuple(Value(use, index) for index in range(max(len(shapes), 1)))

    def _note_inputs(self, model: Layer, values: dict[Tensor, Value]) -> None:
        """Note the shapes of a model's inputs, which its input layers declare."""
        declared = {layer.stored.name: layer.outputs for layer in model.layers}
        for tensor, value in values.items():
            for shape in declared.get(tensor.layer, ())[:1]:
                self._note(value, shape)

    def _note(self, value: Value, shape: Shape | None) -> None:
        if shape is not None:
            self.shapes.setdefault(value, shape)

    def _found(self, tensor: Tensor, values: dict[Tensor, Value], path: str) -> Value:
        if tensor not in values:
            raise UnsupportedError(f"{path}: the model computes more than its layers do, with operators that are none")
        return values[tensor]
