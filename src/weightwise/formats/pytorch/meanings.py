"""The modules of PyTorch by what their operators are given: a convolution's weight has its shape, and the rest is said.

https://docs.pytorch.org/docs/stable/nn.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from weightwise.records import dataclass
from weightwise.stored import Tensor

RANKS = (1, 2, 3)
ZEROS = "(zeros)"
"""What stands for a layer in tensors of zeros."""


@dataclass(frozen=True)
class Held:
    """An array of the model as an argument of an operator."""

    path: str
    shape: tuple[int, ...]
    turned: bool = False
    """Whether its two axes are exchanged, as `t()` does."""
    spread: bool = False
    """Whether it is repeated along its first axis, of length one, for every example of a batch."""


@dataclass(frozen=True)
class Meaning:
    """The module that computes what an operator does."""

    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Held] = field(default_factory=dict)
    """The arrays by their names in such a module."""
    inputs: tuple[Any, ...] = ()


Arguments = Mapping[str, Any]


class NoModuleError(Exception):
    """No module of PyTorch computes this."""


def held(arguments: Arguments, *names: str) -> dict[str, Held]:
    """Returns the arrays among the arguments that are not None; raises `NoModuleError` for one that is computed."""
    given = {name: arguments[name] for name in names if arguments[name] is not None}
    if not all(isinstance(value, Held) and not value.turned and not value.spread for value in given.values()):
        raise NoModuleError
    return given


def plain(class_name: str, *settings: str) -> Callable[[Arguments], Meaning]:
    """Returns the meaning of an operator with one input, whose module calls its settings alike."""

    def said(arguments: Arguments) -> Meaning:
        config = {name: arguments[name] for name in settings}
        return Meaning(class_name, config, inputs=(next(iter(arguments.values())),))

    return said


def convolution(arguments: Arguments, transposed: bool | None = None, rank: int = 0) -> Meaning:
    """Returns a convolution."""
    arrays = held(arguments, "weight", "bias")
    shape, groups = arrays["weight"].shape, arguments["groups"]
    turned = arguments["transposed"] if transposed is None else transposed
    if len(shape) - 2 not in ((rank,) if rank else RANKS) or not isinstance(turned, bool):
        raise NoModuleError
    first, second = shape[:2]
    channels = (first, second * groups) if turned else (second * groups, first)
    config = {
        "in_channels": channels[0],
        "out_channels": channels[1],
        "kernel_size": shape[2:],
        **{name: arguments[name] for name in ("stride", "padding", "dilation", "groups")},
        "padding_mode": "zeros",
    }
    if turned:
        config["output_padding"] = arguments["output_padding"]
    name = "ConvTranspose" if turned else "Conv"
    config = {key: value[0] if is_single(value) else value for key, value in config.items()}
    return Meaning(f"{name}{len(shape) - 2}d", spread(config, len(shape) - 2), arrays, (arguments["input"],))


def is_single(value: Any) -> bool:
    """Returns whether a value is a list of one number, which stands for every axis."""
    return isinstance(value, (list, tuple)) and len(value) == 1


def spread(config: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Returns settings of a window with one number for each axis."""
    windows = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    return {
        name: (value,) * rank if name in windows and isinstance(value, int) else value for name, value in config.items()
    }


def linear(arguments: Arguments) -> Meaning:
    """Returns a Linear."""
    return dense(arguments["input"], held(arguments, "weight", "bias"))


def product(arguments: Arguments, data: str, kernel: str, bias: str = "") -> Meaning:
    """Returns a Linear whose kernel, exchanged, is multiplied by: what decomposed graphs have."""
    weight = arguments[kernel]
    if not isinstance(weight, Held) or not weight.turned or weight.spread:
        raise NoModuleError
    arrays = {"weight": Held(weight.path, weight.shape)}
    if any(arguments.get(factor, 1) != 1 for factor in ("alpha", "beta")):
        raise NoModuleError
    return dense(arguments[data], {**arrays, **(held({"bias": arguments[bias]}, "bias") if bias else {})})


