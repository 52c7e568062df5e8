"""How a module of PyTorch is made: its arguments from its configuration, without those that are as by default.

https://docs.pytorch.org/docs/stable/nn.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from math import inf, isinf, isnan
from typing import Any

_CONV = "in_channels out_channels kernel_size stride=1 padding=0"
_BATCH = "num_features eps=1e-05 momentum=0.1"
_RECURRENT = "input_size hidden_size num_layers=1"
_RECURRENT_REST = "bias=True batch_first=False dropout=0.0 bidirectional=False"
_POOL = "kernel_size stride=None padding=0"


def _ranked() -> Iterator[tuple[str, str]]:
    for rank in (1, 2, 3):
        divisor = " divisor_override=None" if rank > 1 else ""
        yield f"Conv{rank}d", f"{_CONV} dilation=1 groups=1 bias=True padding_mode='zeros'"
        yield f"ConvTranspose{rank}d", f"{_CONV} output_padding=0 groups=1 bias=True dilation=1"
        yield f"MaxPool{rank}d", f"{_POOL} dilation=1 ceil_mode=False"
        yield f"AvgPool{rank}d", f"{_POOL} ceil_mode=False count_include_pad=True{divisor}"
        yield f"BatchNorm{rank}d", f"{_BATCH} affine=True track_running_stats=True"
        yield f"InstanceNorm{rank}d", f"{_BATCH} affine=False track_running_stats=False"
        yield f"Dropout{rank}d", "p=0.5"
        for kind in ("Avg", "Max"):
            yield f"Adaptive{kind}Pool{rank}d", "output_size"


SIGNATURES: Mapping[str, str] = {
    **dict(_ranked()),
    "AlphaDropout": "p=0.5",
    "Bilinear": "in1_features in2_features out_features bias=True",
    "ChannelShuffle": "groups",
    "Dropout": "p=0.5",
    "Embedding": "num_embeddings embedding_dim padding_idx=None",
    "EmbeddingBag": "num_embeddings embedding_dim mode='mean' include_last_offset=False padding_idx=None",
    "FeatureAlphaDropout": "p=0.5",
    "GRU": f"{_RECURRENT} {_RECURRENT_REST}",
    "GRUCell": "input_size hidden_size bias=True",
    "GroupNorm": "num_groups num_channels eps=1e-05 affine=True",
    "LSTM": f"{_RECURRENT} {_RECURRENT_REST} proj_size=0",
    "LSTMCell": "input_size hidden_size bias=True",
    "LayerNorm": "normalized_shape eps=1e-05 elementwise_affine=True bias=True",
    "Linear": "in_features out_features bias=True",
    "MultiheadAttention": (
        "embed_dim num_heads dropout=0.0 bias=True add_bias_kv=False add_zero_attn=False"
        " kdim=None vdim=None batch_first=False"
    ),
    "NonDynamicallyQuantizableLinear": "in_features out_features bias=True",
    "PReLU": "num_parameters=1",
    "PixelShuffle": "upscale_factor",
    "PixelUnshuffle": "downscale_factor",
    "RMSNorm": "normalized_shape eps=None elementwise_affine=True",
    "RNN": f"{_RECURRENT} nonlinearity='tanh' {_RECURRENT_REST}",
    "RNNCell": "input_size hidden_size bias=True nonlinearity='tanh'",
    "SyncBatchNorm": f"{_BATCH} affine=True track_running_stats=True",
    "Upsample": ("size=None scale_factor=None mode='nearest' align_corners=None recompute_scale_factor=None"),
}
"""The arguments of each class in order, those with a default written as Python does; the others come without a name."""

PLACED = {
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d"), ("stride",)),
    **{f"Conv{kind}{rank}d": ("stride",) for kind in ("", "Transpose") for rank in (1, 2, 3)},
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"), ("p",)),
    "PReLU": ("num_parameters",),
}
"""Arguments with a default that people write without their names."""

_SIZES = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size")
"""Arguments of which one number stands for all axes."""


def arguments(class_name: str, config: Mapping[str, Any]) -> list[str]:
    """Return the arguments that make a module, each as Python writes it.

    Raises `ValueError` where the configuration lacks one that has no default, and for one that is no plain value.

    >>> arguments("Conv2d", {"in_channels": 1, "out_channels": 32, "kernel_size": (3, 3), "parameters": ["weight"]})
    ['1', '32', '3', 'bias=False']
    """
    result: list[str] = []
    named = False
    for name, default in _signature(class_name):
        value = _value(class_name, name, default, config)
        if name != "p" and value == default and isinstance(value, bool) == isinstance(default, bool):
            named = True
            continue
        placed = default is ... or (name in PLACED.get(class_name, ()) and not named)
        named = named or not placed
        result.append(literal(value) if placed else f"{name}={literal(value)}")
    return result


def _signature(class_name: str) -> Iterator[tuple[str, Any]]:
    """Yield the name of each argument of a class with its default; `...` stands for none."""
    for part in SIGNATURES[class_name].split():
        name, equals, default = part.partition("=")
        yield name, ast.literal_eval(default) if equals else ...


def _value(class_name: str, name: str, default: Any, config: Mapping[str, Any]) -> Any:
    """Return an argument from the configuration, or from the names of the arrays that are there."""
    arrays = (*config.get("parameters", ()), *config.get("buffers", ()))
    match name:
        case "bias" if class_name == "MultiheadAttention":
            return "in_proj_bias" in arrays
        case "bias" if not class_name.startswith(("LSTM", "GRU", "RNN")):
            return "bias" in arrays or not config.get("elementwise_affine", True)
        case "affine" | "elementwise_affine":
            return "weight" in arrays
        case "track_running_stats":
            return "running_mean" in arrays
        case "add_bias_kv":
            return "bias_k" in arrays
        case "kdim" | "vdim":
            return None if config.get(name) == config["embed_dim"] else config.get(name)
        case "stride" if "Pool" in class_name:
            stride = config.get(name)
            return None if alike(stride) == alike(config["kernel_size"]) else alike(stride)
        case "padding" if isinstance(config.get(name), str):
            return config[name]
    if default is ... and name not in config:
        raise ValueError(f"its {name} is not known")
    value = config.get(name, default)
    value = alike(value) if name in _SIZES or (name == "normalized_shape" and len(value) == 1) else value
    return default if value is False and default is None else value


def alike(value: Any) -> Any:
    """Return one number for several that are all the same, as modules take them."""
    return value[0] if isinstance(value, (tuple, list)) and len(value) > 0 and len(set(value)) == 1 else value


def literal(value: Any) -> str:
    """Return a plain value as Python writes it; raises `ValueError` for any other.

    >>> literal((0.5, None, float("-inf"))), literal("it's")
    ('(0.5, None, -float("inf"))', '"it\\'s"')
    """
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    if isinstance(value, str):
        return value.__repr__() if '"' in value or not value.isprintable() else f'"{_escaped(value)}"'
    if isinstance(value, float) and (isinf(value) or isnan(value)):
        return 'float("nan")' if isnan(value) else ("" if value == inf else "-") + 'float("inf")'
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    raise ValueError(f"{value!r} is no plain value")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")
