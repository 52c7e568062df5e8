"""The shipped example in real Keras: the same table, the same arrays, the same outputs."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import weightwise
from weightwise.answers.forward import forward
from weightwise.views.summary import summary

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist_cnn.keras"


@pytest.fixture(scope="module")
def keras_model():
    keras = pytest.importorskip("keras", reason="Keras is an extra (oracles)")
    return keras.saving.load_model(EXAMPLE)


def test_the_table_is_kerases(keras_model):
    printed: list[str] = []
    keras_model.summary(print_fn=printed.append)
    assert summary(weightwise.open(EXAMPLE)).strip() == "\n".join(printed).strip()


def test_the_arrays_are_kerases(keras_model):
    ours = weightwise.open(EXAMPLE).get_weights()
    for our, their in zip(ours, keras_model.get_weights(), strict=True):
        numpy.testing.assert_array_equal(our, their)


def test_the_outputs_are_kerases(keras_model):
    images = numpy.load(EXAMPLE.with_name("digits.npz"))["images"][..., None].astype("float32") / 255
    (ours,) = forward(weightwise.open(EXAMPLE), [images])
    theirs = keras_model.predict(images, verbose=0)
    assert numpy.abs(ours - theirs).max() <= 1e-5 * numpy.abs(theirs).max()
