"""Recurrent layers of Keras and the wrappers around them (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/rnn).

A layer such as LSTM owns nothing: its arrays are those of its cell. Keras calls the candidate of an LSTM `c`; it is the
gate `g` here, in the same place. What a cell would do while training (dropout) and how it is computed (`unroll`,
`implementation`) changes neither arrays nor output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.keras.configuration import activation, channels_first, class_of, use_bias
from weightwise.conventions.row import Config, Description, Part, Row, Shapes
from weightwise.conventions.rule import Rule, refuse, sizes_of
from weightwise.formats.keras.config import snake_case
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell, StackedCells
from weightwise.ops.conv_cell import ConvLstmCell
from weightwise.ops.operation import Shape, ShapeError
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.window import Window
from weightwise.ops.wrappers import Chain, TimeDistributed

Parts = Sequence[Description]


def _biases_apart(config: Config) -> bool:
    return use_bias(config) and _reset_after(config)


def _one_bias(config: Config) -> bool:
    return use_bias(config) and not _reset_after(config)


def _reset_after(config: Config) -> bool:
    """Return whether a GRU resets the state after the product; the first Kerases knew only before."""
    return bool(config.get("reset_after", False))


ROWS = (
    Row("SimpleRNNCell", "kernel", role="kernel", axes="in units"),
    Row("SimpleRNNCell", "recurrent_kernel", role="recurrent_kernel", axes="units' units"),
    Row("SimpleRNNCell", "bias", role="bias", axes="units", when=use_bias),
    Row("LSTMCell", "kernel", role="kernel", axes="in (gate[i f g o] units)"),
    Row("LSTMCell", "recurrent_kernel", role="recurrent_kernel", axes="units' (gate[i f g o] units)"),
    Row("LSTMCell", "bias", role="bias", axes="(gate[i f g o] units)", when=use_bias),
    Row("GRUCell", "kernel", role="kernel", axes="in (gate[z r h] units)"),
    Row("GRUCell", "recurrent_kernel", role="recurrent_kernel", axes="units' (gate[z r h] units)"),
    Row("GRUCell", "bias", role="bias", axes="(gate[z r h] units)", when=_one_bias),
    Row("GRUCell", "bias", role="bias", axes="side[input recurrent] (gate[z r h] units)", when=_biases_apart),
    *(
        row
        for layer, window in (("ConvLSTM1D", "kw"), ("ConvLSTM2D", "kh kw"), ("ConvLSTM3D", "kd kh kw"))
        for row in (
            Row(layer, "kernel", "kernel", f"{window} in (gate[i f g o] out)", inside="cell"),
            Row(layer, "recurrent_kernel", "recurrent_kernel", f"{window} out' (gate[i f g o] out)", inside="cell"),
            Row(layer, "bias", "bias", "(gate[i f g o] out)", when=use_bias, inside="cell"),
        )
    ),
)


def _simple_cell(config: Config, inputs: Shapes, parts: Parts) -> SimpleCell:
    return SimpleCell(config["units"], use_bias(config), _function(config, "activation"))


def _lstm_cell(config: Config, inputs: Shapes, parts: Parts) -> LstmCell:
    return LstmCell(config["units"], use_bias(config), *_functions(config))


def _gru_cell(config: Config, inputs: Shapes, parts: Parts) -> GruCell:
    return GruCell(config["units"], use_bias(config), *_functions(config), _reset_after(config))


def _functions(config: Config) -> tuple[str, str]:
    return _function(config, "activation"), _function(config, "recurrent_activation")


def _function(config: Config, key: str) -> str:
    """Return the neutral name of an activation that is always written; raises `KeyError` where it is not."""
    return activation({key: config[key]}, key)


def _conv_lstm(rank: int) -> Callable[[Config, Shapes, Parts], Recurrent]:
    def operation(config: Config, inputs: Shapes, parts: Parts) -> Recurrent:
        window = Window(
            sizes_of(config["kernel_size"], rank),
            sizes_of(config.get("strides", 1), rank),
            sizes_of(config.get("dilation_rate", 1), rank),
            config.get("padding", "valid"),
        )
        cell = ConvLstmCell(window, config["filters"], use_bias(config), channels_first(config), *_functions(config))
        return _around(cell, config)

    return operation


def _around(cell: Cell, config: Config) -> Recurrent:
    """Return the recurrent layer of a cell."""
    refuse(config, "time_major", "num_constants", "mask")
    return Recurrent(
        cell,
        bool(config.get("return_sequences", False)),
        bool(config.get("return_state", False)),
        bool(config.get("go_backwards", False)),
    )


def _recurrent(config: Config, inputs: Shapes, parts: Parts) -> Recurrent:
    return _around(_cell(parts[0]), config)


def _stacked(config: Config, inputs: Shapes, parts: Parts) -> StackedCells:
    return StackedCells(tuple(_cell(part) for part in parts))


def _bidirectional(config: Config, inputs: Shapes, parts: Parts) -> Bidirectional:
    refuse(config, "mask")
    merge = str(_MERGES.get(config["merge_mode"], config["merge_mode"]))
    return Bidirectional(_direction(parts[0]), _direction(parts[1]), merge)


_MERGES = {None: "none", "ave": "average"}


def _time_distributed(config: Config, inputs: Shapes, parts: Parts) -> TimeDistributed:
    refuse(config, "mask")
    return TimeDistributed(_chain(config, inputs, parts).operations[0])


def _chain(config: Config, inputs: Shapes, parts: Parts) -> Chain:
    return Chain(tuple(part.operation for part in parts if part.operation is not None))


def _cell(part: Description) -> Cell:
    if not isinstance(part.operation, Cell):
        raise ShapeError(f"it contains a {type(part.operation).__name__}, which is no recurrent cell")
    return part.operation


def _direction(part: Description) -> Recurrent:
    if not isinstance(part.operation, Recurrent):
        raise ShapeError(f"it contains a {type(part.operation).__name__}, which is no recurrent layer")
    return part.operation


def _own_cell(class_name: str) -> Callable[[Config, Shapes], tuple[Part, ...]]:
    """Return the one part of a layer that has its cell's configuration for its own."""

    def parts(config: Config, inputs: Shapes) -> tuple[Part, ...]:
        return (Part("cell", class_name, config, _steps(inputs)),)

    return parts


