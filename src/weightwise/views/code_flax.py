"""A Flax model as Python: one module of linen whose layers have the names of its arrays, and the lines that load them.

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Conv(features=32, kernel_size=(3, 3), padding="VALID", name="conv2d")(x)
            x = nn.relu(x)

The code is written from classes and settings that the table of conventions knows; a name that a file brings along
becomes an identifier or a quoted string, and nothing else of a file enters it. Lines are broken as `ruff format` does.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from weightwise.conventions.flax import RULES, qualified
from weightwise.conventions.flax.normalization import LEAST
from weightwise.conventions.flax.settings import FUNCTIONS
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming.signals import in_order
from weightwise.ops.operation import Shape
from weightwise.records import dataclass
from weightwise.stored import StoredLayer, Tensor
from weightwise.views.code_flax_functions import called, expression, literal, settings
from weightwise.views.code_variables import Variables, check_graph

WIDTH = 120
INDENT = " " * 8
TAKEN = frozenset(("nn", "jax", "jnp", "self", "msgpack_restore", *keyword.kwlist, *keyword.softkwlist))
STATES = {"linen.OptimizedLSTMCell": ("c", "h"), "linen.LSTMCell": ("c", "h")}
"""The parts of a cell's state in linen's order, which for an LSTM is not that of the operation."""
CELLS = frozenset(("linen.OptimizedLSTMCell", "linen.LSTMCell", "linen.GRUCell", "linen.SimpleCell"))


def code(model: Model, name: str = "Net", weights: str = "", dtype: str = "float32", observed: bool = False) -> str:
    """Return the Python code of a model of Flax, as a class called `name`, that computes in `dtype`.

    With a file of `weights`, a function that loads it follows the class.

    Where it is `observed`, it calls `observe(layer, call, index, output)` for each output that a layer returns. Raises
    `UnsupportedError` where the model has no graph, or a layer that is neither of linen nor a function that is known.
    """
    check_graph(model)
    root = model.stored.root
    name = identifier(name, "Net")
    writer = _Writer(root, dtype=dtype, observed=observed)
    body = list(writer.lines())
    head = (f"class {name}(nn.Module):", *_told(model), *writer.head())
    return "\n".join((*_imports(body, weights), "", "", *head, *body, *_loading(name, weights, writer.inputs)))


def _told(model: Model) -> Iterator[str]:
    """Yield the docstring of the class, which tells the shapes where they are known."""
    stored = model.root.stored
    given = [_entering(model, tensor) for tensor in stored.inputs]
    returned = [_leaving(model, tensor) for tensor in stored.outputs]
    shapes = [shape for shape in (*given, *returned) if shape is not None]
    if given and len(shapes) == len(given) + len(returned):
        texts = [_shown(shape) for shape in shapes]
        yield f'    """Takes {", ".join(texts[: len(given)])} and returns {", ".join(texts[len(given) :])}."""'
        yield ""


def _entering(model: Model, tensor: Tensor) -> Shape | None:
    """Return the shape of an input of the model, which its first reader knows."""
    for layer in model.layers:
        for read, shape in zip(layer.calls[0].inputs if layer.calls else (), layer.inputs, strict=False):
            if read == tensor:
                return shape
    return None


def _leaving(model: Model, tensor: Tensor) -> Shape | None:
    layer = next((layer for layer in model.layers if layer.name == tensor.layer), None)
    outputs = layer.call_outputs[tensor.call] if layer and tensor.call < len(layer.call_outputs) else ()
    return outputs[tensor.index] if tensor.index < len(outputs) else None


def _shown(shape: Shape) -> str:
    sizes = ("batch", *("n" if size is None else str(size) for size in shape[1:]))
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def identifier(text: str, otherwise: str) -> str:
    """Return a text as a name of Python that no other thing in the code has.

    >>> identifier("block/conv 1", "x"), identifier("lambda", "x"), identifier("", "x")
    ('block_conv_1', 'lambda_', 'x')
    """
    found = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_")
    found = f"_{found}" if found[:1].isdigit() else found
    return (f"{found}_" if found in TAKEN else found) or otherwise


def class_of(layer: StoredLayer) -> str:
    """Return a layer's class as the table calls it: `linen.Dense`, `relu`."""
    return qualified(f"{layer.package}.{layer.class_name}" if layer.package else layer.class_name)


def _imports(body: Sequence[str], weights: str) -> Iterator[str]:
    text = "\n".join(body)
    yield "import flax.linen as nn"
    if "jax." in text:
        yield "import jax"
    if "jnp." in text:
        yield "import jax.numpy as jnp"
    if weights.endswith(".safetensors"):
        yield "from flax.traverse_util import unflatten_dict"
        yield "from safetensors.numpy import load_file"
    elif weights:
        yield "from flax.serialization import msgpack_restore"


