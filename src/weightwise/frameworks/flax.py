"""What Flax computes: the code that weightwise writes for a model is run, on the model's own arrays.

The code is made from classes and settings of the table of conventions alone, so that nothing of a file is executed; an
output of each of its lines is kept (https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/module.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from weightwise.formats.jax.flax_msgpack_writer import variables as stored_variables
from weightwise.model import Model
from weightwise.stored import Tensor
from weightwise.views.code_flax import code

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

NAME = "Net"


def outputs(model: Model, inputs: Sequence[Array], dtype: str = "float64") -> Iterator[tuple[Tensor, Array]]:
    """Yield what each layer of a model of Flax returns, for inputs with the batch first, computed in `dtype`.

    Raises `UnsupportedError` for a model without a graph, or with a layer that cannot be written as code.
    """
    import jax
    import numpy

    with jax.enable_x64(True) if dtype == "float64" else nullcontext():
        found: list[tuple[Tensor, Array]] = []

        def observe(layer: str, call: int, index: int, output: Any) -> None:
            found.append((Tensor(layer, call, index), numpy.asarray(output)))

        namespace: dict[str, Any] = {"observe": observe}
        exec(compile(code(model, NAME, dtype=dtype, observed=True), "<the model's code>", "exec"), namespace)
        arrays = [_in(dtype, numpy.asarray(array)) for array in inputs]
        namespace[NAME]().apply(variables(model, dtype), *map(jax.numpy.asarray, arrays))
        yield from found


def variables(model: Model, dtype: str) -> dict[str, Any]:
    """Return the arrays of a model as `apply` takes them, as in a file: averages of a BatchNorm in `batch_stats`."""
    import jax

    tree: dict[str, Any] = {"params": {}}
    for path, array in stored_variables(model.stored.root):
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = jax.numpy.asarray(_in(dtype, array.read()))
    return tree


def _in(dtype: str, array: Array) -> Array:
    """Return numbers with a point in a dtype, and all others as they are."""
    return array if array.dtype.kind in "iub" else array.astype(dtype)
