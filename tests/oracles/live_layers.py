"""Opens the layer of every case of a framework as it is in memory, and prints what is wrong with what is told of it.

    python -m tests.oracles.live_layers keras|keras2|pytorch|flax

As JSON: how many layers and arrays there are, and one line for each array that has no axes, or another name, other
values or another trainability than the framework says. Keras's backend is the one that `KERAS_BACKEND` names.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy

import weightwise
from tests.oracles.case import Case, input_values, weight_values
from tests.oracles.fact import Framework, last_name
from weightwise.model import Evidence, Weight

OPERATORS = "functions"
"""Operators of PyTorch, which are no modules: only files of graphs have them."""
FRAMEWORKS = {"keras": "Keras", "keras2": "Keras2", "pytorch": "PyTorch", "flax": "Flax"}


def cases(name: str, maker: Any) -> Iterator[Case]:
    """Yield the cases of layers that this process can build."""
    for family in maker.FAMILIES:
        if family == OPERATORS:
            continue
        if name == "keras2":
            yield from maker.family_cases(family)
            continue
        found = importlib.import_module(f"tests.oracles.{name}_{family}").CASES
        yield from (case for case in found if name != "keras" or case.backend == maker.keras.backend.backend())


def in_memory(layer: Any, case: Case, inputs: Sequence[numpy.ndarray]) -> Any:
    """Return what a person has in memory; of linen a module that was bound to its variables, and called."""
    if getattr(layer, "variables", None) is None or not hasattr(layer, "module"):
        return getattr(layer, "module", layer)
    bound = layer.module.bind(layer.variables)
    case.outputs(bound, [importlib.import_module("jax").numpy.asarray(array) for array in inputs])
    return bound


def complaints(weight: Weight, variable: Mapping[str, Any], values: numpy.ndarray) -> Iterator[str]:
    """Yield what is told of an array and is not so."""
    if weight.evidence is not Evidence.DECLARED:
        yield f"{weight.path}: {weight.note}"
    if weight.name.split("/")[-1] != variable["name"].split("/")[-1]:
        yield f"{weight.path} is called {variable['name']}"
    if weight.trainable != variable["trainable"]:
        yield f"{weight.path} is trained: {variable['trainable']}"
    found = weight.values()
    if not numpy.array_equal(found, values.astype(found.dtype)):
        yield f"{weight.path} has other values"


def told(case: Case, framework: Framework) -> tuple[int, list[str]]:
    """Return how many arrays the layer of a case has, and what is wrong with what is told of it."""
    layer = case.build()
    inputs = [input_values(case.name, number, spec) for number, spec in enumerate(case.inputs)]
    framework.outputs(case, layer, inputs)
    variables = framework.variables(layer)
    arrays = [
        weight_values(case.name, number, last_name(variable["name"]), variable["shape"], variable["dtype"])
        for number, variable in enumerate(variables)
    ]
    framework.set_weights(layer, arrays)
    model = weightwise.open(in_memory(layer, case, inputs))
    weights = [weight for weight in model.weights if weight.layer == model.layers[0].name]
    wrong = [*model.problems, *model.stored.remarks]
    if len(weights) != len(variables):
        return 0, [*wrong, f"it has {len(variables)} arrays, and {len(weights)} are told"]
    for weight, variable, values in zip(weights, variables, arrays, strict=True):
        wrong += complaints(weight, variable, values)
    return len(weights), wrong


def run(name: str) -> dict[str, Any]:
    """Return the counts and the complaints."""
    maker = importlib.import_module(f"tests.oracles.make_{name}_facts")
    framework: Framework = getattr(maker, FRAMEWORKS[name])()
    found = {case.name: told(case, framework) for case in cases(name, maker)}
    return {
        "layers": len(found),
        "arrays": sum(count for count, _ in found.values()),
        "wrong": [f"{case}: {sentence}" for case, (_, wrong) in found.items() for sentence in wrong],
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))
