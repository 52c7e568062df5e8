"""Networks as models of Keras, from which others are made and which are filled: one function each, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NETWORKS: dict[str, Callable[[Any, Any], Any]] = {}


def network(make: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Keep a function of Keras and of its layers, which returns a model, by its name."""
    NETWORKS[make.__name__] = make
    return make


@network
def cnn(keras, layers):
    """A Dense after a Flatten of an image, whose sides differ."""
    return keras.Sequential(
        [
            keras.Input((11, 7, 2)),
            layers.Conv2D(5, (3, 2), activation="relu", name="conv_1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, padding="same", name="conv_2"),
            layers.BatchNormalization(epsilon=1e-3, name="norm"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(7, activation="tanh", name="fc_1"),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", name="fc_2"),
        ]
    )


@network
def residual(keras, layers):
    """Strides of two with the padding `same`, at an even and at an odd side, around shortcuts."""
    inputs = keras.Input((10, 7, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = shortcut = layers.ReLU(max_value=6.0)(layers.BatchNormalization(name="stem_norm")(x))
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="block_conv_1")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="block_norm_1")(x))
    x = layers.Conv2D(8, 3, padding="same", name="block_conv_2")(x)
    shortcut = layers.Conv2D(8, 1, strides=2, name="block_shortcut")(shortcut)
    x = layers.ReLU()(layers.Add()([x, shortcut]))
    return keras.Model(inputs, layers.Dense(4, name="head")(layers.GlobalAveragePooling2D()(x)))


@network
def depthwise(keras, layers):
    """Depthwise and pointwise convolutions, and one in groups, with dilation."""
    inputs = keras.Input((9, 8, 4))
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(inputs)
    x = layers.Conv2D(6, 1, activation="relu", name="pointwise")(x)
    x = layers.Conv2D(9, (2, 3), groups=3, name="grouped")(x)
    x = layers.Conv2D(5, 3, dilation_rate=2, activation="sigmoid", name="dilated")(x)
    return keras.Model(inputs, x)


@network
def unet(keras, layers):
    """Down and up again, once by a transposed convolution, with the skips joined."""
    inputs = keras.Input((8, 12, 2))
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="down_1")(inputs)
    b = layers.Conv2D(6, 3, padding="same", activation="relu", name="down_2")(layers.MaxPooling2D(2)(a))
    c = layers.Conv2D(7, 3, padding="same", activation="relu", name="bottom")(layers.AveragePooling2D(2)(b))
    x = layers.Conv2DTranspose(5, 2, strides=2, name="up_1")(c)
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="merge_1")(layers.Concatenate()([b, x]))
    x = layers.Conv2D(4, 3, padding="same", name="merge_2")(layers.Concatenate()([a, layers.UpSampling2D(2)(x)]))
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="head")(x))


@network
def lstm(keras, layers):
    """An Embedding, an LSTM and one of both directions."""
    inputs = keras.Input((7,), dtype="int32")
    x = layers.Embedding(11, 5, name="embedding")(inputs)
    x = layers.LSTM(6, return_sequences=True, name="first")(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="second")(x)
    x = layers.LayerNormalization(epsilon=1e-3, name="norm")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(x))


@network
def gru(keras, layers):
    """An Embedding and a GRU, of whose outputs the last is read."""
    inputs = keras.Input((7,), dtype="int32")
    x = layers.GRU(6, name="recurrent")(layers.Embedding(11, 5, name="embedding")(inputs))
    return keras.Model(inputs, layers.Dense(3, name="head")(x))


@network
def transformer(keras, layers):
    """Attention with three heads of four, and a block of two layers, each with a residual and a norm."""
    inputs = keras.Input((7, 12))
    x = layers.MultiHeadAttention(3, 4, name="attention")(inputs, inputs)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm_1")(layers.Add()([inputs, x]))
    y = layers.Dense(12, name="mlp_2")(layers.Dense(20, activation="gelu", name="mlp_1")(x))
    x = layers.LayerNormalization(epsilon=1e-5, name="norm_2")(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(2, name="head")(x))


@network
def shared(keras, layers):
    """Layers that are called twice."""
    first, second = keras.Input((8, 7, 3)), keras.Input((8, 7, 3))
    conv, dense = layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Dense(5, activation="relu", name="dense")
    pool = layers.GlobalMaxPooling2D()
    x = layers.Concatenate()([dense(pool(conv(first))), dense(pool(conv(second)))])
    return keras.Model([first, second], layers.Dense(2, name="head")(x))


