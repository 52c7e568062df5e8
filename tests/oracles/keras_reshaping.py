"""Cases of Keras's layers that rearrange or pass on."""

from __future__ import annotations

from keras import layers
from tests.oracles.case import Case, Input

CASES = [
    Case("Flatten", lambda: layers.Flatten(), [Input((2, 3, 4, 5))]),
    Case("Flatten channels first", lambda: layers.Flatten(data_format="channels_first"), [Input((2, 3, 4, 5))]),
]
