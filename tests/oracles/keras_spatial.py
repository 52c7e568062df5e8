"""Cases of Keras's convolutions and poolings."""

from __future__ import annotations

from keras import layers
from tests.oracles.case import Case, Input

CASES = [
    Case("Conv2D", lambda: layers.Conv2D(5, (3, 2)), [Input((2, 6, 7, 3))]),
    Case("Conv2D, square", lambda: layers.Conv2D(3, 3), [Input((2, 5, 5, 3))]),
    Case("Conv2D groups", lambda: layers.Conv2D(6, (3, 2), groups=2), [Input((2, 6, 7, 4))]),
    Case("Conv2D same strides", lambda: layers.Conv2D(5, (3, 2), strides=2, padding="same"), [Input((2, 6, 7, 3))]),
    Case("MaxPooling2D", lambda: layers.MaxPooling2D((2, 3)), [Input((2, 6, 7, 3))]),
]
