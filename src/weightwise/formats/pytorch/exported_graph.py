"""The graph of an exported program: operators of ATen, whose inputs are arrays of the model or outputs of each other.

    graph_module.signature.input_specs   which placeholder is which parameter, buffer or input
    graph_module.graph.nodes             operators: `torch.ops.aten.conv2d.default`, arguments by name, outputs
    graph_module.graph.tensor_values     the shape of every tensor; sizes that are open are symbols
    node.metadata.nn_module_stack        the modules in which an operator was called: `key,path,class;…`

https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_export/serde/schema.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from math import prod
from typing import Any

from weightwise.formats.pytorch.arrays import LARGEST
from weightwise.formats.pytorch.functions import is_whole, regrouped, spread
from weightwise.formats.pytorch.graph import ATTENDED, ENTRY, INSIDE, LAST_INSIDE, UNKNOWN, Graph, Part, Shape
from weightwise.formats.pytorch.meanings import ZEROS, Held, Meaning
from weightwise.formats.pytorch.operators import PASSING, meaning, turned
from weightwise.records import dataclass
from weightwise.stored import StoredArray, Tensor

ATEN = "torch.ops.aten."
ATTENTION = "MultiheadAttention"
ENTRANCES = ("linear", "transpose")
"""The operators with which such a module begins, on its query, its key and its value."""
KINDS = ("parameters", "buffers")
VIEWS = ("view", "reshape", "_unsafe_view")
CONSTANT = ("as_int", "as_float", "as_bool", "as_string", "as_ints", "as_floats", "as_bools", "as_strings")
Sizes = tuple[int | str, ...]
"""A shape whose open sizes are symbols."""


def items(value: Any) -> Sequence[Any]:
    """Returns a list of the file; nothing where it is none."""
    return value if isinstance(value, list) else ()


def entries(value: Any) -> Mapping[str, Any]:
    """Returns an object of the file; nothing where it is none."""
    return value if isinstance(value, dict) else {}


def inner(value: Any, *keys: str) -> Any:
    """Returns what is inside objects under these keys; None where it is not there."""
    for key in keys:
        value = entries(value).get(key)
    return value


@dataclass
class Program:
    """An exported program while its graph is made."""

    module: Mapping[str, Any]
    """The file's `graph_module`."""
    arrays: Mapping[str, StoredArray]
    """The parameters and buffers by their names in the model."""
    graph: Graph = field(default_factory=Graph)
    values: dict[str, Any] = field(default_factory=dict)
    """Arrays and tensors by their names in the graph."""
    shapes: dict[Tensor, Shape] = field(default_factory=dict)
    attended: dict[str, Tensor] = field(default_factory=dict)
    """What each module of attention has last returned."""

    def drawn(self) -> Graph:
        """Returns the modules and the calls that connect them."""
        self.add_modules()
        self.bind_inputs()
        for node in self.nodes():
            self.add_node(node)
        outputs = items(inner(self.module, "graph", "outputs"))
        found = [self.graph.current(self.values.get(name)) for output in outputs for name in names_in(output)]
        self.graph.outputs = tuple(value for value in found if isinstance(value, Tensor))
        return self.graph

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """Yields the operators in their order."""
        return (entries(node) for node in items(inner(self.module, "graph", "nodes")))

    def inputs(self) -> Sequence[Any]:
        """Returns what the file says of each placeholder."""
        return items(inner(self.module, "signature", "input_specs"))

    def add_modules(self) -> None:
        """Adds all modules, in the order in which the file lists them, those with arrays last if it does not."""
        classes = {path: name for node in self.nodes() for path, name in stack_of(node)}
        listed = [inner(entry, "fqn") for entry in items(self.module.get("module_call_graph"))]
        owners = [name.rpartition(".")[0] for name in self.arrays]
        paths = dict.fromkeys(["", *(path for path in listed if isinstance(path, str)), *classes, *owners])
        own: dict[str, dict[str, str]] = {}
        for name in self.arrays:
            own.setdefault(name.rpartition(".")[0], {})[name.rpartition(".")[2]] = name
        found = [inner(spec, "buffer", "buffer_name") for spec in self.inputs()]
        buffers = self.graph.buffers = {name for name in found if isinstance(name, str)}
        outer = {path.rpartition(".")[0] for path in paths if path}
        for path in paths:
            package, _, class_name = classes.get(path, "").rpartition(".")
            if class_name == "" and inside_of(path, classes):
                class_name, package = INSIDE
            keys = own.get(path, {})
            kinds = {
                kind: [key for key, name in keys.items() if (name in buffers) is (kind == "buffers")] for kind in KINDS
            }
            config: dict[str, Any] = dict(kinds) if class_name else {}
            self.graph.add(path, Part(class_name, package, config, keys, path in outer))

    def bind_inputs(self) -> None:
        """Gives the placeholders what they stand for."""
        inputs: list[Tensor] = []
        for spec in self.inputs():
            for kind, given in entries(spec).items():
                argument = inner(given, "arg")
                target = inner(given, "parameter_name") or inner(given, "buffer_name")
                for name in [inner(argument, "name"), *names_in(argument)]:
                    if kind == "user_input" and isinstance(name, str):
                        inputs.append(Tensor(ENTRY, 0, len(inputs)))
                        self.give(name, inputs[-1])
                    elif isinstance(name, str) and isinstance(target, str) and target in self.arrays:
                        self.give(name, Held(target, self.arrays[target].shape))
        self.graph.inputs = tuple(inputs)

    def add_node(self, node: Mapping[str, Any]) -> None:
        """Adds one operator, and gives its outputs their names."""
        outputs = [name for output in items(node.get("outputs")) for name in names_in(output)]
        result = self.computed(node, outputs)
        for place, name in enumerate(outputs):
            if isinstance(result, Tensor) and result.layer in self.graph.parts:
                self.give(name, Tensor(result.layer, result.call, result.index + place))
            else:
                self.give(name, result if place == 0 and result else Tensor(UNKNOWN, 0, len(self.values)))

    def computed(self, node: Mapping[str, Any], outputs: Sequence[str]) -> Any:
        """Returns what an operator's first output is; None where it is nothing that a module computes."""
        target = node.get("target")
        name = target.removeprefix(ATEN).partition(".")[0] if isinstance(target, str) else ""
        given = [entries(item) for item in items(node.get("inputs"))]
        arguments = {str(item.get("name")): self.argument(item.get("arg")) for item in given}
        values = list(arguments.values())
        if name in PASSING and values and isinstance(values[0], (Tensor, Held)):
            return values[0]
        array = turned(name, values) or spread(name, values)
        if array is not None:
            return array
        if name == "zeros":
            return Tensor(ZEROS, 0, len(self.values))
        tensors = [name for item in given for name in names_in(item.get("arg"))]
        found = self.flattening(tensors, outputs) if name in VIEWS else meaning(name, (), arguments)
        if found and is_whole(found):
            return found.inputs[0]
        owner = next((path for path, _ in reversed(list(stack_of(node))) if path in self.graph.parts), "")
        if self.graph.parts[owner].class_name == ATTENTION:
            returned = next((value for value in values if value == self.attended.get(owner)), None)
            if returned is not None:  # what follows lays its results out as the module returns them
                return returned
            self.attend(self.graph.parts[owner], name, values)
            self.enter(owner, name, values)
        shapes = [self.shapes.get(value) for value in found.inputs] if found else ()
        result = self.graph.operator(owner, name or "of another kind", found, shapes)
        if result is not None and self.graph.parts[owner].class_name == ATTENTION:
            self.attended[owner] = result
        if name.endswith("_") and values:
            self.graph.write(values[0], result)
        return result

    def attend(self, part: Part, name: str, values: Sequence[Any]) -> None:
        """Gives a module of attention the settings that its operators tell."""
        part.config.setdefault("batch_first", name == "transpose")  # it begins by exchanging examples and positions
        if name in ("zeros", "full"):
            part.config.setdefault("add_zero_attn", True)
        place = {"bmm": 0, "baddbmm": 1}.get(name, 0 if name.startswith("scaled_dot_product") else None)
        query = self.shapes.get(values[place]) if place is not None and isinstance(values[place], Tensor) else None
        size = self.arrays.get(part.arrays.get("in_proj_weight", part.arrays.get("q_proj_weight", "")))
        if "num_heads" in part.config or not query or not query[-1] or size is None:
            return
        part.config = {"add_zero_attn": False, **part.config, "num_heads": size.shape[-1] // query[-1]}

    def enter(self, owner: str, name: str, values: Sequence[Any]) -> None:
        """Notes what a module of attention reads: query, key and value enter it in turn, alike ones once."""
        outside = [value for value in values if isinstance(value, Tensor) and value.layer not in (UNKNOWN, ZEROS)]
        others = [value for value in values if isinstance(value, Held) and not value.path.startswith(f"{owner}.")]
        masked = name.startswith("scaled_dot_product") and any(value not in (None, 0) for value in values[3:])
        entering = self.graph.entering.setdefault(owner, [])
        if name in ENTRANCES and not others:
            entering += outside
        elif outside or others or masked or name == "baddbmm":
            entering += [Tensor(UNKNOWN)] * (ATTENDED + 1)  # a mask, which no layer computes with

    def give(self, name: str, value: Any) -> None:
        """Gives a name a value, whose shape is that of the name."""
        self.values[name] = value
        sizes = self.sizes(name)
        if isinstance(value, Tensor) and sizes is not None:
            shape = tuple(size if isinstance(size, int) else None for size in sizes)
            self.shapes[value] = shape

    def sizes(self, name: str) -> Sizes | None:
        """Returns the shape of a tensor by its name; None where the file does not have it."""
        found = inner(self.module, "graph", "tensor_values", name, "sizes")
        sizes = [size_of(size) for size in items(found)]
        known = tuple(size for size in sizes if size is not None)
        return known if isinstance(found, list) and len(known) == len(sizes) else None

    def argument(self, value: Any) -> Any:
        """Returns an argument: a constant, an array, a tensor, or a list of these."""
        kind, content = next(iter(entries(value).items()), ("", None))
        if kind in CONSTANT or kind == "as_none":
            return content if kind != "as_none" else None
        if kind == "as_tensor":
            return self.named(content)
        if kind == "as_sym_ints":
            sizes = [inner(item, "as_int") for item in items(content)]
            return [Tensor(UNKNOWN) if size is None else size for size in sizes]
        if kind in ("as_tensors", "as_optional_tensors"):
            return [self.named(item if kind == "as_tensors" else inner(item, "as_tensor")) for item in items(content)]
        return Tensor(UNKNOWN, 0, 0)

    def named(self, content: Any) -> Any:
        """Returns the array or the tensor of a name."""
        name = inner(content, "name")
        return self.graph.current(self.values.get(name, Tensor(UNKNOWN, 0, 0))) if isinstance(name, str) else None

    def flattening(self, tensors: Sequence[str], outputs: Sequence[str]) -> Meaning | None:
        """Returns a Flatten for a view that keeps the first axes and lays all others in one, a reshape for others."""
        before, after = (self.sizes(names[0]) if names else None for names in (tensors, outputs))
        if before is None or after is None:
            return None
        value, kept = self.values.get(tensors[0]), len(after) - 1
        merged = [size for size in before[kept:] if isinstance(size, int)]
        whole = len(merged) == len(before) - kept and prod(merged) == after[kept]
        if 0 < kept < len(before) - 1 and before[:kept] == after[:kept] and whole:
            return Meaning("Flatten", {"start_dim": kept, "end_dim": -1}, inputs=(value,))
        return regrouped(value, before, after)


def inside_of(path: str, classes: Mapping[str, str]) -> bool:
    """Returns whether a module is one that another computes with, without calling it."""
    outer, _, last = path.rpartition(".")
    class_name = classes.get(outer, "").rpartition(".")[2]
    return last == LAST_INSIDE.get(class_name)


def size_of(value: Any) -> int | str | None:
    """Returns a size of the file, or the symbol of one that is open; None for anything else."""
    found = inner(value, "as_int")
    if type(found) is int and 0 <= found < LARGEST:
        return found
    symbol = inner(value, "as_expr", "expr_str")
    return symbol if isinstance(symbol, str) and symbol else None


def names_in(value: Any) -> Iterator[str]:
    """Yields the names of the tensors in an argument or an output."""
    for kind, content in entries(value).items():
        many = items(content) if kind in ("as_tensors", "as_optional_tensors") else (content,)
        for item in many if kind in ("as_tensor", "as_tensors") else (inner(one, "as_tensor") for one in many):
            name = inner(item, "name")
            if isinstance(name, str):
                yield name


def stack_of(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the paths and the classes of the modules in which an operator was called, the outermost first."""
    text = inner(node, "metadata", "nn_module_stack")
    for entry in text.split(";") if isinstance(text, str) else ():
        parts = entry.split(",", 2)
        if len(parts) == 3 and "." in parts[2]:  # PyTorch's own passes leave entries that are no modules
            yield parts[1], parts[2]
