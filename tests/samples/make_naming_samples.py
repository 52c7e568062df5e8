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
from make_keras_samples import SAMPLES, fill, weight_fact


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


if __name__ == "__main__":
    found = {**lora()}
    (SAMPLES / "naming.json").write_text(json.dumps(found, indent=1) + "\n")
