"""Cases of the recurrent cells of nnx, and of the modules that lead them through a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flax import nnx

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import NnxLayer, nnx_layer
from tests.oracles.flax_states import bidirectional, one_state, sequence, two_states


def cell(name: str, size: int, units: int, states: int = 1, **options: Any) -> Case:
    """Return the case of a cell whose class is the second word of the name, on a batch of two."""
    inputs = [Input((2, size)), *[Input((2, units))] * states]
    build = nnx_layer(getattr(nnx, name.split()[1]), size, units, dtype=float, **options)
    return Case(name, build, inputs, call=one_state if states == 1 else two_states)


def inner(name: str, size: int, units: int) -> nnx.Module:
    """Return a cell that computes in float64."""
    return getattr(nnx, name)(size, units, dtype=float, param_dtype=float, rngs=nnx.Rngs(0))


def walk(name: str, shape: Sequence[int], units: int, **options: Any) -> Case:
    """Return the case of an RNN of the cell that the name ends in, on a batch of two."""
    build = plain(lambda: nnx.RNN(inner(name.split()[3], shape[-1], units), **options))
    return Case(name, build, [Input((2, *shape))], call=sequence)


def plain(module: Callable[[], nnx.Module]) -> Callable[[], NnxLayer]:
    """Return what builds a module that has no arrays of its own."""
    return lambda: NnxLayer(module())


CASES = [
    cell("nnx SimpleCell", 3, 5),
    cell("nnx SimpleCell square", 4, 4),
    cell("nnx SimpleCell residual relu", 3, 4, residual=True, activation_fn=nnx.relu),
    cell("nnx LSTMCell", 3, 5, 2),
    cell("nnx LSTMCell square", 4, 4, 2),
    cell("nnx OptimizedLSTMCell", 3, 5, 2),
    cell("nnx OptimizedLSTMCell square", 4, 4, 2),
    cell("nnx OptimizedLSTMCell functions", 3, 4, 2, gate_fn=nnx.hard_sigmoid, activation_fn=nnx.gelu),
    cell("nnx GRUCell", 3, 5),
    cell("nnx GRUCell square", 4, 4),
    walk("nnx RNN of LSTMCell", (4, 3), 5),
    walk("nnx RNN of OptimizedLSTMCell with states", (4, 3), 2, return_carry=True),
    walk("nnx RNN of GRUCell backwards", (4, 3), 2, reverse=True),
    walk("nnx RNN of GRUCell in order", (4, 3), 2, reverse=True, keep_order=True, return_carry=True),
    walk("nnx RNN of SimpleCell", (4, 3), 2),
    Case(
        "nnx Bidirectional",
        plain(lambda: nnx.Bidirectional(nnx.RNN(inner("LSTMCell", 3, 2)), nnx.RNN(inner("GRUCell", 3, 3)))),
        [Input((2, 4, 3))],
        call=bidirectional,
    ),
    Case(
        "nnx Bidirectional with states",
        plain(
            lambda: nnx.Bidirectional(
                nnx.RNN(inner("GRUCell", 3, 3)), nnx.RNN(inner("OptimizedLSTMCell", 3, 3)), return_carry=True
            )
        ),
        [Input((2, 4, 3))],
        call=bidirectional,
    ),
]
