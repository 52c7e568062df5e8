"""The question's network, as it is shipped: the reference forward pass agrees with Keras on a hundred real digits."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import weightwise
from weightwise.answers.forward import forward
from weightwise.errors import UnsupportedError

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def digits():
    return numpy.load(EXAMPLES / "digits.npz")


def test_the_reference_agrees_with_keras(digits):
    (ours,) = forward(weightwise.open(EXAMPLES / "mnist_cnn.keras"), [digits["images"][..., None] / 255.0])
    theirs = digits["probabilities"]
    assert numpy.abs(ours - theirs).max() <= 1e-5 * numpy.abs(theirs).max()
    assert (ours.argmax(axis=1) == digits["labels"]).mean() >= 0.99


def test_the_agreement_depends_on_the_rows_of_the_dense_layer(digits):
    """Reading the rows after Flatten as `(c h w)`, as PyTorch does, breaks it: the test above can fail."""
    model = weightwise.open(EXAMPLES / "mnist_cnn.keras")
    kernel = model["dense_1"]["kernel"]
    moved = kernel.bound.arrange(kernel.values(), "(c h w) out")
    assert not numpy.array_equal(moved, kernel.values())
    assert numpy.array_equal(moved.reshape(64, 12, 12, 128)[18, 1, 7], kernel.select(h=1, w=7, c=18))


def test_the_questions_loop_runs(capsys):
    model = weightwise.open(EXAMPLES / "mnist_cnn.keras")
    weights_m = model.get_weights()
    for i in range(8):
        print(weights_m[i].shape)
    assert capsys.readouterr().out.split("\n")[:3] == ["(3, 3, 1, 32)", "(32,)", "(3, 3, 32, 64)"]


def test_every_layer_gives_its_own_arrays():
    model = weightwise.open(EXAMPLES / "mnist_cnn.keras")
    assert [len(layer.get_weights()) for layer in model.layers] == [2, 2, 0, 0, 0, 2, 0, 2]


def test_an_unknown_layer_cannot_be_computed():
    model = weightwise.open(Path(__file__).parent / "samples" / "keras3_custom.keras")
    shapes = [tuple(size or 2 for size in shape) for shape in (model.layers[0].outputs[0],)]
    with pytest.raises(UnsupportedError, match="operation is unknown"):
        forward(model, [numpy.zeros(shape) for shape in shapes])
