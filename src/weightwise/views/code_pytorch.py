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

import heapq
import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count

from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.ops.operation import Shape
from weightwise.stored import StoredLayer, Tensor
from weightwise.views.code_pytorch_functions import expression, is_activation
from weightwise.views.code_pytorch_modules import SIGNATURES, arguments, literal

WIDTH = 120
LONGEST = 24
"""The most letters of a variable that is called after its layer."""
INDENT = " " * 8
ATTENTION = "MultiheadAttention"
LAST_INSIDE = "out_proj"
"""What an attention calls its last projection, which is a layer of its own in the table of conventions."""
LINEAR = ("Linear", "NonDynamicallyQuantizableLinear")
STATES = {
    "LSTM": ("h", "c"),
    "GRU": ("h",),
    "RNN": ("h",),
    "LSTMCell": ("h", "c"),
    "GRUCell": ("h",),
    "RNNCell": ("h",),
}
"""Modules that return states, and what these are called."""
ARITHMETIC = ("add", "sub", "mul", "div")
"""Operators that may have an array of their own."""
PARTS = ("chunk", "split", "unbind")
"""Operators that return several tensors."""

_KEPT = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
state_dict to to_empty train training type xpu zero_grad
"""
KEPT = frozenset(_KEPT.split())
"""Attributes that `nn.Module` itself has."""
TAKEN = frozenset(("self", "torch", "nn", "F", "Tensor", "load_file", "observe", *keyword.kwlist, *keyword.softkwlist))


def code(model: Model, name: str = "Net", weights: str = "", observed: bool = False) -> str:
    """Return the Python code of a model of PyTorch, as a class called `name`, and lines that load a file of weights.

    Where it is `observed`, it calls `observe(layer, call, index, output)` for each output that is read. Raises
    `UnsupportedError` where the model has no graph, or a layer of which no code can be written.
    """
    root = model.root.stored
    if not any(layer.calls for layer in root.layers):
        raise UnsupportedError(
            f"{model.stored.path}: the file has no graph, so no code can be written that computes it"
        )
    class_name = _class_name(name)
    writer = _Writer(model, observed)
    body = [*writer.made(), "", *writer.forward()]
    lines = [f"class {class_name}(nn.Module):", *body, *_loading(class_name, weights)]
    return "\n".join((*_imports(lines), "", "", *lines, ""))


def _class_name(name: str) -> str:
    found = re.sub(r"\W", "_", name, flags=re.ASCII) or "Net"
    return f"Net_{found}" if found[0].isdigit() or found in TAKEN else found


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


def _loading(class_name: str, weights: str) -> Iterator[str]:
    if not weights:
        return
    yield from ("", "", f"def load(path: str = {literal(weights)}) -> {class_name}:")
    yield '    """Return the network with the weights of a file, as it is for inference."""'
    yield f"    network = {class_name}()"
    yield "    network.load_state_dict(load_file(path), strict=True)"
    yield "    return network.eval()"


@dataclass
class _Line:
    """One statement of `forward`: what it returns, from which tensors, by which layer."""

    layer: StoredLayer
    call: int
    reads: tuple[Tensor, ...]
    last: StoredLayer | None = None
    """The activation around it, where there is one."""
    last_call: int = 0

    @property
    def output(self) -> Tensor:
        """Its first output."""
        return Tensor(self.last.name, self.last_call) if self.last else Tensor(self.layer.name, self.call)


@dataclass
class _Writer:
    """The lines of a module."""

    model: Model
    observed: bool
    names: dict[Tensor, str] = field(default_factory=dict)
    """What each tensor that will be read is called."""

    @cached_property
    def root(self) -> StoredLayer:
        return self.model.root.stored

    @cached_property
    def layers(self) -> Mapping[str, StoredLayer]:
        return {layer.name: layer for layer in self.root.layers}

    @cached_property
    def projections(self) -> Mapping[str, str]:
        """The last projection of each attention, which PyTorch has in the module."""
        found: dict[str, str] = {}
        for layer in self.root.layers:
            for call in layer.calls if layer.class_name in LINEAR else ():
                source = self.layers.get(call.inputs[0].layer) if call.inputs else None
                own = source is not None and layer.name == f"{source.name}.{LAST_INSIDE}"
                if source is not None and own and source.class_name == ATTENTION and call.inputs[0].index == 0:
                    found[source.name] = layer.name
        return found

    @cached_property
    def same(self) -> Mapping[Tensor, Tensor]:
        """The tensors that are another one: what an Identity returns, and the end of an attention."""
        inside = {projection: attention for attention, projection in self.projections.items()}
        found: dict[Tensor, Tensor] = {}
        for layer in self.root.layers:
            for number, call in enumerate(layer.calls):
                if layer.class_name == "Identity" or layer.name in inside:
                    found[Tensor(layer.name, number)] = call.inputs[0]
        return found

    def tensor(self, tensor: Tensor) -> Tensor:
        """Return the tensor that this one is."""
        while tensor in self.same:
            tensor = self.same[tensor]
        return tensor

    @cached_property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(map(self.tensor, self.root.outputs))

    @cached_property
    def readers(self) -> Counter[Tensor]:
        found = Counter(self.tensor(tensor) for line in self.sequence for tensor in line.reads)
        found.update(self.outputs)
        return found

    @cached_property
    def sequence(self) -> list[_Line]:
        """The calls in an order in which they can run: one branch after the other, the first layers first."""
        skipped = {layer.name for layer in self.root.layers if layer.class_name == "Identity"}
        skipped |= set(self.projections.values())
        places = {layer.name: place for place, layer in enumerate(self.root.layers)}
        calls = {(layer.name, number): call for layer in self.root.layers for number, call in enumerate(layer.calls)}
        waiting: dict[tuple[str, int], list[tuple[str, int]]] = {}
        missing: Counter[tuple[str, int]] = Counter()
        for key, call in calls.items():
            for source in {(tensor.layer, tensor.call) for tensor in call.inputs} & calls.keys():
                waiting.setdefault(source, []).append(key)
                missing[key] += 1
        ready = [(places[name], number, name) for name, number in calls if not missing[name, number]]
        heapq.heapify(ready)
        found: list[_Line] = []
        onward: list[tuple[int, int, str]] = []
        while ready or onward:
            _, number, name = heapq.heappop(onward) if onward else heapq.heappop(ready)
            if name not in skipped:
                reads = tuple(map(self.tensor, calls[name, number].inputs))
                found.append(_Line(self.layers[name], number, reads))
            freed = []
            for follower in waiting.get((name, number), ()):
                missing[follower] -= 1
                if not missing[follower]:
                    freed.append((places[follower[0]], follower[1], follower[0]))
            for left in onward:
                heapq.heappush(ready, left)
            onward = sorted(freed)[:1]
            for later in sorted(freed)[1:]:
                heapq.heappush(ready, later)
        return found

    def made(self) -> Iterator[str]:
        """Yield the lines of `__init__`."""
        yield "    def __init__(self) -> None:"
        yield f"{INDENT}super().__init__()"
        nested: dict[str, list[StoredLayer]] = {}
        used = dict.fromkeys(line.layer.name for line in self.sequence)
        for layer in (self.layers[name] for name in used):
            if self.is_module(layer):
                first, dot, _ = layer.name.partition(".")
                nested.setdefault(first if dot else layer.name, []).append(layer)
        for first, layers in nested.items():
            if [layer.name for layer in layers] == [first]:
                yield from self.module(layers[0])
            else:
                yield from self.nested(first, layers)

    def is_module(self, layer: StoredLayer) -> bool:
        """Return whether a layer is an attribute of the network."""
        known = layer.class_name in SIGNATURES or bool(_operand(layer))
        return known and layer.name not in self.projections.values()

    def module(self, layer: StoredLayer) -> Iterator[str]:
        if shape := _operand(layer):
            zeros = f"nn.Parameter(torch.zeros({', '.join(map(literal, shape))}))"
            yield f'{INDENT}{_attribute(layer.name)} = nn.ParameterDict({{"other": {zeros}}})'
            return
        yield from _broken(f"{_attribute(layer.name)} = ", f"nn.{_own(layer)}", self.arguments(layer))

    def nested(self, first: str, layers: Sequence[StoredLayer]) -> Iterator[str]:
        """Yield modules with a dotted name, each in a dictionary of the name before the dot."""
        made: set[str] = set()
        for layer in layers:
            outer = layer.name.split(".")[:-1]
            for depth in range(len(outer)):
                path = ".".join(outer[: depth + 1])
                if path not in made:
                    yield f"{INDENT}{_attribute(path)} = nn.ModuleDict()"
                    made.add(path)
            yield from self.module(layer)

    def arguments(self, layer: StoredLayer) -> list[str]:
        try:
            return arguments(layer.class_name, layer.config)
        except (KeyError, ValueError, TypeError) as error:
            raise _unwritten(layer, error) from None

    def forward(self) -> Iterator[str]:
        """Yield the lines of `forward`."""
        inputs = tuple(self.root.inputs)
        for number, tensor in enumerate(inputs, start=1):
            self.names[tensor] = "x" if len(inputs) == 1 else f"x{number}"
        given = "".join(f", {self.names[tensor]}: Tensor" for tensor in inputs)
        returned = "Tensor" if len(self.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(self.outputs))}]"
        yield f"    def forward(self{given}) -> {returned}:"
        for tensor in inputs:
            if shape := self.shapes.get(tensor):
                yield f"{INDENT}# {self.names[tensor]}: {_shape(shape)}"
        yield from self.lines()

    def lines(self) -> Iterator[str]:
        lines = self.sequence if self.observed else self.folded
        left = Counter(tensor for line in lines for tensor in line.reads)
        left.update(self.outputs)
        for number, line in enumerate(lines):
            left.subtract(line.reads)
            text = self.text(line)
            if number == len(lines) - 1 and self.outputs == (line.output,) and not self.observed and _is_one(line):
                yield from _wrapped("return ", text)
                return
            targets = self.targets(line, left)
            first, *more = _wrapped(f"{targets} = ", text)
            yield from (first, *more) if more else (self.commented(first, line),)
            yield from self.observations(line) if self.observed else ()
        missing = next((tensor for tensor in self.outputs if tensor not in self.names), None)
        if missing is not None:
            raise UnsupportedError(f"{missing.layer}: no layer of the model returns what the model does")
        yield f"{INDENT}return {', '.join(self.names[tensor] for tensor in self.outputs)}"

    @cached_property
    def folded(self) -> list[_Line]:
        """The lines, each with the activation around it that alone reads it."""
        found: list[_Line] = []
        for line in self.sequence:
            before = found[-1] if found else None
            if (
                before is not None
                and before.last is None
                and is_activation(line.layer.class_name)
                and line.reads == (before.output,)
                and self.readers[before.output] == 1
                and _is_one(before)
                and not is_activation(before.layer.class_name)
            ):
                before.last, before.last_call = line.layer, line.call
            else:
                found.append(line)
        return found

    def text(self, line: _Line) -> str:
        """Return the right side of a statement."""
        missing = next((tensor for tensor in line.reads if tensor not in self.names), None)
        if missing is not None:
            raise UnsupportedError(f"{line.layer.name}: it reads what no layer of the model returns")
        names = [self.names[tensor] for tensor in line.reads]
        if _operand(line.layer):
            names.append(f'{_attribute(line.layer.name)}["other"]')
        try:
            text = expression(line.layer.class_name, line.layer.config, names)
            text = text if text is not None else self.called(line.layer, names)
            if line.last is None:
                return text
            return expression(line.last.class_name, line.last.config, [text]) or text
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise _unwritten(line.layer, error) from None

    def called(self, layer: StoredLayer, names: Sequence[str]) -> str:
        """Return the call of a module."""
        if not self.is_module(layer):
            raise ValueError("it is none of the modules and operators that are known")
        given = ", ".join(names)
        if layer.class_name in STATES and len(names) > 1:
            states = f"({', '.join(names[1:])})" if "LSTM" in layer.class_name else names[1]
            given = f"{names[0]}, {states}"
        if layer.class_name == ATTENTION:
            given += _wanted(layer)
            if layer.name not in self.projections:
                raise ValueError("its last projection is not known")
        return f"{_attribute(layer.name)}({given})"

    def targets(self, line: _Line, left: Counter[Tensor]) -> str:
        """Return what the outputs of a statement are called; those that nothing reads are `_`."""
        free = [self.names[tensor] for tensor in line.reads if not left[tensor] and tensor in self.names]
        held = {name for tensor, name in self.names.items() if left[tensor]}
        layer, call = line.layer, line.call
        if line.last is not None or layer.class_name not in (*STATES, *PARTS, ATTENTION):
            return self.named(line.output, left, free, held)
        if layer.class_name == ATTENTION:
            outputs = [Tensor(layer.name, call, index) for index in range(2)]
            return ", ".join(self.named(tensor, left, free, held) for tensor in outputs)
        if layer.class_name in PARTS:
            count_of = 1 + max((tensor.index for tensor in self.readers if tensor.layer == layer.name), default=0)
            parts = self.layer(layer.name).outputs
            outputs = [Tensor(layer.name, call, index) for index in range(max(count_of, len(parts)))]
            names = ", ".join(self.named(tensor, left, free, held) for tensor in outputs)
            return f"{names}," if len(outputs) == 1 else names
        return self.stateful(line, left, free, held)

    def stateful(self, line: _Line, left: Counter[Tensor], free: list[str], held: set[str]) -> str:
        """Return the names of an output and of the states behind it, or of the states alone, which a cell returns."""
        name, call, states = line.layer.name, line.call, STATES[line.layer.class_name]
        if line.layer.class_name.endswith("Cell"):
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
        candidates = chain((wish, again, "x", "y", "z"), _numbered(identifier(tensor.layer)))
        name = next(found for found in candidates if found and found not in held)
        held.add(name)
        if name in free:
            free.remove(name)
        self.names[tensor] = name
        return name

    def layer(self, name: str) -> Layer:
        return self.model[name]

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

    def commented(self, text: str, line: _Line) -> str:
        """Return a statement with the shape of what it returns, where that is another than before and there is room."""
        shape = self.shapes.get(line.output)
        before = self.shapes.get(line.reads[0]) if line.reads else None
        comment = f"{text}  # {_shape(shape)}" if shape and shape != before else text
        return comment if len(comment) <= WIDTH else text

    def observations(self, line: _Line) -> Iterator[str]:
        """Yield what reports the outputs of a statement; an attention's first is that of its last projection."""
        outputs = [tensor for tensor in self.names if (tensor.layer, tensor.call) == (line.layer.name, line.call)]
        for tensor in outputs:
            told = tensor
            if line.layer.class_name == ATTENTION and tensor.index == 0:
                told = Tensor(self.projections[line.layer.name], tensor.call)
            yield f"{INDENT}observe({literal(told.layer)}, {told.call}, {told.index}, {self.names[tensor]})"
            for other, source in self.same.items():
                if source == tensor and self.layers[other.layer].class_name == "Identity":
                    yield f"{INDENT}observe({literal(other.layer)}, {other.call}, 0, {self.names[tensor]})"


