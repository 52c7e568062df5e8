"""A model's layers as those of another framework, with the layout of every tensor between them.

Frameworks keep the channels of images in different places. The lowered model has them where its framework wants them:
each tensor carries a layout, an operation is said anew for the layout of its inputs, and only where it needs another
one a permutation stands before it. A Flatten before dense layers lays the values as they lie, since the rows of those
layers are told by names: `(h w c)` becomes `(c h w)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import count
from typing import Any

from weightwise.conventions.choice import newest_convention
from weightwise.conventions.layout import (
    VALUE_BY_VALUE,
    arranged_shape,
    as_it_is,
    between,
    channels_last,
    relaid,
)
from weightwise.conventions.spelling import INPUT, Layout, Output, Spelled, Speller, Step
from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.ops.arranging import DropAxes
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.norm import Norm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.reshaping import Flatten, Input
from weightwise.ops.stacked import StackedRecurrent
from weightwise.ops.taking import Take
from weightwise.porting.bare import entering, operation_of
from weightwise.porting.flow import ENTRY, Flow, Use, Value, flow
from weightwise.porting.joining import fed_from, joined
from weightwise.records import dataclass
from weightwise.stored import Call, Tensor

MODEL_INPUT = "(input)"
"""What stands for a layer in the tensors that enter a model whose framework has no layers for them."""


@dataclass(frozen=True)
class Placed:
    """A tensor of the target: what it is called there, and how the source's axes lie in it."""

    tensor: Tensor
    layout: Layout | None
    """None where the number of axes is not known."""


@dataclass
class Made:
    """A layer of the target, while its calls are found."""

    name: str
    step: Step
    source: Layer | None
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True)
class Lowered:
    """The layers of the target with what fills their arrays, and the places of its inputs and outputs."""

    layers: tuple[Made, ...]
    inputs: tuple[Placed, ...]
    outputs: tuple[Placed, ...]
    placed: dict[tuple[str, int, int], Placed]
    """The tensors of the target by the layer, the call and the index of those of the source that they are."""
    notes: tuple[str, ...] = ()


def lowered_graph(model: Model, speller: Speller, flat_as_it_lies: bool = True) -> Lowered:
    """Return the layers of the target that compute what a model does; raises `UnsupportedError`.

    Without `flat_as_it_lies` values are always flattened in the order of the source.
    """
    found = flow(model)
    return _Lowering(found if speller.framework == "PyTorch" else joined(found), speller, flat_as_it_lies).run()


def lowered_layers(model: Model, speller: Speller) -> Lowered:
    """Return the layers of the target for the layers of a model with weights, whose graph is not known."""
    made: list[Made] = []
    notes: list[str] = []
    bare = False
    for layer in model.walk():
        if layer.is_model or not layer.weights:
            continue
        operation = operation_of(layer, model.stored.framework)
        spelled = spelled_alone(speller, layer, operation)
        notes += (f"{layer.name}: {note}" for note in spelled.notes if layer.operation is not None)
        held = [step for step in spelled.steps if holds(speller.framework, step)]
        made += (Made(step_name(layer.name, step), step, replace(layer, operation=operation)) for step in held)
        bare = bare or layer.operation is None
    if bare:
        notes.append(
            "strides, padding, epsilons and activations are not in the source, and must be as its network has them"
        )
    return Lowered(tuple(made), (), (), {}, tuple(notes))


def spelled_alone(speller: Speller, layer: Layer, operation: Operation) -> Spelled:
    """Return the spelling of a layer whose calls are not known; raises `UnsupportedError`."""
    shapes = tuple(shape for shape in layer.inputs if shape is not None) or entering(operation, layer)
    if not shapes:
        return _spelled(speller, layer, operation, ())
    layout = speller.layout(operation, len(shapes[0])) or as_it_is(len(shapes[0]))
    return _spelled(speller, layer, relaid(operation, layout), [arranged_shape(shape, layout) for shape in shapes])


