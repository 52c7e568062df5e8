"""Makes the samples that are hard to name and `naming.json`, which says what the frameworks know of each one.

    KERAS_BACKEND=jax python tests/samples/make_naming_samples.py

Needs the `oracles` extra. The facts of a sample:

    weights   name, shape, dtype, sum and position-weighted sum of each, in the order of `get_weights()`
    inputs    numbers for each input of the model, where it was run
    output    what the framework computes from them
"""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy
import tf_keras
from make_keras_samples import SAMPLES, fill, weight_fact
from tf_keras.src.layers.rnn.cudnn_gru import CuDNNGRU
from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM


def facts(model: Any) -> dict[str, Any]:
    """Returns the names and contents of a model's arrays."""
    values = zip(model.weights, model.get_weights(), strict=True)
    return {"weights": [weight_fact(variable, value) for variable, value in values]}


def lora() -> dict[str, Any]:
    """Every class with a low-rank pair, which Keras merges when it saves: the facts are those of the loaded model."""
    layers = keras.layers
    image = keras.Input((4, 5, 3), name="image")
    hidden = layers.Conv2D(4, (2, 3), groups=1, name="look")(image)
    hidden = layers.Dense(6, use_bias=False, name="wide")(layers.Flatten(name="flat")(hidden))
    words = keras.Input((3,), dtype="int32", name="words")
    read = layers.Embedding(11, 8, name="embed")(words)
    read = layers.EinsumDense("abc,cd->abd", (3, 10), bias_axes="d", name="mix")(read)
    read = layers.TimeDistributed(layers.Dense(2, name="inside"), name="each")(read)
    read = layers.Conv1D(4, 2, groups=2, name="groups")(read)
    read = layers.LSTM(2, name="memory")(read)
    head = layers.Dense(3, name="head")
    model = keras.Model([image, words], head(layers.Concatenate(name="joined")([hidden, read])), name="adapted")
    for name in ("look", "wide", "embed", "mix", "groups", "head"):
        model.get_layer(name).enable_lora(2)
    model.get_layer("each").layer.enable_lora(3, lora_alpha=4)
    head.trainable = False
    fill(model)
    model.save(SAMPLES / "keras3_lora.keras")
    loaded = keras.saving.load_model(SAMPLES / "keras3_lora.keras")
    assert [variable.name for variable in loaded.weights] == [variable.name for variable in model.weights]
    random = numpy.random.default_rng(11)
    inputs = [random.uniform(-1, 1, (2, 4, 5, 3)).astype("float32"), random.integers(0, 11, (2, 3)).astype("int32")]
    output = numpy.asarray(loaded.predict(inputs, verbose=0))
    ran = {"inputs": [value.tolist() for value in inputs], "output": output.tolist()}
    return {"keras3_lora.keras": {**facts(loaded), **ran}}


def gate(k: Any) -> type:
    """Returns a class that nobody else knows, with an array that is trained and one that is not."""

    class Gate(k.layers.Layer):
        def __init__(self, units: int = 3, **rest: Any) -> None:
            super().__init__(**rest)
            self.units = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.limit = self.add_weight(shape=(self.units,), name="limit", trainable=False)

        def call(self, inputs: Any) -> Any:
            return inputs @ self.kernel + self.limit

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return Gate


def custom_inside(k: Any, prefix: str) -> dict[str, Any]:
    """A model in a model in a model, with layers of an unknown class among the known ones."""
    layers, unknown = k.layers, gate(k)
    entry = layers.Input((6, 5, 3), name="entry")
    hidden = layers.BatchNormalization(name="normalized")(layers.Conv2D(4, (2, 3), name="look")(entry))
    hidden = layers.Conv2D(4, (2, 2), name="again", use_bias=False)(unknown(5, name="gate")(hidden))
    hidden = layers.Reshape((8, 4), name="rows")(hidden)
    hidden = layers.Dense(6, trainable=False, name="frozen")(hidden)
    hidden = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both_ways")(hidden)
    hidden = layers.MultiHeadAttention(2, 3, name="attend")(hidden, hidden)
    hidden = unknown(2, name="last_gate")(layers.GRU(3, name="memory")(hidden))
    inner = k.Model(entry, layers.Dense(7, name="head")(hidden), name="inner")
    middle = k.Sequential([layers.Input((6, 5, 3)), inner, layers.Dense(3, name="middle_head")], name="middle")
    outer = layers.Input((6, 5, 3), name="outer_entry")
    model = k.Model(outer, layers.Dense(2, name="head")(middle(outer)), name="outer")
    fill(model)
    path = SAMPLES / f"{prefix}_custom_inside.h5"
    model.save(path)
    return {path.name: facts(model)}


