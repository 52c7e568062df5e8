"""Recurrent cells of Flax and the modules that lead them through a sequence.

https://github.com/google/flax/blob/v0.12.8/flax/linen/recurrent.py and flax/nnx/nn/recurrent.py. A cell of linen, and
nnx's LSTMCell, has a dense layer for every gate: `ii` from the input, `hi` from the state. The new state is only
biased once, so that one of the two has a bias. A GRU's candidate is called `n`; it is the gate `h` here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.conventions.flax.convolution import padded, spatial
from weightwise.conventions.flax.settings import features, function, inside, use_bias
from weightwise.conventions.row import Config, Description, Part, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.cells import Cell, GruCell, LstmCell, MinimalCell, SimpleCell
from weightwise.ops.conv_cell import ConvLstmCell
from weightwise.ops.operation import Operation, Shape, ShapeError
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.uncomputed import Uncomputed

Parts = Sequence[Description]


def _reset(config: Config) -> bool:
    return bool(config.get("reset_gate", True))


def _gates(layers: str, stored: str, neutral: str, biased: str) -> Iterator[Row]:
    """Yield the dense layers of every gate; `biased` tells whether the input's or the state's have the biases."""
    for letter, label in zip(stored.split(), neutral.split(), strict=True):
        at = f"gate={label}"
        yield Row(layers, f"i{letter}/kernel", "kernel", "in units", at=at)
        yield Row(layers, f"h{letter}/kernel", "recurrent_kernel", "units' units", at=at)
        yield Row(layers, f"{biased}{letter}/bias", "bias", "units", at=at)


_LSTM = "linen.LSTMCell linen.OptimizedLSTMCell"
_CONV_GATES = "(gate[i g f o] out)"

ROWS = (
    Row("linen.SimpleCell", "i/kernel", role="kernel", axes="in units"),
    Row("linen.SimpleCell", "i/bias", role="bias", axes="units"),
    Row("linen.SimpleCell", "h/kernel", role="recurrent_kernel", axes="units' units"),
    *_gates(_LSTM, "i f g o", "i f g o", "h"),
    # A field of Python cannot be called `if`.
    *(
        Row("nnx.LSTMCell", row.name.replace("if/", "if_/"), row.role, row.axes, at=row.at)
        for row in _gates(_LSTM, "i f g o", "i f g o", "h")
    ),
    *_gates("linen.GRUCell", "r z n", "r z h", "i"),
    Row("linen.GRUCell", "hn/bias", role="candidate_bias", axes="units"),
    *_gates("linen.MGUCell", "f n", "f h", "i"),
    Row("linen.MGUCell", "hn/bias", role="candidate_bias", axes="units", when=_reset),
    Row("linen.ConvLSTMCell", "ih/kernel", "kernel", f"...window in {_CONV_GATES}", expand=spatial),
    Row("linen.ConvLSTMCell", "ih/bias", "bias", _CONV_GATES, when=use_bias, at="side=input"),
    Row("linen.ConvLSTMCell", "hh/kernel", "recurrent_kernel", f"...window out' {_CONV_GATES}", expand=spatial),
    Row("linen.ConvLSTMCell", "hh/bias", "bias", _CONV_GATES, when=use_bias, at="side=recurrent"),
    Row("nnx.SimpleCell", "dense_i/kernel", role="kernel", axes="in units"),
    Row("nnx.SimpleCell", "dense_i/bias", role="bias", axes="units"),
    Row("nnx.SimpleCell", "dense_h/kernel", role="recurrent_kernel", axes="units' units"),
    Row("nnx.OptimizedLSTMCell", "dense_i/kernel", role="kernel", axes="in (gate[i f g o] units)"),
    Row("nnx.OptimizedLSTMCell", "dense_h/kernel", role="recurrent_kernel", axes="units' (gate[i f g o] units)"),
    Row("nnx.OptimizedLSTMCell", "dense_h/bias", role="bias", axes="(gate[i f g o] units)"),
    Row("nnx.GRUCell", "dense_i/kernel", role="kernel", axes="in (gate[r z h] units)"),
    Row("nnx.GRUCell", "dense_i/bias", role="bias", axes="(gate[r z h] units)"),
    Row("nnx.GRUCell", "dense_h/kernel", role="recurrent_kernel", axes="units' (gate[r z h] units)"),
)


def _units(config: Config) -> int:
    units: int = features(config, "hidden_features")
    return units


def _functions(config: Config) -> tuple[str, str]:
    return function(config, "activation_fn", "tanh"), function(config, "gate_fn", "sigmoid")


def _simple(config: Config, inputs: Shapes, parts: Parts) -> SimpleCell:
    activation = function(config, "activation_fn", "tanh")
    return SimpleCell(_units(config), True, activation, bool(config.get("residual", False)))


def _lstm(config: Config, inputs: Shapes, parts: Parts) -> LstmCell:
    return LstmCell(_units(config), True, *_functions(config))


def _gru(config: Config, inputs: Shapes, parts: Parts) -> GruCell:
    """Return linen's cell, whose candidate has a second bias, or nnx's, which has none on the side of the state."""
    recurrent_bias = "candidate" if "features" in config else "none"
    return GruCell(_units(config), True, *_functions(config), True, recurrent_bias)


def _minimal(config: Config, inputs: Shapes, parts: Parts) -> MinimalCell:
    return MinimalCell(_units(config), True, *_functions(config), _reset(config))


def _conv_lstm(config: Config, inputs: Shapes, parts: Parts) -> ConvLstmCell:
    """Return the cell; it adds 1 to what enters the forget gate whenever it is computed."""
    window, units = padded(config), _units(config)
    return ConvLstmCell(window, units, use_bias(config), two_biases=True, remembering=1.0, keeps_size=False)


def _cell(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    return (inside("cell", config["cell"], _steps(inputs)),)


def _steps(inputs: Shapes) -> list[Shape]:
    """Return the shape of one position of the sequence, when it is known."""
    return [(shape[0], *shape[2:]) for shape in inputs[:1]]


def _recurrent(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    cell = parts[0].operation
    if not isinstance(cell, Cell):
        raise ShapeError(f"it contains a {type(cell).__name__}, which is no recurrent cell")
    states, reverse, ordered = (bool(config.get(key, False)) for key in ("return_carry", "reverse", "keep_order"))
    operation = Recurrent(cell, True, states, reverse, ordered)
    if config.get("time_major"):
        return Uncomputed(operation, "the positions of its sequences come before the batch", shaped=False)
    return operation


def _directions(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return both directions, of whose settings the module around them sets all but the cell."""
    settings = {"return_carry": config.get("return_carry", False), "time_major": False, "keep_order": False}
    parts = []
    for direction in ("forward", "backward"):
        module = config[f"{direction}_rnn"]
        own = {**module["config"], **settings, "reverse": direction == "backward"}
        parts.append(inside(f"{direction}_rnn", {**module, "config": own}, inputs, role=direction))
    return tuple(parts)


def _bidirectional(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    onward, backward = (part.operation for part in parts)
    if not isinstance(onward, Recurrent) or not isinstance(backward, Recurrent):
        raise ShapeError("its directions are no recurrent modules")
    operation = Bidirectional(onward, backward)
    if config.get("merge_fn", "_concatenate") != "_concatenate":
        return Uncomputed(operation, f"its directions are merged by {config['merge_fn']}", shaped=False)
    if config.get("time_major"):
        return Uncomputed(operation, "the positions of its sequences come before the batch", shaped=False)
    return operation


RULES = {
    **{f"{api}.{name}": Rule(_lstm) for api in ("linen", "nnx") for name in ("LSTMCell", "OptimizedLSTMCell")},
    **{f"{api}.SimpleCell": Rule(_simple) for api in ("linen", "nnx")},
    **{f"{api}.GRUCell": Rule(_gru) for api in ("linen", "nnx")},
    "linen.MGUCell": Rule(_minimal),
    "linen.ConvLSTMCell": Rule(_conv_lstm),
    **{f"{api}.RNN": Rule(_recurrent, _cell) for api in ("linen", "nnx")},
    **{f"{api}.Bidirectional": Rule(_bidirectional, _directions) for api in ("linen", "nnx")},
}
