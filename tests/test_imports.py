"""What a start costs: no framework is ever imported, NumPy only when a file is opened."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMEWORKS = {"keras", "tensorflow", "tf_keras", "torch", "jax", "flax", "h5py"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after running the code."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in output.splitlines()[-1].split()}


@pytest.mark.parametrize("code", ["import weightwise", "import weightwise.cli", "import weightwise.axes"])
def test_importing_needs_no_numpy(code):
    assert not loaded_by(code) & (FRAMEWORKS | {"numpy", "pyfive"})


def test_opening_needs_no_framework():
    loaded = loaded_by("import weightwise; weightwise.open('examples/mnist_cnn.keras').get_weights()")
    assert not loaded & FRAMEWORKS
    assert "numpy" in loaded


def test_the_test_would_see_a_framework():
    assert "json" in loaded_by("import json")
