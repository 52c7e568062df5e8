"""How Flax spells what walks through a sequence or attends within it.

An LSTM of linen has one bias, on the side of the state; a GRU has one on the side of the input and, for the candidate
alone, one on the side of the state, which the reset gate scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from weightwise.conventions.flax.settings import FUNCTIONS
from weightwise.conventions.flax.spelling.values import Shapes, Spelling
from weightwise.conventions.spelling import INPUT, Feed, Filled, Output, Spelled, Step, Summed
from weightwise.errors import UnsupportedError
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Operation
from weightwise.ops.recurrent import Bidirectional, Recurrent

Module = dict[str, Any]
NO_BIAS = Filled(0.0, "the source's cell has no bias")


def _function(neutral: str) -> str:
    """Return the name of a function of JAX; raises `UnsupportedError`."""
    for name, function in FUNCTIONS.items():
        if function == neutral:
            return name
    raise UnsupportedError(f"JAX has no function {neutral}")


def _functions(cell: LstmCell | GruCell) -> dict[str, str]:
    """Return the functions of a cell where they are not linen's defaults."""
    gate = {} if cell.recurrent_activation == "sigmoid" else {"gate_fn": _function(cell.recurrent_activation)}
    return gate | ({} if cell.activation == "tanh" else {"activation_fn": _function(cell.activation)})


def _bias(cell: SimpleCell | LstmCell) -> dict[str, Feed]:
    if not cell.bias:
        return {"bias": NO_BIAS}
    return {"bias": Summed("bias", "side")} if cell.two_biases else {}


def _simple(cell: SimpleCell) -> tuple[str, Module, dict[str, Feed]]:
    config: Module = {"features": cell.units}
    if cell.activation != "tanh":
        config["activation_fn"] = _function(cell.activation)
    if cell.residual:
        config["residual"] = True
    return "linen.SimpleCell", config, _bias(cell)


def _lstm(cell: LstmCell) -> tuple[str, Module, dict[str, Feed]]:
    if cell.projection is not None:
        raise UnsupportedError("linen's LSTM does not project what it returns")
    return "linen.OptimizedLSTMCell", {"features": cell.units, **_functions(cell)}, _bias(cell)


def _gru(cell: GruCell) -> tuple[str, Module, dict[str, Feed]]:
    if not cell.reset_after:
        raise UnsupportedError(
            "linen's GRU resets the state after its product with the recurrent kernel, and this one before:"
            " that is other mathematics, which no arrangement of the weights makes up for"
        )
    feeds: dict[str, Feed] = {}
    if not cell.bias:
        feeds = {"bias": NO_BIAS, "candidate_bias": NO_BIAS}
    elif cell.recurrent_bias == "none":
        feeds = {"candidate_bias": Filled(0.0, "the source's recurrent product has no bias")}
    elif cell.recurrent_bias == "all":
        raise UnsupportedError("the two biases of its gates cannot be joined yet")
    return "linen.GRUCell", {"features": cell.units, **_functions(cell)}, feeds


_CELLS: Mapping[type[Operation], Any] = {SimpleCell: _simple, LstmCell: _lstm, GruCell: _gru}


def _cell(cell: Cell) -> tuple[str, Module, dict[str, Feed]]:
    """Return linen's class of a cell, its settings, and what fills its roles."""
    if type(cell) not in _CELLS:
        raise UnsupportedError(f"linen has no cell that computes as {cell.phrase()}")
    found: tuple[str, Module, dict[str, Feed]] = _CELLS[type(cell)](cell)
    return found


def _module(operation: Recurrent) -> tuple[Module, dict[str, Feed]]:
    """Return the settings of an RNN that returns its output at every position, and what fills its roles."""
    class_name, config, feeds = _cell(operation.cell)
    settings: Module = {"cell": {"class_name": class_name, "config": config}}
    if operation.backwards:
        settings["reverse"] = True
        settings |= {"keep_order": True} if operation.keeps_order else {}
    return settings | ({"return_carry": True} if operation.states else {}), feeds


