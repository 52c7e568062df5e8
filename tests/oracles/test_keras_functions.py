"""Functions of `keras.ops` among the layers of a model: what a file of Keras says of them is computed as Keras does."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy
import pytest

import weightwise
from weightwise.answers.forward import forward
from weightwise.conventions.keras import operators

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # Keras on PyTorch warns of its own variables
]

FUNCTIONS = {
    "nn.Celu": lambda ops, x: ops.celu(x, alpha=0.7),
    "nn.Elu": lambda ops, x: ops.elu(x, alpha=0.7),
    "nn.Gelu": lambda ops, x: ops.gelu(x, approximate=True) + ops.gelu(x, approximate=False),
    "nn.Glu": lambda ops, x: ops.glu(x, axis=1),
    "nn.HardShrink": lambda ops, x: ops.hard_shrink(x, threshold=0.3),
    "nn.HardSigmoid": lambda ops, x: ops.hard_sigmoid(x),
    "nn.HardSilu": lambda ops, x: ops.hard_silu(x),
    "nn.HardTanh": lambda ops, x: ops.hard_tanh(x),
    "nn.LeakyRelu": lambda ops, x: ops.leaky_relu(x, negative_slope=0.1),
    "nn.LogSigmoid": lambda ops, x: ops.log_sigmoid(x),
    "nn.LogSoftmax": lambda ops, x: ops.log_softmax(x, axis=1),
    "nn.Relu": lambda ops, x: ops.relu(x),
    "nn.Relu6": lambda ops, x: ops.relu6(4 * x),
    "nn.Selu": lambda ops, x: ops.selu(x),
    "nn.Sigmoid": lambda ops, x: ops.sigmoid(x),
    "nn.Silu": lambda ops, x: ops.silu(x),
    "nn.SoftShrink": lambda ops, x: ops.soft_shrink(x, threshold=0.3),
    "nn.Softmax": lambda ops, x: ops.softmax(x, axis=2),
    "nn.Softplus": lambda ops, x: ops.softplus(x),
    "nn.Softsign": lambda ops, x: ops.softsign(x),
    "nn.SparsePlus": lambda ops, x: ops.sparse_plus(x),
    "nn.SparseSigmoid": lambda ops, x: ops.sparse_sigmoid(x),
    "nn.Squareplus": lambda ops, x: ops.squareplus(x, b=3),
    "nn.TanhShrink": lambda ops, x: ops.tanh_shrink(x),
    "nn.Threshold": lambda ops, x: ops.threshold(x, 0.2, -0.5),
    "math.Erf": lambda ops, x: ops.erf(x),
    "numpy.Absolute": lambda ops, x: ops.absolute(x),
    "numpy.Clip": lambda ops, x: ops.clip(x, -0.4, 0.9),
    "numpy.Concatenate": lambda ops, x: ops.concatenate([x, x[:, 1:]], axis=1),
    "numpy.Cos": lambda ops, x: ops.cos(x),
    "numpy.Divide": lambda ops, x: ops.divide(x, ops.exp(x)),
    "numpy.Exp": lambda ops, x: ops.exp(x),
    "numpy.ExpandDims": lambda ops, x: ops.expand_dims(x, axis=2),
    "numpy.Flip": lambda ops, x: ops.flip(x, axis=2),
    "numpy.GetItem": lambda ops, x: x[:, 1:, 2],
    "numpy.Log": lambda ops, x: ops.log(ops.exp(x)),
    "numpy.Matmul": lambda ops, x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
    "numpy.Max": lambda ops, x: ops.max(x, axis=(1, 2)),
    "numpy.Maximum": lambda ops, x: ops.maximum(x, ops.sin(x)),
    "numpy.Mean": lambda ops, x: ops.mean(x, axis=1, keepdims=True),
    "numpy.Min": lambda ops, x: ops.min(x, axis=-1),
    "numpy.Minimum": lambda ops, x: ops.minimum(x, ops.sin(x)),
    "numpy.Pad": lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)), constant_values=-2.0),
    "numpy.Power": lambda ops, x: x**3,
    "numpy.Reciprocal": lambda ops, x: ops.reciprocal(ops.exp(x)),
    "numpy.Reshape": lambda ops, x: ops.reshape(x, (-1, 10, 12)),
    "numpy.Sin": lambda ops, x: ops.sin(x),
    "numpy.Sqrt": lambda ops, x: ops.sqrt(ops.exp(x)),
    "numpy.Squeeze": lambda ops, x: ops.squeeze(ops.expand_dims(x, axis=2), axis=2),
    "numpy.Stack": lambda ops, x: ops.stack([x, ops.tanh(x)], axis=2),
    "numpy.Sum": lambda ops, x: ops.sum(x, axis=3),
    "numpy.Tanh": lambda ops, x: ops.tanh(x),
    "numpy.Transpose": lambda ops, x: ops.transpose(x, (0, 3, 1, 2)),
    "numpy.TrueDivide": lambda ops, x: x / ops.exp(x),
}
"""A use of each function, on an input of `batch 4 5 6`; the axes differ, so that no exchange can hide."""


@pytest.fixture(scope="module")
def keras():
    """Return Keras."""
    import keras

    return keras


def test_every_function_that_is_known_has_a_use():
    assert {f"keras.src.ops.{path}" for path in FUNCTIONS} == set(operators.RULES)


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_function_in_a_file_is_computed_as_keras_does(path, keras, tmp_path):
    entry = keras.Input((4, 5, 6))
    built = keras.Model(entry, FUNCTIONS[path](keras.ops, entry))
    assert path.rsplit(".", 1)[1] in {type(operation).__name__ for operation in built.operations}
    built.save(tmp_path / "model.keras")
    x = numpy.random.default_rng(7).uniform(-1.5, 1.5, (2, 4, 5, 6)).astype("float32")
    theirs = keras.ops.convert_to_numpy(built(keras.ops.convert_to_tensor(x), training=False))
    (ours,) = forward(weightwise.open(tmp_path / "model.keras"), [x])
    assert ours.shape == theirs.shape
    assert numpy.abs(ours - theirs).max() <= 1e-5 * numpy.abs(theirs).max()