def holds(framework: str, step: Step) -> bool:
    """Return whether a layer has arrays."""
    description = newest_convention(framework).describe(step.class_name, step.config, ())
    return description is not None and bool(description.slots)


def step_name(layer: str, step: Step) -> str:
    """Return the name of a step of a layer, of letters, digits and underscores; a part that begins with a dot is kept.

    >>> step_name("block/conv.1", Step("ReLU", {}, name="activation"))
    'block_conv_1_activation'
    >>> step_name("block/attention", Step("Linear", {}, name=".out_proj"))
    'block_attention.out_proj'
    """
    inside = step.name if step.name.startswith(".") else ""
    name = re.sub(r"\W", "_", "_".join(part for part in (layer, step.name) if part != inside), flags=re.ASCII) + inside
    return f"layer_{name}" if not name or name[0].isdigit() else name


def layer_name(layer: str) -> str:
    """Return what a layer is called in the target."""
    return step_name(layer, Step("", {}))


def _spelled(speller: Speller, layer: Layer, operation: Operation, shapes: Sequence[Shape]) -> Spelled:
    """Return the spelling of a layer; raises `UnsupportedError` with its name."""
    try:
        return speller.spelled(operation, shapes)
    except UnsupportedError as error:
        name = f"{layer.name} ({layer.class_name})" if layer.class_name else layer.name
        raise UnsupportedError(f"{name}: {speller.framework} cannot have it: {error}") from None


def _argument(value: Any, found: Callable[[Output], Tensor]) -> Any:
    """Return an argument of a call, with its tensors."""
    if isinstance(value, Output):
        return found(value)
    return [_argument(each, found) for each in value] if isinstance(value, list) else value


def _alone(operation: Operation) -> Operation:
    """Return the operation without the outputs behind its first, which nothing reads."""
    if isinstance(operation, MultiHeadAttention):
        return replace(operation, scores=False)
    if isinstance(operation, StackedRecurrent):
        return replace(operation, levels=tuple(level.stateless() for level in operation.levels))
    return operation


