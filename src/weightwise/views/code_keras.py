"""A Keras model as Python: a function that builds it layer by layer, and one that loads its weights.

    def network():
        inputs = x = keras.Input((28, 28, 1), name="input")
        x = layers.Conv2D(32, 3, activation="relu", name="conv2d_1")(x)

The code is written from classes and settings that the table of conventions knows; names of a file are quoted strings.
Functions of `keras.ops` are written by no public name of their class, so a model that has some is left to its own file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from weightwise.conventions.keras import RULES
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming.signals import in_order
from weightwise.ops.operation import Shape
from weightwise.stored import StoredLayer, Tensor
from weightwise.views.code_flax import exploded
from weightwise.views.code_flax_functions import called, literal
from weightwise.views.code_variables import Variables, check_graph

INDENT = " " * 4
WIDTH = 120
SIZES = ("cropping", "dilation_rate", "kernel_size", "output_padding", "padding", "pool_size", "size", "strides")
"""Settings of which one number stands for all axes."""
FIRST: Mapping[str, tuple[str, ...]] = {
    **{f"Conv{rank}D{kind}": ("filters", "kernel_size") for rank in (1, 2, 3) for kind in ("", "Transpose")},
    **{f"SeparableConv{rank}D": ("filters", "kernel_size") for rank in (1, 2)},
    **{f"DepthwiseConv{rank}D": ("kernel_size",) for rank in (1, 2)},
    **{f"{kind}Pooling{rank}D": ("pool_size",) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": ("padding",) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": ("cropping",) for rank in (1, 2, 3)},
    "Activation": ("activation",),
    "Bidirectional": ("layer",),
    "Dense": ("units",),
    "Dropout": ("rate",),
    "EinsumDense": ("equation", "output_shape"),
    "Embedding": ("input_dim", "output_dim"),
    "GRU": ("units",),
    "LSTM": ("units",),
    "MultiHeadAttention": ("num_heads", "key_dim"),
    "Permute": ("dims",),
    "RepeatVector": ("n",),
    "Rescaling": ("scale",),
    "Reshape": ("target_shape",),
    "SimpleRNN": ("units",),
    "TimeDistributed": ("layer",),
}
"""Arguments that people write without their names."""
DEFAULTS: Mapping[str, Any] = {
    "center": True,
    "data_format": "channels_last",
    "depth_multiplier": 1,
    "dilation_rate": 1,
    "go_backwards": False,
    "groups": 1,
    "keepdims": False,
    "mask_zero": False,
    "offset": 0.0,
    "padding": "valid",
    "reset_after": True,
    "return_sequences": False,
    "return_state": False,
    "scale": True,
    "strides": 1,
    "trainable": True,
    "use_bias": True,
}
"""Settings that are as every class of Keras has them where nothing is said."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "BatchNormalization": {"axis": -1, "momentum": 0.99, "epsilon": 0.001},
    "Bidirectional": {"merge_mode": "concat"},
    "Concatenate": {"axis": -1},
    "GRU": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "LSTM": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "LayerNormalization": {"axis": -1, "epsilon": 0.001},
    "SimpleRNN": {"activation": "tanh"},
    "Softmax": {"axis": -1},
}
"""Settings that are as one class has them; of all others an activation is `linear`."""


def code(model: Model, weights: str = "") -> str:
    """Return the Python code of a model of Keras, with a function that loads a file of weights where there is one.

    Raises `UnsupportedError` for a model without a graph, or with a layer of which no code can be written.
    """
    check_graph(model)
    told = '    """Return the network, with weights that nothing has trained."""'
    head = ("import keras", "from keras import layers", "", "", "def network():", told)
    return "\n".join((*head, *_body(model), *_loading(weights)))


def _loading(weights: str) -> Iterator[str]:
    if weights:
        yield from ("", "", f"def load(path={literal(weights)}):")
        yield '    """Return the network with the weights of a file."""'
        yield from ("    model = network()", "    model.load_weights(path)", "    return model")
    yield ""


def _body(model: Model) -> Iterator[str]:
    """Yield the lines that build the model, with the shape of each output that differs from that before."""
    root = model.root.stored
    shapes = {layer.stored.name: layer.outputs for layer in model.layers}
    variables = Variables(root)
    entering: list[str] = []
    held: dict[str, str] = {}
    before: Shape | None = None
    for layer, number in in_order(root.layers):
        if layer.class_name == "InputLayer":
            tensor = Tensor(layer.name, number)
            name = variables.names.get(tensor) or variables.target(tensor)
            entering.append("inputs" if len(root.inputs) == 1 else f"inputs_{len(entering) + 1}")
            yield from exploded(INDENT, f"{entering[-1]} = {name} = {_entry(layer)}", "")
            continue
        made, arguments = _made(layer), _read(layer, number, variables)
        if len(layer.calls) > 1:
            if layer.name not in held:
                held[layer.name] = f"shared_{len(held) + 1}"
                yield from exploded(INDENT, f"{held[layer.name]} = {made}", "")
            made = held[layer.name]
        targets = ", ".join(_targets(layer, number, variables))
        shape = next(iter(shapes.get(layer.name, ())), None)
        told = f"  # {_shown(shape)}" if shape is not None and shape != before and None not in shape[1:] else ""
        before = shape
        line = f"{INDENT}{targets} = {made}({arguments})"
        if len(line) > WIDTH:
            yield from exploded(INDENT, f"layer = {made}", "")
            line = f"{INDENT}{targets} = layer({arguments})"
        yield line + (told if len(line + told) <= WIDTH else "")
    outputs = [variables.names[tensor] for tensor in root.outputs]
    yield f"{INDENT}return keras.Model({_listed(entering)}, {_listed(outputs)})"


