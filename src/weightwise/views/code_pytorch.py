"""A PyTorch model as Python: a module whose attributes have the names of its arrays, and the lines that load them.

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv2d = nn.Conv2d(1, 32, 3)

        def forward(self, x: Tensor) -> Tensor:  # (batch, 1, 28, 28)
            x = F.relu(self.conv2d(x))  # (batch, 32, 26, 26)

The code is written from classes and settings that the table of conventions knows; a name that a file brings along
becomes an identifier or a quoted string, and nothing else of a file enters it. Lines are broken as `ruff format` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from itertools import chain

from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.ops.operation import Shape
from weightwise.records import dataclass
from weightwise.stored import StoredLayer, Tensor
from weightwise.views.code_pytorch_functions import expression
from weightwise.views.code_pytorch_modules import arguments, literal
from weightwise.views.code_pytorch_names import attribute, class_name, identifier, numbered
from weightwise.views.code_pytorch_statements import ATTENTION, LINEAR, SEVERAL, STATES, Statement, Statements, operand
from weightwise.views.code_variables import check_graph

WIDTH = 120
INDENT = " " * 8


def code(model: Model, name: str = "Net", weights: str = "", observed: bool = False) -> str:
    """Return the Python code of a model of PyTorch, as a class called `name`, and lines that load a file of weights.

    Where it is `observed`, it calls `observe(layer, call, index, output)` for each output that is read. Raises
    `UnsupportedError` where the model has no graph, or a layer of which no code can be written.
    """
    check_graph(model)
    own = class_name(name)
    writer = _Writer(model, observed)
    body = [*writer.made(), "", *writer.forward()]
    lines = [f"class {own}(nn.Module):", *body, *_loading(own, weights)]
    return "\n".join((*_imports(lines), "", "", *lines, ""))


def _imports(lines: Sequence[str]) -> Iterator[str]:
    text = "\n".join(lines)
    used = {name: re.search(rf"\b{name}\.|\b{name}\(", text) is not None for name in ("torch", "F", "load_file")}
    if used["torch"]:
        yield "import torch"
    if used["F"]:
        yield "import torch.nn.functional as F"
    if used["load_file"]:
        yield "from safetensors.torch import load_file"
    yield "from torch import Tensor, nn"


def _loading(name: str, weights: str) -> Iterator[str]:
    if not weights:
        return
    yield from ("", "", f"def load(path: str = {literal(weights)}) -> {name}:")
    yield '    """Return the network with the weights of a file, as it is for inference."""'
    yield f"    network = {name}()"
    yield "    network.load_state_dict(load_file(path), strict=True)"
    yield "    return network.eval()"


@dataclass
class _Writer:
    """The lines of a module."""

    model: Model
    observed: bool
    names: dict[Tensor, str] = field(default_factory=dict)
    """What each tensor that will be read is called."""

    @cached_property
    def statements(self) -> Statements:
        return Statements(self.model.root.stored)

    def made(self) -> Iterator[str]:
        """Yield the lines of `__init__`: the modules, those with dots in their names in dictionaries of modules."""
        yield "    def __init__(self) -> None:"
        yield f"{INDENT}super().__init__()"
        holders: set[str] = set()
        for layer in self.statements.modules:
            *outer, _ = layer.name.split(".")
            for holder in (".".join(outer[:depth]) for depth in range(1, len(outer) + 1)):
                if holder not in holders:
                    yield f"{INDENT}{attribute(holder)} = nn.ModuleDict()"
                    holders.add(holder)
            yield from self.module(layer)

    def module(self, layer: StoredLayer) -> Iterator[str]:
        if shape := operand(layer):
            zeros = f"nn.Parameter(torch.zeros({', '.join(map(literal, shape))}))"
            yield f'{INDENT}{attribute(layer.name)} = nn.ParameterDict({{"other": {zeros}}})'
            return
        own = "Linear" if layer.class_name in LINEAR else layer.class_name
        try:
            yield from _broken(f"{attribute(layer.name)} = ", f"nn.{own}", arguments(layer.class_name, layer.config))
        except (KeyError, ValueError, TypeError) as error:
            raise _unwritten(layer, error) from None

    def forward(self) -> Iterator[str]:
        """Yield the lines of `forward`."""
        inputs = self.statements.root.inputs
        for number, tensor in enumerate(inputs, start=1):
            self.names[tensor] = "x" if len(inputs) == 1 else f"x{number}"
        given = "".join(f", {self.names[tensor]}: Tensor" for tensor in inputs)
        count = len(self.statements.outputs)
        returned = "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
        yield f"    def forward(self{given}) -> {returned}:"
        for tensor in inputs:
            if shape := self.shapes.get(tensor):
                yield f"{INDENT}# {self.names[tensor]}: {_shape(shape)}"
        yield from self.lines()

    def lines(self) -> Iterator[str]:
        statements = self.statements.in_order if self.observed else self.statements.folded
        outputs = self.statements.outputs
        left = Counter(tensor for statement in statements for tensor in statement.reads)
        left.update(outputs)
        for statement in statements:
            left.subtract(statement.reads)
            text = self.text(statement)
            if (
                statement is statements[-1]
                and outputs == (statement.output,)
                and statement.returns_one
                and not self.observed
            ):
                yield from _wrapped("return ", text)
                return
            first, *more = _wrapped(f"{self.targets(statement, left)} = ", text)
            yield from (first, *more) if more else (self.commented(first, statement),)
            yield from self.observations(statement) if self.observed else ()
        missing = next((tensor for tensor in outputs if tensor not in self.names), None)
        if missing is not None:
            raise UnsupportedError(f"{missing.layer}: no layer of the model returns what the model does")
        yield f"{INDENT}return {', '.join(self.names[tensor] for tensor in outputs)}"

    def text(self, statement: Statement) -> str:
        """Return the right side of a statement."""
        layer = statement.layer
        if any(tensor not in self.names for tensor in statement.reads):
            raise UnsupportedError(f"{layer.name}: it reads what no layer of the model returns")
        names = [self.names[tensor] for tensor in statement.reads]
        names += [f'{attribute(layer.name)}["other"]'] * bool(operand(layer))
        try:
            text = expression(layer.class_name, layer.config, names) or self.called(layer, names)
            for outer, _ in statement.around:
                text = expression(outer.class_name, outer.config, [text]) or text
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise _unwritten(layer, error) from None
        return text

    def called(self, layer: StoredLayer, names: Sequence[str]) -> str:
        """Return the call of a module."""
        if not self.statements.is_module(layer):
            raise ValueError("it is none of the modules and operators that are known")
        given = ", ".join(names)
        if layer.class_name in STATES and len(names) > 1:
            states = f"({', '.join(names[1:])})" if "LSTM" in layer.class_name else names[1]
            given = f"{names[0]}, {states}"
        if layer.class_name == ATTENTION:
            given += _wanted(layer)
            if layer.name not in self.statements.projections:
                raise ValueError("its last projection is not known")
        return f"{attribute(layer.name)}({given})"

    def targets(self, statement: Statement, left: Counter[Tensor]) -> str:
        """Return what the outputs of a statement are called; those that nothing reads are `_`."""
        free = [self.names[tensor] for tensor in statement.reads if not left[tensor] and tensor in self.names]
        held = {name for tensor, name in self.names.items() if left[tensor]}
        layer, call = statement.layer, statement.call
        if statement.around or layer.class_name not in SEVERAL:
            return self.named(statement.output, left, free, held)
        if layer.class_name in STATES:
            return self.stateful(statement, left, free, held)
        count = 2 if layer.class_name == ATTENTION else max(self.parts(layer.name, left), 1)
        names = [self.named(Tensor(layer.name, call, index), left, free, held) for index in range(count)]
        return ", ".join(names) + "," * (count == 1)

    def parts(self, name: str, left: Counter[Tensor]) -> int:
        """Return how many tensors an operator returns that takes one apart."""
        read = max((1 + tensor.index for tensor in left if tensor.layer == name), default=1)
        return max(read, len(self.model[name].outputs))

    def stateful(self, statement: Statement, left: Counter[Tensor], free: list[str], held: set[str]) -> str:
        """Return the names of an output and of the states behind it, or of the states alone, which a cell returns."""
        name, call, states = statement.layer.name, statement.call, STATES[statement.layer.class_name]
        if statement.layer.class_name.endswith("Cell"):
            tensors = [Tensor(name, call, index) for index in range(len(states))]
            return ", ".join(
                self.named(tensor, left, free, held, wish) for tensor, wish in zip(tensors, states, strict=True)
            )
        output = self.named(Tensor(name, call), left, free, held)
        tensors = [Tensor(name, call, 1 + index) for index in range(len(states))]
        if not any(left[tensor] for tensor in tensors):
            return f"{output}, _"
        names = [self.named(tensor, left, free, held, wish) for tensor, wish in zip(tensors, states, strict=True)]
        return f"{output}, ({', '.join(names)})" if len(names) > 1 else f"{output}, {names[0]}"

    def named(self, tensor: Tensor, left: Counter[Tensor], free: list[str], held: set[str], wish: str = "") -> str:
        """Name a tensor: as its input where nothing reads that any more, `x` or `y` where free, or by its layer."""
        if not left[tensor] and not (self.observed and tensor.index == 0):
            return "_"
        again = "x" if "x" in free else next(iter(free), "")
        candidates = chain((wish, again, "x", "y", "z"), numbered(identifier(tensor.layer)))
        name = next(found for found in candidates if found and found not in held)
        held.add(name)
        if name in free:
            free.remove(name)
        self.names[tensor] = name
        return name

    @cached_property
    def shapes(self) -> Mapping[Tensor, Shape]:
        """The shapes that are known, of the inputs and of the outputs of every call."""
        found: dict[Tensor, Shape] = {}
        for layer in self.model.layers:
            outputs = layer.call_outputs or (layer.outputs,)
            for call, shapes in enumerate(outputs):
                found.update({Tensor(layer.name, call, at): shape for at, shape in enumerate(shapes) if shape})
            for tensor, shape in zip(layer.calls[0].inputs if layer.calls else (), layer.inputs, strict=False):
                if shape is not None:
                    found.setdefault(tensor, shape)
        return found

    def commented(self, text: str, statement: Statement) -> str:
        """Return a statement with the shape of what it returns, where that is another than before and there is room."""
        shape = self.shapes.get(statement.output)
        before = self.shapes.get(statement.reads[0]) if statement.reads else None
        comment = f"{text}  # {_shape(shape)}" if shape and shape != before else text
        return comment if len(comment) <= WIDTH else text

    def observations(self, statement: Statement) -> Iterator[str]:
        """Yield what reports the outputs of a statement; an attention's first is that of its last projection."""
        outputs = [
            tensor for tensor in self.names if (tensor.layer, tensor.call) == (statement.layer.name, statement.call)
        ]
        for tensor in outputs:
            told = tensor
            if statement.layer.class_name == ATTENTION and tensor.index == 0:
                told = Tensor(self.statements.projections[statement.layer.name], tensor.call)
            yield f"{INDENT}observe({literal(told.layer)}, {told.call}, {told.index}, {self.names[tensor]})"
            for other, source in self.statements.same.items():
                if source == tensor and self.statements.layers[other.layer].class_name == "Identity":
                    yield f"{INDENT}observe({literal(other.layer)}, {other.call}, 0, {self.names[tensor]})"


