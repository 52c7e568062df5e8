"""Cases of linen's recurrent cells, and of the modules that lead them through a sequence.

A cell of linen takes its states before the input, and an LSTM's as c and h; the operation has the input first and h
before c. With `return_carry` the states come before the outputs, and here behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import linen

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import LinenLayer, linen_layer
from tests.oracles.flax_states import bidirectional, one_state, sequence, two_states


def cell(name: str, size: int, units: int, states: int = 1, **options: Any) -> Case:
    """Return the case of a cell whose class is the second word of the name, on a batch of two."""
    inputs = [Input((2, size)), *[Input((2, units))] * states]
    build = linen_layer(getattr(linen, name.split()[1]), units, **options)
    return Case(name, build, inputs, call=one_state if states == 1 else two_states)


# Both convolutions have a bias, and only their sum matters.
BIASES = {"hh/bias": ["at side=input"], "cell/hh/bias": ["at side=input"]}


def images(name: str, shape: Sequence[int], filters: int, window: Sequence[int], **options: Any) -> Case:
    """Return the case of a convolutional LSTM on a batch of two."""
    inputs = [Input((2, *shape)), *[Input((2, *shape[:-1], filters))] * 2]
    build = linen_layer(linen.ConvLSTMCell, filters, tuple(window), **options)
    return Case(name, build, inputs, call=two_states, symmetries=BIASES)


def inner(name: str, units: int, **options: Any) -> linen.Module:
    """Return a cell that computes in float64."""
    return getattr(linen, name)(units, param_dtype=float, **options)


def walk(name: str, shape: Sequence[int], module: linen.Module, **options: Any) -> Case:
    """Return the case of a cell in an RNN, on a batch of two."""
    return Case(
        name,
        plain(linen.RNN, module, **options),
        [Input((2, *shape))],
        call=sequence,
        symmetries=BIASES if "Conv" in name else {},
    )


def plain(module: Any, *arguments: Any, **options: Any) -> Any:
    """Return what builds a module that has no arrays of its own."""
    return lambda: LinenLayer(module(*arguments, **options))


CELLS = [
    cell("linen SimpleCell", 3, 5),
    cell("linen SimpleCell square", 4, 4),
    cell("linen SimpleCell residual relu", 3, 4, residual=True, activation_fn=linen.relu),
    cell("linen LSTMCell", 3, 5, 2),
    cell("linen LSTMCell square", 4, 4, 2),
    cell("linen LSTMCell functions", 3, 4, 2, gate_fn=linen.hard_sigmoid, activation_fn=linen.gelu),
    cell("linen OptimizedLSTMCell", 3, 5, 2),
    cell("linen OptimizedLSTMCell square", 4, 4, 2),
    cell("linen GRUCell", 3, 5),
    cell("linen GRUCell square", 4, 4),
    cell("linen GRUCell functions", 3, 4, gate_fn=linen.hard_sigmoid, activation_fn=linen.soft_sign),
    cell("linen MGUCell", 3, 5),
    cell("linen MGUCell square", 4, 4),
    cell("linen MGUCell without reset", 3, 4, reset_gate=False),
    cell("linen MGUCell without reset square", 3, 3, reset_gate=False),
    images("linen ConvLSTMCell", (3, 4, 3), 2, (3, 2)),
    images("linen ConvLSTMCell square", (3, 3, 2), 2, (2, 2)),
    images("linen ConvLSTMCell of sequences", (5, 3), 2, (3,)),
    images("linen ConvLSTMCell of sequences square", (4, 3), 3, (3,)),
    images("linen ConvLSTMCell padding of pairs", (4, 3), 2, (4,), padding=((1, 2),)),
    images("linen ConvLSTMCell without bias", (4, 3), 2, (2,), use_bias=False),
    images("linen ConvLSTMCell of volumes square", (2, 2, 2, 2), 2, (2, 2, 2)),
]

SEQUENCES = [
    walk("linen RNN of LSTMCell", (4, 3), inner("LSTMCell", 5)),
    walk("linen RNN of LSTMCell square", (4, 3), inner("LSTMCell", 3), return_carry=True),
    walk("linen RNN of OptimizedLSTMCell backwards", (4, 3), inner("OptimizedLSTMCell", 2), reverse=True),
    walk("linen RNN of GRUCell", (4, 3), inner("GRUCell", 2), return_carry=True),
    walk(
        "linen RNN of GRUCell in order", (4, 3), inner("GRUCell", 2), reverse=True, keep_order=True, return_carry=True
    ),
    walk("linen RNN of SimpleCell", (4, 3), inner("SimpleCell", 2)),
    walk("linen RNN of MGUCell", (4, 3), inner("MGUCell", 2)),
    walk("linen RNN of ConvLSTMCell", (3, 4, 3), linen.ConvLSTMCell(2, (3,), param_dtype=float)),
    Case(
        "linen Bidirectional",
        plain(linen.Bidirectional, linen.RNN(inner("LSTMCell", 2)), linen.RNN(inner("GRUCell", 3))),
        [Input((2, 4, 3))],
        call=bidirectional,
    ),
    Case(
        "linen Bidirectional with states",
        plain(
            linen.Bidirectional,
            linen.RNN(inner("GRUCell", 3), reverse=True),
            linen.RNN(inner("LSTMCell", 3), keep_order=True),
            return_carry=True,
        ),
        [Input((2, 4, 3))],
        call=bidirectional,
    ),
]

CASES = CELLS + SEQUENCES
