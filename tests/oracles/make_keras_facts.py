"""Runs every case in real Keras and writes what it computed to `golden/`, or to another folder.

    python -m tests.oracles.make_keras_facts [--into FOLDER] [FAMILY ...]

Each case names the backend that computes it, and each backend has a process of its own. Needs the `oracles` extra.
The layers compute in float64, so that a wrong layout cannot hide behind rounding.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BACKENDS = ("torch", "jax")
os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy
from keras.src.backend.common import dtypes

from tests.oracles.case import Case
from tests.oracles.fact import Framework, flat, keys_by_values, lines

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = (
    "dense",
    "reshaping",
    "merging",
    "activations",
    "normalization",
    "convolution",
    "pooling",
    "spatial",
    "preprocessing",
    "recurrent",
    "attention",
    "applications",
)
PUBLIC = ("keras", "keras.layers")
"""The modules of classes that are known by their names alone."""


class Keras(Framework):
    """Keras 3 in this process, on the backend that `KERAS_BACKEND` names."""

    name = "Keras"
    version = keras.__version__

    def __init__(self) -> None:
        """Set 64 bits."""
        self.backend = keras.backend.backend()
        keras.config.set_floatx("float64")
        # Outside TensorFlow Keras computes float64 in float32, as JAX does by default; a proof needs the 64 bits.
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        keras.config.set_dtype_policy("float64")

    def outputs(self, case: Case, layer: Any, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the layer computes at inference."""
        return [keras.ops.convert_to_numpy(output) for output in flat(case.outputs(layer, inputs))]

    def variables(self, layer: Any) -> list[dict[str, Any]]:
        """Return path, shape, dtype and trainability of each weight."""
        return [
            {
                "name": named(layer, variable),
                "shape": variable.shape,
                "dtype": variable.dtype,
                "trainable": variable.trainable,
            }
            for variable in layer.weights
        ]

    def keys(self, layer: Any) -> list[str]:
        """Return where the file has each weight of the layer, found by its values: `cell/0` for `cell/vars/0`.

        Of an array that the file has twice it is the outer place, and of one that the file does not have it is empty.
        Keras stores a kernel with the low-rank pair that adapts it merged in, so that is made zero before.
        """
        for variable in layer.weights:
            if variable.name.startswith("lora_"):
                variable.assign(numpy.zeros(variable.shape))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "layer.weights.h5"
            _Holder(layer).save_weights(path)
            return keys_by_values(path, "layer", layer.get_weights())

    def serialised(self, layer: Any) -> tuple[str, Any]:
        """Return the class and the configuration."""
        serialised = keras.saving.serialize_keras_object(layer)
        name, package = serialised["class_name"], serialised["module"]
        return name if package in PUBLIC else f"{package}.{name}", serialised["config"]

    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes for an open batch axis."""
        tensors = [
            keras.KerasTensor((None, *spec.shape[1:]), dtype="float64" if spec.below is None else "int32")
            for spec in case.inputs
        ]
        return [list(output.shape) for output in flat(case.outputs(case.build(), tensors))]


def named(layer: Any, variable: Any) -> str:
    """Return the path of a variable, with the attribute that holds it in place of a name that Keras counts."""
    path, _, name = variable.path.rpartition("/")
    if not name.startswith("variable"):
        return str(variable.path)
    return f"{path}/{next(key for key, value in vars(layer).items() if value is variable)}"


class _Holder(keras.Model):
    """A model with nothing but one layer, as its attribute `layer`."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.built = True


def family_lines(family: str) -> list[str]:
    """Return the facts of a family that this process's backend computes, one JSON object each."""
    cases = importlib.import_module(f"tests.oracles.keras_{family}").CASES
    return lines((case for case in cases if case.backend == keras.backend.backend()), Keras())


def made(families: Sequence[str]) -> dict[str, list[str]]:
    """Return the facts of all families, each backend computed in a process of its own."""
    result: dict[str, list[str]] = {family: [] for family in families}
    for backend in BACKENDS:
        command = [sys.executable, "-m", __spec__.name, "--backend", *families]
        environment = {**os.environ, "KERAS_BACKEND": backend}
        output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        for family, made_lines in json.loads(output.splitlines()[-1]).items():
            result[family] += made_lines
    return result


if __name__ == "__main__":
    if sys.argv[1:2] == ["--backend"]:
        print(json.dumps({family: family_lines(family) for family in sys.argv[2:]}))
    else:
        into, chosen = (Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1:2] == ["--into"] else (GOLDEN, sys.argv[1:])
        for family, made_lines in made(chosen or FAMILIES).items():
            (into / f"keras_{family}.jsonl").write_text("\n".join(made_lines) + "\n")
