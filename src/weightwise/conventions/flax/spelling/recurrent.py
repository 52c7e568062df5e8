"""How Flax spells what walks through a sequence: linen's RNN around a cell, and its Bidirectional around two.

An LSTM of linen has one bias, on the side of the state; a GRU has one on the side of the input and, for the candidate
alone, one on the side of the state, which the reset gate scales. Where the source has two biases of a gate that act as
their sum, linen's one is their sum
(https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html#recurrent).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.flax.settings import FUNCTIONS
from weightwise.conventions.flax.spelling.program import Program, named
from weightwise.conventions.flax.spelling.values import Shapes, Spelling
from weightwise.conventions.spelling import INPUT, Block, Feed, Filled, Output, Same, Spelled, Summed
from weightwise.errors import UnsupportedError
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell, StackedCells
from weightwise.ops.operation import Operation
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.stacked import StackedRecurrent, Stepping

Settings = dict[str, Any]
Feeds = dict[str, Feed]

NO_BIAS = Filled(0.0, "the source's cell has no bias")
MERGES = {"sum": "add", "mul": "multiply", "average": "average"}


def _function(neutral: str) -> str:
    """Return the name of a function of JAX; raises `UnsupportedError`."""
    name = next((name for name, function in FUNCTIONS.items() if function == neutral), None)
    if name is None:
        raise UnsupportedError(f"JAX has no function {neutral} for a cell")
    return name


def _functions(cell: LstmCell | GruCell) -> dict[str, str]:
    """Return the functions of a cell where they are not linen's defaults."""
    gate = {} if cell.recurrent_activation == "sigmoid" else {"gate_fn": _function(cell.recurrent_activation)}
    return gate | ({} if cell.activation == "tanh" else {"activation_fn": _function(cell.activation)})


def _cell(cell: Cell) -> tuple[str, Settings]:
    """Return linen's class of a cell and its settings; raises `UnsupportedError` where it has none."""
    match cell:
        case SimpleCell():
            function = {} if cell.activation == "tanh" else {"activation_fn": _function(cell.activation)}
            return "linen.SimpleCell", {"features": cell.units, **function, **_if(residual=cell.residual)}
        case LstmCell(projection=None):
            return "linen.OptimizedLSTMCell", {"features": cell.units, **_functions(cell)}
        case GruCell(reset_after=True):
            return "linen.GRUCell", {"features": cell.units, **_functions(cell)}
        case GruCell():
            raise UnsupportedError(
                "linen's GRU resets the state after its product with the recurrent kernel, and this one before"
                " (reset_after=False): that is other mathematics, which no arrangement of the weights makes up for"
            )
    raise UnsupportedError(f"linen has no cell that computes as {cell.phrase()}")


def _if(**settings: bool) -> dict[str, bool]:
    """Return the settings that are on."""
    return {name: True for name, on in settings.items() if on}


def _feeds(cell: Cell, source: str, own: str = "") -> Feeds:
    """Return what fills the roles of a cell, which are called `own` here and `source` in the source."""
    kernels = {f"{own}{role}": Same(f"{source}{role}") for role in ("kernel", "recurrent_kernel")}
    feeds: Feeds = dict(kernels) if own != source else {}
    bias, candidate = f"{own}bias", f"{own}candidate_bias"
    if not getattr(cell, "bias", True):
        feeds |= {bias: NO_BIAS} | ({candidate: NO_BIAS} if isinstance(cell, GruCell) else {})
    elif isinstance(cell, GruCell):
        feeds |= _gru_biases(cell, f"{source}bias", bias, candidate)
    elif getattr(cell, "two_biases", False):
        feeds[bias] = Summed(f"{source}bias", "side")
    elif own != source:
        feeds[bias] = Same(f"{source}bias")
    return feeds


def _gru_biases(cell: GruCell, source: str, bias: str, candidate: str) -> Feeds:
    """Return what fills a GRU's biases: the gates need the sum of two, and the candidate both apart."""
    if cell.recurrent_bias == "none":
        return {bias: Same(source), candidate: Filled(0.0, "the source's recurrent product has no bias")}
    if cell.recurrent_bias == "candidate":
        return {bias: Same(source), candidate: Same(source.removesuffix("bias") + "candidate_bias")}
    return {
        bias: Summed(source, "side"),
        f"{bias} gate=h": Block(source, "side", "input"),
        candidate: Block(source, "side gate", "recurrent h"),
    }


def _states(cell: Cell) -> int:
    """Return the number of a cell's states."""
    return len(cell.cells) if isinstance(cell, StackedCells) else 2 if isinstance(cell, LstmCell) else 1


def _cells(cell: Cell) -> list[tuple[str, Cell]]:
    """Return the cells that are stacked, each with what stands before its roles; one alone has nothing there."""
    if not isinstance(cell, StackedCells):
        return [("", cell)]
    return [(f"{number}/", inner) for number, inner in enumerate(cell.cells)]


