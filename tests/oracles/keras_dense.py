"""Cases of Keras's dense layers."""

from __future__ import annotations

from keras import layers
from tests.oracles.case import Case, Input

CASES = [
    Case("Dense", lambda: layers.Dense(5), [Input((2, 7))]),
    Case("Dense without bias", lambda: layers.Dense(5, use_bias=False), [Input((2, 7))]),
    Case("Dense over sequences", lambda: layers.Dense(4, activation="tanh"), [Input((2, 3, 5))]),
    Case("Dense, square", lambda: layers.Dense(4), [Input((3, 4))]),
]
