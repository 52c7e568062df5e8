"""Every fact, ported to each framework and back: the reference computes from the named axes what the fact says."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy
import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, facts, label, laid, model
from weightwise.answers.forward import forward
from weightwise.errors import UnsupportedError
from weightwise.ops.operation import ShapeError
from weightwise.porting.porting import SPELLERS, Ported, lowered, speller

OWN = {"pytorch_": "pytorch", "flax_linen_": "flax", "flax_nnx_": "flax", "keras_": "keras", "keras2_": "keras"}
"""The framework that is ported back to."""


ROUNDED = ("Resizing whole numbers",)
"""Facts whose inputs are whole numbers, to which Keras rounds what it returns; other frameworks have floats there."""


def ported_facts(source, framework):
    """Yield each fact of a source that the framework can have, with its port."""
    for fact in facts(source):
        try:
            yield fact, lowered(model(fact), speller(framework))
        except UnsupportedError:
            continue


@cache
def all_ported(source: str, framework: str) -> list[tuple[dict, Ported]]:
    """Return the same as a list, made once."""
    return list(ported_facts(source, framework))


def difference(outputs, wanted) -> float:
    """Return the largest difference, of the largest value; infinite where shapes differ."""
    if [array.shape for array in outputs] != [array.shape for array in wanted]:
        return numpy.inf
    pairs = zip(outputs, wanted, strict=True)
    return max(
        float(numpy.abs(one - other).max(initial=0) / max(numpy.abs(other).max(initial=0), 1e-300))
        for one, other in pairs
    )


def tolerance(fact) -> float:
    """Return how far outputs may be away; an epsilon of None is that of the dtype, and here of float32 elsewhere."""
    least = "RMSNorm" in fact["class_name"] and fact["config"].get("eps", 0) is None
    return 1e-6 if least else max(fact["tolerance"], 1e-10)


def computed(ported: Ported, inputs):
    """Return the outputs of a port for inputs as the source takes them, laid as the source has them.

    None where the reference does not compute what the framework has: marks of padding, some interpolations.
    """
    try:
        outputs = forward(ported.model, laid(inputs, [placed.layout for placed in ported.inputs]))
    except (UnsupportedError, ShapeError):
        return None
    layouts = [placed.layout for placed in ported.outputs]
    backs = [None if layout is None else tuple(map(layout.index, range(len(layout)))) for layout in layouts]
    return laid(outputs, backs)


@pytest.mark.parametrize("framework", SPELLERS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_port_computes_what_the_fact_says(source, framework):
    found = {
        label(fact): difference(outputs, expected(fact)) / tolerance(fact)
        for fact, ported in all_ported(source, framework)
        if fact["name"] not in ROUNDED and (outputs := computed(ported, fact_inputs(fact))) is not None
    }
    assert not {name: far for name, far in found.items() if far > 1}
    assert len(found) > 60


@pytest.mark.parametrize("framework", SPELLERS)
@pytest.mark.parametrize("source", SOURCES)
def test_there_and_back_is_the_same(source, framework):
    """Values are the same bit for bit, unless arrays were merged; then outputs are equal, and the port says so."""
    back, wrong = 0, []
    for fact, ported in all_ported(source, framework):
        try:
            returned = lowered(ported.model, speller(OWN[source]))
        except UnsupportedError:
            continue
        back += 1
        outputs = None if moved(ported, returned) else computed(returned, fact_inputs(fact))
        if outputs is not None and not difference(outputs, expected(fact)) <= tolerance(fact):
            wrong.append(f"{label(fact)}: outputs")
        if not any(transfer.fed.lost for transfer in (*ported.transfers, *returned.transfers)):
            missing = values(ported.source, ported.left) - values(returned.model)
            wrong += [f"{label(fact)}: values"] * bool(missing)
    assert not wrong
    assert back > 40


def moved(*ports: Ported) -> bool:
    """Return whether a port has inputs or outputs that lie otherwise than those of its source."""
    places = [placed for ported in ports for placed in (*ported.inputs, *ported.outputs)]
    return any(placed.layout is not None and placed.layout != tuple(range(len(placed.layout))) for placed in places)


def values(named, left=()) -> Counter:
    """Return the values of all arrays that enter the output, as often as they are there, but those that are `left`."""
    arrays = [weight for weight in named.weights if weight.role != "-" and weight.path not in left]
    return Counter(value for weight in arrays for value in weight.values().ravel().tolist())
