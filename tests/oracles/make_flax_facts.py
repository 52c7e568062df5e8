"""Runs every case in real Flax and writes what it computed to `golden/`, or to another folder.

    python -m tests.oracles.make_flax_facts [--into FOLDER] [FAMILY ...]

Needs the `oracles` extra. JAX computes in float64.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import flax
import jax
import numpy

from tests.oracles.case import Case, Input, input_values
from tests.oracles.fact import Framework, flat, lines
from tests.oracles.flax_layer import FlaxLayer

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = (
    "linen_dense",
    "linen_convolution",
    "linen_normalization",
    "linen_recurrent",
    "linen_attention",
    "nnx_dense",
    "nnx_convolution",
    "nnx_normalization",
    "nnx_recurrent",
    "nnx_attention",
)


class Flax(Framework):
    """Flax in this process."""

    name = "Flax"
    version = flax.__version__
    backend = "jax"

    def outputs(self, case: Case, layer: FlaxLayer, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the module computes at inference."""
        tensors = [jax.numpy.asarray(array) for array in inputs]
        return [numpy.asarray(output) for output in flat(case.outputs(layer, tensors))]

    def variables(self, layer: FlaxLayer) -> list[dict[str, Any]]:
        """Return path, shape, dtype and trainability of each weight."""
        return [
            {"name": "/".join(path), "shape": array.shape, "dtype": str(array.dtype), "trainable": trainable}
            for path, array, trainable in layer.weights()
        ]

    def keys(self, layer: FlaxLayer) -> list[str]:
        """Return where Flax's file has each weight within the module, without the collection."""
        return layer.places()

    def serialised(self, layer: FlaxLayer) -> tuple[str, Any]:
        """Return the class and the attributes, as those of a live module."""
        return layer.told()

    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes, with None for each size that a larger batch changes.

        A module of nnx with weights for each example was made for one batch, and JAX refuses any other.
        """
        batch = case.inputs[0].shape[0]
        if getattr(case.build().module, "batch_axis", None):
            return [[None, *shape[1:]] for shape in self._shapes(case, batch)]
        both = [self._shapes(case, size) for size in (batch, batch + 1)]
        return [
            [size if size == other else None for size, other in zip(one, two, strict=True)]
            for one, two in zip(*both, strict=True)
        ]

    def _shapes(self, case: Case, batch: int) -> list[tuple[int, ...]]:
        """Return the shapes of what the module computes for a batch of this size."""
        specs = [Input((batch, *spec.shape[1:]), spec.below) for spec in case.inputs]
        inputs = [input_values(case.name, number, spec) for number, spec in enumerate(specs)]
        return [output.shape for output in self.outputs(case, case.build(), inputs)]


def made(family: str) -> list[str]:
    """Return the facts of a family, one JSON object each."""
    return lines(importlib.import_module(f"tests.oracles.flax_{family}").CASES, Flax())


if __name__ == "__main__":
    into, chosen = (Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1:2] == ["--into"] else (GOLDEN, sys.argv[1:])
    for family in chosen or FAMILIES:
        (into / f"flax_{family}.jsonl").write_text("\n".join(made(family)) + "\n")
