"""Cases of Keras 1, on TensorFlow and on Theano, with both orders of dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.oracles.case import Case, Input


def cases(version: str, backend: str) -> Iterator[Case]:
    """Yield the cases that a version can run on a backend."""
    from keras import layers

    def case(name: str, *shape: int, **options: Any) -> Case:
        build = getattr(layers, name.split()[0].rstrip(","))
        return Case(name, lambda: build(**options), [Input((2, *shape))])

    def both(name: str, *shape: int, **options: Any) -> Iterator[Case]:
        """Yield a case with its channels last, and the same with them first."""
        *places, channels = shape
        yield case(f"{name}, tf", *shape, dim_ordering="tf", **options)
        yield case(f"{name}, th", channels, *places, dim_ordering="th", **options)

    yield case("Dense", 5, output_dim=4)
    yield case("Dense, square", 4, output_dim=4, activation="tanh", bias=False)
    yield case("Dense hard_sigmoid", 5, output_dim=4, activation="hard_sigmoid")
    yield case("Convolution1D", 7, 3, nb_filter=5, filter_length=2)
    yield case("Convolution1D strides", 7, 3, nb_filter=4, filter_length=3, subsample_length=2, bias=False)
    yield case("Convolution1D, square", 6, 3, nb_filter=3, filter_length=3, border_mode="same", activation="tanh")
    yield from both("Convolution2D", 6, 7, 3, nb_filter=5, nb_row=3, nb_col=2)
    yield from both("Convolution2D same", 6, 7, 3, nb_filter=2, nb_row=3, nb_col=5, border_mode="same")
    yield from both("Convolution2D, square", 4, 4, 3, nb_filter=3, nb_row=3, nb_col=3, subsample=(1, 1), bias=False)
    yield from both(
        "Convolution2D same strides", 6, 7, 3, nb_filter=4, nb_row=3, nb_col=2, subsample=(2, 2), border_mode="same"
    )
    yield from both("AtrousConvolution2D", 6, 7, 2, nb_filter=3, nb_row=3, nb_col=2, atrous_rate=(2, 2))
    yield from both("Convolution3D", 3, 4, 5, 2, nb_filter=3, kernel_dim1=2, kernel_dim2=3, kernel_dim3=4)
    yield from both("Convolution3D, square", 3, 3, 3, 2, nb_filter=2, kernel_dim1=2, kernel_dim2=2, kernel_dim3=2)
    if backend == "tensorflow":
        yield from both("SeparableConvolution2D", 6, 5, 3, nb_filter=4, nb_row=3, nb_col=2, depth_multiplier=2)
        yield from both("SeparableConvolution2D, square", 4, 4, 2, nb_filter=2, nb_row=2, nb_col=2, depth_multiplier=2)
    yield case("LocallyConnected1D", 6, 3, nb_filter=5, filter_length=2)
    yield case("LocallyConnected1D, square", 3, 2, nb_filter=2, filter_length=2)
    yield from both("LocallyConnected2D without bias", 4, 6, 3, nb_filter=2, nb_row=2, nb_col=3, bias=False)
    yield case("LocallyConnected2D", 4, 6, 3, nb_filter=2, nb_row=2, nb_col=3, dim_ordering="tf")
    yield case("LocallyConnected2D, square", 3, 3, 2, nb_filter=2, nb_row=2, nb_col=2, dim_ordering="tf")
    for mode in ("cpu", "mem", "gpu"):
        yield case(f"SimpleRNN {mode}", 4, 5, output_dim=3, consume_less=mode)
        yield case(f"LSTM {mode}", 4, 5, output_dim=3, consume_less=mode)
        yield case(f"GRU {mode}", 4, 5, output_dim=3, consume_less=mode)
        if mode != "mem":  # which has the arrays of `cpu`
            yield case(f"LSTM {mode}, square", 4, 3, output_dim=3, consume_less=mode, return_sequences=True)
            yield case(f"GRU {mode}, square", 4, 3, output_dim=3, consume_less=mode, go_backwards=True)
    yield case("BatchNormalization", 3, 4)
    yield case("BatchNormalization first", 3, 4, 5, axis=1)
    yield case("PReLU", 3, 4)
    yield Case("Embedding", lambda: layers.Embedding(7, 3), [Input((2, 4), 7)])
    yield Case("Bidirectional", lambda: layers.Bidirectional(layers.LSTM(3)), [Input((2, 4, 5))])
    yield Case("TimeDistributed", lambda: layers.TimeDistributed(layers.Dense(3)), [Input((2, 4, 5))])
    yield case("TimeDistributedDense", 4, 5, output_dim=3)
    yield replace(case("LeakyReLU", 7, alpha=0.2), tolerance=1e-5)
    yield case("ELU", 7, alpha=0.5)
    yield case("ThresholdedReLU", 7, theta=0.5)
    yield case("Activation", 7, activation="softplus")
    yield case("Dropout", 7, p=0.5)
    yield from both("SpatialDropout2D", 4, 7, 3, p=0.5)
    yield case("GaussianNoise", 7, sigma=0.5)
    yield case("GaussianDropout", 7, p=0.5)
    yield case("Flatten", 3, 4, 5)
    yield case("Reshape", 3, 4, target_shape=(2, 6))
    yield case("Permute", 3, 4, 2, dims=(2, 3, 1))
    yield case("RepeatVector", 4, n=3)
    yield case("MaxPooling1D", 7, 3, pool_length=3, stride=2)
    yield case("AveragePooling1D", 7, 3, pool_length=2)
    yield from both("MaxPooling2D", 6, 7, 3, pool_size=(2, 3))
    yield from both("MaxPooling2D same", 6, 7, 3, pool_size=(2, 3), strides=(1, 2), border_mode="same")
    yield from both("AveragePooling2D", 6, 7, 3, pool_size=(2, 3), strides=(1, 2))
    yield from both("MaxPooling3D", 4, 5, 6, 2, pool_size=(2, 1, 3))
    yield case("UpSampling1D", 4, 3, length=2)
    yield replace(case("ZeroPadding1D", 4, 3, padding=2), tolerance=1e-5)
    for mode in ("sum", "mul", "ave", "max"):
        yield Case(f"Merge {mode}", _merge(layers, mode=mode), [Input((2, 3, 4)), Input((2, 3, 4))], _together)
    concat = _merge(layers, mode="concat", concat_axis=1)
    yield Case("Merge concat", concat, [Input((2, 3, 4)), Input((2, 2, 4))], _together)
    yield Case("Merge dot", _merge(layers, mode="dot", dot_axes=1), [Input((2, 4, 3)), Input((2, 4, 5))], _together)
    if version == "1.0.8":  # which has no others, or asks of Theano what today's does not have
        return
    yield case("AtrousConvolution1D", 7, 3, nb_filter=5, filter_length=2, atrous_rate=3)
    yield case("AtrousConvolution1D, square", 7, 3, nb_filter=3, filter_length=3, atrous_rate=2)
    deconvolution = {"nb_filter": 5, "nb_row": 3, "nb_col": 2, "subsample": (2, 1)}
    yield case("Deconvolution2D, tf", 4, 3, 2, output_shape=(2, 9, 4, 5), dim_ordering="tf", **deconvolution)
    yield case("Deconvolution2D, th", 2, 4, 3, output_shape=(2, 5, 9, 4), dim_ordering="th", **deconvolution)
    square = {"nb_filter": 2, "nb_row": 2, "nb_col": 2}
    yield case("Deconvolution2D, square, tf", 3, 3, 2, output_shape=(2, 4, 4, 2), dim_ordering="tf", **square)
    yield case("Deconvolution2D, square, th", 2, 3, 3, output_shape=(2, 2, 4, 4), dim_ordering="th", **square)
    options = {"nb_filter": 3, "nb_row": 3, "nb_col": 5, "border_mode": "same"}
    yield from both("ConvLSTM2D", 3, 5, 4, 2, **options)
    yield from both("ConvLSTM2D, square", 2, 3, 3, 3, **{**options, "nb_col": 3})
    yield case("SpatialDropout1D", 7, 3, p=0.5)
    yield case("GlobalMaxPooling1D", 7, 3)
    yield case("GlobalAveragePooling1D", 7, 3)
    yield from both("GlobalMaxPooling2D", 4, 5, 3)
    yield from both("GlobalAveragePooling2D", 4, 5, 3)
    yield case("Cropping1D", 6, 3, cropping=(1, 2))


def _merge(layers: Any, **options: Any) -> Any:
    return lambda: layers.Merge(**options)


def _together(layer: Any, tensors: Any) -> Any:
    return layer(list(tensors))
