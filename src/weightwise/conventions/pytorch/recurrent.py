"""Recurrent modules of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/rnn.py).

Gates come before units in the first axis of a kernel, and in a GRU the reset gate comes first. Both products have
biases of their own, which act as their sum except in the candidate of a GRU. A module of several layers and directions
has the arrays of each under names that end in its number, `weight_ih_l0`, and `_reverse` for the backward direction;
they are parts of it here, of classes that PyTorch does not have: `LSTM_l`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weightwise.conventions.pytorch.rows import biases, projected
from weightwise.conventions.pytorch.settings import count
from weightwise.conventions.row import Config, Description, Part, Shapes, Slot
from weightwise.conventions.rule import Rule
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell
from weightwise.ops.operation import ShapeError
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.stacked import StackedRecurrent, Stepping

Parts = Sequence[Description]


def _simple(config: Config) -> Cell:
    function = config.get("nonlinearity") or config["mode"].removeprefix("RNN_").lower()
    if function not in ("tanh", "relu"):
        raise ShapeError(f"expected its nonlinearity to be tanh or relu, found {function!r}")
    return SimpleCell(count(config, "hidden_size"), biases(config), function, two_biases=True)


def _lstm(config: Config) -> Cell:
    projection = count(config, "proj_size") if projected(config) else None
    return LstmCell(count(config, "hidden_size"), biases(config), two_biases=True, projection=projection)


def _gru(config: Config) -> Cell:
    return GruCell(count(config, "hidden_size"), biases(config))


Build = Callable[[Config], Cell]


def _cell(build: Build) -> Rule:
    """Return the rule of a cell that is a layer of its own."""
    return Rule(lambda config, inputs, parts: Stepping(build(config)))


def _part(build: Build) -> Rule:
    """Return the rule of one layer and direction."""
    return Rule(lambda config, inputs, parts: build(config))


def _directions(config: Config) -> int:
    return 2 if config["bidirectional"] else 1


def _parts(class_name: str) -> Callable[[Config, Shapes], tuple[Part, ...]]:
    """Return what gives the layers of a module, each in both of its directions."""

    def parts(config: Config, inputs: Shapes) -> tuple[Part, ...]:
        made = _directions(config) * count(config, "proj_size" if projected(config) else "hidden_size")
        first = count(config, "input_size") if "input_size" in config else None
        widths = [first, *[made] * (count(config, "num_layers") - 1)]
        return tuple(
            Part(f"l{number}{suffix}", class_name, config, [(None, width)], _role(config, number, direction))
            for number, width in enumerate(widths)
            for direction, suffix in (("forward", ""), ("backward", "_reverse"))[: _directions(config)]
        )

    return parts


def _role(config: Config, number: int, direction: str) -> str:
    """Return the prefix of the roles of one layer and direction: `1/forward`, with what there are several of."""
    level = [str(number)] if config["num_layers"] > 1 else []
    return "/".join(level + ([direction] if config["bidirectional"] else []))


def _stacked(config: Config, inputs: Shapes, parts: Parts) -> StackedRecurrent:
    """Return the operation of all layers from their cells."""
    cells = [part.operation for part in parts if isinstance(part.operation, Cell)]
    onward = [Recurrent(cell, sequences=True, states=True) for cell in cells]
    if not config["bidirectional"]:
        return StackedRecurrent(tuple(onward), not config["batch_first"])
    pairs = zip(onward[::2], onward[1::2], strict=True)
    levels = (Bidirectional(one, replace(other, backwards=True)) for one, other in pairs)
    return StackedRecurrent(tuple(levels), not config["batch_first"])


def _suffixed(slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots under PyTorch's names, which have the part at their end: `weight_ih_l0_reverse`."""
    renamed = []
    for slot in slots:
        part, _, name = slot.key.partition("/")
        renamed.append(replace(slot, key=f"{name}_{part}", name=f"{name}_{part}"))
    return renamed


RULES = {
    "RNNCell": _cell(_simple),
    "LSTMCell": _cell(_lstm),
    "GRUCell": _cell(_gru),
    "RNN_l": _part(_simple),
    "LSTM_l": _part(_lstm),
    "GRU_l": _part(_gru),
    **{name: Rule(_stacked, _parts(f"{name}_l"), _suffixed) for name in ("RNN", "LSTM", "GRU")},
}
