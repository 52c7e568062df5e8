"""Recurrent layers as modules of PyTorch (https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers).

A module returns its output at every position, and the states of all its layers and directions in one tensor each. The
last output is picked from the first; a direction that reads backwards turns its sequence round before. Where the source
has one bias, PyTorch's second is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.program import Program
from weightwise.conventions.pytorch.spelling.steps import axis_size, function, module, refuse, size_or_open
from weightwise.conventions.spelling import INPUT, Alone, Feed, Laid, Output, Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell, StackedCells
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.stacked import StackedRecurrent, Stepping

_KINDS: Mapping[type[Cell], str] = {SimpleCell: "RNN", LstmCell: "LSTM", GruCell: "GRU"}


def _kind(cell: Cell) -> str:
    """Return the module of a cell; refuses a cell that computes otherwise than PyTorch's."""
    if type(cell) not in _KINDS:
        raise UnsupportedError(f"PyTorch has no {type(cell).__name__}")
    activation, gates = getattr(cell, "activation", "tanh"), getattr(cell, "recurrent_activation", "sigmoid")
    usual = ("tanh", "relu") if isinstance(cell, SimpleCell) else ("tanh",)
    refuse(f"its activation is {activation}, and that of PyTorch's is {' or '.join(usual)}", activation not in usual)
    refuse(f"the activation of its gates is {gates}, and that of PyTorch's is sigmoid", gates != "sigmoid")
    refuse("it adds its state before the activation", getattr(cell, "residual", False))
    refuse(
        "it resets the state before the recurrent product, and PyTorch's GRU after it (reset_after=False)",
        isinstance(cell, GruCell) and not cell.reset_after,
    )
    return _KINDS[type(cell)]


def _bias_feeds(cell: Cell, prefix: str, source: str) -> dict[str, Feed]:
    """Return what fills the two biases of a cell from the source's."""
    role, own = f"{prefix}bias", f"{source}bias"
    if not getattr(cell, "bias", False):
        return {}
    if isinstance(cell, GruCell) and cell.recurrent_bias == "candidate":
        return {role: Laid({own: "side=input", f"{source}candidate_bias": "side=recurrent gate=h"})}
    both = cell.recurrent_bias == "all" if isinstance(cell, GruCell) else getattr(cell, "two_biases", False)
    return {role: Same(own) if both else Alone(own, "side", "input")}


def _feeds(cell: Cell, prefix: str, source: str) -> dict[str, Feed]:
    """Return what fills the roles of a cell: `prefix` is that of the target, and `source` that of the source."""
    names = ("kernel", "recurrent_kernel", *(("projection",) if getattr(cell, "projection", None) else ()))
    same = {f"{prefix}{name}": Same(f"{source}{name}") for name in names}
    return {**(same if prefix != source else {}), **_bias_feeds(cell, prefix, source)}


def _width(cell: Cell) -> int:
    """Return the number of values that a cell returns."""
    width: Any = getattr(cell, "projection", None) or getattr(cell, "units", 0)
    return int(width)


def _module(
    cells: Sequence[Cell], entering: int | None, feeds: Mapping[str, Feed], name: str = "", **given: Any
) -> Step:
    """Return the module of cells that are alike, one for each layer and direction."""
    first = cells[0]
    kind = _kind(first)
    refuse("its layers are not alike, as those of one module of PyTorch are", any(cell != first for cell in cells))
    bias, projection = getattr(first, "bias", False), getattr(first, "projection", None) or 0
    directions = 2 if given["bidirectional"] else 1
    extra: dict[str, Any] = {}
    if kind == "RNN":
        extra["nonlinearity"] = getattr(first, "activation", "tanh")
    settings = {
        "input_size": size_or_open(entering),
        "hidden_size": getattr(first, "units", 0),
        "num_layers": len(cells) // directions,
        "bias": bias,
        "dropout": 0.0,
        "proj_size": projection,
        **extra,
        **given,
    }
    return module(kind, name, feeds=feeds, **settings)


def spelled_recurrent(operation: Recurrent, inputs: Sequence[Shape]) -> Spelled:
    """Return the module, one for each cell where there are several, and what its outputs are picked with."""
    program = Program()
    outputs = _directed(program, operation, _entering(inputs), _arriving(inputs), "", "")
    return program.spelled(*outputs)


