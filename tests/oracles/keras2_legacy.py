"""Cases of layers and functions that Keras 3 does not have, or has otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tf_keras import layers
from tf_keras.src.layers.rnn import cudnn_gru, cudnn_lstm, gru_v1, lstm_v1
from tf_keras.src.saving.legacy.hdf5_format import preprocess_weights_for_loading

from tests.oracles.case import Case, Input


def cudnn(name: str, kind: Callable[..., Any], twin: Callable[..., Any], width: int, **options: Any) -> Case:
    """Return a case of a layer for graphics cards, whose weights Keras 2 converts to those of another one."""

    def call(layer: Any, tensors: Sequence[Any]) -> Any:
        if not layer.built:
            layer.build(tensors[0].shape)
        if not hasattr(tensors[0], "numpy"):
            return layer(*tensors)
        other = twin(layer.units, **options)
        other.build(tensors[0].shape)
        other.set_weights(preprocess_weights_for_loading(other, layer.get_weights(), "2.21.0", "tensorflow"))
        return other(*tensors)

    # The two biases of an LSTM act as their sum, so that nothing tells the one from the other.
    symmetries = {"bias": ["(side[recurrent input] gate[i f g o] units)"]} if kind is LSTM else {}
    return Case(name, partial(kind, 3, **options), [Input((2, 4, width))], call, symmetries=symmetries)


def case(name: str, build: Callable[[], Any], *shape: int) -> Case:
    """Return a case with one input of two examples."""
    return Case(name, build, [Input((2, *shape))])


LSTM, GRU = cudnn_lstm.CuDNNLSTM, cudnn_gru.CuDNNGRU
ALL = {"return_sequences": True}

CASES = [
    case("Dense hard_sigmoid", lambda: layers.Dense(4, activation="hard_sigmoid"), 5),
    case("LSTM hard_sigmoid", lambda: layers.LSTM(3, recurrent_activation="hard_sigmoid"), 4, 5),
    case("Bidirectional LSTM hard_sigmoid", lambda: layers.Bidirectional(lstm_v1.LSTM(3)), 4, 5),
    case("LSTM of the first version", lambda: lstm_v1.LSTM(3, implementation=2), 4, 5),
    case("GRU of the first version", lambda: gru_v1.GRU(3, implementation=2), 4, 5),
    case("GRU of the first version, square", lambda: gru_v1.GRU(3), 4, 3),
    case("ThresholdedReLU", lambda: layers.ThresholdedReLU(0.5), 7),
    case("SyncBatchNormalization", lambda: layers.experimental.SyncBatchNormalization(), 3, 4),
    case("BatchNormalization of lists", lambda: layers.BatchNormalization(axis=[2]), 3, 4, 5),
    case("LocallyConnected1D", lambda: layers.LocallyConnected1D(5, 2), 6, 3),
    case("LocallyConnected1D strides", lambda: layers.LocallyConnected1D(5, 3, strides=2, activation="tanh"), 7, 2),
    case(
        "LocallyConnected1D channels_first",
        lambda: layers.LocallyConnected1D(5, 2, data_format="channels_first", use_bias=False),
        *(3, 6),
    ),
    case("LocallyConnected1D, square", lambda: layers.LocallyConnected1D(2, 2), 3, 2),
    case("LocallyConnected2D", lambda: layers.LocallyConnected2D(2, (2, 3)), 4, 6, 3),
    case("LocallyConnected2D strides", lambda: layers.LocallyConnected2D(2, (3, 2), strides=(2, 1)), 5, 4, 3),
    case("LocallyConnected2D without bias", lambda: layers.LocallyConnected2D(2, (2, 3), use_bias=False), 4, 5, 2),
    case("LocallyConnected2D, square", lambda: layers.LocallyConnected2D(2, 2), 3, 3, 2),
    case(
        "LocallyConnected2D channels_first",
        lambda: layers.LocallyConnected2D(3, (3, 2), data_format="channels_first", use_bias=False),
        *(2, 5, 4),
    ),
    cudnn("CuDNNLSTM, square", LSTM, layers.LSTM, 3),
    cudnn("CuDNNLSTM sequences, square", LSTM, layers.LSTM, 3, **ALL),
    cudnn("CuDNNLSTM backwards, square", LSTM, layers.LSTM, 3, go_backwards=True),
    cudnn("CuDNNGRU, square", GRU, layers.GRU, 3),
    cudnn("CuDNNGRU states, square", GRU, layers.GRU, 3, return_state=True),
]