def dense(data: Any, arrays: Mapping[str, Held]) -> Meaning:
    """Returns a Linear of these arrays."""
    out_features, in_features = arrays["weight"].shape
    return Meaning("Linear", {"in_features": in_features, "out_features": out_features}, arrays, (data,))


def bilinear(arguments: Arguments) -> Meaning:
    """Returns a Bilinear."""
    arrays = held(arguments, "weight", "bias")
    names = ("out_features", "in1_features", "in2_features")
    config = dict(zip(names, arrays["weight"].shape, strict=True))
    return Meaning("Bilinear", config, arrays, (arguments["input1"], arguments["input2"]))


def batch_norm(arguments: Arguments) -> Meaning:
    """Returns a BatchNorm, whose class does not tell how many axes its input has: nothing depends on it."""
    arrays = held(arguments, "weight", "bias", "running_mean", "running_var")
    return Meaning("BatchNorm2d", channels(arguments, arrays), arrays, (arguments["input"],))


def instance_norm(arguments: Arguments) -> Meaning:
    """Returns an InstanceNorm, of which the same is true."""
    arrays = held(arguments, "weight", "bias", "running_mean", "running_var")
    return Meaning("InstanceNorm2d", channels(arguments, arrays), arrays, (arguments["input"],))


def channels(arguments: Arguments, arrays: Mapping[str, Held]) -> dict[str, Any]:
    """Returns the settings of a normalization of channels."""
    count = next(iter(arrays.values())).shape[0]
    tracked = "running_mean" in arrays
    settings = {"eps": arguments["eps"], "momentum": arguments["momentum"]}
    return {"num_features": count, **settings, "affine": "weight" in arrays, "track_running_stats": tracked}


def group_norm(arguments: Arguments) -> Meaning:
    """Returns a GroupNorm."""
    arrays = held(arguments, "weight", "bias")
    config = {"num_groups": arguments["num_groups"], "num_channels": arrays["weight"].shape[0], "eps": arguments["eps"]}
    return Meaning("GroupNorm", config, arrays, (arguments["input"],))


def shaped_norm(arguments: Arguments, class_name: str) -> Meaning:
    """Returns a LayerNorm or an RMSNorm, which has no bias."""
    config = {name: arguments[name] for name in ("normalized_shape", "eps")}
    arrays = held(arguments, *(name for name in ("weight", "bias") if name in arguments))
    return Meaning(class_name, config, arrays, (arguments["input"],))


def embedding(arguments: Arguments) -> Meaning:
    """Returns an Embedding."""
    arrays = held(arguments, "weight")
    count, size = arrays["weight"].shape
    config = {"num_embeddings": count, "embedding_dim": size, "padding_idx": arguments["padding_idx"]}
    return Meaning("Embedding", {**config, "max_norm": None}, arrays, (arguments["indices"],))


def prelu(arguments: Arguments) -> Meaning:
    """Returns a PReLU."""
    arrays = held(arguments, "weight")
    return Meaning("PReLU", {"num_parameters": arrays["weight"].shape[0]}, arrays, (arguments["self"],))


def recurrent(arguments: Arguments, class_name: str, **settings: str) -> Meaning:
    """Returns an LSTM, a GRU or an RNN, which reads its first state too where that is not zeros."""
    params, biases = arguments["params"], arguments["has_biases"]
    count = {name: arguments[name] for name in ("num_layers", "bidirectional", "batch_first", "dropout")}
    directions = 2 if count["bidirectional"] else 1
    each = len(params) // (count["num_layers"] * directions)
    projected = each == (5 if biases else 3)
    kinds = ["weight_ih", "weight_hh", *["bias_ih", "bias_hh"] * biases, *["weight_hr"] * projected]
    keys = [
        f"{kind}_l{number}{suffix}"
        for number in range(count["num_layers"])
        for suffix in ("", "_reverse")[:directions]
        for kind in kinds
    ]
    arrays = held(dict(zip(keys, params, strict=True)), *keys)
    sizes = {
        "input_size": arrays["weight_ih_l0"].shape[1],
        "hidden_size": arrays["weight_ih_l0"].shape[0] // {"LSTM": 4, "GRU": 3}.get(class_name, 1),
        "proj_size": arrays["weight_hr_l0"].shape[0] if projected else 0,
    }
    inputs = (arguments["input"], *states(arguments["hx"]))
    return Meaning(class_name, {**sizes, **count, "bias": biases, **settings}, arrays, inputs)


