"""Proofs from Python: models by their paths or in memory, their frameworks asked where they are installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import weightwise
from weightwise.answers.proof import Proof
from weightwise.answers.proving import Asked
from weightwise.answers.proving import prove as proven
from weightwise.answers.sample_inputs import entries
from weightwise.errors import SelectionError, UnsupportedError
from weightwise.frameworks import runner
from weightwise.model import Model

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def asked(model: Model) -> Asked | str:
    """Return the framework that a model is of, or why it cannot be asked."""
    try:
        found = runner(model)
    except UnsupportedError as error:
        return str(error)
    return Asked(found.title, found.outputs)


def prove(
    source: Any,
    other: Any = None,
    *,
    inputs: Array | Sequence[Array] | Mapping[str, Array] | None = None,
    seed: int = 0,
    dtype: str = "float64",
    tolerance: float | None = None,
    reference_only: bool = False,
    choose: Mapping[str, str] | None = None,
) -> Proof:
    """Return whether a model computes what its named axes say, and whether another one is equal to it.

    `source` and `other` are paths, models in memory, or `Model`s. `inputs` is an array, batch first, or one for each
    input; by default they are random, and the same for the same `seed`. Where the framework of a model is installed it
    is asked what it computes, unless `reference_only`. `choose` maps names of layers of the source to those of a file
    that has weights alone. The answer has `verdict`, `first`, the first line that differs, and `outputs`.

    Raises `UnsupportedError` where nothing can be computed, and `SelectionError` where the inputs do not fit.
    """
    given = [source] if other is None else [source, other]
    models = [thing if isinstance(thing, Model) else weightwise.open(thing) for thing in given]
    return proven(
        *models,
        inputs=None if inputs is None else _by_name(models[0], inputs),
        seed=seed,
        dtype=dtype,
        tolerance=tolerance,
        ask=None if reference_only else asked,
        chosen=choose,
    )


def _by_name(model: Model, inputs: Array | Sequence[Array] | Mapping[str, Array]) -> Mapping[str, Array]:
    """Return inputs by the names that the model gives them; raises `SelectionError` for another number of them."""
    if isinstance(inputs, Mapping):
        return inputs
    given: list[Any] = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    names = [entry.tensor.layer for entry in entries(model)]
    if len(names) != len(given):
        raise SelectionError(f"{model.stored.path} takes {len(names)} inputs, and {len(given)} are given")
    return dict(zip(names, given, strict=True))