def ambiguous_inside(k: Any, prefix: str) -> dict[str, Any]:
    """Two models whose layers have the same name, and an unknown layer around one that is called as another is."""
    layers = k.layers

    class Around(layers.Layer):
        def __init__(self, **rest: Any) -> None:
            super().__init__(**rest)
            self.inside = layers.Dense(5, name="same")

        def build(self, input_shape: Any) -> None:
            self.inside.build(input_shape)

        def call(self, inputs: Any) -> Any:
            return self.inside(inputs)

    one, two = (
        k.Sequential([layers.Input((size,)), layers.Dense(size, name="same")], name=name)
        for name, size in (("one", 4), ("two", 5))
    )
    entry = layers.Input((4,), name="entry")
    hidden = layers.Dense(3, name="own")(two(Around(name="around")(one(entry))))
    outer = layers.Input((4,), name="outer_entry")
    model = k.Model(outer, k.Model(entry, hidden, name="inner")(outer), name="outer")
    fill(model)
    path = SAMPLES / f"{prefix}_ambiguous_inside.h5"
    model.save(path)
    return {path.name: facts(model)}


def renamed() -> dict[str, Any]:
    """Layers whose names tell no class, each with an input of its own."""
    layers = tf_keras.layers
    made = [
        ((5,), layers.Dense(4, name="plain")),
        ((4,), layers.Dense(4, use_bias=False, name="square")),
        ((6, 5, 3), layers.Conv2D(4, (2, 3), name="look")),
        ((6, 5, 4), layers.Conv2D(4, (2, 3), name="same_channels")),
        ((6, 5, 3), layers.Conv2DTranspose(4, (2, 3), name="grow")),
        ((7, 3), layers.Conv1D(4, 2, name="slide")),
        ((6, 5, 3), layers.DepthwiseConv2D((2, 3), depth_multiplier=2, name="each_channel")),
        ((6, 5, 3), layers.SeparableConv2D(4, (2, 3), name="both_steps")),
        ((7, 3), layers.LocallyConnected1D(4, 2, name="local")),
        ((6, 5, 3), layers.BatchNormalization(name="statistics")),
        ((6, 5, 3), layers.BatchNormalization(scale=False, name="no_gamma")),
        ((6, 5), layers.LayerNormalization(name="measured")),
        ((6, 5, 3), layers.LayerNormalization(axis=[1, 3], name="measured_twice")),
        ((7,), layers.Embedding(11, 3, name="words")),
        ((7, 5), layers.LSTM(3, name="four_gates")),
        ((7, 5), layers.LSTM(3, use_bias=False, name="lstm_2")),
        ((7, 5), layers.GRU(3, name="reset_after")),
        ((7, 5), layers.GRU(3, reset_after=False, name="reset_before")),
        ((7, 5), layers.SimpleRNN(3, name="no_gates")),
        ((4, 6, 5, 3), layers.ConvLSTM2D(4, (2, 3), name="moving")),
        ((7, 5), layers.TimeDistributed(layers.Dense(4), name="each_step")),
        ((6, 5), layers.EinsumDense("abc,cd->abd", (6, 4), bias_axes="d", name="contracted")),
        ((6, 5), layers.Bidirectional(layers.LSTM(3), name="both_ways")),
        ((6, 5), layers.MultiHeadAttention(2, 3, attention_axes=1, name="attend")),
        ((7, 5), CuDNNLSTM(3, name="card")),
        ((7, 3), CuDNNLSTM(3, name="lstm_3")),
        ((7, 5), CuDNNGRU(3, name="card_reset")),
        ((5,), gate(tf_keras)(4, name="gate")),
    ]
    entries = [layers.Input(shape, name=f"entry_{layer.name}") for shape, layer in made]
    outputs = [
        layer(entry, entry) if layer.name == "attend" else layer(entry)
        for entry, (_, layer) in zip(entries, made, strict=True)
    ]
    model = tf_keras.Model(entries, outputs, name="renamed")
    fill(model)
    model.save(SAMPLES / "keras2_renamed.h5")
    return {"keras2_renamed.h5": facts(model)}


if __name__ == "__main__":
    found = lora()
    for framework, name in ((keras, "keras3"), (tf_keras, "keras2")):
        found |= custom_inside(framework, name)
    found |= ambiguous_inside(keras, "keras3")  # tf_keras gives two arrays one name, and cannot write the file
    found |= renamed()
    (SAMPLES / "naming.json").write_text(json.dumps(found, indent=1) + "\n")
