"""Proves rows of a convention against what a framework computed: order, names, shapes, outputs, and every mutation.

A fact is what only the framework knows of a case, as `make_keras_facts.py` writes it:

    name, class_name, config   the case, and the layer as the framework serialises it
    arguments                  arguments of the call that are no tensors
    inputs                     shape, `below` and, where it is not 1, `scale` of each input
    weights                    name, key in the framework's file, shape, dtype and trainability of each variable, in its
                               order; the key is empty where the file does not hold it
    outputs                    shape and values of each output, computed in float64 where the framework can
    shapes                     the shapes that the framework itself computes for an open batch axis, if it does
    symmetries                 true symmetries, by weight
    tolerance                  how far a right answer may be away, of the largest value
    framework, version         who computed it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy

from tests.oracles.case import Input, input_values, weight_values
from tests.oracles.mutation import mutants
from weightwise.axes import Bound, parse
from weightwise.conventions.row import Description, Slot
from weightwise.errors import WeightwiseError
from weightwise.ops.blocks import block_axes, joined_blocks

Fact = Mapping[str, Any]
Arrays = Sequence[numpy.ndarray]


def fact_inputs(fact: Fact) -> list[numpy.ndarray]:
    """Return the input values of a fact."""
    specs = (Input(tuple(spec["shape"]), spec["below"], spec.get("scale", 1.0)) for spec in fact["inputs"])
    return [input_values(fact["name"], number, spec) for number, spec in enumerate(specs)]


def fact_weights(fact: Fact) -> list[numpy.ndarray]:
    """Return the weight values of a fact in the framework's order."""
    return [
        weight_values(fact["name"], number, weight["name"].rsplit("/", 1)[-1], weight["shape"], weight["dtype"])
        for number, weight in enumerate(fact["weights"])
    ]


def described(fact: Fact, describe: Any) -> Description:
    """Return what the convention says of the fact's layer, checked against the framework's variables."""
    shapes = [tuple(spec["shape"]) for spec in fact["inputs"]]
    description = describe(fact["class_name"], {**fact["config"], **fact["arguments"]}, shapes)
    assert description is not None, f"no rule for {fact['class_name']}"
    assert description.operation is not None, description.note
    names = [slot.name.rsplit("/", 1)[-1] for slot in description.slots]
    assert names == [weight["name"].rsplit("/", 1)[-1] for weight in fact["weights"]]
    assert [slot.trainable for slot in description.slots] == [weight["trainable"] for weight in fact["weights"]]
    return description


def bound(slots: Sequence[Slot], weights: Arrays) -> list[Bound]:
    """Return the slots bound to their arrays; arrays of one scope share their sizes."""
    shared: dict[str, dict[str, int]] = {}
    result = []
    for slot, weight in zip(slots, weights, strict=True):
        sizes = shared.setdefault(slot.scope, {})
        result.append(parse(slot.axes).bind(weight.shape, {**sizes, **slot.sizes}, what=slot.name))
        sizes.update(result[-1].sizes)
    return result


def outputs(description: Description, bounds: Sequence[Bound], inputs: Arrays, weights: Arrays) -> Arrays:
    """Return the outputs of the reference, computed from the named axes alone."""
    operation = description.operation
    roles = operation.roles()
    blocks: dict[str, dict[str, numpy.ndarray]] = {}
    for slot, axes, weight in zip(description.slots, bounds, weights, strict=True):
        if slot.role != "-":
            arranged = axes.arrange(weight, block_axes(roles[slot.role], slot.at))
            blocks.setdefault(slot.role, {})[slot.at] = arranged
    missing = set(roles) - set(blocks)
    assert not missing, f"no row fills the roles {missing}"
    return operation.forward(inputs, {role: joined_blocks(axes, blocks[role]) for role, axes in roles.items()})


def difference(ours: Arrays, fact: Fact) -> float:
    """Return the largest difference relative to the framework's largest value; infinite where shapes differ."""
    theirs = [numpy.asarray(output["values"]).reshape(output["shape"]) for output in fact["outputs"]]
    if [output.shape for output in ours] != [output.shape for output in theirs]:
        return numpy.inf
    return max(_relative(our, their) for our, their in zip(ours, theirs, strict=True))


def _relative(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    if not numpy.isfinite(ours).all():
        return numpy.inf
    return float(numpy.abs(ours - theirs).max(initial=0) / max(numpy.abs(theirs).max(initial=0), 1e-300))


def survivors(fact: Fact, description: Description) -> Iterator[tuple[str, str, float | None]]:
    """Yield each mutant as weight, axes, and difference; None for one that does not bind, or says the same."""
    inputs, weights = fact_inputs(fact), fact_weights(fact)
    for place, slot in enumerate(description.slots):
        if slot.role == "-":
            continue
        for mutant in mutants(slot.axes):
            yield slot.name, mutant, _mutated(fact, description, inputs, weights, place, mutant)
    for one, other in combinations((slot for slot in description.slots if slot.at), 2):
        if one.role == other.role:
            exchanged = {one.name: replace(one, at=other.at), other.name: replace(other, at=one.at)}
            changed = replace(description, slots=tuple(exchanged.get(slot.name, slot) for slot in description.slots))
            result = outputs(changed, bound(changed.slots, weights), inputs, weights)
            yield one.name, f"at {other.at}", difference(result, fact)


def _mutated(
    fact: Fact, description: Description, inputs: Arrays, weights: Arrays, place: int, mutant: str
) -> float | None:
    bounds = bound(description.slots, weights)
    slot = description.slots[place]
    try:
        sizes = {**bounds[place].sizes, **slot.sizes}
        changed = parse(mutant).bind(weights[place].shape, sizes, what=slot.name)
        if changed.dimensions == bounds[place].dimensions:
            return None
        bounds[place] = changed
        result = outputs(description, bounds, inputs, weights)
    except WeightwiseError:
        return None
    return difference(result, fact)