def _entering(inputs: Sequence[Shape]) -> int | None:
    return axis_size(inputs, -1)


def _arriving(inputs: Sequence[Shape]) -> list[Output]:
    """Return the sequence and the states that are given."""
    return [Output(INPUT, number) for number in range(max(len(inputs), 1))]


def _directed(
    program: Program, layer: Recurrent, entering: int | None, given: Sequence[Output], prefix: str, name: str
) -> list[Output]:
    """Add a recurrent layer of one direction, and return its outputs."""
    numbered = isinstance(layer.cell, StackedCells)
    cells = list(layer.cell.cells) if isinstance(layer.cell, StackedCells) else [layer.cell]
    sequence, *states = given
    if layer.backwards:
        sequence = program.add(function("flip", _named(name, "flip"), dim=(1,)), sequence)
    after: list[Output] = []
    for number, cell in enumerate(cells):
        _kind(cell)
        count = len(cell.state_shapes((None, None)))
        own, states = states[:count], states[count:]
        source = f"{prefix}{number}/" if numbered else prefix
        label = _named(name, str(number)) if numbered else name
        step = _module([cell], entering, _feeds(cell, "", source), label, bidirectional=False, batch_first=True)
        begun = [
            program.add(function("unsqueeze", _named(label, f"state_{place}"), dim=0), state)
            for place, state in enumerate(own)
        ]
        sequence = program.add(step, sequence, *begun)
        after += [replace(sequence, index=1 + place) for place in range(count)]
        entering = _width(cell)
    if not layer.sequences:
        sequence = program.add(function("select", _named(name, "last"), dim=1, index=-1), sequence)
    elif layer.backwards and layer.keeps_order:
        sequence = program.add(function("flip", _named(name, "flip_back"), dim=(1,)), sequence)
    if not layer.states:
        return [sequence]
    return [sequence, *(_state(program, _named(name, f"last_{place}"), state, 0) for place, state in enumerate(after))]


def _named(*parts: str) -> str:
    return "_".join(part for part in parts if part)


def _state(program: Program, name: str, states: Output, place: int) -> Output:
    """Add what picks the states of one layer and direction."""
    return program.add(function("select", name, dim=0, index=place), states)


_MERGES = {"sum": "add", "mul": "mul", "average": "add"}


def spelled_bidirectional(operation: Bidirectional, inputs: Sequence[Shape]) -> Spelled:
    """Return one module where both directions are alike, and otherwise one for each, with what merges them."""
    program = Program()
    halves, states = (_together if _is_one(operation) else _apart)(program, operation, inputs)
    merged = halves if operation.merge == "none" else [_merged(program, operation.merge, halves)]
    return program.spelled(*merged, *states)


def _is_one(operation: Bidirectional) -> bool:
    """Return whether a module of PyTorch computes both directions."""
    one, other = operation.onward, operation.backward
    usual = not one.backwards and other.backwards and not other.keeps_order
    return usual and one.cell == other.cell and not isinstance(one.cell, StackedCells)


def _together(program: Program, operation: Bidirectional, inputs: Sequence[Shape]) -> tuple[list[Output], list[Output]]:
    cell = operation.onward.cell
    feeds = {**_feeds(cell, "forward/", "forward/"), **_feeds(cell, "backward/", "backward/")}
    step = _module([cell, cell], _entering(inputs), feeds, bidirectional=True, batch_first=True)
    sequence, *given = _arriving(inputs)
    kinds = len(cell.state_shapes((None, None)))
    begun = [
        program.add(function("stack", f"state_{kind}", dim=0), given[kind], given[kinds + kind])
        for kind in range(kinds if given else 0)
    ]
    both = program.add(step, sequence, *begun)
    states = [
        _state(program, f"{direction}_{kind}", replace(both, index=1 + kind), place)
        for place, direction in enumerate(("forward", "backward"))
        for kind in range(kinds if operation.onward.states else 0)
    ]
    if operation.onward.sequences and operation.merge == "concat":
        return [both], states
    width = _width(cell)
    split = program.add(function("split", split_size_or_sections=(width, width), dim=-1), both)
    halves = [split, replace(split, index=1)]
    if operation.onward.sequences:
        return halves, states
    ends = (("forward_last", -1), ("backward_last", 0))
    return [
        program.add(function("select", name, dim=1, index=index), half)
        for half, (name, index) in zip(halves, ends, strict=True)
    ], states


