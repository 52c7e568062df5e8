"""Cases of Keras 2 before it became a part of TensorFlow, on TensorFlow and on Theano."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.oracles.case import Case, Input


def cases(version: str, backend: str) -> Iterator[Case]:
    """Yield the cases that a version can run on a backend."""
    from keras import layers

    def case(name: str, *shape: int, **options: Any) -> Case:
        build: Callable[..., Any] = getattr(layers, name.split()[0].rstrip(","))
        return Case(name, lambda: build(**options), [Input((2, *shape))])

    yield case("Conv1D", 7, 3, filters=5, kernel_size=2)
    if backend == "tensorflow":  # Theano has no such padding
        yield case("Conv1D causal, square", 6, 3, filters=3, kernel_size=3, padding="causal")
    yield case("Conv2D", 6, 7, 3, filters=5, kernel_size=(3, 2))
    yield case("Conv2D, square", 5, 5, 3, filters=3, kernel_size=3, padding="same")
    yield case("Conv2DTranspose", 4, 3, 2, filters=5, kernel_size=(3, 2), strides=(2, 1))
    yield case("Conv2DTranspose, square", 3, 3, 2, filters=2, kernel_size=3, padding="same")
    yield case("Conv3D", 3, 4, 5, 2, filters=3, kernel_size=(2, 3, 4))
    yield case("Conv3D, square", 3, 3, 3, 2, filters=2, kernel_size=2)
    yield case("Conv2D same, even", 6, 7, 3, filters=2, kernel_size=(4, 2), padding="same")
    yield case("Conv2D same strides", 6, 7, 3, filters=5, kernel_size=(3, 2), strides=2, padding="same")
    yield case("Conv2DTranspose same strides", 4, 3, 2, filters=3, kernel_size=3, strides=2, padding="same")
    yield case("ConvLSTM2D", 3, 5, 4, 2, filters=3, kernel_size=(5, 3), padding="same")
    yield case("ConvLSTM2D strides", 2, 9, 9, 2, filters=3, kernel_size=(3, 5), strides=2)
    yield case("ConvLSTM2D, square", 2, 3, 3, 3, filters=3, kernel_size=3, padding="same")
    yield case("MaxPooling1D same", 7, 3, pool_size=3, strides=2, padding="same")
    yield case("MaxPooling2D", 6, 7, 3, pool_size=(2, 3))
    yield case("MaxPooling2D same", 6, 7, 3, pool_size=(2, 3), strides=(1, 2), padding="same")
    yield case("MaxPooling2D same, large", 6, 7, 3, pool_size=(4, 5), strides=(2, 1), padding="same")
    yield case("AveragePooling2D", 6, 7, 3, pool_size=(2, 3))
    if backend == "tensorflow":  # on Theano these are not computed
        yield case("AveragePooling2D same", 6, 7, 3, pool_size=(2, 3), strides=(1, 2), padding="same")
        yield case("AveragePooling2D same, large", 6, 7, 3, pool_size=(4, 5), strides=(2, 1), padding="same")
    if version != "2.0.5":
        yield case("Conv3DTranspose", 2, 3, 2, 2, filters=3, kernel_size=(2, 3, 4), strides=(1, 2, 1))
        yield case("Conv3DTranspose, square", 2, 2, 2, 2, filters=2, kernel_size=2)
    if backend == "tensorflow" or version in ("2.2.4", "2.3.1"):
        yield case("SeparableConv2D", 6, 5, 3, filters=4, kernel_size=(3, 2), depth_multiplier=2)
        yield case("SeparableConv2D, square", 4, 4, 2, filters=2, kernel_size=2, depth_multiplier=2)
    if version in ("2.2.4", "2.3.1"):
        yield case("DepthwiseConv2D", 6, 5, 3, kernel_size=(3, 2), depth_multiplier=2)
        yield case("DepthwiseConv2D same", 6, 5, 3, kernel_size=2, strides=2, padding="same", depth_multiplier=2)
        options = {"kernel_size": (5, 3), "padding": "same", "depth_multiplier": 2}
        yield case("SeparableConv2D same", 6, 5, 3, filters=4, **options)
        yield case("DepthwiseConv2D, square", 4, 4, 2, kernel_size=2, depth_multiplier=2)
        yield case("SeparableConv1D", 6, 3, filters=4, kernel_size=3, depth_multiplier=2)
        yield case("SeparableConv1D, square", 4, 2, filters=2, kernel_size=2, depth_multiplier=2)
    yield case("LocallyConnected1D", 6, 3, filters=5, kernel_size=2)
    yield case("LocallyConnected2D", 4, 6, 3, filters=2, kernel_size=(2, 3))
    yield case("Dense hard_sigmoid", 5, units=4, activation="hard_sigmoid")
    yield case("SimpleRNN", 4, 5, units=3)
    yield case("LSTM", 4, 5, units=3)
    yield case("LSTM, square", 4, 3, units=3, return_sequences=True, implementation=2)
    yield case("GRU", 4, 5, units=3)
    yield case("GRU, square", 4, 3, units=3, go_backwards=True)
    if version != "2.0.5":
        yield case("GRU reset after", 4, 5, units=3, reset_after=True)
    yield case("BatchNormalization", 3, 4)
    yield case("BatchNormalization first", 3, 4, 5, axis=1)
    yield case("PReLU", 3, 4, shared_axes=[1])
    yield case("LeakyReLU", 7, alpha=0.2)
    yield case("ELU", 7, alpha=0.5)
    yield case("ThresholdedReLU", 7, theta=0.5)
    yield case("Flatten", 3, 4, 5)
    yield Case("Embedding", lambda: layers.Embedding(7, 3), [Input((2, 4), 7)])
    yield Case("Bidirectional", lambda: layers.Bidirectional(layers.LSTM(3)), [Input((2, 4, 5))])
    yield Case("TimeDistributed", lambda: layers.TimeDistributed(layers.Dense(3)), [Input((2, 4, 5))])
    yield Case("Concatenate", lambda: layers.Concatenate(), [Input((2, 4)), Input((2, 3))], _together)
    yield Case("Dot", lambda: layers.Dot(1), [Input((2, 4, 3)), Input((2, 4, 5))], _together)


def _together(layer: Any, tensors: Any) -> Any:
    return layer(list(tensors))
