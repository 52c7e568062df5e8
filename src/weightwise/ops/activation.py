"""Activations: functions of the values alone, without weights.

Each is defined as the framework defines it (https://keras.io/api/layers/activations/); where two generations of a
framework differ under one name, both have a name of their own here, such as `hard_sigmoid` and `hard_sigmoid_5`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def _sigmoid(x: Array) -> Array:
    import numpy

    return 1 / (1 + numpy.exp(-x))


def _softmax(x: Array) -> Array:
    import numpy

    exponentials = numpy.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _relu(x: Array) -> Array:
    import numpy

    return numpy.maximum(x, 0)


def _tanh(x: Array) -> Array:
    import numpy

    return numpy.tanh(x)


def _linear(x: Array) -> Array:
    return x


FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "linear": _linear,
    "relu": _relu,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "tanh": _tanh,
}


def activate(name: str, x: Array) -> Array:
    """Return the activation called `name` of every value of `x`; raises `ShapeError` for one that is not known."""
    if name not in FUNCTIONS:
        raise ShapeError(f"no activation is called {name!r} here; known are {', '.join(sorted(FUNCTIONS))}")
    return FUNCTIONS[name](x)


@dataclass(frozen=True)
class Activation(Operation):
    """An activation as a layer of its own."""

    function: str

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        return (only(inputs, "an activation"),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated values."""
        return (activate(self.function, inputs[0]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"applies {self.function} to every value"