def _loading(name: str, weights: str, inputs: Sequence[str]) -> Iterator[str]:
    """Yield the function that loads the weights and says how they are used, where there is a file of them."""
    if not weights:
        yield ""
        return
    read: tuple[str, ...]
    if weights.endswith(".safetensors"):
        read = ('    return unflatten_dict(load_file(path), sep=".")',)
    else:
        read = ('    with open(path, "rb") as file:', "        return msgpack_restore(file.read())")
    call = f"{name}().apply(load(), {', '.join(inputs)})"
    yield from ("", "", f"def load(path={json.dumps(weights)}):")
    yield from (f'    """Return the variables in a file; `{call}` are the outputs."""', *read, "")


@dataclass
class _Writer(Variables):
    """The lines of `__call__`, one or two for each call of a layer."""

    dtype: str = "float32"
    observed: bool = False
    made: dict[str, str] = field(default_factory=dict)
    """The variable that holds a layer which is called several times."""

    def reserved(self) -> Collection[str]:
        """Return the variables that hold layers."""
        return self.made.values()

    def head(self) -> Iterator[str]:
        yield "    @nn.compact"
        yield f"    def __call__({', '.join(['self', *self.inputs])}):"

    def lines(self) -> Iterator[str]:
        """Yield the lines of the body."""
        for layer, number in in_order(self.root.layers):
            if Tensor(layer.name, number) not in self.names:
                yield from self.call(layer, number)
                yield from self.observations(layer, number) if self.observed else ()
        missing = next((tensor for tensor in self.root.outputs if tensor not in self.names), None)
        if missing is not None:
            raise UnsupportedError(f"{missing.layer}: no layer of the model returns what the model does")
        yield f"{INDENT}return {', '.join(self.names[tensor] for tensor in self.root.outputs)}"

    def call(self, layer: StoredLayer, number: int) -> Iterator[str]:
        read = [self.names[tensor] for tensor in layer.calls[number].inputs]
        if class_of(layer) not in RULES or class_of(layer).startswith("nnx.") or not read:
            raise UnsupportedError(f"{layer.name}: weightwise cannot write a {class_of(layer) or 'layer'} of Flax")
        outputs = self.outputs(layer, number)
        try:
            if class_of(layer) == "identity":
                self.pass_on(outputs[0], read[0])
            elif class_of(layer).startswith("linen."):
                yield from self.module(layer, number, read, outputs)
            else:
                text = expression(class_of(layer), layer.config, read)
                self.release(read)
                yield from broken(f"{self.targets(outputs, read)} = ", text)
        except (KeyError, TypeError, ValueError) as error:
            raise UnsupportedError(f"{layer.name}: a {class_of(layer)} that cannot be written: {error}") from None

    def observations(self, layer: StoredLayer, number: int) -> Iterator[str]:
        for tensor, name in self.names.items():
            if (tensor.layer, tensor.call) == (layer.name, number):
                yield f"{INDENT}observe({literal(tensor.layer)}, {tensor.call}, {tensor.index}, {name})"

    def outputs(self, layer: StoredLayer, number: int) -> list[Tensor]:
        """Return the outputs of a call that are read, and the first one."""
        found = [tensor for tensor in self.readers if (tensor.layer, tensor.call) == (layer.name, number)]
        lengths = len(layer.config["lengths"]) if class_of(layer) == "split" else 1
        last = max((tensor.index for tensor in found), default=0)
        return [Tensor(layer.name, number, index) for index in range(max(last + 1, lengths))]

    def targets(self, outputs: Sequence[Tensor], read: Sequence[str]) -> str:
        """Return the names of the outputs of a call, of which the first may take that of an input."""
        return ", ".join(self.target(tensor, () if place else read) for place, tensor in enumerate(outputs))

    def module(self, layer: StoredLayer, number: int, read: list[str], outputs: Sequence[Tensor]) -> Iterator[str]:
        """Yield the lines that make a module and call it, or that call one which is there."""
        carried = any(tensor.layer == layer.name and tensor.index for tensor in self.readers)
        config = {key: value for key, value in layer.config.items() if key != "return_carry" or carried}
        arguments = [*self.settings(config), f"name={literal(layer.name)}"]
        made = called(f"nn.{class_of(layer)[6:]}", *arguments)
        given = self.given(layer, read)
        self.release(read)
        holder = self.made.get(layer.name)
        if holder is None and len(layer.calls) > 1:
            holder = self.made[layer.name] = self.free(identifier(layer.name, "layer"))
            yield from broken(f"{holder} = ", made)
        targets = self.carried(layer, outputs, read) if carried else self.target(outputs[0], read)
        line = f"{INDENT}{targets} = {holder or made}({given})"
        if len(line) <= WIDTH or holder:
            yield line
            return
        holder = self.free(identifier(layer.name, "layer"))
        yield from broken(f"{holder} = ", made)
        yield f"{INDENT}{targets} = {holder}({given})"

    def given(self, layer: StoredLayer, read: Sequence[str]) -> str:
        """Return the arguments of a call of a module: its inputs, and the states that a sequence begins with."""
        if class_of(layer) == "linen.MultiHeadDotProductAttention":
            same = len(set(read)) == 1
            return read[0] if same else ", ".join(read)
        if class_of(layer) in CELLS:
            return f"{self.states(class_of(layer), read[1:])}, {read[0]}"
        if len(read) == 1:
            return read[0]
        if class_of(layer) == "linen.RNN":
            return f"{read[0]}, initial_carry={self.states(layer.config['cell']['class_name'], read[1:])}"
        if class_of(layer) == "linen.Bidirectional":
            half = len(read) // 2
            states = (
                self.states(cell, part)
                for cell, part in zip(_cells(layer), (read[1 : half + 1], read[half + 1 :]), strict=True)
            )
            return f"{read[0]}, initial_carry=({', '.join(states)})"
        raise ValueError(f"it reads {len(read)} inputs")

    def states(self, cell: str, names: Sequence[str]) -> str:
        """Return the states of a cell in linen's order, for the operation's."""
        return f"({names[1]}, {names[0]})" if cell in STATES else names[0]

    def carried(self, layer: StoredLayer, outputs: Sequence[Tensor], read: Sequence[str]) -> str:
        """Return what a module with its states returns: these before the output, an LSTM's as c and h."""
        output = self.target(outputs[0], read)
        cells = _cells(layer)
        size = 2 if cells[0] in STATES else 1
        wanted = [Tensor(outputs[0].layer, outputs[0].call, index) for index in range(1, 1 + size * len(cells))]
        names = [self.target(tensor, names="hc"[place % size]) for place, tensor in enumerate(wanted)]
        parts = [self.states(cell, names[size * place : size * place + size]) for place, cell in enumerate(cells)]
        return f"{parts[0] if len(parts) == 1 else '(' + ', '.join(parts) + ')'}, {output}"

    def settings(self, config: Mapping[str, Any]) -> Iterator[str]:
        """Yield the settings of a module; functions by their names, modules inside with their settings."""
        for key, value in config.items():
            if isinstance(value, Mapping):
                yield f"{key}={self.inside(value)}"
            elif key in ("activation_fn", "gate_fn"):
                if value not in FUNCTIONS:
                    raise ValueError(f"{value!r} is no function of JAX")
                yield f"{key}={'nn' if value not in OUTSIDE else 'jax.nn'}.{value}"
            elif key == "kernel_init" and value == "ones":
                yield "kernel_init=nn.initializers.ones"
            elif key == "epsilon" and value == LEAST:
                yield f"epsilon=jnp.finfo(jnp.{self.dtype}).eps"
            else:
                yield from settings({key: value})

    def inside(self, module: Mapping[str, Any]) -> str:
        """Return a module that another one gets; it is that one's own where it has no parent yet."""
        class_name = module["class_name"]
        if class_name not in RULES or not class_name.startswith("linen."):
            raise ValueError(f"{class_name!r} is no module of linen")
        wide = ["param_dtype=jnp.float64"] if self.dtype == "float64" and class_name in CELLS else []
        return called(f"nn.{class_name[6:]}", *self.settings(module["config"]), *wide, "parent=None")


