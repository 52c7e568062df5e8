"""Recurrent layers of Keras (https://keras.io/api/layers/recurrent_layers/).

A layer owns nothing: its arrays are those of its cell. A module of PyTorch with several layers and directions is
several layers here. Keras has one bias where others have two that act as their sum; a GRU that resets after the
product has both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.keras.spelling.activations import named
from weightwise.conventions.keras.spelling.steps import function, layer, refuse
from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.row import Config
from weightwise.conventions.spelling import Alone, Feed, Laid, Output, Same, Spelled, Step, Summed
from weightwise.errors import UnsupportedError
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell, StackedCells, UnitCell
from weightwise.ops.conv_cell import ConvLstmCell
from weightwise.ops.operation import Shape
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.stacked import StackedRecurrent, Stepping

Feeds = dict[str, Feed]


def _cell(cell: Cell) -> tuple[str, dict[str, Any]]:
    """Return the class of a cell, without `Cell` at its end, and its settings; raises `UnsupportedError`."""
    match cell:
        case SimpleCell():
            refuse(cell.residual, "its cell adds the state to what it activates")
            return "SimpleRNN", _unit(cell)
        case LstmCell():
            refuse(cell.projection is not None, "Keras has no LSTM that projects its output")
            return "LSTM", {**_unit(cell), "recurrent_activation": _function(cell.recurrent_activation)}
        case GruCell():
            settings = {**_unit(cell), "recurrent_activation": _function(cell.recurrent_activation)}
            return "GRU", {**settings, "reset_after": cell.reset_after}
        case ConvLstmCell():
            return f"ConvLSTM{cell.window.rank}D", _conv_settings(cell)
    raise UnsupportedError(f"Keras has nothing like {cell.phrase()}")


def _unit(cell: UnitCell) -> dict[str, Any]:
    return {"units": cell.units, "activation": _function(cell.activation), "use_bias": cell.bias}


def _function(text: str) -> Any:
    """Return an activation as a setting; one with settings of its own is a function that no cell takes."""
    name = named(text)
    refuse(name is None, f"Keras's cells take activations by their names, and {text} has none")
    return name


def _conv_settings(cell: ConvLstmCell) -> dict[str, Any]:
    window = cell.window
    refuse(cell.remembering, "its cell adds a number to the gate that forgets")
    refuse(window.beyond != "zeros" or window.padding not in ("valid", "same"), "Keras pads by `same`, or not")
    own = max(window.strides) > 1 or max(window.dilation) > 1 or window.padding != "same"
    refuse(not cell.keeps_size and own, "the window of its state is that of its input")
    return {
        "filters": cell.filters,
        "kernel_size": list(window.size),
        "strides": list(window.strides),
        "dilation_rate": list(window.dilation),
        "padding": window.padding,
        "data_format": "channels_first" if cell.channels_first else "channels_last",
        "activation": _function(cell.activation),
        "recurrent_activation": _function(cell.recurrent_activation),
        "use_bias": cell.bias,
    }


def _feeds(cell: Cell, own: str, source: str) -> Feeds:
    """Return what fills the arrays of a cell: `own` is before its roles here, and `source` in the source."""
    roles = cell.roles()
    feeds: Feeds = {f"{own}{role}": Same(f"{source}{role}") for role in roles} if own != source else {}
    if "bias" not in roles:
        return feeds
    bias = f"{source}bias"
    if getattr(cell, "two_biases", False):
        feeds[f"{own}bias"] = Summed(bias, "side")
    elif isinstance(cell, GruCell) and cell.reset_after and cell.recurrent_bias == "none":
        feeds[f"{own}bias"] = Alone(bias, "side", "input")
    elif isinstance(cell, GruCell) and cell.reset_after and cell.recurrent_bias == "candidate":
        feeds.pop(f"{own}candidate_bias", None)
        places = {bias: "side=input", f"{source}candidate_bias": "side=recurrent gate=h"}
        feeds[f"{own}bias"] = Laid(places)
    return feeds


def _layer(recurrent: Recurrent, name: str = "", feeds: Feeds | None = None) -> Step:
    """Return the layer of a cell; raises `UnsupportedError`."""
    returned = {
        "return_sequences": recurrent.sequences,
        "return_state": recurrent.states,
        "go_backwards": recurrent.backwards,
    }
    if isinstance(recurrent.cell, StackedCells):
        return layer("RNN", name, feeds, cell=_serialised("StackedRNNCells", cells=_cells(recurrent.cell)), **returned)
    class_name, settings = _cell(recurrent.cell)
    return layer(class_name, name, feeds, **settings, **returned)


def _cells(stacked: StackedCells) -> list[Config]:
    made = map(_cell, stacked.cells)
    return [_serialised(f"{kind}Cell", name=f"cell_{number}", **own) for number, (kind, own) in enumerate(made)]


def _serialised(class_name: str, **settings: Any) -> Config:
    """Return a layer inside another as Keras writes it."""
    return {"module": "keras.layers", "class_name": class_name, "config": settings, "registered_name": None}


def _all_feeds(operation: Recurrent | Bidirectional, own: str = "", source: str = "") -> Feeds:
    """Return what fills the arrays of a layer, or of both its directions."""
    if isinstance(operation, Bidirectional):
        halves = (("forward/", operation.onward), ("backward/", operation.backward))
        feeds = (_all_feeds(half, f"{own}{place}", f"{source}{place}") for place, half in halves)
        return {role: feed for each in feeds for role, feed in each.items()}
    cell = operation.cell
    if not isinstance(cell, StackedCells):
        return _feeds(cell, own, source)
    numbered = ((f"{number}/", inner) for number, inner in enumerate(cell.cells))
    found = (_feeds(inner, f"{own}{place}", f"{source}{place}") for place, inner in numbered)
    return {role: feed for each in found for role, feed in each.items()}


def spelled_recurrent(operation: Recurrent, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer, and what turns its outputs round where they keep the order of the sequence."""
    made = _layer(operation, "", _all_feeds(operation))
    if not (operation.backwards and operation.keeps_order and operation.sequences):
        return _returning(_begun(made, inputs), operation)
    program = Program()
    first = program.add(_begun(made, inputs), *_inputs(inputs))
    turned = program.add(function("numpy.Flip", "in_order", axis=1), first)
    return program.spelled(turned, *_states(operation))


