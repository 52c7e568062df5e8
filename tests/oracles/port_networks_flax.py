"""Networks as modules of Flax's linen: those of the same name compute what the models of Keras and PyTorch do."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp


class Cnn(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.max_pool(nn.relu(nn.Conv(5, (3, 2), padding="VALID", name="conv_1")(x)), (2, 2), (2, 2))
        x = nn.Conv(6, (3, 3), name="conv_2")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="norm")(x))
        x = jnp.tanh(nn.Dense(7, name="fc_1")(x.reshape((x.shape[0], -1))))
        return nn.softmax(nn.Dense(3, name="fc_2")(x))


class Residual(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(6, (3, 3), strides=2, use_bias=False, name="stem")(x)
        x = nn.relu6(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="stem_norm")(x))
        y = nn.Conv(8, (3, 3), strides=2, name="block_conv_1")(x)
        y = nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="block_norm_1")(y))
        y = nn.Conv(8, (3, 3), name="block_conv_2")(y)
        x = nn.relu(y + nn.Conv(8, (1, 1), strides=2, name="block_shortcut")(x))
        return nn.Dense(4, name="head")(x.mean((1, 2)))


class Depthwise(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), feature_group_count=4, name="depthwise")(x)
        x = nn.relu(nn.Conv(6, (1, 1), name="pointwise")(x))
        x = nn.Conv(9, (2, 3), feature_group_count=3, padding="VALID", name="grouped")(x)
        return nn.sigmoid(nn.Conv(5, (3, 3), kernel_dilation=2, padding="VALID", name="dilated")(x))


class Unet(nn.Module):
    @nn.compact
    def __call__(self, x):
        a = nn.relu(nn.Conv(4, (3, 3), name="down_1")(x))
        b = nn.relu(nn.Conv(6, (3, 3), name="down_2")(nn.max_pool(a, (2, 2), (2, 2))))
        c = nn.relu(nn.Conv(7, (3, 3), name="bottom")(nn.avg_pool(b, (2, 2), (2, 2))))
        x = nn.ConvTranspose(5, (2, 2), strides=(2, 2), padding="VALID", transpose_kernel=True, name="up_1")(c)
        x = nn.relu(nn.Conv(6, (3, 3), name="merge_1")(jnp.concatenate([b, x], -1)))
        x = x.repeat(2, 1).repeat(2, 2)
        x = nn.Conv(4, (3, 3), name="merge_2")(jnp.concatenate([a, x], -1))
        return nn.sigmoid(nn.Conv(1, (1, 1), name="head")(x))


def cell(features, dtype, kind=nn.OptimizedLSTMCell):
    """Return a cell whose states begin in the dtype of the weights, and which is its sequence's own."""
    return kind(features, param_dtype=dtype, parent=None)


class Lstm(nn.Module):
    @nn.compact
    def __call__(self, x, dtype):
        x = nn.Embed(11, 5, name="embedding")(x)
        x = nn.RNN(cell(6, dtype), name="first")(x)
        x = nn.Bidirectional(*(nn.RNN(cell(4, dtype), parent=None) for _ in range(2)), name="second")(x)
        return nn.Dense(3, name="head")(nn.LayerNorm(epsilon=1e-3, name="norm")(x))


class Gru(nn.Module):
    @nn.compact
    def __call__(self, x, dtype):
        x = nn.Embed(11, 5, name="embedding")(x)
        x = nn.RNN(cell(6, dtype, nn.GRUCell), name="recurrent")(x)
        return nn.Dense(3, name="head")(x[:, -1])


class Transformer(nn.Module):
    @nn.compact
    def __call__(self, x):
        y = nn.MultiHeadDotProductAttention(3, name="attention")(x)
        x = nn.LayerNorm(epsilon=1e-5, name="norm_1")(x + y)
        y = nn.Dense(12, name="mlp_2")(nn.gelu(nn.Dense(20, name="mlp_1")(x), approximate=False))
        return nn.Dense(2, name="head")(nn.LayerNorm(epsilon=1e-5, name="norm_2")(x + y))


class Shared(nn.Module):
    @nn.compact
    def __call__(self, first, second):
        conv, dense = nn.Conv(4, (3, 3), padding="VALID", name="conv"), nn.Dense(5, name="dense")
        one, two = (nn.relu(dense(nn.relu(conv(x)).max((1, 2)))) for x in (first, second))
        return nn.Dense(2, name="head")(jnp.concatenate([one, two], -1))


NETWORKS = {made.__name__.lower(): made for made in (Cnn, Residual, Depthwise, Unet, Lstm, Gru, Transformer, Shared)}
TYPED = ("lstm", "gru")
"""Those that are told the dtype of their weights."""
