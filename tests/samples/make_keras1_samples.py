"""Makes the samples of Keras 1 and `keras1_facts.json`, which says what Keras itself knows of each one.

    PYTHONPATH=. python3.7 tests/samples/make_keras1_samples.py KERASES

KERASES and the environment are those of `tests/oracles/make_old_keras_facts.py`. The facts of a sample:

    version, backend  who wrote it; of the backend the file says nothing
    layers            name, class, output shape and names of weights of each layer
    inputs            the shapes of the model's inputs
    weights           name, shape, sum and position-weighted sum of each, in the order of `get_weights()`
    outputs           what the model predicts for the inputs of `inputs`
    cut               what it predicts without one filter of its first layer, for each filter
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from tests.oracles.case import Input, input_values, values
from tests.oracles.make_old_keras_facts import blas

SAMPLES = Path(__file__).parent
MADE = [
    ("cnn_th", "1.2.2", "theano"),
    ("cnn_tf", "1.2.2", "tensorflow"),
    ("recurrent", "1.2.2", "tensorflow"),
    ("branches", "1.0.8", "theano"),
]
"""Which version makes a sample on which backend."""


def cnn(keras: Any, order: str) -> Any:
    """Return a network whose Dense layer reads what a Flatten laid in a row, in one order of dimensions."""
    layers = keras.layers
    shape = (2, 5, 7) if order == "th" else (5, 7, 2)
    return keras.models.Sequential(
        [
            layers.Convolution2D(3, 2, 4, dim_ordering=order, activation="relu", input_shape=shape),
            layers.MaxPooling2D((2, 1), dim_ordering=order),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


def cnn_th(keras: Any) -> Any:
    """Return the network with its channels first."""
    return cnn(keras, "th")


def cnn_tf(keras: Any) -> Any:
    """Return the network with its channels last, made again in the same process: TensorFlow numbers its names."""
    return keras.models.Sequential.from_config(cnn(keras, "tf").get_config())


def recurrent(keras: Any) -> Any:
    """Return a network of an LSTM with its twelve arrays, of layers inside layers, and of gates in one array."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.LSTM(4, return_sequences=True, input_shape=(3, 5)),
            layers.Bidirectional(layers.GRU(2, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(6, activation="tanh")),
            layers.LSTM(3, consume_less="gpu"),
        ]
    )


def branches(keras: Any) -> Any:
    """Return a network with one layer that is called twice, and with arrays that are not trained."""
    layers = keras.layers
    first, second = (layers.Input((5, 3), name=name) for name in ("first", "second"))
    shared = layers.Convolution1D(4, 2, name="shared")
    joined = layers.merge([shared(first), shared(second)], mode="concat", concat_axis=-1)
    output = layers.Flatten()(layers.BatchNormalization(name="normed")(joined))
    return keras.models.Model(input=[first, second], output=[layers.Dense(3, name="head")(output)])


def summed(name: str, array: numpy.ndarray) -> dict[str, Any]:
    """Return what tells the values of an array."""
    flat = array.astype("float64").ravel()
    weighted = float((flat * numpy.arange(1, flat.size + 1)).sum())
    return {"name": name, "shape": array.shape, "sum": float(flat.sum()), "weighted_sum": weighted}


def inputs(stem: str, shapes: Sequence[Sequence[int]]) -> list[numpy.ndarray]:
    """Return the inputs of a sample, a batch of two for each shape."""
    return [input_values(stem, number, Input((2, *shape))).astype("float32") for number, shape in enumerate(shapes)]


def predicted(model: Any, stem: str) -> list[Any]:
    """Return what the model predicts."""
    shapes = [tensor._keras_shape[1:] for tensor in model.inputs]
    return model.predict(inputs(stem, shapes)).tolist()


def without_filters(model: Any, stem: str) -> list[Any]:
    """Return what the model predicts when one filter after the other of its first layer gives zeros."""
    layer = model.layers[0]
    whole = layer.get_weights()
    result = []
    for number in range(layer.nb_filter):
        kernel, bias = (array.copy() for array in whole)
        kernel[(number,) if layer.dim_ordering == "th" else (..., number)] = 0
        bias[number] = 0
        layer.set_weights([kernel, bias])
        result.append(predicted(model, stem))
    layer.set_weights(whole)
    return result


def made(stem: str) -> dict[str, Any]:
    """Write a sample, and return its facts."""
    import keras

    model = globals()[stem](keras)
    names = [variable.name for layer in model.layers for variable in layer.weights]
    arrays = [values(f"{stem}/{number}", array.shape) for number, array in enumerate(model.get_weights())]
    arrays = [abs(array) + 0.5 if "running_std" in name else array for name, array in zip(names, arrays)]
    model.set_weights(arrays)
    model.save(str(SAMPLES / f"keras1_{stem}.h5"))
    layers = [
        {
            "name": layer.name,
            "class_name": type(layer).__name__,
            "output": layer.get_output_shape_at(0),
            "weights": [variable.name for variable in layer.weights],
        }
        for layer in model.layers
    ]
    return {
        "version": keras.__version__,
        "backend": keras.backend.backend(),
        "layers": layers,
        "weights": [summed(name, array) for name, array in zip(names, model.get_weights())],
        "inputs": [tensor._keras_shape[1:] for tensor in model.inputs],
        "outputs": predicted(model, stem),
        "cut": without_filters(model, stem) if stem.startswith("cnn") else [],
    }


def made_apart(kerases: Path, stem: str, version: str, backend: str) -> dict[str, Any]:
    """Return the facts of a sample that is made by one version on one backend, in a process of its own."""
    paths = [str(next(kerases.glob(f"[Kk]eras-{version}"))), str(SAMPLES.parents[1])]
    environment = {**os.environ, **blas(), "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, __file__, "--made", stem]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.decode().splitlines()[-1])


if __name__ == "__main__":
    if sys.argv[1] == "--made":
        print(json.dumps(made(sys.argv[2]), default=int))
    else:
        facts = {f"keras1_{stem}.h5": made_apart(Path(sys.argv[1]), stem, *how) for stem, *how in MADE}
        (SAMPLES / "keras1_facts.json").write_text(json.dumps(facts, indent=1) + "\n")
