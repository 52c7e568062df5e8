"""Whole models of Keras 1: every array is named, and what is computed from the names is what Keras itself computed."""

from __future__ import annotations

import json

import numpy
import pytest

import weightwise
from tests.oracles.case import Input, input_values
from tests.samples import SAMPLES
from weightwise.answers.explain import explain
from weightwise.answers.forward import forward, layer_outputs
from weightwise.answers.locate import locate
from weightwise.model import Evidence

FACTS = json.loads((SAMPLES / "keras1_facts.json").read_text())
AFTER_FLATTEN = {
    "keras1_cnn_th.h5": ("(c h w) out", {"c": 3, "h": 2, "w": 4, "out": 5}),
    "keras1_cnn_tf.h5": ("(h w c) out", {"c": 3, "h": 2, "w": 4, "out": 5}),
    "keras1_branches.h5": ("(position c) out", {"position": 4, "c": 8, "out": 3}),
}

samples = pytest.mark.parametrize("file", FACTS)


def close(ours, theirs) -> bool:
    """Return whether two arrays are equal as far as float32 goes."""
    theirs = numpy.asarray(theirs)
    return ours.shape == theirs.shape and numpy.abs(ours - theirs).max() <= 1e-5 * numpy.abs(theirs).max()


def sample_inputs(file: str) -> list[numpy.ndarray]:
    """Return the inputs of a sample as `make_keras1_samples.py` made them."""
    stem, shapes = file.removeprefix("keras1_").removesuffix(".h5"), FACTS[file]["inputs"]
    specs = (Input((2, *shape)) for shape in shapes)
    return [input_values(stem, number, spec).astype("float32") for number, spec in enumerate(specs)]


@samples
def test_every_array_is_named_in_the_order_of_get_weights(file):
    model, facts = weightwise.open(SAMPLES / file), FACTS[file]
    assert model.stored.problems == () and model.problems == ()
    assert {weight.evidence for weight in model.weights} == {Evidence.DECLARED}
    assert [weight.stored.name for weight in model.weights] == [weight["name"] for weight in facts["weights"]]
    for weight, expected in zip(model.weights, facts["weights"], strict=True):
        values = weight.values().astype("float64").ravel()
        assert weight.shape == tuple(expected["shape"])
        assert values.sum() == pytest.approx(expected["sum"], abs=1e-9)
        assert (values * numpy.arange(1, values.size + 1)).sum() == pytest.approx(expected["weighted_sum"], abs=1e-8)


@samples
def test_the_layers_and_their_outputs_are_those_of_keras(file):
    model, facts = weightwise.open(SAMPLES / file), FACTS[file]
    listed = [(layer.name, layer.class_name, layer.outputs[0]) for layer in model.layers]
    expected = [(layer["name"], layer["class_name"], layer["output"]) for layer in facts["layers"]]
    assert listed == [(name, class_name, tuple(output)) for name, class_name, output in expected]


@samples
def test_the_backend_that_the_file_does_not_name_is_told_by_the_names_of_variables(file):
    stored = weightwise.open(SAMPLES / file).stored
    assert (stored.version, stored.backend) == (FACTS[file]["version"], FACTS[file]["backend"])


@samples
def test_the_reference_computes_what_keras_computed(file):
    (output,) = forward(weightwise.open(SAMPLES / file), sample_inputs(file))
    assert close(output, FACTS[file]["outputs"])


@pytest.mark.parametrize("file", AFTER_FLATTEN)
def test_a_dense_layer_reads_the_rows_as_flatten_laid_them(file):
    kernel = weightwise.open(SAMPLES / file).layers[-1].weights[0]
    assert (kernel.bound.notation, dict(kernel.bound.sizes)) == AFTER_FLATTEN[file]


@pytest.mark.parametrize("file", [file for file in AFTER_FLATTEN if FACTS[file]["cut"]])
def test_the_rows_of_a_channel_are_those_that_keras_misses_without_its_filter(file):
    model = weightwise.open(SAMPLES / file)
    dense = model.layers[-1]
    (values,) = sample_inputs(file)
    for layer in model.layers[:-1]:
        (values,) = layer_outputs(layer, [values])
    kernel, bias = dense.weights
    for channel, expected in enumerate(FACTS[file]["cut"]):
        rows = kernel.bound.arrange(kernel.values(), "c h w out").copy()
        rows[channel] = 0
        merged = numpy.moveaxis(rows, 0, 2) if kernel.bound.notation.startswith("(h") else rows
        assert close(values @ merged.reshape(kernel.shape) + bias.values(), expected)
        assert not close(values @ merged[::-1].reshape(kernel.shape) + bias.values(), expected)


def test_a_gate_of_its_own_is_told_in_sentences():
    model = weightwise.open(SAMPLES / "keras1_recurrent.h5")
    assert "for the candidate, which is the new content of the memory" in " ".join(
        repr(explain(model, "lstm_1/U_c")).split()
    )
    located = " ".join(repr(locate(model, "lstm_1/U_c[1, 2]")).split())
    assert "multiplies the output of unit 1 at the step before, and the product is added to the candidate, unit 2" in (
        located
    )


def test_a_kernel_that_lies_backwards_is_told_in_sentences():
    model = weightwise.open(SAMPLES / "keras1_cnn_th.h5")
    text = " ".join(repr(explain(model, "convolution2d_1/W")).split())
    assert "the window is 4 columns wide, which the array has from the last to the first" in text
    located = " ".join(repr(locate(model, "[0][1, 0, 1, 3]")).split())
    assert "convolution2d_1/W[out=1, in=0, kh=0, kw=0]" in located