def _wanted(layer: StoredLayer) -> str:
    """Return what a call of an attention says of the weights of its averages."""
    if not layer.config.get("need_weights", True):
        return ", need_weights=False"
    return "" if layer.config.get("average_attn_weights", True) else ", average_attn_weights=False"


def _unwritten(layer: StoredLayer, error: Exception) -> UnsupportedError:
    return UnsupportedError(f"{layer.name}: no code can be written of a {layer.class_name or 'layer'}: {error}")


def _shape(shape: Shape) -> str:
    """Return a shape as people read it: `(batch, 32, 26, 26)`."""
    sizes = [
        "batch" if place == 0 and size is None else "?" if size is None else str(size)
        for place, size in enumerate(shape)
    ]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def _wrapped(start: str, text: str) -> list[str]:
    """Return a statement, what its last call is given on a line of its own where one line is too long."""
    whole = f"{INDENT}{start}{text}"
    if len(whole) <= WIDTH:
        return [whole]
    depth, place = 0, len(text)
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if not depth:
            break
    head, inside = (f"{text[:place]}(", text[place + 1 : -1]) if text.endswith(")") else ("(", text)
    return [f"{INDENT}{start}{head}", f"{INDENT}    {inside}", f"{INDENT})"]


def _broken(start: str, function: str, given: Sequence[str]) -> Iterator[str]:
    """Yield a statement, its arguments on a line of their own, or each on one, where one line is too long."""
    whole = f"{INDENT}{start}{function}({', '.join(given)})"
    if len(whole) <= WIDTH:
        yield whole
        return
    yield f"{INDENT}{start}{function}("
    one = f"{INDENT}    {', '.join(given)}"
    yield from [one] if len(one) <= WIDTH else [f"{INDENT}    {argument}," for argument in given]
    yield f"{INDENT})"