def _directed(
    program: Program, layer: Recurrent, given: Sequence[Output], source: str = "", name: str = ""
) -> list[Output]:
    """Add a layer of one direction, a module for each of its cells, and return its outputs: the sequence or its end."""
    sequence, *states = given
    stacked = len(_cells(layer.cell)) > 1
    kept = layer.backwards and layer.keeps_order and layer.sequences
    after: list[Output] = []
    for number, (prefix, cell) in enumerate(_cells(layer.cell)):
        class_name, config = _cell(cell)
        own, states = states[: _states(cell)], states[_states(cell) :]
        sequence = program.add(
            "linen.RNN",
            sequence,
            *own,
            name=named(name, str(number) if stacked else ""),
            feeds=_feeds(cell, f"{source}{prefix}"),
            cell={"class_name": class_name, "config": config},
            **_if(reverse=layer.backwards and number == 0, keep_order=kept and not stacked, return_carry=layer.states),
        )
        after += (replace(sequence, index=index) for index in range(1, 1 + _states(cell)))
    if kept and stacked:
        sequence = program.add("slice", sequence, name=named(name, "ordered"), axis=1, step=-1)
    if not layer.sequences:
        sequence = program.add("take", sequence, name=named(name, "last"), axis=1, index=-1)
    return [sequence, *(after if layer.states else [])]


def _arriving(inputs: Shapes) -> list[Output]:
    return [Output(INPUT, place) for place in range(max(len(inputs), 1))]


def _recurrent(operation: Recurrent, inputs: Shapes) -> Spelled:
    program = Program()
    return program.spelled(*_directed(program, operation, _arriving(inputs)))


def _bidirectional(operation: Bidirectional, inputs: Shapes) -> Spelled:
    program = Program()
    return program.spelled(*_both(program, operation, _arriving(inputs)))


def _both(
    program: Program, operation: Bidirectional, given: Sequence[Output], source: str = "", name: str = ""
) -> list[Output]:
    """Add both directions, and return what they return together, then the states of each."""
    onward, backward = operation.onward, operation.backward
    if onward.backwards or not backward.backwards or backward.keeps_order:
        raise UnsupportedError("its directions are not one forwards and one backwards")
    stacked = any(isinstance(part.cell, StackedCells) for part in (onward, backward))
    if operation.merge == "concat" and onward.sequences and not stacked:
        return _bidirectional_module(program, operation, given, source, name)
    half = (len(given) - 1) // 2
    one, *states = _directed(program, onward, given[: 1 + half], f"{source}forward/", named(name, "forward"))
    other, *more = _directed(
        program,
        replace(backward, keeps_order=True),
        [given[0], *given[1 + half :]],
        f"{source}backward/",
        named(name, "backward"),
    )
    if operation.merge == "none":
        return [one, other, *states, *more]
    if operation.merge == "concat":
        return [program.add("concatenate", one, other, name=name, axis=-1), *states, *more]
    return [program.add(MERGES[operation.merge], one, other, name=name), *states, *more]


def _bidirectional_module(
    program: Program, operation: Bidirectional, given: Sequence[Output], source: str, name: str
) -> list[Output]:
    """Add linen's Bidirectional, which lays the outputs of both directions side by side at every position."""
    modules: Settings = {}
    feeds: Feeds = {}
    for side, layer in (("forward", operation.onward), ("backward", operation.backward)):
        class_name, config = _cell(layer.cell)
        cell = {"class_name": class_name, "config": config}
        modules[f"{side}_rnn"] = {"class_name": "linen.RNN", "config": {"cell": cell}}
        feeds |= _feeds(layer.cell, f"{source}{side}/", f"{side}/")
    states = operation.onward.states
    both = program.add("linen.Bidirectional", *given, name=name, feeds=feeds, **modules, **_if(return_carry=states))
    count = 1 + 2 * _states(operation.onward.cell) if states else 1
    return [replace(both, index=index) for index in range(count)]


def _stacked(operation: StackedRecurrent, inputs: Shapes) -> Spelled:
    """Return a module for each level; of their outputs the sequence alone, which the states of all do not follow."""
    if operation.positions_first:
        raise UnsupportedError("its positions come before the batch")
    if len(inputs) > 1:
        raise UnsupportedError("its first states are given, those of all its layers in one tensor")
    program, several = Program(), len(operation.levels) > 1
    sequence = Output(INPUT)
    for number, level in enumerate(operation.levels):
        source, name = (f"{number}/", str(number)) if several else ("", "")
        if isinstance(level, Bidirectional):
            sequence = _both(program, level.stateless(), [sequence], source, name)[0]
        else:
            sequence = _directed(program, level.stateless(), [sequence], source, name)[0]
    return program.spelled(sequence)


def _single(cell: Cell, inputs: Shapes) -> Spelled:
    """Return one step of a cell: its output and its states."""
    if len(inputs) <= 1:
        raise UnsupportedError("a cell of linen takes its states with each step")
    program, (class_name, config) = Program(), _cell(cell)
    output = program.add(class_name, *_arriving(inputs), feeds=_feeds(cell, ""), **config)
    return program.spelled(*(replace(output, index=index) for index in range(1 + _states(cell))))


def _step(operation: Stepping, inputs: Shapes) -> Spelled:
    """Return one step of a cell: its states alone; without states before it, a sequence of one position."""
    if len(inputs) > 1:
        spelled = _single(operation.cell, inputs)
        return replace(spelled, outputs=spelled.outputs[1:])
    program = Program()
    position = program.add("expand_dims", Output(INPUT), name="position", axis=1)
    return program.spelled(*_directed(program, Recurrent(operation.cell, states=True), [position])[1:])


SPELLINGS: Mapping[type[Operation], Spelling] = {
    Bidirectional: _bidirectional,
    GruCell: _single,
    LstmCell: _single,
    Recurrent: _recurrent,
    SimpleCell: _single,
    StackedRecurrent: _stacked,
    Stepping: _step,
}