def _own(layer: StoredLayer) -> str:
    """Return the class of a module as `torch.nn` has it."""
    return "Linear" if layer.class_name in LINEAR else layer.class_name


def _operand(layer: StoredLayer) -> tuple[int, ...]:
    """Return the shape of the array that an operator between a tensor and an array has; empty for any other layer."""
    shape = layer.config.get("other_shape", ())
    return tuple(shape) if layer.class_name in ARITHMETIC and "other" in layer.config.get("parameters", ()) else ()


def _is_one(line: _Line) -> bool:
    """Return whether a statement returns one tensor."""
    name = line.layer.class_name
    return name in ("GRUCell", "RNNCell") or name not in (*STATES, *PARTS, ATTENTION)


def _wanted(layer: StoredLayer) -> str:
    """Return what a call of an attention says of the weights of its averages."""
    if not layer.config.get("need_weights", True):
        return ", need_weights=False"
    return "" if layer.config.get("average_attn_weights", True) else ", average_attn_weights=False"


def _unwritten(layer: StoredLayer, error: Exception) -> UnsupportedError:
    return UnsupportedError(f"{layer.name}: no code can be written of a {layer.class_name or 'layer'}: {error}")


def _attribute(path: str) -> str:
    """Return how a module is reached, by the dots of its name.

    >>> _attribute("conv"), _attribute("features.0"), _attribute("type")
    ('self.conv', 'self.features["0"]', 'self._modules["type"]')
    """
    first, *rest = path.split(".")
    plain = first.isidentifier() and first.isascii() and not keyword.iskeyword(first) and first not in KEPT
    start = f"self.{first}" if plain and not first.startswith("__") else f"self._modules[{literal(first)}]"
    return start + "".join(f"[{literal(part)}]" for part in rest)


def identifier(text: str) -> str:
    """Return a text as the name of a variable, `branch` for one that would be long."""
    found = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_")
    found = found if 0 < len(found) <= LONGEST else "branch"
    return f"y_{found}" if found[0].isdigit() or found in TAKEN else found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(1))


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
