"""Cases of layers for cuDNN whose kernels are no arrangement of `in` and `units`: what they hold is proven apart."""

from __future__ import annotations

from tf_keras import layers

from tests.oracles.keras2_legacy import GRU, LSTM, cudnn

CASES = [
    cudnn("CuDNNLSTM", LSTM, layers.LSTM, 2),
    cudnn("CuDNNLSTM wide", LSTM, layers.LSTM, 5),
    cudnn("CuDNNGRU", GRU, layers.GRU, 2, return_sequences=True),
]
