"""How a fact is made: the same for every framework, which answers the questions that `Framework` asks.

Runs under Python 3.7 too, because the oldest frameworks do.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy

from tests.oracles.case import Case, input_values, weight_values


class Framework(ABC):
    """What a fact asks of a framework; a layer is one that a case has built."""

    name: str
    version: str
    backend: str

    @abstractmethod
    def outputs(self, case: Case, layer: Any, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
        """Return what the layer computes at inference."""

    @abstractmethod
    def variables(self, layer: Any) -> list[dict[str, Any]]:
        """Return name, shape, dtype and trainability of each weight, in the order of `get_weights()`."""

    def set_weights(self, layer: Any, arrays: Sequence[numpy.ndarray]) -> None:
        """Give the weights, in the order of `variables`, their values."""
        layer.set_weights(arrays)

    @abstractmethod
    def keys(self, layer: Any) -> list[str]:
        """Return where the framework's file has each weight of the layer: its key, or its name among `listed`."""

    def listed(self, layer: Any) -> list[str]:
        """Return the names of the layer's weights in the order of a file that lists them; none where they have keys."""
        return []

    @abstractmethod
    def serialised(self, layer: Any) -> tuple[str, Any]:
        """Return the class and the configuration as the framework's file has them."""

    @abstractmethod
    def open_shapes(self, case: Case) -> list[list[int | None]]:
        """Return the output shapes that the framework computes when the batch axis is open."""


def fact(case: Case, framework: Framework) -> dict[str, Any]:
    """Return what a framework says of one case."""
    layer = case.build()
    inputs = [input_values(case.name, number, spec) for number, spec in enumerate(case.inputs)]
    framework.outputs(case, layer, inputs)  # builds the layer, which has no weights before
    variables = framework.variables(layer)
    framework.set_weights(
        layer,
        [
            weight_values(case.name, number, last_name(variable["name"]), variable["shape"], variable["dtype"])
            for number, variable in enumerate(variables)
        ],
    )
    outputs = framework.outputs(case, layer, inputs)
    keys, listed = framework.keys(layer), framework.listed(layer)
    class_name, config = framework.serialised(layer)
    return {
        "name": case.name,
        "class_name": class_name,
        "config": json.loads(json.dumps(config)),
        "arguments": dict(case.arguments),
        "framework": framework.name,
        "version": framework.version,
        "backend": framework.backend,
        "inputs": [
            {"shape": list(spec.shape), "below": spec.below, **({"scale": spec.scale} if spec.scale != 1 else {})}
            for spec in case.inputs
        ],
        "weights": [
            {
                "name": variable["name"],
                "key": keys[number],
                "shape": list(variable["shape"]),
                "dtype": variable["dtype"],
                "trainable": variable["trainable"],
            }
            for number, variable in enumerate(variables)
        ],
        **({"listed": listed} if listed else {}),
        "outputs": [
            {"shape": list(output.shape), "values": [rounded(value) for value in output.ravel()]} for output in outputs
        ],
        "shapes": framework.open_shapes(case),
        "symmetries": {name: list(axes) for name, axes in case.symmetries.items()},
        "tolerance": case.tolerance,
    }


def rounded(value: numpy.floating) -> float:
    """Return a value with the digits that its precision has."""
    return float(f"{value:.9g}" if value.dtype == numpy.float32 else f"{value:.14g}")


def last_name(name: str) -> str:
    """Return the last component of a variable's name, without TensorFlow's output number: `kernel` of `a/kernel:0`."""
    return name.rsplit("/", 1)[-1].split(":", 1)[0]


def lines(cases: Iterable[Case], framework: Framework) -> list[str]:
    """Return the facts of the cases, one JSON object each."""
    return [json.dumps(fact(case, framework), separators=(",", ":")) for case in cases]


def flat(outputs: Any) -> Iterator[Any]:
    """Yield the tensors of one output, or of several."""
    if isinstance(outputs, (list, tuple)):
        for output in outputs:
            yield from flat(output)
    else:
        yield outputs


def keys_by_values(path: Path, group: str, weights: Sequence[numpy.ndarray]) -> list[str]:
    """Return where a Keras 3 weights file has each array below a group, found by its values, without `vars`."""
    stored: dict[str, numpy.ndarray] = {}
    with h5py.File(path, "r") as file:
        file[group].visititems(lambda key, item: stored.update({key: item[()]} if hasattr(item, "shape") else {}))
    result = []
    for values in weights:
        keys = (key for key, array in stored.items() if numpy.array_equal(array, values))
        key = min(keys, key=len, default="")
        result.append("/".join(part for part in key.split("/") if part != "vars"))
    return result
