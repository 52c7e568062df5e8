"""`weightwise.prove` from Python."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import weightwise
from weightwise.answers.proof import Verdict
from weightwise.errors import SelectionError, UnsupportedError
from weightwise.frameworks import asking

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mnist_cnn.keras"


def test_one_model_gives_its_outputs():
    image = numpy.ones((3, 28, 28, 1))
    for inputs in (image, [image], {"anything": image}):
        proof = weightwise.prove(EXAMPLE, inputs=inputs, reference_only=True)
        assert proof.outputs[0].shape == (3, 10)
        assert proof.verdict is Verdict.OPEN


def test_paths_and_models_are_taken():
    model = weightwise.open(EXAMPLE)
    assert weightwise.prove(str(EXAMPLE), model, reference_only=True, dtype="float32").verdict is Verdict.EQUAL


def test_arrays_in_memory_are_proven_as_a_port():
    model = weightwise.open(EXAMPLE)
    axes = ("out in kh kw", "out", "out in kh kw", "out", "out (c h w)", "out", "out in", "out")
    names = [f"{place}.{kind}" for place in (0, 3, 7, 9) for kind in ("weight", "bias")]
    arrays = {
        name: weight.bound.arrange(weight.values(), line)
        for name, line, weight in zip(names, axes, model.weights, strict=True)
    }
    assert weightwise.prove(EXAMPLE, arrays, reference_only=True).verdict is Verdict.EQUAL
    arrays["7.weight"] = model["dense_1"]["kernel"].values().T
    assert weightwise.prove(EXAMPLE, arrays, reference_only=True).first.name == "dense_1"


def test_another_number_of_inputs_is_refused():
    with pytest.raises(SelectionError, match="takes 1 inputs, and 2 are given"):
        weightwise.prove(EXAMPLE, inputs=[numpy.ones((1, 28, 28, 1))] * 2, reference_only=True)


def test_why_a_framework_is_not_asked_is_said(monkeypatch):
    def missing(model):
        raise UnsupportedError("Keras is not installed (pip install keras)")

    monkeypatch.setattr(asking, "runner", missing)
    (note,) = weightwise.prove(EXAMPLE).notes
    assert note.endswith("only the reference was run: Keras is not installed (pip install keras).")
