"""Runs every case in real PyTorch and writes what it computed to `golden/`, or to another folder.

    python -m tests.oracles.make_pytorch_facts [--into FOLDER] [FAMILY ...]

The modules compute in float64 and as at inference, so that a wrong layout cannot hide behind rounding. Needs the
`oracles` extra.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import torch
from torch.nn.utils.parametrize import is_parametrized

from tests.oracles.case import Case, input_values
from tests.oracles.fact import Framework, flat, lines
from weightwise.conventions.pytorch import configuration
from weightwise.formats.state_dict import split

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = (
    "dense",
    "convolution",
    "activations",
    "normalization",
    "reshaping",
    "pooling",
    "spatial",
    "recurrent",
    "attention",
    "reparametrised",
    "functions",
)


class PyTorch(Framework):
    """PyTorch on the processor."""

    name = "PyTorch"
    version = torch.__version__.partition("+")[0]
    backend = "cpu"

    def outputs(self, case: Case, layer: Any, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the module computes at inference."""
        layer.double().eval()
        with torch.no_grad():
            outputs = flat(case.outputs(layer, [torch.from_numpy(x) for x in inputs]))
        return [output.numpy() for output in outputs if output is not None]

    def variables(self, layer: Any) -> list[dict[str, Any]]:
        """Return name, shape, dtype and trainability of each of the module's own arrays, as its state dict lists them.

        The modules inside it have layers of their own.
        """
        trained = {name for name, parameter in layer.named_parameters() if parameter.requires_grad}
        return [
            {
                "name": name,
                "shape": tuple(array.shape),
                "dtype": str(array.dtype).removeprefix("torch."),
                "trainable": name in trained,
            }
            for name, array in own_arrays(layer)
        ]

    def set_weights(self, layer: Any, arrays: Sequence[numpy.ndarray]) -> None:
        """Give the module's own arrays their values; a projection inside an attention hands its input on."""
        for (_, array), values in zip(own_arrays(layer), arrays, strict=True):
            array.copy_(torch.from_numpy(numpy.asarray(values)))
        for inner in (inner for name, inner in layer.named_children() if name != "parametrizations"):
            torch.nn.init.eye_(inner.weight)
            if inner.bias is not None:
                torch.nn.init.zeros_(inner.bias)

    def keys(self, layer: Any) -> list[str]:
        """Return the names in the state dict."""
        return [name for name, _ in own_arrays(layer)]

    def serialised(self, layer: Any) -> tuple[str, Any]:
        """Return the class, without what a parametrization makes of it, and what the module's attributes say."""
        kind = type(layer).__bases__[0] if is_parametrized(layer) else type(layer)
        return kind.__name__, configuration(layer.__dict__)

    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes, open where they change with the first axis of the inputs."""
        try:
            larger = self._shapes(case, len(case.inputs))
        except RuntimeError:  # the first axis of the states of a recurrent module counts its layers
            larger = self._shapes(case, 1)
        return [
            [size if size == other else None for size, other in zip(one, two, strict=True)]
            for one, two in zip(self._shapes(case, 0), larger, strict=True)
        ]

    def _shapes(self, case: Case, grown: int) -> list[list[int]]:
        """Return the output shapes when so many of the inputs are one larger in their first axis."""
        specs = [
            replace(spec, shape=(spec.shape[0] + (number < grown), *spec.shape[1:]))
            for number, spec in enumerate(case.inputs)
        ]
        inputs = [input_values(case.name, number, spec) for number, spec in enumerate(specs)]
        return [list(output.shape) for output in self.outputs(case, case.build(), inputs)]


def own_arrays(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield what the state dict has of the module itself, and of what some of its arrays are computed from."""
    return ((name, array) for name, array in layer.state_dict().items() if not split(name, {})[0])


def family_lines(family: str) -> list[str]:
    """Return the facts of a family, one JSON object each."""
    return lines(importlib.import_module(f"tests.oracles.pytorch_{family}").CASES, PyTorch())


if __name__ == "__main__":
    into, chosen = (Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1:2] == ["--into"] else (GOLDEN, sys.argv[1:])
    for family in chosen or FAMILIES:
        (into / f"pytorch_{family}.jsonl").write_text("\n".join(family_lines(family)) + "\n")
