"""A case of proof: a layer of a real framework in one configuration, with inputs and weights that all can make again.

Inputs and weights come from NumPy's generator, seeded by the case's name, so that a golden file needs only what the
framework alone knows: the configuration as it writes it, the variables in its order, and its outputs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy


@dataclass(frozen=True)
class Input:
    """The shape of an input, batch first; its values times `scale`, or whole numbers below `below` if that is given."""

    shape: tuple[int, ...]
    below: int | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Case:
    """One layer, built by `build`, called on `inputs`."""

    name: str
    build: Callable[[], Any]
    inputs: Sequence[Input]
    call: Callable[[Any, Sequence[Any]], Any] | None = None
    """How the layer is called; by default on its one input, or on its inputs as arguments."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the call that are no tensors (`reverse=True`); conventions read them beside the configuration."""
    backend: str = "torch"
    """Keras's backend that computes it; `jax` where PyTorch's differs from TensorFlow's (transposed padding)."""
    symmetries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """True symmetries: by weight, the other axes strings under which the output is the same, with no mistake."""
    tolerance: float = 1e-10
    """Of the largest value: float64 against float64; 1e-5 where the framework computes in float32."""

    def outputs(self, layer: Any, inputs: Sequence[Any]) -> Any:
        """Return what the layer returns for the inputs."""
        call = self.call or (lambda built, tensors: built(*tensors, **self.arguments))
        return call(layer, inputs)


def values(seed: str, shape: Sequence[int], below: int | None = None) -> numpy.ndarray:
    """Return float64 values in (-1.5, 1.5), or whole numbers below a bound, that depend on the seed alone."""
    generator = numpy.random.default_rng(zlib.crc32(seed.encode()))
    if below is not None:
        return generator.integers(0, below, shape)
    return generator.uniform(-1.5, 1.5, shape)


def input_values(case: str, number: int, spec: Input) -> numpy.ndarray:
    """Return the values of one input of a case."""
    array = values(f"{case}/input {number}", spec.shape, spec.below)
    return array if spec.scale == 1 else array * spec.scale


def weight_values(case: str, number: int, name: str, shape: Sequence[int], dtype: str) -> numpy.ndarray:
    """Return the values of one weight of a case.

    A variance or a scale of quantised values is positive, and whole numbers fill a byte.
    """
    if "int" in dtype:
        return values(f"{case}/weight {number}", shape, 255) - 127
    array = values(f"{case}/weight {number}", shape)
    positive = "variance" in name or name in ("running_std", "running_var", "var") or name.endswith("_scale")
    return numpy.abs(array) + 0.5 if positive else array
