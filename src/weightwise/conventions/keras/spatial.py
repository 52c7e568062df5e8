"""Convolutions and poolings of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/convolutional)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weightwise.conventions.keras.rule import Rule, activation, channels_first, sizes_of, use_bias
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.ops.conv import Conv
from weightwise.ops.pooling import Pooling
from weightwise.ops.window import Window

ROWS = (
    Row("Conv1D", "kernel", role="kernel", axes="kw in/groups (groups out/groups)"),
    Row("Conv2D", "kernel", role="kernel", axes="kh kw in/groups (groups out/groups)"),
    Row("Conv3D", "kernel", role="kernel", axes="kd kh kw in/groups (groups out/groups)"),
    Row("Conv1D Conv2D Conv3D", "bias", role="bias", axes="out", when=use_bias),
)


def _window(config: Config, rank: int) -> Window:
    return Window(
        sizes_of(config["kernel_size"], rank),
        sizes_of(config.get("strides", 1), rank),
        sizes_of(config.get("dilation_rate", 1), rank),
        config.get("padding", "valid"),
    )


def _conv(rank: int) -> Callable[[Config, Shapes, Sequence[Description]], Conv]:
    def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Conv:
        return Conv(
            _window(config, rank),
            config["filters"],
            config.get("groups", 1),
            use_bias(config),
            channels_first(config),
            activation(config),
        )

    return operation


def _pooling(rank: int, reduce: str) -> Callable[[Config, Shapes, Sequence[Description]], Pooling]:
    def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Pooling:
        size = sizes_of(config["pool_size"], rank)
        strides = sizes_of(config.get("strides") or size, rank)
        window = Window(size, strides, (1,) * rank, config.get("padding", "valid"))
        return Pooling(window, reduce, channels_first(config))

    return operation


RULES = {
    **{f"Conv{rank}D": Rule(_conv(rank)) for rank in (1, 2, 3)},
    **{f"MaxPooling{rank}D": Rule(_pooling(rank, "max")) for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": Rule(_pooling(rank, "average")) for rank in (1, 2, 3)},
}
