"""What PyTorch's operators say of the arrays that they are given: `conv2d(input, weight, …)` is a Conv2d's forward.

A graph of operators (TorchScript code, an exported program) has the settings of modules as arguments. Here an operator
and its arguments become the class and the attributes of the module that computes the same.

Signatures: https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/native_functions.yaml
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from weightwise.formats.pytorch import meanings
from weightwise.formats.pytorch.functions import SIGNATURES, interpolated
from weightwise.formats.pytorch.meanings import RANKS, Arguments, Held, Meaning, NoModuleError, plain
from weightwise.records import dataclass
from weightwise.stored import SizeOf


@dataclass(frozen=True)
class Operator:
    """The names of an operator's arguments, those with `=` not always given, and what it says of them."""

    signature: str
    meaning: Callable[[Arguments], Meaning]

    def arguments(self, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Returns all arguments by name; raises `NoModuleError` when they are those of another overload."""
        parts = [part.partition("=")[::2] for part in self.signature.split()]
        names = [name for name, _ in parts]
        if "self" in named and names[0] == "input":  # `dropout_` calls so what `dropout` calls input
            named = {names[0] if name == "self" else name: value for name, value in named.items()}
        found = {**dict(zip(names, given, strict=False)), **named}
        if len(given) > len(names) or not set(found) <= set(names):
            raise NoModuleError
        defaults = {name: ast.literal_eval(default) for name, default in parts if default}
        if not {*found, *defaults} >= set(names):
            raise NoModuleError
        return {name: found.get(name, defaults.get(name)) for name in names}


def meaning(name: str, given: Sequence[Any], named: Mapping[str, Any]) -> Meaning | None:
    """Returns the module that computes what `aten::name` does with these arguments; None where there is none."""
    plain_name = in_place(name) or name
    operators = (OPERATORS.get(plain_name), FUNCTIONS.get(ALIASES.get(plain_name, plain_name)))
    told = (said(operator, given, named) for operator in operators if operator)
    return next((found for found in told if found is not None), None)


def resizing(module: str, name: str, given: Sequence[Any], named: Mapping[str, Any]) -> Meaning | None:
    """Returns what PyTorch's own function `interpolate` does, whose code depends on how many axes its input has."""
    if name != "interpolate" or not module.startswith("torch.nn.functional"):
        return None
    return said(INTERPOLATE, given, named)


def in_place(name: str) -> str:
    """Returns the operator that computes the same as one that writes into its input; empty for any other."""
    return name.removesuffix("_") if name.endswith("_") and name.removesuffix("_") in IN_PLACE else ""


def said(operator: Operator, given: Sequence[Any], named: Mapping[str, Any]) -> Meaning | None:
    """Returns what an operator says of its arguments; None where they are none of its own."""
    try:
        found = operator.meaning(operator.arguments(given, named))
    except (NoModuleError, TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None  # the arguments of another overload, or of a damaged file
    return found if all(is_told(value) for value in found.config.values()) else None


def is_told(value: Any) -> bool:
    """Returns whether a setting is a constant of the graph, and not computed in it."""
    if isinstance(value, (list, tuple)):
        return all(is_told(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, SizeOf))


def pooling(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the poolings over `rank` axes."""
    window = "self kernel_size stride=[] padding=0"
    maximum = Operator(f"{window} dilation=1 ceil_mode=False", partial(meanings.pool, f"MaxPool{rank}d", rank))
    divisor = " divisor_override=None" * (rank > 1)
    yield f"max_pool{rank}d", maximum
    yield f"max_pool{rank}d_with_indices", maximum
    average = partial(meanings.pool, f"AvgPool{rank}d", rank)
    yield f"avg_pool{rank}d", Operator(f"{window} ceil_mode=False count_include_pad=True{divisor}", average)
    for kind in ("avg", "max"):
        settings = plain(f"Adaptive{kind.title()}Pool{rank}d", "output_size")
        yield f"adaptive_{kind}_pool{rank}d", Operator("self output_size", settings)
        if kind == "avg" and rank > 1:
            yield f"_adaptive_avg_pool{rank}d", Operator("self output_size", settings)


def padding(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the paddings of `rank` axes."""
    for name, class_name in (("reflection", "Reflection"), ("replication", "Replication")):
        yield f"{name}_pad{rank}d", Operator("self padding", plain(f"{class_name}Pad{rank}d", "padding"))


def convolutions(rank: int) -> Iterator[tuple[str, Operator]]:
    """Yields the convolutions over `rank` axes."""
    start = "input weight bias=None stride=1 padding=0"
    forward = partial(meanings.convolution, transposed=False, rank=rank)
    backward = partial(meanings.convolution, transposed=True, rank=rank)
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
ALIASES = {
    "absolute": "abs",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "divide": "div",
    "multiply": "mul",
    "negative": "neg",
    "subtract": "sub",
    "swapaxes": "transpose",
    "true_divide": "div",
}
"""Operators under another name."""
IN_PLACE = frozenset((*NAMED, *SIGNATURES, "celu", "dropout", "elu", "hardtanh", "leaky_relu", "threshold"))
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
    "convolution": Operator(f"input weight bias {LAST}", meanings.convolution),
    "_convolution": Operator(
        f"input weight bias {LAST} benchmark deterministic cudnn_enabled allow_tf32=True", meanings.convolution
    ),
    "_convolution_mode": Operator(
        "input weight bias stride padding dilation groups", partial(meanings.convolution, transposed=False)
    ),
    "elu": Operator("self alpha=1 scale=1 input_scale=1", meanings.elu),
    "linear": Operator("input weight bias=None", meanings.linear),
    "addmm": Operator(
        "self mat1 mat2 beta=1 alpha=1", partial(meanings.product, data="mat1", kernel="mat2", bias="self")
    ),
    "mm": Operator("self mat2", partial(meanings.product, data="self", kernel="mat2")),
    "matmul": Operator("self other", partial(meanings.product, data="self", kernel="other")),
    "bilinear": Operator("input1 input2 weight bias=None", meanings.bilinear),
    "batch_norm": Operator(f"{NORM} training momentum eps cudnn_enabled", meanings.batch_norm),
    "_native_batch_norm_legit_no_training": Operator(f"{NORM} momentum eps", meanings.batch_norm),
    "instance_norm": Operator(f"{NORM} use_input_stats momentum eps cudnn_enabled", meanings.instance_norm),
    "group_norm": Operator("input num_groups weight=None bias=None eps=1e-05 cudnn_enabled=True", meanings.group_norm),
    "layer_norm": Operator(
        "input normalized_shape weight=None bias=None eps=1e-05 cudnn_enable=True",
        partial(meanings.shaped_norm, class_name="LayerNorm"),
    ),
    "native_layer_norm": Operator(
        "input normalized_shape weight bias eps", partial(meanings.shaped_norm, class_name="LayerNorm")
    ),
    "rms_norm": Operator(
        "input normalized_shape weight=None eps=None", partial(meanings.shaped_norm, class_name="RMSNorm")
    ),
    "embedding": Operator("weight indices padding_idx=-1 scale_grad_by_freq=False sparse=False", meanings.embedding),
    "prelu": Operator("self weight", meanings.prelu),
    "lstm": Operator(STACK, partial(meanings.recurrent, class_name="LSTM")),
    "gru": Operator(STACK, partial(meanings.recurrent, class_name="GRU")),
    "rnn_tanh": Operator(STACK, partial(meanings.recurrent, class_name="RNN", mode="RNN_TANH", nonlinearity="tanh")),
    "rnn_relu": Operator(STACK, partial(meanings.recurrent, class_name="RNN", mode="RNN_RELU", nonlinearity="relu")),
    "lstm_cell": Operator(CELL, partial(meanings.cell, class_name="LSTMCell", gates=4)),
    "gru_cell": Operator(CELL, partial(meanings.cell, class_name="GRUCell", gates=3)),
    "rnn_tanh_cell": Operator(CELL, partial(meanings.cell, class_name="RNNCell", gates=1, nonlinearity="tanh")),
    "rnn_relu_cell": Operator(CELL, partial(meanings.cell, class_name="RNNCell", gates=1, nonlinearity="relu")),
    "pad": Operator("self pad mode='constant' value=None", meanings.pad),
    "constant_pad_nd": Operator("self pad value=0", lambda arguments: meanings.pad({**arguments, "mode": "constant"})),
}
INTERPOLATE = Operator(
    "input size=None scale_factor=None mode='nearest' align_corners=None recompute_scale_factor=None antialias=False",
    interpolated,
)
FUNCTIONS: Mapping[str, Operator] = {name: Operator(*entry) for name, entry in SIGNATURES.items()}
"""Operators that are no modules."""
PASSING = frozenset({"alias", "clone", "contiguous", "detach", "lift_fresh", "lift_fresh_copy", "to", "_to_copy"})
"""Operators that return the values that they are given."""


def turned(name: str, given: Sequence[Any]) -> Held | None:
    """Returns an array with its two axes exchanged, where that is what an operator does."""
    array, axes = (*given[:1], None)[0], given[1:]
    if not isinstance(array, Held) or len(array.shape) != 2 or array.spread:
        return None
    exchanges = {"t": ((),), "numpy_T": ((),), "permute": (([1, 0],), ((1, 0),)), "transpose": ((0, 1), (1, 0))}
    if tuple(axes) not in exchanges.get(name, ()):
        return None
    return Held(array.path, array.shape, not array.turned)