class _Lowering:
    """The target's layers and tensors that were found so far."""

    def __init__(self, source: Flow, speller: Speller, flat_as_it_lies: bool) -> None:
        self.flow = source
        self.speller = speller
        self.flat_as_it_lies = flat_as_it_lies
        self.layers: dict[str, Made] = {}
        self.values: dict[Value, Placed] = {}
        self.apart: dict[Value, tuple[Tensor, ...]] = {}
        self.turned: dict[tuple[Tensor, Layout], Placed] = {}
        self.notes: dict[str, None] = {}
        self.readers: dict[Value, list[Use]] = {}
        for use in source.uses:
            for value in use.inputs:
                self.readers.setdefault(value, []).append(use)

    def run(self) -> Lowered:
        inputs = tuple(self.enter(index) for index in range(max(len(self.flow.inputs), 1)))
        for number, use in enumerate(self.flow.uses):
            self.lower(number, use)
        outputs = tuple(map(self.found, self.flow.outputs))
        return Lowered(tuple(self.layers.values()), inputs, outputs, dict(self.places()), tuple(self.notes))

    def places(self) -> Iterator[tuple[tuple[str, int, int], Placed]]:
        for value, placed in self.values.items():
            if value.use != ENTRY:
                use = self.flow.uses[value.use]
                yield ((use.last or use.layer).name, use.number, value.index), placed

    def enter(self, index: int) -> Placed:
        """Place an input of the model, as the first operation that cares wants it."""
        value = Value(ENTRY, index)
        shape = self.flow.shapes.get(value)
        layout = None if shape is None else self.entry_layout(value, shape)
        named = self.flow.inputs[index].layer if index < len(self.flow.inputs) else ""
        step = None if shape is None or layout is None else self.speller.entry(arranged_shape(shape, layout))
        tensor = Tensor(MODEL_INPUT, 0, index)
        if step is not None:
            name = self.free(step_name(named.strip("()") or f"input_{index}", step))
            tensor = self.add(name, step, None, ())
        placed = self.values[value] = Placed(tensor, layout)
        return placed

    def entry_layout(self, value: Value, shape: Shape) -> Layout:
        waiting, met = [value], {value}
        for found in waiting:
            for use in self.readers.get(found, ()):
                operation = use.layer.operation
                if operation is None or isinstance(operation, Flatten):
                    continue
                wanted = self.speller.layout(operation, len(shape))
                if wanted is not None:
                    return wanted
                output = Value(self.flow.number(use))
                if output not in met and len(self.flow.shapes.get(output, ())) == len(shape):
                    met.add(output)
                    waiting.append(output)
        return as_it_is(len(shape))

    def lower(self, number: int, use: Use) -> None:
        """Add the layers of one call, and place its outputs."""
        operation = use.layer.operation
        if operation is None:
            raise UnsupportedError(f"{use.layer.name}: what it computes is not known: {use.layer.note}")
        if self.taken(number, use, operation):
            return
        arriving = [self.found(value) for value in use.inputs]
        if isinstance(operation, Input):
            self.values[Value(number)] = arriving[0]
            return
        arriving, operation = self.met(number, use, operation, arriving)
        shapes = [self.shape(value, placed) for value, placed in zip(use.inputs, arriving, strict=True)]
        if not any(value.use == number and value.index for value in (*self.readers, *self.flow.outputs)):
            operation = _alone(operation)
        known = [shape for shape in shapes if shape is not None]
        if len(known) < len(shapes) > 1:
            raise UnsupportedError(f"{use.layer.name}: the shapes of its inputs are not known, and it has several")
        spelled = _spelled(self.speller, use.layer, operation, known)
        self.notes.update((f"{use.layer.name}: {note}", None) for note in spelled.notes)
        outputs = self.steps(number, use, spelled, [placed.tensor for placed in arriving])
        for index, tensor in enumerate(outputs):
            value = Value(number, index)
            self.values[value] = Placed(tensor, self.left(value, arriving))

    def taken(self, number: int, use: Use, operation: Operation) -> bool:
        """Place what a call takes out of an output whose parts lie apart, and return whether it does."""
        parts = self.apart.get(use.inputs[0], ()) if len(use.inputs) == 1 else ()
        rank = len(self.flow.shapes.get(use.inputs[0], ())) if parts else 0
        match operation:
            case Take(axis, place) if parts and axis % rank == 0 and -len(parts) <= place < len(parts):
                found = parts[place]
            case DropAxes(axes) if len(parts) == 1 and [axis % rank for axis in axes] == [0]:
                (found,) = parts
            case _:
                return False
        self.values[Value(number)] = Placed(found, as_it_is(rank - 1))
        return True

    def found(self, value: Value) -> Placed:
        """Return where a value is; raises `UnsupportedError` for an output that the target does not return."""
        if value not in self.values:
            layer = self.flow.uses[value.use].layer
            raise UnsupportedError(
                f"{layer.name} ({layer.class_name}): {self.speller.framework} cannot have it: "
                f"it returns its output {value.index}, which is read, in another form"
            )
        return self.values[value]

    def shape(self, value: Value, placed: Placed) -> Shape | None:
        shape = self.flow.shapes.get(value)
        return arranged_shape(shape, placed.layout) if shape is not None and placed.layout is not None else None

    def left(self, value: Value, arriving: Sequence[Placed]) -> Layout | None:
        """Return how an output lies: as the inputs do, where it has as many axes."""
        shape = self.flow.shapes.get(value)
        if shape is None:
            return None
        first = arriving[0].layout if arriving else None
        return first if first is not None and len(first) == len(shape) else as_it_is(len(shape))

    def met(
        self, number: int, use: Use, operation: Operation, arriving: list[Placed]
    ) -> tuple[list[Placed], Operation]:
        """Return the inputs in the layout that the operation gets, and the operation for it."""
        first = arriving[0].layout if arriving else None
        if first is None:
            return arriving, operation
        source = as_it_is(len(first))
        if isinstance(operation, Flatten) and operation.channels_first and len(first) > 2:
            source = channels_last(len(first))
        wanted = self.speller.layout(operation, len(first))
        if isinstance(operation, Flatten) and first != source and self.rows_are_named(number):
            wanted = None
        elif isinstance(operation, Flatten):
            wanted = source
        if wanted is None and all(placed.layout == first for placed in arriving):
            try:
                return arriving, relaid(operation, first)
            except UnsupportedError:
                wanted = source
        if wanted is None:
            wanted = first if all(len(placed.layout or ()) == len(first) for placed in arriving) else source
        turned = [self.permuted(use, placed, wanted) for placed in arriving]
        return turned, relaid(operation, wanted)

    def rows_are_named(self, number: int) -> bool:
        """Return whether all that reads a flattened value tells by names where each comes from."""
        if not self.flat_as_it_lies:
            return False
        readers = self.readers.get(Value(number), [])
        return bool(readers) and Value(number) not in self.flow.outputs and all(map(self.tells_rows, readers))

    def tells_rows(self, use: Use) -> bool:
        operation = use.layer.operation
        if isinstance(operation, VALUE_BY_VALUE):
            return self.rows_are_named(self.flow.number(use))
        axis = operation.input_axis if operation is not None else ""
        bounds = [weight.bound for weight in use.layer.weights if weight.bound is not None and weight.neutral]
        told = bool(axis) and any(len(dimension.factors) > 1 for bound in bounds for dimension in bound.dimensions)
        return told and (not isinstance(operation, Norm) or self.rows_are_named(self.flow.number(use)))

    def permuted(self, use: Use, placed: Placed, wanted: Layout) -> Placed:
        """Return a tensor in another layout, by a layer that permutes its axes where it does not lie so."""
        if placed.layout is None or placed.layout == wanted or len(placed.layout) != len(wanted):
            return placed
        known = self.turned.get((placed.tensor, wanted))
        if known is None:
            step = self.speller.permutation(between(placed.layout, wanted))
            name = self.free(step_name(use.layer.name, replace(step, name="permuted")))
            known = Placed(self.add(name, step, None, (placed.tensor,)), wanted)
            self.turned[placed.tensor, wanted] = known
        return known

    def steps(self, number: int, use: Use, spelled: Spelled, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Add the layers of a spelling, and return its outputs; keep those that lie apart."""
        made: list[Tensor] = []

        def found(output: Output) -> Tensor:
            return inputs[output.index] if output.step == INPUT else replace(made[output.step], index=output.index)

        for spelled_step in spelled.steps:
            step = replace(spelled_step, feeds=fed_from(spelled_step.feeds, use.feeds)) if use.feeds else spelled_step
            read = [found(output) for output in step.inputs] or ([made[-1]] if made else list(inputs))
            arguments = {name: _argument(value, found) for name, value in step.arguments.items()}
            made.append(self.add(step_name(use.layer.name, step), step, use.layer, read, arguments))
        for index, tensors in spelled.apart.items():
            self.apart[Value(number, index)] = tuple(map(found, tensors))
        if not spelled.outputs:
            return made[-1:] or list(inputs[:1])
        return [found(output) for output in spelled.outputs]

    def add(
        self,
        name: str,
        step: Step,
        source: Layer | None,
        inputs: Sequence[Tensor],
        arguments: Mapping[str, Any] | None = None,
    ) -> Tensor:
        """Add a call of a layer, and return its first output; the calls of one layer of the source are of one here."""
        made = self.layers.get(name)
        if made is None or made.source is not source or made.step != step:
            if made is not None and made.source is source and holds(self.speller.framework, step):
                raise UnsupportedError(
                    f"{name}: its calls would need different layers, which cannot share their weights"
                )
            name = self.free(name)
            made = self.layers[name] = Made(name, step, source)
        made.calls.append(Call(tuple(inputs), arguments or {}))
        return Tensor(name, len(made.calls) - 1)

    def free(self, name: str) -> str:
        """Return a name that no layer has yet."""
        if name not in self.layers:
            return name
        return next(other for number in count(1) if (other := f"{name}_{number}") not in self.layers)
