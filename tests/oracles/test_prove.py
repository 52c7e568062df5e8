"""`weightwise prove` with the real Keras: what the samples compute, layer by layer, and what Keras is not given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.samples import SAMPLES

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

EXAMPLES = Path(__file__).parents[2] / "examples"
KERAS_3 = {
    "attention.keras": 4,
    "bfloat16.keras": 1,
    "cnn.keras": 8,
    "cnn.h5": 8,
    "compiled.keras": 2,
    "convolutions.keras": 4,
    "embedding.keras": 4,
    "gated.keras": 2,
    "lora.keras": 10,
    "many_ends.keras": 5,
    "nested.keras": 9,
    "nested.h5": 9,
    "normalization.keras": 2,
    "norms.keras": 5,
    "quantized.keras": 2,
    "recurrent.keras": 3,
    "recurrent.h5": 3,
    "residual.keras": 8,
    "twice.keras": 8,
    "twice.h5": 8,
}
"""The layers that are compared, by the sample."""
KERAS_2 = {
    "attention.h5": 4,
    "cnn.h5": 8,
    "compiled.h5": 2,
    "convolutions.h5": 4,
    "gated.h5": 2,
    "many_ends.h5": 5,
    "nested.h5": 9,
    "nested.keras": 9,
    "normalization.h5": 2,
    "norms.h5": 5,
    "recurrent.h5": 3,
    "residual.h5": 8,
    "twice.h5": 8,
}
REFUSED = {
    "keras3_custom.keras": "gate: it names my_package>Gate.Gate, which is or may be a program, so Keras is not asked",
}
"""Samples with what Keras is not given, and why."""
EACH = """
import contextlib, io, json, sys
from weightwise.cli import main
for arguments in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["prove", *arguments, "--json"])
    print("PROOF", code, json.dumps(json.loads(out.getvalue())))
"""


def proven(*commands: list[str], backend: str = "") -> list[tuple[int, dict[str, Any]]]:
    """Return the exit code and the document of each command, in a process that loads a framework once."""
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_BACKEND": backend} if backend else {}
    command = [sys.executable, "-c", EACH, json.dumps(commands)]
    lines = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [line.split(" ", 2)[1:] for line in lines if line.startswith("PROOF ")]
    assert len(found) == len(commands)
    return [(int(code), json.loads(document)) for code, document in found]


@pytest.mark.parametrize(("prefix", "samples"), [("keras3_", KERAS_3), ("keras2_", KERAS_2)])
def test_the_samples_compute_what_their_axes_say(prefix, samples):
    results = proven(*([str(SAMPLES / f"{prefix}{name}")] for name in samples))
    for (name, layers), (code, document) in zip(samples.items(), results, strict=True):
        (comparison,) = document["comparisons"]
        assert (name, code, document["verdict"], comparison["failure"]) == (name, 0, "equal", None)
        assert (name, len(comparison["lines"])) == (name, layers)
        assert all(line["verdict"] == "equal" for line in comparison["lines"])


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_example_on_other_backends(backend):
    digits = [str(EXAMPLES / "mnist_cnn.keras"), "--input", str(EXAMPLES / "digits.npz"), "--scale", "1/255"]
    ((code, document),) = proven(digits, backend=backend)
    assert (code, document["verdict"], len(document["comparisons"][0]["lines"])) == (0, "equal", 8)
    with numpy.load(EXAMPLES / "digits.npz") as file:
        numpy.testing.assert_allclose(document["outputs"][0], file["probabilities"], rtol=0, atol=1e-5)


def test_what_could_be_a_program_is_not_given_to_keras(tmp_path):
    keras = pytest.importorskip("keras", reason="Keras is an extra (oracles)")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2, name="twice")])
    path = tmp_path / "lambda.keras"
    model.save(path)
    results = proven([str(path)], *([str(SAMPLES / name)] for name in REFUSED))
    reasons = ["twice: it names keras.layers.Lambda, which is or may be a program, so Keras is not asked"]
    for reason, (code, document) in zip([*reasons, *REFUSED.values()], results, strict=True):
        assert (code, document["verdict"]) == (2, "not compared")
        assert document["comparisons"][0]["failure"] == reason


def test_a_kernel_transposed_in_the_file_is_named(tmp_path):
    """Each agrees with what Keras makes of its own file, and the two do not agree, in either."""
    keras = pytest.importorskip("keras", reason="Keras is an extra (oracles)")
    model = keras.saving.load_model(EXAMPLES / "mnist_cnn.keras", compile=False)
    layer = model.get_layer("conv2d_2")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel.swapaxes(0, 1), bias])
    path = tmp_path / "wrong.keras"
    model.save(path)
    ((code, document),) = proven([str(EXAMPLES / "mnist_cnn.keras"), str(path)])
    assert (code, document["verdict"], document["first"]) == (1, "different", "conv2d_2")
    own, between, other, outputs = document["comparisons"]
    assert [own["verdict"], between["verdict"], other["verdict"], outputs["verdict"]] == [
        "equal",
        "different",
        "equal",
        "different",
    ]