OUTSIDE = frozenset(("identity", "mish", "squareplus"))
"""Functions of `jax.nn` that linen does not hand on."""


def _cells(layer: StoredLayer) -> list[str]:
    """Return the classes of the cells whose states a module returns."""
    if class_of(layer) in CELLS:
        return [class_of(layer)]
    if class_of(layer) == "linen.RNN":
        return [layer.config["cell"]["class_name"]]
    return [layer.config[f"{side}_rnn"]["config"]["cell"]["class_name"] for side in ("forward", "backward")]


def broken(start: str, text: str) -> Iterator[str]:
    """Yield a statement; where one line is too long, each argument of its call, or each operand, has a line."""
    if len(INDENT + start + text) <= WIDTH:
        yield f"{INDENT}{start}{text}"
    elif text.endswith(")") and re.match(r"[\w.]+\(", text):
        yield from exploded(INDENT, start + text, "")
    else:
        yield f"{INDENT}{start}("
        operands = re.split(r" (?=[-+*/@] )", text)
        whole = len(INDENT) + 4 + len(text) <= WIDTH
        yield from (f"{INDENT}    {operand}" for operand in ([text] if whole else operands))
        yield f"{INDENT})"


def exploded(indent: str, text: str, end: str) -> Iterator[str]:
    """Yield a call, a list or a tuple with a line for each thing in it, and these broken again where they must be."""
    opening = re.search(r"[([]", text)
    if len(indent + text + end) <= WIDTH or opening is None or text[-1] not in ")]":
        yield f"{indent}{text}{end}"
        return
    yield f"{indent}{text[: opening.end()]}"
    for item in items(text[opening.end() : -1]):
        yield from exploded(f"{indent}    ", item, ",")
    yield f"{indent}{text[-1]}{end}"


def items(text: str) -> Iterator[str]:
    """Yield what stands between the outermost commas of code.

    >>> list(items('[a, b], axis=-1, name="a, b"'))
    ['[a, b]', 'axis=-1', 'name="a, b"']
    """
    depth, begun = 0, 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[()\[\],]', text):
        depth += (found[0] in ("(", "[")) - (found[0] in (")", "]"))
        if found[0] == "," and depth == 0:
            yield text[begun : found.start()].strip()
            begun = found.end()
    if rest := text[begun:].strip():
        yield rest
