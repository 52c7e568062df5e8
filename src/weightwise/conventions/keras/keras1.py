"""Keras 1: its own names of arrays, and its own arrangement of kernels.

Kernels of images lie in the order of the dimensions, `dim_ordering`: `th` puts the filters first and `tf` last.
A recurrent layer has arrays of its own for every gate, unless it was made for graphics cards (`consume_less`), and the
gates of an LSTM come as i c f o. The source is https://github.com/keras-team/keras/tree/1.2.2/keras/layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from weightwise.conventions.keras import legacy, rows_for
from weightwise.conventions.keras.keras1_layers import Rules
from weightwise.conventions.keras.theano import RulesOnTheano, turned
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.table import Table


def _bias(config: Config) -> bool:
    return bool(config.get("bias", True))


def _first(config: Config) -> bool:
    return config.get("dim_ordering") == "th"


def _last(config: Config) -> bool:
    return config.get("dim_ordering") == "tf"


def _whole(config: Config) -> bool:
    """Return whether a recurrent layer keeps its gates in one array."""
    return config.get("consume_less") == "gpu"


def _parted(config: Config) -> bool:
    return not _whole(config)


def _pooled(config: Config, inputs: Shapes) -> Mapping[str, str]:
    """Return the axes of one window's values, which lie in the order of the input's."""
    return {"window": "in kh kw" if _first(config) else "kh kw in"}


def _kernels(layers: str, window: str) -> tuple[Row, Row]:
    """Return the rows of a kernel in both orders of dimensions."""
    return (
        Row(layers, "W", "kernel", f"out in {window}", _first),
        Row(layers, "W", "kernel", f"{window} in out", _last),
    )


def _gates(layer: str, gates: str, stored: str) -> Iterator[Row]:
    """Yield the rows of a recurrent cell, whole, and one by one in their stored order."""
    labels = f"gate[{gates}] units"
    yield Row(layer, "W", "kernel", f"in ({labels})", _whole)
    yield Row(layer, "U", "recurrent_kernel", f"units' ({labels})", _whole)
    yield Row(layer, "b", "bias", f"({labels})", _whole)
    for letter in stored.split():
        at = f"gate={letter.replace('c', 'g')}"
        yield Row(layer, f"W_{letter}", "kernel", "in units", _parted, at=at)
        yield Row(layer, f"U_{letter}", "recurrent_kernel", "units' units", _parted, at=at)
        yield Row(layer, f"b_{letter}", "bias", "units", _parted, at=at)


def _images(order: Callable[[Config], bool], kernel: str, recurrent: str) -> Iterator[Row]:
    """Yield the rows of a convolutional LSTM in one order of dimensions."""
    for letter in "icfo":
        at = f"gate={letter.replace('c', 'g')}"
        yield Row("ConvLSTM2D", f"W_{letter}", "kernel", kernel, order, at=at)
        yield Row("ConvLSTM2D", f"U_{letter}", "recurrent_kernel", recurrent, order, at=at)
        yield Row("ConvLSTM2D", f"b_{letter}", "bias", "out", order, at=at)


_CONV_1 = "Convolution1D AtrousConvolution1D"
_CONV_2 = "Convolution2D AtrousConvolution2D Deconvolution2D"

ROWS = (
    Row("Dense TimeDistributedDense", "W", "kernel", "in out"),
    Row("Dense TimeDistributedDense", "b", "bias", "out", _bias),
    Row("Embedding", "W", "table", "vocab features"),
    Row(_CONV_1, "W", "kernel", "kw 1 in out"),
    *_kernels(_CONV_2, "kh kw"),
    *_kernels("Convolution3D", "kd kh kw"),
    Row(f"{_CONV_1} {_CONV_2} Convolution3D", "b", "bias", "out", _bias),
    Row("SeparableConvolution2D", "depthwise_kernel", "depthwise", "mult in kh kw", _first),
    Row("SeparableConvolution2D", "depthwise_kernel", "depthwise", "kh kw in mult", _last),
    Row("SeparableConvolution2D", "pointwise_kernel", "pointwise", "out (in mult) 1 1", _first),
    Row("SeparableConvolution2D", "pointwise_kernel", "pointwise", "1 1 (in mult) out", _last),
    Row("SeparableConvolution2D", "b", "bias", "out", _bias),
    Row("LocallyConnected1D", "W", "kernel", "position (kw in) out"),
    Row("LocallyConnected1D", "b", "bias", "position out", _bias),
    Row("LocallyConnected2D", "W", "kernel", "(h w) (...window) out", expand=_pooled),
    Row("LocallyConnected2D", "b", "bias", "h w out", _bias),
    Row("BatchNormalization", "gamma", "gamma", "features"),
    Row("BatchNormalization", "beta", "beta", "features"),
    Row("BatchNormalization", "running_mean", "mean", "features", trainable=False),
    Row("BatchNormalization", "running_std", "variance", "features", trainable=False),
    Row("SimpleRNNCell", "W", "kernel", "in units"),
    Row("SimpleRNNCell", "U", "recurrent_kernel", "units' units"),
    Row("SimpleRNNCell", "b", "bias", "units"),
    *_gates("LSTMCell", "i f g o", "i c f o"),
    *_gates("GRUCell", "z r h", "z r h"),
    *_images(_first, "out in kh kw", "out out' kh kw"),
    *_images(_last, "kh kw in out", "kh kw out' out"),
)


TURNED = frozenset([*_CONV_1.split(), *_CONV_2.split(), "Convolution3D", "ConvLSTM2D"])
"""Classes whose kernels are stored the other way round on Theano."""


def _rows(class_name: str) -> list[Row]:
    slopes = (replace(row, name="alphas") for row in rows_for("PReLU") if row.layer == class_name == "PReLU")
    return [*ROWS, *slopes]


def _earliest(row: Row) -> Row:
    """Return a row as Keras 1.0 has it, which computed sequences as narrow images with their filters first."""
    return replace(row, axes="out in kw 1") if row.layer == _CONV_1 and row.name == "W" else row


def table(minor: int, theano: bool) -> Table:
    """Return the table of Keras 1.`minor`, on Theano or on TensorFlow."""

    def rows(class_name: str) -> list[Row]:
        own = _rows(class_name) if minor else list(map(_earliest, _rows(class_name)))
        return [turned(row, TURNED) for row in own] if theano else own

    return Table(Rules(RulesOnTheano(legacy.RULES) if theano else legacy.RULES), rows, prefixed=True)


def own_rows() -> tuple[Row, ...]:
    """Return the rows of every class."""
    return (*ROWS, *(row for row in _rows("PReLU") if row.layer == "PReLU"))


def describe(chosen: Table, class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what a table of Keras 1 says of a layer; None for a class without a rule."""
    return legacy.trained_first(chosen.describe(class_name, config, inputs), config)
