"""What PyTorch's operators say of the arrays that they are given: `conv2d(input, weight, …)` is a Conv2d's forward.

A graph of operators (TorchScript code, an exported program) has the settings of modules as arguments. Here an operator
and its arguments become the class and the attributes of the module that computes the same.

Signatures: https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/native_functions.yaml
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from weightwise.stored import Tensor

RANKS = (1, 2, 3)


class Unknown:
    """A value of which nothing is known."""


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Held:
    """An array of the model as an argument of an operator."""

    path: str
    shape: tuple[int, ...]
    turned: bool = False
    """Whether its two axes are exchanged, as `t()` does."""


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


@dataclass(frozen=True)
class Operator:
    """The names of an operator's arguments, those with `=` not always given, and what it says of them."""

    signature: str
    meaning: Callable[[Arguments], Meaning]

    def arguments(self, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Returns all arguments by name; raises `NoModuleError` when they are those of another overload."""
        parts = [part.partition("=")[::2] for part in self.signature.split()]
        names = [name for name, _ in parts]
        found = {**dict(zip(names, given, strict=False)), **named}
        if len(given) > len(names) or not set(found) <= set(names):
            raise NoModuleError
        defaults = {name: ast.literal_eval(default) for name, default in parts if default}
        if not {*found, *defaults} >= set(names):
            raise NoModuleError
        return {name: found.get(name, defaults.get(name)) for name in names}


def meaning(name: str, given: Sequence[Any], named: Mapping[str, Any]) -> Meaning | None:
    """Returns the module that computes what `aten::name` does with these arguments; None where there is none."""
    operator = OPERATORS.get(name.removesuffix("_") if name.removesuffix("_") in IN_PLACE else name)
    if operator is None:
        return None
    try:
        found = operator.meaning(operator.arguments(given, named))
    except (NoModuleError, TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None  # the arguments of another overload, or of a damaged file
    return found if all(is_told(value) for value in found.config.values()) else None


def is_told(value: Any) -> bool:
    """Returns whether a setting is a constant of the graph, and not computed in it."""
    if isinstance(value, (list, tuple)):
        return all(is_told(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def held(arguments: Arguments, *names: str) -> dict[str, Held]:
    """Returns the arrays among the arguments that are not None; raises `NoModuleError` for one that is computed."""
    given = {name: arguments[name] for name in names if arguments[name] is not None}
    if not all(isinstance(value, Held) and not value.turned for value in given.values()):
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
    if not isinstance(weight, Held) or not weight.turned:
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
    """Returns an LSTM, a GRU or an RNN; its initial state is no input here, since it mostly is zeros."""
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
    return Meaning(class_name, {**sizes, **count, "bias": biases, **settings}, arrays, (arguments["input"],))


def cell(arguments: Arguments, class_name: str, gates: int, **settings: str) -> Meaning:
    """Returns an LSTMCell, a GRUCell or an RNNCell."""
    names = {f"{kind}_{side}": f"{kind[0]}_{side}" for kind in ("weight", "bias") for side in ("ih", "hh")}
    arrays = held({key: arguments[name] for key, name in names.items()}, *names)
    rows, size = arrays["weight_ih"].shape
    config = {"input_size": size, "hidden_size": rows // gates, "bias": "bias_ih" in arrays, **settings}
    return Meaning(class_name, config, arrays, (arguments["input"],))


def pad(arguments: Arguments) -> Meaning:
    """Returns a layer that pads the last axes."""
    edges, value = arguments["pad"], arguments["value"]
    names = {"constant": "ConstantPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad"}
    name = {**names, "circular": "CircularPad"}[arguments["mode"]]
    config = {"padding": edges, **({"value": value or 0} if name == "ConstantPad" else {})}
    return Meaning(f"{name}{len(edges) // 2}d", config, inputs=(arguments["self"],))


def pooling(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the poolings over `rank` axes."""
    window = "self kernel_size stride=[] padding=0"
    maximum = Operator(f"{window} dilation=1 ceil_mode=False", partial(pool, f"MaxPool{rank}d", rank))
    divisor = " divisor_override=None" * (rank > 1)
    yield f"max_pool{rank}d", maximum
    yield f"max_pool{rank}d_with_indices", maximum
    average = partial(pool, f"AvgPool{rank}d", rank)
    yield f"avg_pool{rank}d", Operator(f"{window} ceil_mode=False count_include_pad=True{divisor}", average)
    for kind in ("avg", "max"):
        settings = plain(f"Adaptive{kind.title()}Pool{rank}d", "output_size")
        yield f"adaptive_{kind}_pool{rank}d", Operator("self output_size", settings)
        yield f"_adaptive_{kind}_pool{rank}d", Operator("self output_size", settings)


def pool(class_name: str, rank: int, arguments: Arguments) -> Meaning:
    """Returns a pooling, whose strides are its size where they are not given."""
    config = {name: value for name, value in arguments.items() if name != "self"}
    config["stride"] = config["stride"] or None
    config = {name: value[0] if is_single(value) else value for name, value in config.items()}
    return Meaning(class_name, spread(config, rank), inputs=(arguments["self"],))


def padding(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the paddings of `rank` axes."""
    for name, class_name in (("reflection", "Reflection"), ("replication", "Replication")):
        yield f"{name}_pad{rank}d", Operator("self padding", plain(f"{class_name}Pad{rank}d", "padding"))


def convolutions(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the convolutions over `rank` axes."""
    start = "input weight bias=None stride=1 padding=0"
    forward = partial(convolution, transposed=False, rank=rank)
    backward = partial(convolution, transposed=True, rank=rank)
    yield f"conv{rank}d", Operator(f"{start} dilation=1 groups=1", forward)
    yield f"conv_transpose{rank}d", Operator(f"{start} output_padding=0 groups=1 dilation=1", backward)


def functions() -> Iterator[tuple[str, Operator]]:
    """Yields the operators with one input and no array."""
    for name, class_name in NAMED.items():
        yield name, Operator("self", plain(class_name))
    for name, (signature, class_name) in SETTINGS.items():
        settings = [part.partition("=")[0] for part in signature.split()[1:]]
        kept = [setting for setting in settings if setting not in LEFT_OUT]
        yield name, Operator(signature, plain(class_name, *kept))


NAMED: Mapping[str, str] = {
    "hardsigmoid": "Hardsigmoid",
    "hardswish": "Hardswish",
    "log_sigmoid": "LogSigmoid",
    "mish": "Mish",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "selu": "SELU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "tanh": "Tanh",
}
LEFT_OUT = ("dtype", "train", "half_to_float")
SETTINGS: Mapping[str, tuple[str, str]] = {
    "alpha_dropout": ("input p train", "AlphaDropout"),
    "celu": ("self alpha=1.0", "CELU"),
    "channel_shuffle": ("self groups", "ChannelShuffle"),
    "dropout": ("input p train", "Dropout"),
    "feature_alpha_dropout": ("input p train", "FeatureAlphaDropout"),
    "flatten": ("self start_dim=0 end_dim=-1", "Flatten"),
    "gelu": ("self approximate='none'", "GELU"),
    "glu": ("self dim=-1", "GLU"),
    "hardshrink": ("self lambd=0.5", "Hardshrink"),
    "hardtanh": ("self min_val=-1.0 max_val=1.0", "Hardtanh"),
    "leaky_relu": ("self negative_slope=0.01", "LeakyReLU"),
    "log_softmax": ("self dim dtype=None", "LogSoftmax"),
    "_log_softmax": ("self dim half_to_float", "LogSoftmax"),
    "pixel_shuffle": ("self upscale_factor", "PixelShuffle"),
    "pixel_unshuffle": ("self downscale_factor", "PixelUnshuffle"),
    "softmax": ("self dim dtype=None", "Softmax"),
    "_softmax": ("self dim half_to_float", "Softmax"),
    "softplus": ("self beta=1 threshold=20", "Softplus"),
    "softshrink": ("self lambd=0.5", "Softshrink"),
    "threshold": ("self threshold value", "Threshold"),
}
IN_PLACE = frozenset((*NAMED, "celu", "dropout", "hardtanh", "leaky_relu", "threshold"))
"""Operators whose names with a `_` at the end compute the same, in their input's place."""

NORM = "input weight bias running_mean running_var"
CELL = "input hx w_ih w_hh b_ih=None b_hh=None"
STACK = "input hx params has_biases num_layers dropout train bidirectional batch_first"
LAST = "stride padding dilation transposed output_padding groups"


def named(entries: Iterable[Iterable[tuple[str, Operator]]]) -> dict[str, Operator]:
    """Returns operators by name."""
    return {name: operator for part in entries for name, operator in part}


OPERATORS: Mapping[str, Operator] = {
    **named([functions(), *(kind(rank) for kind in (convolutions, pooling, padding) for rank in RANKS)]),
    "convolution": Operator(f"input weight bias {LAST}", convolution),
    "_convolution": Operator(
        f"input weight bias {LAST} benchmark deterministic cudnn_enabled allow_tf32=True", convolution
    ),
    "linear": Operator("input weight bias=None", linear),
    "addmm": Operator("self mat1 mat2 beta=1 alpha=1", partial(product, data="mat1", kernel="mat2", bias="self")),
    "mm": Operator("self mat2", partial(product, data="self", kernel="mat2")),
    "matmul": Operator("self other", partial(product, data="self", kernel="other")),
    "bilinear": Operator("input1 input2 weight bias=None", bilinear),
    "batch_norm": Operator(f"{NORM} training momentum eps cudnn_enabled", batch_norm),
    "_native_batch_norm_legit_no_training": Operator(f"{NORM} momentum eps", batch_norm),
    "instance_norm": Operator(f"{NORM} use_input_stats momentum eps cudnn_enabled", instance_norm),
    "group_norm": Operator("input num_groups weight=None bias=None eps=1e-05 cudnn_enabled=True", group_norm),
    "layer_norm": Operator(
        "input normalized_shape weight=None bias=None eps=1e-05 cudnn_enable=True",
        partial(shaped_norm, class_name="LayerNorm"),
    ),
    "native_layer_norm": Operator(
        "input normalized_shape weight bias eps", partial(shaped_norm, class_name="LayerNorm")
    ),
    "rms_norm": Operator("input normalized_shape weight=None eps=None", partial(shaped_norm, class_name="RMSNorm")),
    "embedding": Operator("weight indices padding_idx=-1 scale_grad_by_freq=False sparse=False", embedding),
    "prelu": Operator("self weight", prelu),
    "lstm": Operator(STACK, partial(recurrent, class_name="LSTM")),
    "gru": Operator(STACK, partial(recurrent, class_name="GRU")),
    "rnn_tanh": Operator(STACK, partial(recurrent, class_name="RNN", mode="RNN_TANH", nonlinearity="tanh")),
    "rnn_relu": Operator(STACK, partial(recurrent, class_name="RNN", mode="RNN_RELU", nonlinearity="relu")),
    "lstm_cell": Operator(CELL, partial(cell, class_name="LSTMCell", gates=4)),
    "gru_cell": Operator(CELL, partial(cell, class_name="GRUCell", gates=3)),
    "rnn_tanh_cell": Operator(CELL, partial(cell, class_name="RNNCell", gates=1, nonlinearity="tanh")),
    "rnn_relu_cell": Operator(CELL, partial(cell, class_name="RNNCell", gates=1, nonlinearity="relu")),
    "pad": Operator("self pad mode='constant' value=None", pad),
    "constant_pad_nd": Operator("self pad value=0", lambda arguments: pad({**arguments, "mode": "constant"})),
}
PASSING = frozenset({"alias", "clone", "contiguous", "detach", "lift_fresh", "lift_fresh_copy", "to", "_to_copy"})
"""Operators that return the values that they are given."""


def turned(name: str, given: Sequence[Any]) -> Held | None:
    """Returns an array with its two axes exchanged, where that is what an operator does."""
    array, axes = (*given[:1], None)[0], given[1:]
    if not isinstance(array, Held) or len(array.shape) != 2:
        return None
    exchanges = {"t": ((),), "numpy_T": ((),), "permute": (([1, 0],), ((1, 0),)), "transpose": ((0, 1), (1, 0))}
    if tuple(axes) not in exchanges.get(name, ()):
        return None
    return Held(array.path, array.shape, not array.turned)


__all__ = ["PASSING", "UNKNOWN", "Held", "Meaning", "Tensor", "meaning", "turned"]
