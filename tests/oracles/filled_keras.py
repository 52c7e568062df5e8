"""Fills a model of Keras 3, on the backend that KERAS_BACKEND names, or of Keras 2, and checks the values by Keras."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import numpy

import weightwise
from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import read_as
from weightwise.live.filling import fill


def network(keras: Any) -> Any:
    """Returns a model with weights of many layers, in two dtypes, with optimizer and seeds."""
    layers = keras.layers
    inputs = keras.Input((9, 8, 3))
    x = layers.Conv2D(5, (3, 2), activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5, seed=1)(x)
    x = layers.Flatten()(x)
    shared = layers.Dense(6, name="shared")
    x = shared(layers.Dense(6, dtype="bfloat16" if keras.__version__ >= "3" else "float16")(x))
    x = layers.Bidirectional(layers.LSTM(4))(layers.Reshape((2, 3))(shared(x)))
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(7), layers.Dense(8, use_bias=False)], name="inner")
    model = keras.Model(inputs, layers.Dense(2, dtype="float32")(inner(x)))
    model.compile("adam", "mse")
    model.fit(numpy.ones((2, 9, 8, 3)), numpy.ones((2, 2)), verbose=0)
    return model


def main() -> None:
    """Fills the model and compares."""
    if sys.argv[1:] == ["keras2"]:
        import tf_keras as keras
    else:
        import keras
    model = network(keras)
    generator = numpy.random.default_rng(0)
    weights = weightwise.open(model).weights
    values = {
        weight.stored.path: generator.normal(size=weight.shape).astype(read_as(weight.dtype)) for weight in weights
    }
    assert len(values) == len(model.weights) >= 17
    before = [numpy.array(keras.ops.convert_to_numpy(v) if keras.__version__ >= "3" else v) for v in model.weights]
    with contextlib.suppress(UnsupportedError):
        fill(model, {**values, weights[-1].stored.path: numpy.zeros(99)})
        raise AssertionError("values of another shape were taken")
    for array, found in zip(before, model.get_weights(), strict=True):
        numpy.testing.assert_array_equal(array, found)
    fill(model, values)
    for array in values.values():
        array[...] = 0  # what was given is not kept
    generator = numpy.random.default_rng(0)
    for weight, found in zip(weights, model.get_weights(), strict=True):
        expected = generator.normal(size=weight.shape).astype(read_as(weight.dtype)).astype(found.dtype)
        numpy.testing.assert_array_equal(found, expected, err_msg=weight.path)
        assert expected.any()
    assert any("float16" in str(variable.dtype) for variable in model.weights)
    model(numpy.ones((1, 9, 8, 3)))
    print("filled", len(values))


if __name__ == "__main__":
    main()