def _begun(made: Step, inputs: Sequence[Shape]) -> Step:
    """Return a layer that begins with the states that are its inputs behind the first."""
    states = list(_inputs(inputs))[1:]
    return replace(made, arguments={"initial_state": states}, inputs=(SOURCE, *states)) if states else made


def _inputs(inputs: Sequence[Shape]) -> Iterator[Output]:
    return (Output(SOURCE.step, index) for index in range(max(len(inputs), 1)))


def _states(operation: Recurrent | Bidirectional, step: int = 0, before: int = 1) -> list[Output]:
    """Return the states among the outputs of a step."""
    halves = [operation.onward, operation.backward] if isinstance(operation, Bidirectional) else [operation]
    count = sum(_kinds(half.cell) for half in halves if half.states)
    return [Output(step, before + index) for index in range(count)]


def _kinds(cell: Cell) -> int:
    """Return the number of states that a cell has."""
    if isinstance(cell, StackedCells):
        return sum(map(_kinds, cell.cells))
    return 2 if isinstance(cell, (LstmCell, ConvLstmCell)) else 1


def _returning(made: Step, operation: Recurrent | Bidirectional) -> Spelled:
    """Return one layer with all that it returns."""
    several = 2 if isinstance(operation, Bidirectional) and operation.merge == "none" else 1
    outputs = [Output(0, index) for index in range(several)]
    return Spelled((made,), (*outputs, *_states(operation, before=several)))


_MERGES = {"none": None, "average": "ave"}


def _bidirectional(operation: Bidirectional, name: str = "", feeds: Feeds | None = None) -> Step:
    halves = {"layer": operation.onward, "backward_layer": operation.backward}
    made = {key: _layer(half) for key, half in halves.items()}
    inner = {
        key: _serialised(step.class_name, name=f"{key.removesuffix('layer')}{step.class_name.lower()}", **step.config)
        for key, step in made.items()
    }
    return layer("Bidirectional", name, feeds, merge_mode=_MERGES.get(operation.merge, operation.merge), **inner)


def spelled_bidirectional(operation: Bidirectional, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer with both of its directions."""
    refuse(operation.backward.backwards == operation.onward.backwards, "both its directions are the same")
    several = type(operation.onward.cell) is not type(operation.backward.cell)
    refuse(several and operation.onward.states, "its directions return the states of different cells")
    return _returning(_begun(_bidirectional(operation, "", _all_feeds(operation)), inputs), operation)


def spelled_stacked(operation: StackedRecurrent, inputs: Sequence[Shape]) -> Spelled:
    """Return a layer for each level; the states of all lie in one tensor in the source, and apart here."""
    refuse(operation.positions_first, "its sequences have the positions before the batch")
    refuse(len(inputs) > 1, "its layers begin with the states of one tensor, which Keras has apart")
    program, several = Program(), len(operation.levels) > 1
    read, states = SOURCE, list[Output]()
    for number, level in enumerate(operation.levels):
        feeds = _all_feeds(level, "", f"{number}/" if several else "")
        name = f"layer_{number}" if several else ""
        made = _bidirectional(level, name, feeds) if isinstance(level, Bidirectional) else _layer(level, name, feeds)
        read = program.add(made, read)
        states += _states(level, read.step)
    kinds = _kinds(operation.cell)
    apart = {1 + kind: tuple(states[kind::kinds]) for kind in range(kinds)}
    return replace(program.spelled(read), apart=apart if states else {})


def spelled_stepping(operation: Stepping, inputs: Sequence[Shape]) -> Spelled:
    """Return one step of a cell as a layer that reads a sequence of one position."""
    return _step(operation.cell, inputs, False)


def spelled_cell(operation: Cell, inputs: Sequence[Shape]) -> Spelled:
    """Return one step of a cell, its output before its states."""
    return _step(operation, inputs, True)


def _step(cell: Cell, inputs: Sequence[Shape], output: bool) -> Spelled:
    program = Program()
    sequence = program.add(function("numpy.ExpandDims", "sequence", axis=1), SOURCE)
    recurrent = Recurrent(cell, states=True)
    made = _begun(_layer(recurrent, "", _all_feeds(recurrent)), inputs)
    read = program.add(made, sequence, *made.inputs[1:])
    return program.spelled(*([read] if output else []), *_states(recurrent, read.step))
