"""Low-rank pairs, which Keras merges when it saves: they keep their places, and are the zeros that Keras makes."""

from __future__ import annotations

import json

import numpy
import pytest

import weightwise
from tests.samples import SAMPLES
from weightwise.answers.forward import forward
from weightwise.cli import main
from weightwise.model import Evidence

FILE = SAMPLES / "keras3_lora.keras"
FACTS = json.loads((SAMPLES / "naming.json").read_text())[FILE.name]
PAIRS = [place for place, fact in enumerate(FACTS["weights"]) if "lora_" in fact["name"]]


def test_the_arrays_are_those_that_keras_loads_in_its_order():
    weights = weightwise.open(FILE).weights
    assert [weight.index for weight in weights] == list(range(len(FACTS["weights"])))
    for weight, fact in zip(weights, FACTS["weights"], strict=True):
        values = weight.values()
        assert weight.name == fact["name"].rpartition("/")[2] or weight.layer == "memory"
        assert (list(values.shape), str(values.dtype)) == (fact["shape"], fact["dtype"])
        assert float(values.astype("float64").sum()) == pytest.approx(fact["sum"], abs=1e-9)


def test_a_pair_is_zero_declared_and_in_no_file():
    model = weightwise.open(FILE)
    assert len(PAIRS) == 14
    for weight in model.weights:
        made = weight.index in PAIRS
        assert bool(weight.stored.made) == made
        assert weight.evidence is Evidence.DECLARED
        assert weight.values().any() != made
        assert weight.stored.nbytes == weight.values().nbytes


def test_nothing_is_missing(capsys):
    assert weightwise.open(FILE).problems == ()
    assert main([str(FILE)]) == 0
    assert capsys.readouterr().err == ""


def test_the_axes_of_a_pair_are_those_of_what_it_adapts():
    model = weightwise.open(FILE)
    assert model["wide"]["lora_kernel_a"].bound.text() == "(h 3 · w 3 · c 4) · rank 2"
    assert model["groups"]["lora_kernel_a"].bound.text() == "kw 2 · in/groups 1 · rank 2"
    assert model["each"]["lora_kernel_b"].bound.text() == "rank 3 · out 2"


def test_what_is_computed_is_what_keras_computes():
    inputs = [numpy.asarray(FACTS["inputs"][0], "float32"), numpy.asarray(FACTS["inputs"][1])]
    (output,) = forward(weightwise.open(FILE), inputs)
    numpy.testing.assert_allclose(output, FACTS["output"], atol=1e-5 * numpy.abs(FACTS["output"]).max())


def test_it_is_said_once_what_became_of_the_pair():
    explained = " ".join(repr(weightwise.open(FILE).explain("wide")).split())
    assert explained.count("this file does not have the pair, which comes back as zeros") == 1
    place = " ".join(repr(weightwise.open(FILE).locate("wide/lora_kernel_a[0, 1]")).split())
    assert "this file does not have the pair" in place
    assert "It lies in" not in place
