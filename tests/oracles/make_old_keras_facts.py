"""Runs the cases of the oldest Kerases in themselves, and writes what they computed to `golden/`.

    python3.7 -m tests.oracles.make_old_keras_facts KERASES [--into FOLDER]

KERASES is a folder with the unpacked source packages of Keras 1.0.8, 1.2.2, 2.0.5 and 2.3.1, as
`pip download --no-deps --no-binary :all: keras==1.2.2` brings them. They ran in Python 3.7 with tensorflow 1.15.5,
Theano 1.0.5, numpy 1.18.5, scipy 1.4.1, h5py 2.10.0, protobuf 3.19.6, Keras-Applications 1.0.8 and
Keras-Preprocessing 1.1.2. On Theano, whose convolutions turn the kernel round, the layers compute in float64, and on
TensorFlow in float32, because parts of the older ones cannot do otherwise there.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy

from tests.oracles.case import Case
from tests.oracles.fact import Framework, flat, lines

GOLDEN = Path(__file__).parent / "golden"
PRECISIONS = {"tensorflow": ("float32", 1e-5), "theano": ("float64", 1e-10)}
"""What a backend computes in, and how far it may be off."""
FAMILIES = {
    "1": [("1.0.8", "theano"), ("1.2.2", "tensorflow"), ("1.2.2", "theano")],
    "2": list(itertools.product(("2.0.5", "2.3.1"), PRECISIONS)),
}
"""The versions and backends that run the cases of `old_keras_1.py` and `old_keras_2.py`."""


def blas() -> dict[str, str]:
    """Return the environment that lets Theano compile with the BLAS that NumPy brings."""
    library = next(Path(numpy.__file__).parents[1].glob("numpy.libs/libopenblas*.so"))
    return {
        "LD_LIBRARY_PATH": str(library.parent),
        "THEANO_FLAGS": f"blas.ldflags=-L{library.parent} -l:{library.name}",
    }


class OldKeras(Framework):
    """The Keras on the path of this process."""

    name = "Keras"

    def __init__(self) -> None:
        """Set the precision."""
        import keras

        self.keras = keras
        self.version = keras.__version__
        self.backend = keras.backend.backend()
        self.models: dict[int, Any] = {}
        # Keras 1.0 takes its precision from a file in the user's folder, and float32 where there is none.
        self.floats, self.tolerance = PRECISIONS["tensorflow" if self.version == "1.0.8" else self.backend]
        keras.backend.set_floatx(self.floats)

    def outputs(self, case: Case, layer: Any, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the layer computes at inference."""
        if id(layer) not in self.models:
            tensors = [self.tensor(spec.shape, spec.below) for spec in case.inputs]
            outputs = list(flat(case.outputs(layer, tensors)))
            self.models[id(layer)] = self.keras.models.Model(tensors, outputs)
        return list(flat(self.models[id(layer)].predict(list(inputs), batch_size=len(inputs[0]))))

    def tensor(self, shape: Sequence[int | None], below: int | None) -> Any:
        """Return a symbolic input."""
        return self.keras.layers.Input(batch_shape=tuple(shape), dtype=self.floats if below is None else "int32")

    def variables(self, layer: Any) -> list[dict[str, Any]]:
        """Return name, shape, dtype and trainability of each weight.

        The names of Keras 1 begin with that of the layer, or of the one inside, as in `lstm_1_W_i`.
        """
        trained = {id(variable) for variable in layer.trainable_weights}
        inside = [getattr(layer, key, layer) for key in ("layer", "forward_layer", "backward_layer")]
        prefixes = [f"{owner.name}_" for owner in (*inside, layer)]
        found = []
        for place, value in enumerate(layer.get_weights()):
            variable = layer.weights[place]
            name = (variable.name or f"param_{place}").split(":")[0]
            prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
            found.append(
                {
                    "name": f"{prefix[:-1]}/{name[len(prefix) :]}" if prefix else name,
                    "shape": value.shape,
                    "dtype": str(value.dtype),
                    "trainable": id(variable) in trained,
                }
            )
        return found

    def keys(self, layer: Any) -> list[str]:
        """Return the name under which the file lists each weight, found by its values."""
        stored = self.stored(layer)
        return [
            next(name for name, array in stored.items() if numpy.array_equal(array, values))
            for values in layer.get_weights()
        ]

    def listed(self, layer: Any) -> list[str]:
        """Return the names in the order of the file."""
        return list(self.stored(layer))

    def stored(self, layer: Any) -> dict[str, numpy.ndarray]:
        """Return the layer's arrays in the order in which the file that Keras writes lists their names."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model.h5")
            self.models[id(layer)].save_weights(path)
            with h5py.File(path, "r") as file:
                group = file[layer.name]
                return {name.decode(): group[name][()] for name in group.attrs["weight_names"]}

    def serialised(self, layer: Any) -> tuple[str, Any]:
        """Return the class and the configuration."""
        return type(layer).__name__, json.loads(json.dumps(layer.get_config(), default=plain))

    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes for an open batch axis."""
        tensors = [self.tensor((None, *spec.shape[1:]), spec.below) for spec in case.inputs]
        outputs = flat(case.outputs(case.build(), tensors))
        return [[None if size is None else int(size) for size in output._keras_shape] for output in outputs]


def plain(value: Any) -> Any:
    """Return a value of NumPy or a function as Keras writes it in a file."""
    if isinstance(value, numpy.ndarray):
        return {"type": "ndarray", "value": value.tolist()}
    return value.item() if isinstance(value, numpy.generic) else value.__name__


def own_lines(family: str) -> list[str]:
    """Return the facts that the Keras of this process computes; each case names the backends that have its layer."""
    framework = OldKeras()
    cases = importlib.import_module(f"tests.oracles.old_keras_{family}").cases(framework.version, framework.backend)
    return lines((replace(case, tolerance=max(case.tolerance, framework.tolerance)) for case in cases), framework)


def made(kerases: Path, family: str) -> list[str]:
    """Return the facts of a family, each version and backend computed in a process of its own."""
    result = []
    for version, backend in FAMILIES[family]:
        paths = [str(next(kerases.glob(f"[Kk]eras-{version}"))), str(GOLDEN.parents[2])]
        environment = {**os.environ, **blas(), "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-m", __spec__.name, "--family", family]
        output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
        result += json.loads(output.decode().splitlines()[-1])
    return result


if __name__ == "__main__":
    if sys.argv[1] == "--family":
        print(json.dumps(own_lines(sys.argv[2])))
    else:
        into = Path(sys.argv[3]) if sys.argv[2:3] == ["--into"] else GOLDEN
        for chosen in FAMILIES:
            text = "\n".join(made(Path(sys.argv[1]), chosen)) + "\n"
            (into / f"old_keras_{chosen}.jsonl").write_text(text)