def _recurrent(operation: Recurrent, inputs: Shapes) -> Spelled:
    settings, feeds = _module(operation)
    states = len(operation.cell.state_shapes((None, None))) if operation.states else 0
    rnn = Step("linen.RNN", settings, feeds)
    if operation.sequences:
        outputs = tuple(Output(0, index) for index in range(1 + states))
        return Spelled((rnn,), outputs)
    last = Step("take", {"axis": 1, "index": -1}, name="last")
    return Spelled((rnn, last), (Output(1), *(Output(0, index) for index in range(1, 1 + states))))


def _within(feeds: Mapping[str, Feed], part: str) -> dict[str, Feed]:
    """Return what fills the roles of one direction, by the roles of the whole."""
    found: dict[str, Feed] = {}
    for role, feed in feeds.items():
        found[f"{part}/{role}"] = feed if isinstance(feed, Filled) else replace(feed, role=f"{part}/{feed.role}")
    return found


def _bidirectional(operation: Bidirectional, inputs: Shapes) -> Spelled:
    if operation.merge == "concat" and operation.onward.sequences:
        return _both(operation)
    raise UnsupportedError("two directions that are not laid side by side are not spelled yet")


def _both(operation: Bidirectional) -> Spelled:
    """Return linen's Bidirectional, which lays both outputs side by side at every position."""
    (onward, feeds), (backward, others) = (
        _module(replace(part, backwards=False, states=False)) for part in (operation.onward, operation.backward)
    )
    settings: Module = {
        "forward_rnn": {"class_name": "linen.RNN", "config": onward},
        "backward_rnn": {"class_name": "linen.RNN", "config": backward},
    }
    states = 2 * len(operation.onward.cell.state_shapes((None, None))) if operation.onward.states else 0
    settings |= {"return_carry": True} if states else {}
    step = Step("linen.Bidirectional", settings, {**_within(feeds, "forward"), **_within(others, "backward")})
    return Spelled((step,), tuple(Output(0, index) for index in range(1 + states)))


def _attention(operation: MultiHeadAttention, inputs: Shapes) -> Spelled:
    rank = len(inputs[0]) if inputs else 3
    refusals = {
        "heads of keys and values are shared among those of queries": operation.kv_heads is not None,
        "the result of every head is scaled by a gate": operation.gate,
        "it attends to a window of positions": operation.window is not None,
        "it attends to no later position": operation.causal,
        "it returns the weights of its averages": operation.scores,
        "it attends over other axes than the last but one": operation.axes not in (None, (rank - 2,), (-2,))
        or (operation.axes is None and rank != 3),
        "heads of values have another size than those of queries": operation.head_dim != operation.value_dim,
        "the size of its heads is not known": not operation.head_dim,
        "queries and keys are normalized with another epsilon than 1e-6": operation.normalized not in (None, 1e-6),
        "it has a mask": "mask" in operation.arguments and len(inputs) == len(operation.arguments),
    }
    for reason, found in refusals.items():
        if found:
            raise UnsupportedError(f"{reason}, which linen's MultiHeadDotProductAttention does not do")
    outputs = operation.outputs or ()
    config: Module = {
        "num_heads": operation.heads,
        "qkv_features": operation.heads * operation.head_dim,
        **({"out_features": outputs[0] if len(outputs) == 1 else outputs} if outputs else {}),
        **({} if operation.bias else {"use_bias": False}),
        **({"normalize_qk": True} if operation.normalized else {}),
    }
    return Spelled((Step("linen.MultiHeadDotProductAttention", config, inputs=_arguments(operation, len(inputs))),))


def _arguments(operation: MultiHeadAttention, count: int) -> tuple[Output, ...]:
    """Return query, key and value in linen's order; a key or a value that is not given is the other one."""
    if not count:
        return ()
    places = {name: place for place, name in enumerate(operation.arguments[:count])}
    if "all" in places:
        return (Output(INPUT, places["all"]),)
    query, key, value = (places.get(name) for name in ("query", "key", "value"))
    read = [place for place in (query, value if key is None else key, key if value is None else value)]
    if None in read:
        raise UnsupportedError(f"its inputs are not told: {', '.join(operation.arguments)}")
    return tuple(Output(INPUT, place) for place in read if place is not None)


SPELLINGS: Mapping[type[Operation], Spelling] = {
    Bidirectional: _bidirectional,
    MultiHeadAttention: _attention,
    Recurrent: _recurrent,
}