def _apart(program: Program, operation: Bidirectional, inputs: Sequence[Shape]) -> tuple[list[Output], list[Output]]:
    sequence, *given = _arriving(inputs)
    half = len(given) // 2
    parts = ("forward", operation.onward, given[:half]), ("backward", operation.backward, given[half:])
    ends, states = [], []
    for name, layer, begun in parts:
        end, *after = _directed(program, layer, _entering(inputs), [sequence, *begun], f"{name}/", name)
        ends.append(end)
        states += after
    if operation.backward.sequences:
        ends[1] = program.add(function("flip", "backward_in_order", dim=(1,)), ends[1])
    return ends, states


def _merged(program: Program, how: str, halves: Sequence[Output]) -> Output:
    if how == "concat":
        return halves[0] if len(halves) == 1 else program.add(function("cat", dim=-1), *halves)
    merged = program.add(function(_MERGES[how]), *halves)
    return program.add(function("div", other=2.0), merged) if how == "average" else merged


def spelled_stacked(operation: StackedRecurrent, inputs: Sequence[Shape]) -> Spelled:
    """Return the module, which is PyTorch's own."""
    cells: list[Cell] = []
    feeds: dict[str, Feed] = {}
    for number, level in enumerate(operation.levels):
        prefix = f"{number}/" if len(operation.levels) > 1 else ""
        directions = [level] if isinstance(level, Recurrent) else [level.onward, level.backward]
        names = ("",) if len(directions) == 1 else ("forward/", "backward/")
        for layer, name in zip(directions, names, strict=True):
            cells.append(layer.cell)
            feeds |= _feeds(layer.cell, f"{prefix}{name}", f"{prefix}{name}")
    both = isinstance(operation.levels[0], Bidirectional)
    step = _module(cells, _entering(inputs), feeds, bidirectional=both, batch_first=not operation.positions_first)
    program = Program()
    output = program.add(step, *_arriving(inputs))
    kinds = len(operation.cell.state_shapes((None, None)))
    return program.spelled(*(replace(output, index=index) for index in range(1 + kinds)))


def spelled_stepping(operation: Stepping, inputs: Sequence[Shape]) -> Spelled:
    """Return a cell that returns its states, as PyTorch's do."""
    program = Program()
    return program.spelled(*_stepped(program, operation.cell, _entering(inputs), _arriving(inputs), "", ""))


def spelled_cell(operation: Operation, inputs: Sequence[Shape]) -> Spelled:
    """Return the cells of which each reads the output of the one before; the last output comes before the states."""
    cells = list(operation.cells) if isinstance(operation, StackedCells) else [operation]
    program = Program()
    output, *states = _arriving(inputs)
    entering, after = _entering(inputs), list[Output]()
    for number, cell in enumerate(cells):
        if not isinstance(cell, Cell):
            raise UnsupportedError(f"PyTorch has no {type(cell).__name__}")
        count = len(cell.state_shapes((None, None)))
        own, states = states[:count], states[count:]
        label = str(number) if len(cells) > 1 else ""
        changed = _stepped(program, cell, entering, [output, *own], f"{number}/" if label else "", label)
        after += changed
        output, entering = changed[0], _width(cell)
    return program.spelled(output, *after)


def _stepped(
    program: Program, cell: Cell, entering: int | None, given: Sequence[Output], source: str, name: str
) -> list[Output]:
    """Add one step of a cell, and return its states."""
    kind = _kind(cell)
    refuse("PyTorch's LSTMCell has no projection", getattr(cell, "projection", None))
    settings: dict[str, Any] = {
        "input_size": size_or_open(entering),
        "hidden_size": _width(cell),
        "bias": getattr(cell, "bias", False),
    }
    if kind == "RNN":
        settings["nonlinearity"] = getattr(cell, "activation", "tanh")
    output = program.add(module(f"{kind}Cell", name, feeds=_feeds(cell, "", source), **settings), *given)
    return [replace(output, index=index) for index in range(len(cell.state_shapes((None, None))))]