def cell(arguments: Arguments, class_name: str, gates: int, **settings: str) -> Meaning:
    """Returns an LSTMCell, a GRUCell or an RNNCell."""
    names = {f"{kind}_{side}": f"{kind[0]}_{side}" for kind in ("weight", "bias") for side in ("ih", "hh")}
    arrays = held({key: arguments[name] for key, name in names.items()}, *names)
    rows, size = arrays["weight_ih"].shape
    config = {"input_size": size, "hidden_size": rows // gates, "bias": "bias_ih" in arrays, **settings}
    return Meaning(class_name, config, arrays, (arguments["input"], *states(arguments["hx"])))


def states(values: Any) -> list[Any]:
    """Returns the tensors of a first state; none where they are zeros, as they are when none is given."""
    given = values if isinstance(values, (list, tuple)) else [values]
    return [value for value in given if not (isinstance(value, Tensor) and value.layer == ZEROS)]


def elu(arguments: Arguments) -> Meaning:
    """Returns an ELU, unless it is scaled as a SELU is."""
    if arguments["scale"] != 1 or arguments["input_scale"] != 1:
        raise NoModuleError
    return Meaning("ELU", {"alpha": arguments["alpha"]}, inputs=(arguments["self"],))


def pad(arguments: Arguments) -> Meaning:
    """Returns a layer that pads the last axes."""
    edges, value = arguments["pad"], arguments["value"]
    names = {"constant": "ConstantPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad"}
    name = {**names, "circular": "CircularPad"}[arguments["mode"]]
    config = {"padding": edges, **({"value": value or 0} if name == "ConstantPad" else {})}
    return Meaning(f"{name}{len(edges) // 2}d", config, inputs=(arguments["self"],))


def around(found: Sequence[Meaning], convolution: Meaning) -> dict[str, Any]:
    """Returns how a convolution pads, where it does so with an operator of its own."""
    pads = [one for one in found if "Pad" in one.class_name]
    if not pads:
        return {}
    edges = pads[0].config["padding"]
    modes = {"Refl": "reflect", "Repl": "replicate", "Circ": "circular"}
    if len(pads) > 1 or edges[::2] != edges[1::2] or pads[0].class_name[:4] not in modes:
        return {"padding_mode": None}
    return {"padding": tuple(edges[::2][::-1]), "padding_mode": modes[pads[0].class_name[:4]]}


def pool(class_name: str, rank: int, arguments: Arguments) -> Meaning:
    """Returns a pooling, whose strides are its size where they are not given."""
    config = {name: value for name, value in arguments.items() if name != "self"}
    config["stride"] = config["stride"] or None
    config = {name: value[0] if is_single(value) else value for name, value in config.items()}
    return Meaning(class_name, spread(config, rank), inputs=(arguments["self"],))


def of_shapes(class_name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Returns the settings of a module that its class and the shapes of its arrays leave no doubt of."""
    if class_name in ("LSTMCell", "GRUCell"):
        kernels = [shapes.get(f"weight_{side}", ()) for side in ("ih", "hh")]
        if all(len(shape) == 2 for shape in kernels):
            return {"input_size": kernels[0][1], "hidden_size": kernels[1][1], "bias": "bias_ih" in shapes}
    weight = shapes.get("weight", ())
    if class_name in ("Linear", "NonDynamicallyQuantizableLinear") and len(weight) == 2:
        return {"in_features": weight[1], "out_features": weight[0]}
    if class_name == "MultiheadAttention":
        queries = shapes.get("in_proj_weight", shapes.get("q_proj_weight", ()))
        return {"embed_dim": queries[-1]} if queries else {}
    return {}
