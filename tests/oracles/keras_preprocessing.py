"""Cases of Keras's layers that turn values into categories, and categories into vectors."""

from __future__ import annotations

from typing import Any

from keras import layers

from tests.oracles.case import Case, Input

BOUNDARIES = [-1.0, 0.0, 0.25, 3.0]


def encoding(mode: str) -> Any:
    """Return what builds a CategoryEncoding."""
    return lambda: layers.CategoryEncoding(num_tokens=4, output_mode=mode)


def binning(mode: str) -> Any:
    """Return what builds a Discretization."""
    return lambda: layers.Discretization(BOUNDARIES, output_mode=mode)


CASES = [
    Case("CategoryEncoding", encoding("multi_hot"), [Input((3, 5), below=4)]),
    Case("CategoryEncoding one by one", encoding("one_hot"), [Input((3, 5), below=4)]),
    Case("CategoryEncoding of single ones", encoding("one_hot"), [Input((3, 1), below=4)]),
    Case("CategoryEncoding of sequences", encoding("one_hot"), [Input((2, 3, 2), below=4)]),
    Case("CategoryEncoding counted", encoding("count"), [Input((3, 7), below=4)]),
    Case("Discretization", binning("int"), [Input((3, 5), scale=3.0)]),
    Case("Discretization at the boundaries", binning("int"), [Input((3, 5), below=5)]),
    Case("Discretization one by one", binning("one_hot"), [Input((3, 5))]),
    Case("Discretization at once", binning("multi_hot"), [Input((3, 3))]),
    Case("Discretization counted", binning("count"), [Input((3, 7), scale=2.0)]),
]