def _given_cell(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    return (_part("cell", config["cell"], _steps(inputs)),)


def _cells(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return the cells, each with the shape of its input."""
    cells = config["cells"]
    widths = [cell["config"].get("units") for cell in cells]
    shapes = [inputs, *([(shape[0], width) for shape in inputs[:1]] for width in widths)]
    return tuple(replace(part, inputs=shape) for part, shape in zip(_numbered("cells", cells), shapes, strict=False))


def _layers(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return the layers of a Sequential inside another layer, of which each reads what the one before it returns."""
    layers = [layer for layer in config["layers"] if layer["class_name"] != "InputLayer"]
    parts = enumerate(_numbered("layers", layers))
    return tuple(replace(part, follows=True) if number else replace(part, inputs=inputs) for number, part in parts)


def _numbered(key: str, layers: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    """Yield the layers of a list, stored as `cells/lstm_cell`, `cells/lstm_cell_1` …, their roles numbered."""
    seen: Counter[str] = Counter()
    for number, layer in enumerate(layers):
        name = snake_case(layer["class_name"])
        place = f"{name}_{seen[name]}" if seen[name] else name
        seen[name] += 1
        yield _part(f"{key}/{place}", layer, (), role=str(number), prefix=place)


def _directions(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return both directions; without a layer of its own, the backward one is the same layer the other way."""
    layer = config["layer"]
    turned = {**layer["config"], "go_backwards": not layer["config"].get("go_backwards", False)}
    backward = config.get("backward_layer") or {**layer, "config": turned}
    return tuple(
        _part(f"{direction}_layer", each, inputs, role=direction, prefix=_named(each, direction))
        for direction, each in (("forward", layer), ("backward", backward))
    )


def _named(layer: Mapping[str, Any], direction: str) -> str:
    """Return the name that Keras gives a direction: `forward_lstm` for `lstm`."""
    name = layer["config"].get("name", snake_case(layer["class_name"]))
    return f"{direction}_{name.removeprefix(f'{direction}_')}"


def _wrapped(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    return (_part("layer", config["layer"], _steps(inputs)),)


def _part(key: str, layer: Mapping[str, Any], inputs: Shapes, role: str = "", prefix: str = "") -> Part:
    """Return a part from a layer as Keras serialises it."""
    return Part(key, class_of(layer), layer["config"], inputs, role, prefix)


def _steps(inputs: Shapes) -> list[Shape]:
    """Return the shape of one position of the sequence, when it is known."""
    return [(shape[0], *shape[2:]) for shape in inputs[:1]]


RULES = {
    "SimpleRNNCell": Rule(_simple_cell),
    "LSTMCell": Rule(_lstm_cell),
    "GRUCell": Rule(_gru_cell),
    "StackedRNNCells": Rule(_stacked, _cells),
    **{name: Rule(_recurrent, _own_cell(f"{name}Cell")) for name in ("SimpleRNN", "LSTM", "GRU")},
    "RNN": Rule(_recurrent, _given_cell),
    **{f"ConvLSTM{rank}D": Rule(_conv_lstm(rank)) for rank in (1, 2, 3)},
    "Bidirectional": Rule(_bidirectional, _directions),
    "TimeDistributed": Rule(_time_distributed, _wrapped),
    "Sequential": Rule(_chain, _layers),
}
