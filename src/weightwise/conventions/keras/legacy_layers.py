"""Classes of Keras 2 that Keras 3 no longer has (https://github.com/keras-team/tf-keras/tree/v2.21.0/tf_keras/src/layers).

The layers for cuDNN hand their arrays to it as they are, and cuDNN reads a gate's kernel as `units in`. The recurrent
kernel of a gate is square, so that its axes are only exchanged. The kernel of a gate has the shape `in units` and the
values of `units in`, one after the other: unless both sizes are equal, its rows and columns mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from weightwise.conventions.keras.configuration import activation, channels_first, use_bias
from weightwise.conventions.keras.convolution import count, padding
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.activation import Activation
from weightwise.ops.cells import GruCell, LstmCell, UnitCell
from weightwise.ops.functions import spelled
from weightwise.ops.local import LocallyConnected
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.recurrent import Recurrent
from weightwise.ops.window import Window

Parts = Sequence[Description]


def _kernel_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    """Return the rows and columns of a gate's kernel: exchanged, or without a meaning."""
    exchanged = bool(inputs) and inputs[0][-1] == config["units"]
    return {"rows": "units", "columns": "in"} if exchanged else {"rows": "row", "columns": "column"}


def _window_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    """Return the axes of one window's values: they lie in the order of the input's."""
    window = "kw" if isinstance(config["kernel_size"], int) or len(config["kernel_size"]) == 1 else "kh kw"
    return {"window": f"in {window}" if channels_first(config) else f"{window} in"}


ROWS = (
    Row("CuDNNLSTM", "kernel", role="kernel", axes="...rows (gate[i f g o] ...columns)", expand=_kernel_axes),
    Row("CuDNNLSTM", "recurrent_kernel", role="recurrent_kernel", axes="units (gate[i f g o] units')"),
    Row("CuDNNLSTM", "bias", role="bias", axes="(side[input recurrent] gate[i f g o] units)"),
    Row("CuDNNGRU", "kernel", role="kernel", axes="...rows (gate[z r h] ...columns)", expand=_kernel_axes),
    Row("CuDNNGRU", "recurrent_kernel", role="recurrent_kernel", axes="units (gate[z r h] units')"),
    Row("CuDNNGRU", "bias", role="bias", axes="(side[input recurrent] gate[z r h] units)"),
    Row("LocallyConnected1D", "kernel", role="kernel", axes="position (...window) out", expand=_window_axes),
    Row("LocallyConnected1D", "bias", role="bias", axes="position out", when=use_bias),
    Row("LocallyConnected2D", "kernel", role="kernel", axes="(h w) (...window) out", expand=_window_axes),
    Row("LocallyConnected2D", "bias", role="bias", axes="h w out", when=use_bias),
)


def _cudnn(cell: Callable[[int], UnitCell], config: Config, inputs: Shapes, parts: Parts) -> Operation:
    return Recurrent(
        cell(count(config, "units")),
        bool(config.get("return_sequences", False)),
        bool(config.get("return_state", False)),
        bool(config.get("go_backwards", False)),
    )


def _local(rank: int) -> Rule:
    def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
        if config.get("implementation", 1) != 1:
            raise ShapeError(
                f"its arrays are those of implementation {config['implementation']}, which is not read yet"
            )
        strides = sizes_of(config.get("strides", 1), rank)
        window = Window(sizes_of(config["kernel_size"], rank), strides, (1,) * rank, padding(config))
        return LocallyConnected(
            window,
            count(config, "filters"),
            bias=use_bias(config),
            activation=activation(config),
            channels_first=channels_first(config),
        )

    return Rule(operation)


def _thresholded(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    return Activation(spelled("threshold", threshold=config["theta"], default_value=0.0))


RULES = {
    "CuDNNLSTM": Rule(partial(_cudnn, partial(LstmCell, two_biases=True))),
    "CuDNNGRU": Rule(partial(_cudnn, GruCell)),
    "LocallyConnected1D": _local(1),
    "LocallyConnected2D": _local(2),
    "ThresholdedReLU": Rule(_thresholded),
}
