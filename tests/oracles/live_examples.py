"""Models of real frameworks in memory, on which it is tested what is told of such."""

from __future__ import annotations

import jax
import torch
from flax import linen, nnx

from tests.samples import make_keras_samples as samples

keras = samples.keras


class Own(keras.Model):
    """A model with a variable of its own, which Keras 3 lists first, and two layers that are called alike."""

    def __init__(self):
        super().__init__(name="own")
        self.scale = self.add_weight(shape=(3,), name="scale")
        self.first, self.second = keras.layers.Dense(3, name="fc"), keras.layers.Dense(3, name="fc")

    def call(self, x):
        return self.second(self.first(x)) * self.scale


class Network(torch.nn.Module):
    """Modules of many kinds, one of which shares its weight with another."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.body = nn.Sequential(nn.Conv2d(2, 3, (3, 2)), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
        self.rnn = nn.LSTM(5, 4, bidirectional=True)
        self.attention = nn.MultiheadAttention(6, 2)
        self.head, self.tail = nn.Linear(7, 4), nn.Linear(4, 7, bias=False)
        self.half = nn.Linear(2, 3, dtype=torch.bfloat16)
        self.gain = nn.Parameter(torch.arange(6.0).reshape(3, 2))
        self.tied = nn.Linear(4, 7, bias=False)
        self.tied.weight = self.tail.weight


class Block(linen.Module):
    """A module of linen that makes its modules in its call."""

    @linen.compact
    def __call__(self, x):
        x = linen.Conv(5, (3, 2))(x)
        return linen.BatchNorm(use_running_average=True, name="norm")(x)


class Linen(linen.Module):
    """A module of linen that makes its modules in `setup`, with a compact one inside."""

    def setup(self):
        self.block, self.heads = Block(), linen.MultiHeadDotProductAttention(num_heads=2)
        self.dense = [linen.Dense(6), linen.Dense(4)]

    def __call__(self, x):
        x = self.dense[0](self.block(x).mean((1, 2)))
        return self.dense[1](self.heads(x[:, None]))


class Nnx(nnx.Module):
    """A module of nnx with modules in a list, a parameter of its own and random generators."""

    def __init__(self, rngs):
        self.conv, self.norm = nnx.Conv(3, 5, (3, 2), rngs=rngs), nnx.BatchNorm(5, rngs=rngs)
        self.blocks = nnx.List([nnx.Linear(4, 6, rngs=rngs), nnx.Linear(6, 6, rngs=rngs)])
        self.drop, self.rnn = nnx.Dropout(0.1, rngs=rngs), nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs))
        self.gain, self.again = nnx.Param(jax.numpy.arange(6.0).reshape(2, 3)), self.blocks[0]
