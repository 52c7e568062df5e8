"""Follows tensors through the code of a TorchScript module, without values: which module reads what which returned.

Nothing is run. An expression becomes a constant, a module, an array, or a tensor that is known by the layer that
returns it; all that is computed becomes a tensor of which nothing is known. Branches whose condition is not known are
left out, and so is what depends on them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import count
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.pytorch.functions import is_whole, number, spread
from weightwise.formats.pytorch.graph import ATTENDED, ENTRY, LAST_INSIDE, UNKNOWN, Graph, Shape
from weightwise.formats.pytorch.meanings import ZEROS, Held, Meaning, around, states
from weightwise.formats.pytorch.operators import PASSING, meaning, resizing, turned
from weightwise.formats.pytorch.script_code import Code
from weightwise.formats.pytorch.script_sizes import (
    ARITHMETIC,
    CASTS,
    COMPARISONS,
    NUMBERS,
    Size,
    as_setting,
    flattening,
    is_constant,
    is_plain,
    scaled_size,
    viewed,
)
from weightwise.records import dataclass
from weightwise.stored import StoredArray, Tensor

MOST_STEPS = 300_000
MOST_DEPTH = 60
PAIRED = "LSTM"
"""The module whose second output is a pair: what it has left as hidden state and as cell state."""
ROOT = "__torch__"


class TooLongError(Exception):
    """The code takes more steps than are followed."""


@dataclass(frozen=True)
class Place:
    """A name in the code: `torch.nn.functional.relu`."""

    name: str


@dataclass(frozen=True)
class Reference:
    """A module, by its path in the model."""

    path: str


@dataclass
class Member:
    """What a module has: its class, and its attributes as values."""

    module: str
    class_name: str
    attributes: dict[str, Any]
    constants: bool
    """Whether its settings stand in the code as attributes, so that its operators need not be asked."""


@dataclass
class Frame:
    """A running method or function."""

    path: str
    names: dict[str, Any]
    returned: bool = False
    value: Any = None
    several: bool = False
    """Whether a branch that is not known to be taken returns before the end."""


@dataclass
class Machine:
    """Follows the code of an archive."""

    code: Code
    members: Mapping[str, Member]
    """The modules by their paths."""
    graph: Graph
    constants: Mapping[str, Held]
    """The arrays that stand in the code, by their names in it."""
    numbers: Mapping[str, StoredArray]
    """Those of them that have no axes, whose values are settings, and read where the code asks for them."""
    shapes: dict[Tensor, Shape] = field(default_factory=dict)
    returned: dict[str, Any] = field(default_factory=dict)
    """The outputs that traced code of a module returns, as outputs of its first call."""
    asked: list[Meaning] | None = None
    """The operators that a module applies, while it is asked for them; None while the graph is made."""
    steps: int = 0
    depth: int = 0
    serial: count[int] = field(default_factory=count)

    def run(self, shapes: Sequence[Shape]) -> None:
        """Follows the model's `forward`; raises `TooLongError` or `RecursionError` when that takes too much."""
        root = self.members[""]
        declared = self.code.declared(root.module, root.class_name)
        method = declared.methods.get("forward") if declared else None
        if method is None:
            return
        self.graph.inputs = tuple(Tensor(ENTRY, 0, index) for index, _ in enumerate(method.args.args[1:]))
        self.shapes.update(zip(self.graph.inputs, shapes, strict=False))
        returned = self.executed(method, "", [Reference(""), *self.graph.inputs], {})
        outputs = self.graph.current(returned if isinstance(returned, (tuple, list)) else [returned])
        self.graph.outputs = tuple(value for value in outputs if isinstance(value, Tensor))

    def unknown(self) -> Tensor:
        """Returns a tensor of which nothing is known, unlike any other."""
        return Tensor(UNKNOWN, 0, next(self.serial))

    def executed(self, method: ast.FunctionDef, path: str, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Returns what a method or a function returns."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise TooLongError
        names = [argument.arg for argument in method.args.args]
        frame = Frame(path, {})
        defaults = method.args.defaults
        for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            frame.names[name] = self.value(default, frame)
        frame.names.update(zip(names, given, strict=False))
        frame.names.update(named)
        self.block(method.body, frame)
        self.depth -= 1
        return frame.value if frame.returned and not frame.several else self.unknown()

    def block(self, body: Iterable[ast.stmt], frame: Frame) -> None:
        """Follows statements until one returns."""
        for statement in body:
            if frame.returned:
                return
            self.statement(statement, frame)

    def statement(self, statement: ast.stmt, frame: Frame) -> None:
        """Follows one statement."""
        match statement:
            case ast.Assign(targets=[target], value=value):
                self.assign(target, self.value(value, frame), frame)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value, frame), frame)
            case ast.Return(value=value):
                frame.value = self.value(value, frame) if value is not None else None
                frame.returned = True
            case ast.Expr(value=value):
                self.value(value, frame)
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(self.value(test, frame), body, orelse, frame)
            case ast.With(body=body):
                self.block(body, frame)
            case ast.For() | ast.While():
                self.forget(statement, frame)

    def branch(self, test: Any, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], frame: Frame) -> None:
        """Follows the branch whose condition is known to hold, or both and keeps what they agree on."""
        if isinstance(test, bool):
            self.block(body if test else orelse, frame)
            return
        first, second = (Frame(frame.path, {name: own(value) for name, value in frame.names.items()}) for _ in range(2))
        with self.graph.undecided():
            self.block(body, first)
        with self.graph.undecided():
            self.block(orelse, second)
        both = {**first.names, **second.names}
        self.steps += len(both)
        frame.names = {
            name: value if is_same(first.names.get(name), value) else self.unknown() for name, value in both.items()
        }
        frame.several = frame.several or first.returned != second.returned or first.several or second.several
        frame.returned = first.returned and second.returned
        frame.value = first.value if first.value is second.value else self.unknown()

    def forget(self, statement: ast.stmt, frame: Frame) -> None:
        """Makes all that a statement may change unknown: names, lists that may grow, tensors that are written into."""
        for node in ast.walk(statement):
            self.step()
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_"):
                for name in (argument.id for argument in node.args if isinstance(argument, ast.Name)):
                    self.graph.write(self.graph.current(frame.names.get(name)), None)
            if isinstance(node, ast.Name) and (
                isinstance(node.ctx, ast.Store) or isinstance(frame.names.get(node.id), list)
            ):
                frame.names[node.id] = self.unknown()
            elif isinstance(node, ast.Return):
                frame.returned, frame.value = True, self.unknown()

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Gives a value to a name, or its parts to several."""
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for index, inner in enumerate(target.elts):
                self.assign(inner, self.part(value, index), frame)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, frame)
            if isinstance(owner, Reference):
                self.members[owner.path].attributes[target.attr] = self.unknown()

    def part(self, value: Any, index: Any) -> Any:
        """Returns an item of a value: of a list, of the sizes of a tensor, of what a layer returns."""
        if type(index) is not int:
            return self.unknown()
        if isinstance(value, (list, tuple)) and -len(value) <= index < len(value):
            return value[index]
        if isinstance(value, Size) and value.axis is None:
            return Size(value.of, index)
        if isinstance(value, Tensor) and value.layer in self.graph.parts and index >= 0 and not value.index:
            return Tensor(value.layer, value.call, index)
        return self.unknown()

    def step(self) -> None:
        """Counts work; raises `TooLongError` when it is too much."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooLongError

    def value(self, node: ast.expr, frame: Frame) -> Any:
        """Returns the value of an expression."""
        self.step()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return frame.names[name] if name in frame.names else Place(name)
            case ast.Attribute(value=inner, attr=name):
                return self.attribute(self.value(inner, frame), name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                values = [self.value(item, frame) for item in items]
                return values if isinstance(node, ast.List) else tuple(values)
            case ast.Subscript(value=inner, slice=index):
                return self.part(self.value(inner, frame), self.value(index, frame))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self.value(operand, frame)
                return -number if isinstance(number, (int, float)) else self.unknown()
            case ast.Call():
                return self.called(node, frame)
        return self.unknown()

    def attribute(self, value: Any, name: str) -> Any:
        """Returns an attribute of a module, or a longer name."""
        if isinstance(value, Place):
            full = f"{value.name}.{name}"
            return self.constant(full) if full in self.numbers else self.constants.get(full, Place(full))
        if isinstance(value, Reference):
            return self.members[value.path].attributes.get(name, self.unknown())
        return self.unknown()

    def constant(self, name: str) -> Any:
        """Returns a number that stands in the code as an array without axes."""
        try:
            return self.numbers[name].read().item()
        except FormatError:
            return self.unknown()

    def called(self, node: ast.Call, frame: Frame) -> Any:
        """Returns what a call returns."""
        given = [self.value(argument, frame) for argument in node.args]
        named = {word.arg: self.value(word.value, frame) for word in node.keywords if word.arg}
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value, frame)
            if isinstance(owner, Reference):
                return self.method(owner.path, node.func.attr, given, named)
        callee = self.value(node.func, frame)
        return self.by_name(callee.name, given, named, frame) if isinstance(callee, Place) else self.unknown()

    def by_name(self, name: str, given: Sequence[Any], named: Mapping[str, Any], frame: Frame) -> Any:
        """Returns what a function, an operator or something built in returns."""
        space, _, last = name.rpartition(".")
        if space == "torch":
            return self.operator(last, given, named, frame)
        if name.startswith(f"{ROOT}."):
            found = resizing(space.partition(f"{ROOT}.")[2], last, given, named)
            if found is not None and self.asked is None:
                return self.graph.operator(frame.path, last, found, shapes_of(found, self.shapes)) or self.unknown()
            function = self.code.function(space, last)
            return self.executed(function, frame.path, given, named) if function else self.unknown()
        if name in CASTS and len(given) == 2:
            return given[1]
        if name == "ops.prim.NumToTensor" and given:
            return replace(given[0], single=True) if isinstance(given[0], Size) else given[0]
        if name in NUMBERS and given and is_plain(given[0]):
            return given[0] if given else self.unknown()
        if name == "getattr" and len(given) == 2 and isinstance(given[1], str):
            return self.attribute(given[0], given[1])
        return self.unknown()

    def operator(self, name: str, given: Sequence[Any], named: Mapping[str, Any], frame: Frame) -> Any:
        """Returns what an operator returns: a constant, the size of a tensor, an array, or the output of a layer."""
        if name == "append" and len(given) == 2 and isinstance(given[0], list):
            given[0].append(given[1])
            return given[0]
        given, named = self.graph.current(list(given)), {key: self.graph.current(value) for key, value in named.items()}
        if name in PASSING and given:
            return given[0]
        if name == "zeros":
            return Tensor(ZEROS, 0, next(self.serial))
        if name == "size" and given and isinstance(given[0], Tensor):
            return Size(given[0], given[1] if len(given) > 1 and isinstance(given[1], int) else None)
        if name in COMPARISONS:
            return self.compared(name, given) if all(is_constant(value) for value in given) else self.unknown()
        if name in ARITHMETIC and len(given) > 1 and all(number(value) for value in given[:2]):
            return ARITHMETIC[name](*given[:2])
        scaled = scaled_size(name, given)
        if scaled is not None:
            return scaled
        array = turned(name, given) or spread(name, given)
        if array is not None:
            return array
        settings = [as_setting(value) for value in given]
        found = flattening(given) or viewed(given) if name in ("view", "reshape") else meaning(name, settings, named)
        if found and is_whole(found):
            return found.inputs[0]
        if self.asked is not None:
            self.asked += [found] if found else []
            own = found is not None and self.graph.parts[frame.path].computes(found)
            return Tensor(frame.path) if own else self.unknown()
        result = self.graph.operator(frame.path, name, found, shapes_of(found, self.shapes)) or self.unknown()
        if name.endswith("_") and given:
            self.graph.write(given[0], result)
        return result

    def compared(self, name: str, given: Sequence[Any]) -> Any:
        """Returns what a comparison of constants says."""
        try:
            return COMPARISONS[name](*given)
        except TypeError:
            return self.unknown()

    def method(self, path: str, name: str, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Returns what a module's method returns; PyTorch's own modules are layers, and others are followed."""
        part, member = self.graph.parts[path], self.members[path]
        declared = self.code.declared(member.module, member.class_name)
        method = declared.methods.get(name) if declared else None
        if method is None:
            return self.unknown()
        if not part.is_leaf or self.asked is not None or not name.startswith("forward"):
            return self.executed(method, path, [Reference(path), *given], named)
        values = [item for value in self.graph.current([*given, *named.values()]) for item in states(value)]
        inputs = [value for value in values if isinstance(value, Tensor)]
        if part.class_name in LAST_INSIDE and len(inputs) != ATTENDED:
            # Traced code has a tensor that is query, key and value at once as one argument.
            inputs = inputs * ATTENDED if len(inputs) == 1 else [self.unknown() for _ in range(ATTENDED)]
        if not part.calls and not member.constants:
            self.returned[path] = self.ask(path, method, given, named)
        output = self.graph.call(path, inputs, [self.shapes.get(value) for value in inputs])
        if member.constants and part.class_name == PAIRED:
            return output, (replace(output, index=1), replace(output, index=2))
        return told_outputs(self.returned.get(path), output)

    def ask(self, path: str, method: ast.FunctionDef, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Gives a module the settings with which it applies its operator; returns which outputs of it are returned."""
        found: list[Meaning] = []
        self.asked = found
        returned = self.executed(method, path, [Reference(path), *given], named)
        self.asked = None
        part = self.graph.parts[path]
        own = [one for one in found if part.computes(one)]
        if len(own) == 1 and all(array.path.startswith(f"{path}.") for array in own[0].arrays.values()):
            part.config = {**own[0].config, **around(found, own[0]), **part.config}
        return returned


def told_outputs(returned: Any, output: Tensor) -> Any:
    """Returns the outputs of a call as the code of the module returns them: traced code leaves out those not read."""
    if isinstance(returned, tuple):
        own = all(isinstance(item, Tensor) and item.layer == output.layer for item in returned)
        return tuple(told_outputs(item, output) for item in returned) if own else output
    own = isinstance(returned, Tensor) and returned.layer == output.layer
    return replace(output, index=returned.index) if own else output


def shapes_of(found: Meaning | None, shapes: Mapping[Tensor, Shape]) -> list[Shape | None]:
    """Returns the shapes of what an operator reads, as far as they are known."""
    return [shapes.get(value) for value in found.inputs] if found else []


def own(value: Any) -> Any:
    """Returns a list that can grow without the other, or any other value itself."""
    return list(value) if isinstance(value, list) else value


def is_same(first: Any, second: Any) -> bool:
    """Returns whether two branches leave the same value under a name."""
    return first is second or (isinstance(first, list) and isinstance(second, list) and first == second)


__all__ = ["Held", "Machine", "Member", "Reference", "TooLongError"]
