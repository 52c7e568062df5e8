"""Convolutions of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/convolutional)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.conventions.keras.configuration import PAIR, activation, adaptation, channels_first, lora, use_bias
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Padding, Window

_CONV = "Conv1D Conv2D Conv3D"
_TRANSPOSED = "Conv1DTranspose Conv2DTranspose Conv3DTranspose"
_DEPTHWISE = "DepthwiseConv1D DepthwiseConv2D"
_SEPARABLE = "SeparableConv1D SeparableConv2D"


def _plain(config: Config) -> bool:
    return not lora(config)


ROWS = (
    Row("Conv1D", "kernel", role="kernel", axes="kw in/groups (groups out/groups)", when=_plain),
    Row("Conv2D", "kernel", role="kernel", axes="kh kw in/groups (groups out/groups)", when=_plain),
    Row("Conv3D", "kernel", role="kernel", axes="kd kh kw in/groups (groups out/groups)", when=_plain),
    Row("Conv1D", "kernel", role="kernel", axes="kw in/groups (groups out/groups)", when=lora, trainable=False),
    Row("Conv2D", "kernel", role="kernel", axes="kh kw in/groups (groups out/groups)", when=lora, trainable=False),
    Row("Conv3D", "kernel", role="kernel", axes="kd kh kw in/groups (groups out/groups)", when=lora, trainable=False),
    Row("Conv1DTranspose", "kernel", role="kernel", axes="kw out in"),
    Row("Conv2DTranspose", "kernel", role="kernel", axes="kh kw out in"),
    Row("Conv3DTranspose", "kernel", role="kernel", axes="kd kh kw out in"),
    Row("DepthwiseConv1D", "kernel", role="kernel", axes="kw in mult"),
    Row("DepthwiseConv2D", "kernel", role="kernel", axes="kh kw in mult"),
    Row("SeparableConv1D", "depthwise_kernel", role="depthwise", axes="kw in mult"),
    Row("SeparableConv1D", "pointwise_kernel", role="pointwise", axes="1 (in mult) out"),
    Row("SeparableConv2D", "depthwise_kernel", role="depthwise", axes="kh kw in mult"),
    Row("SeparableConv2D", "pointwise_kernel", role="pointwise", axes="1 1 (in mult) out"),
    Row(_DEPTHWISE, "bias", role="bias", axes="(in mult)", when=use_bias),
    Row(f"{_CONV} {_TRANSPOSED} {_SEPARABLE}", "bias", role="bias", axes="out", when=use_bias),
    Row("Conv1D", "lora_kernel_a", role="lora_a", axes="kw in/groups rank", **PAIR),
    Row("Conv2D", "lora_kernel_a", role="lora_a", axes="kh kw in/groups rank", **PAIR),
    Row("Conv3D", "lora_kernel_a", role="lora_a", axes="kd kh kw in/groups rank", **PAIR),
    Row(_CONV, "lora_kernel_b", role="lora_b", axes="rank (groups out/groups)", **PAIR),
)

Build = Callable[[Config, int], Operation]


def _conv(config: Config, rank: int) -> Operation:
    window = _window(config, rank, padding(config, ("valid", "same", "causal") if rank == 1 else ("valid", "same")))
    return Conv(window, count(config, "filters"), count(config, "groups", 1), adaptation(config), **_common(config))


def _transposed(config: Config, rank: int) -> Operation:
    window = _window(config, rank, "valid")
    kind, own = padding(config), config.get("output_padding")
    added = (None,) * rank if own is None else sizes_of(own, rank)
    cut = (_cut(window.extent(axis), window.strides[axis], kind, added[axis]) for axis in range(rank))
    window = _window(config, rank, tuple(cut))
    return TransposedConv(window, count(config, "filters"), **_common(config))


def _cut(extent: int, stride: int, kind: str, added: int | None) -> tuple[int, int]:
    """Return what is cut off before and after an axis of a transposed convolution; below zero, zeros are added.

    Keras completes an axis of n elements so that `valid` gives `(n - 1)·stride + max(extent, stride)` and `same` gives
    `n·stride`, where `output_padding` does not say otherwise
    (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/common/backend_utils.py).
    """
    if kind == "valid":
        return 0, min(extent - stride, 0) if added is None else -added
    total = extent - stride if added is None else extent - extent % 2 - added
    before = max(total // 2, 0)
    return before, total - before


def _depthwise(config: Config, rank: int) -> Operation:
    window = _window(config, rank, padding(config))
    return DepthwiseConv(window, count(config, "depth_multiplier", 1), **_common(config))


def _separable(config: Config, rank: int) -> Operation:
    window = _window(config, rank, padding(config))
    return SeparableConv(window, count(config, "filters"), count(config, "depth_multiplier", 1), **_common(config))


def _window(config: Config, rank: int, around: Padding) -> Window:
    return Window(
        sizes_of(config["kernel_size"], rank),
        sizes_of(config.get("strides", 1), rank),
        sizes_of(config.get("dilation_rate", 1), rank),
        around,
    )


def _common(config: Config) -> Mapping[str, Any]:
    return {"bias": use_bias(config), "activation": activation(config), "channels_first": channels_first(config)}


def padding(config: Config, known: Sequence[str] = ("valid", "same")) -> str:
    """Return the padding that a configuration names; raises `ShapeError` for another than the known ones."""
    value = config.get("padding", "valid")
    if not isinstance(value, str) or value.lower() not in known:
        raise ShapeError(f"expected its padding to be {' or '.join(known)}, found {value!r}")
    return value.lower()


def count(config: Config, key: str, default: int | None = None) -> int:
    """Return a whole number of the configuration, 1 or more; raises `ShapeError` for anything else."""
    value = config[key] if default is None else config.get(key, default)
    if not isinstance(value, int) or value < 1:
        raise ShapeError(f"expected its {key} to be a whole number above 0, found {value!r}")
    return value


def ranked(build: Build, rank: int) -> Rule:
    """Return the rule of a class over `rank` spatial axes."""

    def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
        return build(config, rank)

    return Rule(operation)


RULES = {
    **{f"Conv{rank}D": ranked(_conv, rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": ranked(_transposed, rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": ranked(_depthwise, rank) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": ranked(_separable, rank) for rank in (1, 2)},
}
