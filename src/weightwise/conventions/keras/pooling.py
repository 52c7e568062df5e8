"""Poolings of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/pooling).

An average over `same` padding is TensorFlow's, which JAX shares. On PyTorch, Keras 3.15 fills edges that are wider on
one side with copies of the last element, and counts these.
"""

from __future__ import annotations

from functools import partial

from weightwise.conventions.keras.configuration import channels_first
from weightwise.conventions.keras.convolution import padding, ranked
from weightwise.conventions.row import Config, Row
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.operation import Operation
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.window import Window

ROWS: tuple[Row, ...] = ()


def _pooling(reduce: str, config: Config, rank: int) -> Operation:
    size = sizes_of(config["pool_size"], rank)
    strides = sizes_of(config.get("strides") or size, rank)
    window = Window(size, strides, (1,) * rank, padding(config))
    return Pooling(reduce, window, channels_first=channels_first(config))


def _global(reduce: str, config: Config, rank: int) -> Operation:
    return GlobalPooling(reduce, rank, bool(config.get("keepdims", False)), channels_first=channels_first(config))


def _adaptive(reduce: str, config: Config, rank: int) -> Operation:
    return AdaptivePooling(reduce, sizes_of(config["output_size"], rank), channels_first=channels_first(config))


def _rules(reduce: str, word: str) -> dict[str, Rule]:
    kinds = {f"{word}Pooling": _pooling, f"Global{word}Pooling": _global, f"Adaptive{word}Pooling": _adaptive}
    return {
        f"{name}{rank}D": ranked(partial(build, reduce), rank) for name, build in kinds.items() for rank in (1, 2, 3)
    }


RULES = _rules("max", "Max") | _rules("average", "Average")