@network
def nested(keras, layers):
    """A model that is a layer of another one, called twice."""
    inner = keras.Sequential(
        [keras.Input((8, 7, 3)), layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Dense(5)], name="tower"
    )
    first, second = keras.Input((8, 7, 3)), keras.Input((8, 7, 3))
    x = layers.Subtract()([inner(first), inner(second)])
    return keras.Model([first, second], layers.Dense(2, name="head")(x))


@network
def branches(keras, layers):
    """Branches of several kinds that are joined, and two outputs."""
    inputs = keras.Input((9, 8, 3))
    a = layers.Conv2D(3, 1, activation="relu")(inputs)
    b = layers.Conv2D(4, 3, padding="same", activation="swish")(layers.Conv2D(2, 1)(inputs))
    c = layers.Conv2D(2, 1)(layers.AveragePooling2D(3, strides=1, padding="same")(inputs))
    d = layers.MaxPooling2D(3, strides=1, padding="same")(inputs)
    x = layers.Concatenate()([a, b, c, d])
    weights = layers.Reshape((1, 1, 12))(layers.GlobalAveragePooling2D()(x))
    x = layers.Multiply()([x, layers.Conv2D(12, 1, activation="hard_sigmoid")(weights)])
    mean = layers.GlobalAveragePooling2D()(x)
    return keras.Model(
        inputs, [layers.Dense(3, activation="softmax")(mean), layers.Conv2D(2, (2, 3), strides=(1, 2))(x)]
    )


@network
def separable(keras, layers):
    """Separable and transposed convolutions with every padding, and pictures with zeros around them."""
    inputs = keras.Input((9, 8, 3))
    x = layers.ZeroPadding2D(((1, 2), (0, 1)))(inputs)
    x = layers.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2, activation="relu")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Conv2DTranspose(4, (3, 2), strides=2, padding="same")(x)
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=3, strides=2, padding="same")(x)
    x = layers.LeakyReLU(0.2)(x)
    return keras.Model(inputs, layers.Cropping2D((1, 0))(layers.Conv2DTranspose(2, 3, strides=2)(x)))


@network
def sides(keras, layers):
    """Convolutions along one axis and along three."""
    sequence, volume = keras.Input((12, 3)), keras.Input((6, 5, 4, 2))
    x = layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="elu")(sequence)
    x = layers.Conv1D(4, 4, strides=2, padding="same")(layers.MaxPooling1D(2)(x))
    y = layers.Conv3D(3, (3, 2, 2), strides=(2, 1, 1), padding="same", activation="relu")(volume)
    y = layers.MaxPooling3D((1, 2, 2))(layers.BatchNormalization()(y))
    x = layers.Concatenate()([layers.Flatten()(x), layers.Flatten()(y)])
    return keras.Model([sequence, volume], layers.Dense(3)(layers.BatchNormalization()(x)))


@network
def decoder(keras, layers):
    """Attention to another sequence, with causal attention to the own, and weights of several kinds of norms."""
    queries, memory = keras.Input((5, 12)), keras.Input((7, 10))
    x = layers.MultiHeadAttention(3, 4)(queries, queries, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([queries, x]))
    y = layers.MultiHeadAttention(2, 5, value_dim=3, output_shape=12)(x, memory)
    x = layers.RMSNormalization()(layers.Add()([x, y]))
    return keras.Model([queries, memory], layers.GlobalAveragePooling1D()(x))


@network
def recurrent(keras, layers):
    """Recurrent layers of every kind, in sequences that run backwards, and that are summed."""
    inputs = keras.Input((7, 3))
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum")(inputs)
    x = layers.LSTM(5, return_sequences=True, go_backwards=True)(x)
    x = layers.SimpleRNN(6, return_sequences=True)(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    x = layers.Flatten()(layers.Conv1D(5, 3, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(2)(x))


@network
def gru_before(keras, layers):
    """A GRU that resets before the product, whose mathematics another framework may not have."""
    inputs = keras.Input((7, 3))
    return keras.Model(inputs, layers.Dense(2)(layers.GRU(5, reset_after=False)(inputs)))
