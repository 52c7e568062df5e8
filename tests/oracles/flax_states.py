"""Calls of Flax's recurrent modules, with their states where the operations have them.

A cell takes its states before the input, and an LSTM's as c and h; the operation has the input first, and h before c.
With `return_carry` the states come before the outputs, and in the operation behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def one_state(cell: Any, tensors: Sequence[Any]) -> Any:
    """Return the output and the state of a cell, called with `x, h`."""
    x, h = tensors
    state, output = cell(h, x)
    return output, state


def two_states(cell: Any, tensors: Sequence[Any]) -> Any:
    """Return the output and the states h, c of a cell, called with `x, h, c`."""
    x, h, c = tensors
    states, output = cell((c, h), x)
    return output, *turned(states)


def sequence(module: Any, tensors: Sequence[Any]) -> Any:
    """Return the outputs of a module, and its states where it returns them."""
    returned = module(*tensors)
    return (returned[1], *turned(returned[0])) if isinstance(returned, tuple) else returned


def bidirectional(module: Any, tensors: Sequence[Any]) -> Any:
    """Return the outputs of a module, and the states of both directions where it returns them."""
    returned = module(*tensors)
    if not isinstance(returned, tuple):
        return returned
    (forward, backward), outputs = returned
    return outputs, *turned(forward), *turned(backward)


def turned(states: Any) -> tuple[Any, ...]:
    """Return one state, or h and c for c and h."""
    return tuple(reversed(states)) if isinstance(states, tuple) else (states,)
