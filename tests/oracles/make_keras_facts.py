"""Runs every case in real Keras and writes what it computed to `golden/`.

    python -m tests.oracles.make_keras_facts [FAMILY ...]

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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

BACKENDS = ("torch", "jax")
os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy
from keras.src.backend.common import dtypes

from tests.oracles.case import Case, input_values, weight_values

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = ("dense", "convolution", "pooling", "spatial", "reshaping")


def facts(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """Yield the fact of each case."""
    keras.config.set_floatx("float64")
    # Outside TensorFlow Keras computes float64 in float32, as JAX does by default; a proof needs the 64 bits.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_dtype_policy("float64")
    for case in cases:
        if case.backend == keras.backend.backend():
            yield fact(case)


def fact(case: Case) -> dict[str, Any]:
    """Return what Keras says of one case."""
    layer = case.build()
    inputs = [input_values(case.name, number, spec) for number, spec in enumerate(case.inputs)]
    case.outputs(layer, inputs)
    names = [variable.path for variable in layer.weights]
    layer.set_weights(
        [
            weight_values(case.name, number, variable.name, variable.shape, variable.dtype)
            for number, variable in enumerate(layer.weights)
        ]
    )
    outputs = _listed(case.outputs(layer, inputs))
    serialised = keras.saving.serialize_keras_object(layer)
    return {
        "name": case.name,
        "class_name": serialised["class_name"],
        "config": json.loads(json.dumps(serialised["config"])),
        "arguments": dict(case.arguments),
        "framework": "Keras",
        "version": keras.__version__,
        "backend": keras.backend.backend(),
        "inputs": [{"shape": list(spec.shape), "below": spec.below} for spec in case.inputs],
        "weights": [
            {
                "name": name,
                "key": key,
                "shape": list(variable.shape),
                "dtype": variable.dtype,
                "trainable": variable.trainable,
            }
            for name, key, variable in zip(names, _keys(layer), layer.weights, strict=True)
        ],
        "outputs": [
            {"shape": list(output.shape), "values": [float(f"{value:.14g}") for value in output.ravel()]}
            for output in outputs
        ],
        "shapes": _open_shapes(case),
        "symmetries": {name: list(axes) for name, axes in case.symmetries.items()},
        "tolerance": case.tolerance,
    }


class _Holder(keras.Model):
    """A model with nothing but one layer, as its attribute `layer`."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.built = True


def _keys(layer: Any) -> list[str]:
    """Return where Keras's file has each weight of the layer, found by its values: `cell/0` for `cell/vars/0`.

    Of an array that the file has twice it is the outer place, and of one that the file does not have it is empty.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.weights.h5"
        _Holder(layer).save_weights(path)
        with h5py.File(path) as file:
            stored: dict[str, numpy.ndarray] = {}
            file["layer"].visititems(lambda key, item: stored.update({key: item[()]} if hasattr(item, "shape") else {}))
    result = []
    for values in layer.get_weights():
        keys = (key for key, array in stored.items() if numpy.array_equal(array, values))
        key = min(keys, key=len, default="")
        result.append("/".join(part for part in key.split("/") if part != "vars"))
    return result


def _open_shapes(case: Case) -> list[list[int | None]]:
    """Return the output shapes that Keras computes when the batch axis is open."""
    tensors = [
        keras.KerasTensor((None, *spec.shape[1:]), dtype="float64" if spec.below is None else "int32")
        for spec in case.inputs
    ]
    return [list(output.shape) for output in _flat(case.outputs(case.build(), tensors))]


def _flat(outputs: Any) -> list[Any]:
    if isinstance(outputs, (list, tuple)):
        return [leaf for output in outputs for leaf in _flat(output)]
    return [outputs]


def _listed(outputs: Any) -> list[numpy.ndarray]:
    return [keras.ops.convert_to_numpy(output) for output in _flat(outputs)]


def lines(family: str) -> list[str]:
    """Return the facts of a family that this process's backend computes, one JSON object each."""
    cases = importlib.import_module(f"tests.oracles.keras_{family}").CASES
    return [json.dumps(item, separators=(",", ":")) for item in facts(cases)]


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
        print(json.dumps({family: lines(family) for family in sys.argv[2:]}))
    else:
        for family, made_lines in made(sys.argv[1:] or FAMILIES).items():
            (GOLDEN / f"keras_{family}.jsonl").write_text("\n".join(made_lines) + "\n")
