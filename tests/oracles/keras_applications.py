"""Cases of the layers that architectures of keras.applications have of their own."""

from __future__ import annotations

from typing import Any

from keras.src.applications.convnext import LayerScale, StochasticDepth
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from tests.oracles.case import Case, Input
from tests.oracles.keras_merging import together


def scale(channels: int) -> Any:
    """Return what builds a LayerScale."""
    return lambda: LayerScale(1e-6, channels)


def scaled(name: str, factor: float, *shapes: tuple[int, ...]) -> Case:
    """Return a case of a sum with a scaled residual."""
    return Case(name, lambda: CustomScaleLayer(factor), [Input(shape) for shape in shapes], together)


CASES = [
    Case("LayerScale", scale(4), [Input((3, 4))]),
    Case("LayerScale of images", scale(5), [Input((2, 3, 4, 5))]),
    Case("LayerScale, as many channels as columns", scale(4), [Input((2, 3, 4, 4))]),
    Case("LayerScale of one channel", scale(1), [Input((2, 3, 4, 1))]),
    Case("StochasticDepth", lambda: StochasticDepth(0.25), [Input((2, 3, 4, 5))]),
    scaled("CustomScaleLayer", 0.17, (2, 3, 4, 5), (2, 3, 4, 5)),
    scaled("CustomScaleLayer, repeating", -2.0, (2, 3, 1), (2, 1, 4)),
    scaled("CustomScaleLayer that only adds", 1.0, (3, 4), (3, 4)),
]
