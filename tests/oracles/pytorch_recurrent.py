"""Cases of PyTorch's recurrent modules and of their cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from tests.oracles.case import Case, Input

SEQUENCE = Input((4, 2, 3))
SUMMED = ("RNN", "LSTM")
"""Modules in which the two biases act as their sum, so that they can be exchanged."""


def begun(layer: Any, arrays: Sequence[Any]) -> Any:
    """Call a module on its input and its first states."""
    x, *states = arrays
    return layer(x, tuple(states) if len(states) > 1 else states[0])


def exchangeable(kind: str, layers: int = 1, both: bool = False) -> Mapping[str, Sequence[str]]:
    """Return the true symmetries of the biases of a module."""
    ends = [f"_l{number}{suffix}" for number in range(layers) for suffix in ("", "_reverse")[: 1 + both]]
    return {f"bias_ih{end}": ["at side=recurrent"] for end in ends} if kind in SUMMED else {}


def in_sequence(kind: str) -> Iterator[Case]:
    """Yield the cases of a recurrent module."""
    layer = getattr(nn, kind)

    def case(text: str, *sizes: int, shape: tuple[int, ...] = (4, 2, 3), **options: Any) -> Case:
        symmetries = exchangeable(kind, options.get("num_layers", 1), options.get("bidirectional", False))
        x = Input(shape)
        return Case(f"{kind}{text}", lambda: layer(*sizes, **options), [x], symmetries=symmetries)

    yield case("", 3, 5)
    yield case(", square", 4, 4, shape=(3, 2, 4))
    yield case(" of three units", 3, 3)
    yield case(" of two units", 2, 2, shape=(3, 2, 2))
    yield case(", batch first", 3, 5, batch_first=True)
    yield case(" without bias", 3, 5, bias=False)
    yield case(" of two layers", 3, 5, num_layers=2)
    yield case(" of two layers, square", 3, 3, num_layers=2)
    yield case(" of three layers, batch first", 3, 2, num_layers=3, batch_first=True)
    yield case(" in both directions", 3, 5, bidirectional=True)
    yield case(" in both directions, square", 3, 3, bidirectional=True)
    yield case(" of two layers in both directions", 3, 4, num_layers=2, bidirectional=True, batch_first=True)
    yield case(" of two layers in both directions, without bias", 3, 2, num_layers=2, bidirectional=True, bias=False)
    yield case(" with dropout", 3, 2, num_layers=2, dropout=0.5)
    states = [Input((1, 2, 5))] * (2 if kind == "LSTM" else 1)
    yield Case(f"{kind} from states", lambda: layer(3, 5), [SEQUENCE, *states], begun, symmetries=exchangeable(kind))
    states = [Input((4, 2, 5))] * (2 if kind == "LSTM" else 1)
    yield Case(
        f"{kind} of two layers in both directions, from states",
        lambda: layer(3, 5, num_layers=2, bidirectional=True),
        [SEQUENCE, *states],
        begun,
        symmetries=exchangeable(kind, 2, both=True),
    )


def projected(text: str, *sizes: int, **options: Any) -> Case:
    """Return the case of an LSTM that projects its output."""
    symmetries = exchangeable("LSTM", options.get("num_layers", 1), options.get("bidirectional", False))
    return Case(f"LSTM projected{text}", lambda: nn.LSTM(*sizes, **options), [SEQUENCE], symmetries=symmetries)


def in_one_step(kind: str) -> Iterator[Case]:
    """Yield the cases of a cell."""
    name, count = f"{kind}Cell", 2 if kind == "LSTM" else 1
    layer, swapped = getattr(nn, name), {"bias_ih": ["at side=recurrent"]} if kind in SUMMED else {}
    yield Case(name, lambda: layer(3, 5), [Input((2, 3)), *[Input((2, 5))] * count], begun, symmetries=swapped)
    yield Case(f"{name}, square", lambda: layer(3, 3), [Input((2, 3))] * (1 + count), begun, symmetries=swapped)
    yield Case(
        f"{name} without bias", lambda: layer(3, 5, bias=False), [Input((2, 3)), *[Input((2, 5))] * count], begun
    )


CASES = [
    *(case for kind in ("RNN", "LSTM", "GRU") for cases in (in_sequence, in_one_step) for case in cases(kind)),
    Case("RNN relu", lambda: nn.RNN(3, 5, nonlinearity="relu"), [SEQUENCE], symmetries=exchangeable("RNN")),
    Case(
        "RNNCell relu",
        lambda: nn.RNNCell(3, 5, nonlinearity="relu"),
        [Input((2, 3)), Input((2, 5))],
        begun,
        symmetries={"bias_ih": ["at side=recurrent"]},
    ),
    projected("", 3, 5, proj_size=2),
    projected(", almost square", 3, 4, proj_size=3),
    projected(" of two layers", 3, 5, proj_size=2, num_layers=2),
    projected(" in both directions", 3, 4, proj_size=2, bidirectional=True, batch_first=True),
    projected(" without bias", 3, 5, proj_size=2, bias=False),
]