def _entry(layer: StoredLayer) -> str:
    shape = layer.config.get("batch_shape") or ()
    kind = {"dtype": layer.config["dtype"]} if isinstance(layer.config.get("dtype"), str) else {}
    settings = (f"{name}={literal(value)}" for name, value in kind.items())
    return called("keras.Input", literal(tuple(shape[1:])), *settings, f"name={literal(layer.name)}")


def _read(layer: StoredLayer, number: int, variables: Variables) -> str:
    """Return the arguments of a call, whose tensors are read by it."""
    call = layer.calls[number]
    passed = {name: value for name, value in call.arguments.items() if isinstance(value, Tensor)}
    plain = [tensor for tensor in call.inputs if tensor not in passed.values()]
    read = [variables.names[tensor] for tensor in plain]
    settings = {
        name: variables.names[value] if isinstance(value, Tensor) else literal(value)
        for name, value in call.arguments.items()
        if value is not None
    }
    variables.release([variables.names[tensor] for tensor in call.inputs])
    together = read if layer.class_name in APART else [_listed(read)]
    return ", ".join([*together, *(f"{name}={value}" for name, value in settings.items())])


APART = ("GroupQueryAttention", "MultiHeadAttention")
"""Layers whose inputs are arguments of their own, and not a list."""


def _targets(layer: StoredLayer, number: int, variables: Variables) -> Iterator[str]:
    """Yield the variables of all outputs that a call returns."""
    indices = [t.index for t in variables.readers if (t.layer, t.call) == (layer.name, number)]
    more = 0
    if layer.config.get("return_state"):
        more = 2 if layer.class_name == "LSTM" else 1
    for index in range(max([*indices, more]) + 1):
        tensor = Tensor(layer.name, number, index)
        read = () if index else [variables.names[read] for read in layer.calls[number].inputs]
        yield variables.target(tensor, read)


def _made(layer: StoredLayer) -> str:
    return _constructed(layer.class_name, layer.package, layer.config, layer.name)


def _constructed(class_name: str, package: str, config: Mapping[str, Any], name: str = "") -> str:
    """Return the code that makes a layer; raises `UnsupportedError` for one that has no public name."""
    if package or class_name not in RULES:
        raise UnsupportedError(f"{name}: weightwise cannot write the code of a {class_name} of Keras")
    if not all(key.isidentifier() and not iskeyword(key) for key in config):
        raise UnsupportedError(f"{name}: its settings have names that are none of Python's")
    known = {"activation": "linear", **DEFAULTS, **OWN.get(class_name, {})}
    config = {key: _short(value) if key in SIZES else value for key, value in config.items()}
    first = [_setting(config[key]) for key in FIRST.get(class_name, ()) if key in config]
    rest = [
        f"{key}={_setting(value)}"
        for key, value in config.items()
        if key not in (*FIRST.get(class_name, ()), "name", "dtype")
        and not (key in known and value == known[key] and type(value) is type(known[key]))
        and not (key == "strides" and "Pooling" in class_name and value == config.get("pool_size"))
        and value is not None
    ]
    return called(f"layers.{class_name}", *first, *rest, *([f"name={literal(name)}"] if name else []))


def _setting(value: Any) -> str:
    """Return a setting, which may be a layer inside."""
    if isinstance(value, Mapping) and "class_name" in value:
        return _constructed(str(value["class_name"]), "", value.get("config", {}))
    if isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        return f"[{', '.join(map(_setting, value))}]"
    try:
        return literal(value)
    except ValueError as error:
        raise UnsupportedError(f"a setting of a layer cannot be written as code: {error}") from None


def _short(value: Any) -> Any:
    """Return one number for a list of the same ones, as people write sizes; a tuple for any other list."""
    if isinstance(value, (list, tuple)):
        inner = tuple(map(_short, value))
        same = len(set(inner)) == 1 and isinstance(inner[0], int) and not isinstance(inner[0], bool)
        return inner[0] if same and len(inner) > 1 else inner
    return value


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _shown(shape: Shape) -> str:
    return f"({', '.join(['batch', *map(str, shape[1:])])})"
