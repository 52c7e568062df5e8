"""Runs the cases in tf_keras, which is Keras 2, and writes what it computed to `golden/`.

    python -m tests.oracles.make_keras2_facts [--into FOLDER] [FAMILY ...]

The cases are those of Keras 3, as far as Keras 2 has their layers, and those of layers that only Keras 2 has. Needs the
`oracles` extra. The layers compute in float64, but for a few of TensorFlow's image functions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy
import tensorflow
import tf_keras
from tf_keras.src.saving import saving_lib
from tf_keras.src.saving.legacy.saved_model import json_utils
from tf_keras.src.utils.generic_utils import to_snake_case

from tests.oracles.case import Case
from tests.oracles.fact import Framework, flat, keys_by_values, lines

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = (
    "dense",
    "convolution",
    "pooling",
    "spatial",
    "reshaping",
    "recurrent",
    "attention",
    "activations",
    "merging",
    "normalization",
    "preprocessing",
    "legacy",
    "cudnn",
)
FLOAT32 = (
    "Activation gelu",
    "Activation leaky_relu",
    "CenterCrop above the input",
    "Dense with a layer",
    "LeakyReLU",
    "ReLU with a slope",
    "Rescaling",
    "Resizing",
    "UpSampling2D bilinear",
)
"""The beginnings of the names of cases whose layers compute in float32, or have settings in it."""
EXCEPT = {
    "Conv2DTranspose same output_padding of JAX": "TensorFlow refuses this padding",
    "Conv2DTranspose dilation": "Keras 2 refuses dilations of two kinds",
    "MultiHeadAttention over the last axis": "Keras 2 refuses it",
    "MultiHeadAttention, masked heads": "numbers above 1 in a mask add to the scores in Keras 2",
    "AdditiveAttention with keys": "Keras 2 refuses keys of another size",
    "Resizing whole numbers": "Keras 2 does not round",
    "LayerNormalization along two apart, square": "Keras 2 mixes up the values along axes out of order",
    "LayerNormalization along two, out of order": "Keras 2 mixes up the values along axes out of order",
    "Masking": "Keras 2 cannot compare whole numbers with 0.0",
    "CategoryEncoding one by one": "Keras 2 refuses it",
    "CategoryEncoding of sequences": "Keras 2 refuses it",
    "Discretization one by one": "Keras 2 refuses it",
}
"""Cases of Keras 3 that are something else in Keras 2, and why."""


class Keras2(Framework):
    """tf_keras in this process."""

    name = "Keras"
    version = tf_keras.__version__
    backend = "tensorflow"

    def __init__(self) -> None:
        """Set 64 bits."""
        tf_keras.backend.set_floatx("float64")

    def outputs(self, case: Case, layer: Any, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the layer computes at inference."""
        tensors = [tensorflow.constant(x) for x in inputs]
        try:
            outputs = case.outputs(layer, tensors)
        except (tensorflow.errors.UnimplementedError, tensorflow.errors.InvalidArgumentError):
            # TensorFlow's kernels for processors do without channels_first and some dilations; its compiler does not.
            outputs = tensorflow.function(lambda: case.outputs(layer, tensors), jit_compile=True)()
        return [output.numpy() for output in flat(outputs)]

    def variables(self, layer: Any) -> list[dict[str, Any]]:
        """Return name, shape, dtype and trainability of each weight."""
        trained = {id(variable) for variable in layer.trainable_weights}
        return [
            {
                "name": variable.name.split(":")[0],
                "shape": tuple(variable.shape),
                "dtype": variable.dtype.name,
                "trainable": id(variable) in trained,
            }
            for variable in layer.weights
        ]

    def keys(self, layer: Any) -> list[str]:
        """Return where the file that Keras 2 writes in Keras 3's format has each weight: `cell/0`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "layer.weights.h5"
            saving_lib.save_weights_only(_Holder(layer), path)
            return keys_by_values(path, f"layers/{to_snake_case(type(layer).__name__)}", layer.get_weights())

    def serialised(self, layer: Any) -> tuple[str, Any]:
        """Return the class and the configuration."""
        config = json.dumps(layer.get_config(), default=json_utils.get_json_type)  # as for its HDF5 files
        return type(layer).__name__, json.loads(config)

    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes for an open batch axis."""
        tensors = [
            tf_keras.Input(spec.shape[1:], dtype="float64" if spec.below is None else "int32") for spec in case.inputs
        ]
        return [list(output.shape) for output in flat(case.outputs(case.build(), tensors))]


class _Holder(tf_keras.Model):
    """A model with nothing but one layer."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.built = True


class _Lender(types.ModuleType):
    """A module of tf_keras under the name that it has in Keras 3; a layer that it lacks cannot be built."""

    def __init__(self, name: str, module: types.ModuleType) -> None:
        super().__init__(name)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name, _lacking)
        return _Lender(f"{self.__name__}.{name}", found) if isinstance(found, types.ModuleType) else found


def _lacking(*arguments: Any, **options: Any) -> None:
    raise TypeError("Keras 2 has no such layer")


def has_layer(case: Case) -> bool:
    """Return whether Keras 2 has the case's layer with these options, and TensorFlow kernels for 64 bits."""
    try:
        case.build()
    except (AttributeError, TypeError, ValueError):
        return False
    return not (case.name.startswith(("MaxPooling3D", "AveragePooling3D")))


def family_cases(family: str) -> Iterator[Case]:
    """Yield the cases of a family whose layers Keras 2 has."""
    sys.modules["keras"] = _Lender("keras", tf_keras)
    shared = importlib.util.find_spec(f"tests.oracles.keras_{family}") is not None
    cases = importlib.import_module(f"tests.oracles.keras{'' if shared else '2'}_{family}").CASES
    return (
        replace(case, tolerance=1e-5) if case.name.startswith(FLOAT32) else case
        for case in cases
        if case.name not in EXCEPT and has_layer(case)
    )


def family_lines(family: str) -> list[str]:
    """Return the facts of a family, one JSON object each."""
    return lines(family_cases(family), Keras2())


if __name__ == "__main__":
    into, chosen = (Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1:2] == ["--into"] else (GOLDEN, sys.argv[1:])
    for family in chosen or FAMILIES:
        (into / f"keras2_{family}.jsonl").write_text("\n".join(family_lines(family)) + "\n")
