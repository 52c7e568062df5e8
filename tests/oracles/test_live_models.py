"""A model in memory is named as the file that it is saved to, and its arrays are the framework's, in its order."""

from __future__ import annotations

import json

import numpy
import pytest

import weightwise
from weightwise.model import Evidence, Model

keras_samples = pytest.importorskip("tests.samples.make_keras_samples", reason="needs the real frameworks")
keras, tf_keras = keras_samples.keras, keras_samples.tf_keras

# Frameworks warn of one another and of NumPy's newer forms, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

BOTH = [
    pytest.param(k, builder, ending, id=f"{k.__name__}-{builder.__name__}")
    for k, builders, ending in ((keras, keras_samples.KERAS_3, ".keras"), (tf_keras, keras_samples.KERAS_2, ".h5"))
    for builder, endings in builders.items()
    if ending in endings
]
OWN = {"custom", "subclassed"}
"""Samples with classes of their own: a model in memory tells what is in these, and a file does not."""


def told(model: Model) -> list[tuple]:
    """Return what is told of each array, but for where it lies."""
    return [
        (weight.index, weight.path, weight.role, weight.bound and str(weight.bound), weight.evidence, weight.trainable)
        for weight in model.weights
    ]


def told_of_layers(model: Model) -> list[tuple]:
    """Return what is told of each layer."""
    return [
        (layer.name, layer.class_name, str(layer.operation), layer.inputs, layer.call_outputs, layer.trainable)
        for layer in model.walk()
    ]


@pytest.mark.parametrize(("k", "builder", "ending"), BOTH)
def test_a_model_of_keras_is_told_as_its_file(k, builder, ending, tmp_path):
    k.backend.clear_session()
    model = builder(k)
    if builder is not keras_samples.quantized:
        keras_samples.fill(model)
    live = weightwise.open(model)
    assert live.problems == ()
    for weight, array in zip(live.weights, model.get_weights(), strict=True):
        numpy.testing.assert_array_equal(weight.values(), array.astype(weight.values().dtype))
    assert live.parameters == model.count_params()
    if builder.__name__ in OWN:
        return
    path = tmp_path / f"model{ending}"
    keras_samples.write(k, model, path)
    file = weightwise.open(path)
    assert told(live) == told(file)
    assert told_of_layers(live) == told_of_layers(file)
