"""The code of Keras models: what people would write, and nothing that a file could slip in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import weightwise
from weightwise.errors import UnsupportedError, WeightwiseError
from weightwise.naming import named
from weightwise.porting.porting import lowered, speller
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor
from weightwise.views.code_keras import code

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(path for path in (ROOT / "tests" / "samples").iterdir() if path.suffix in (".keras", ".h5", ".pt2"))
DIGITS = '''\
import keras
from keras import layers


def network():
    """Return the network, with weights that nothing has trained."""
    inputs = x = keras.Input((28, 28, 1), name="input")
    x = layers.Conv2D(32, 3, activation="relu", name="conv2d_1")(x)  # (batch, 26, 26, 32)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2d_2")(x)  # (batch, 24, 24, 64)
    x = layers.MaxPooling2D(2, name="max_pooling2d_1")(x)  # (batch, 12, 12, 64)
    x = layers.Dropout(0.25, name="dropout_1")(x)
    x = layers.Flatten(name="flatten_1")(x)  # (batch, 9216)
    x = layers.Dense(128, activation="relu", name="dense_1")(x)  # (batch, 128)
    x = layers.Dropout(0.5, name="dropout_2")(x)
    x = layers.Dense(10, activation="softmax", name="dense_2")(x)  # (batch, 10)
    return keras.Model(inputs, x)


def load(path="digits.weights.h5"):
    """Return the network with the weights of a file."""
    model = network()
    model.load_weights(path)
    return model
'''


def test_the_network_of_the_question():
    ported = lowered(weightwise.open(ROOT / "examples" / "mnist_cnn.keras"), speller("keras"))
    assert code(ported.model, "digits.weights.h5") == DIGITS


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_what_is_written_is_python(path):
    try:
        text = code(lowered(weightwise.open(path), speller("keras")).model, "net.keras")
    except WeightwiseError:
        return
    ast.parse(text)
    assert max(map(len, text.splitlines())) <= 120


def network(name="dense", config=None, class_name="Dense", package=""):
    """Return a model of Keras with one layer."""
    entry = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 3]}, calls=(Call(()),))
    layer = StoredLayer(name, class_name, config or {"units": 2}, package, calls=(Call((Tensor("entry"),)),))
    root = StoredLayer("net", "Functional", layers=(entry, layer), inputs=(Tensor("entry"),), outputs=(Tensor(name),))
    return named(StoredModel("net.keras", "made", "Keras", "3", root, Addressing.PATH))


@pytest.mark.parametrize("name", ['"), print("x', "a\\", "\n", "ünder", "__import__('os')"])
def test_names_are_quoted(name):
    (call,) = [node for node in ast.walk(ast.parse(code(network(name)))) if _is_dense(node)]
    assert [keyword.value.value for keyword in call.keywords if keyword.arg == "name"] == [name]


def _is_dense(node) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Dense"


@pytest.mark.parametrize(
    "changes",
    [
        {"class_name": "Lambda"},
        {"package": "keras.src.ops.numpy", "class_name": "Pad"},
        {"config": {"units": 2, "a=1, b": 3}},
        {"config": {"units": {"a": 1}}},
        {"config": {"units": 2, "kernel": {"a": 1}}},
    ],
)
def test_what_cannot_be_written_is_refused(changes):
    with pytest.raises(UnsupportedError):
        code(network(**changes))
