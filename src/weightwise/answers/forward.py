"""The reference forward pass: a model's outputs, computed in NumPy from its named axes and without its framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weightwise.answers.tracing import arranged_weights, layer_outputs, run, traced
from weightwise.model import Model

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def forward(model: Model, inputs: Sequence[Array], dtype: str = "float64") -> tuple[Array, ...]:
    """Return the model's outputs at inference for its inputs, batch first, computed in `dtype`.

    Raises `UnsupportedError` when a layer's operation is unknown, or when one of its arrays is, or when a call is not
    what the operation computes.
    """
    return run(traced(model, inputs, dtype))


__all__ = ["arranged_weights", "forward", "layer_outputs"]
