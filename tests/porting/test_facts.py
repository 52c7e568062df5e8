"""Every fact of a framework, ported to each framework and back: the reference computes from the named axes what the fact says."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy
import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, facts, label, laid, model
from weightwise.answers.forward import forward
from weightwise.errors import UnsupportedError
from weightwise.porting.porting import SPELLERS, Ported, lowered, speller

OWN = {"pytorch": "pytorch", "flax_linen": "flax", "flax_nnx": "flax", "keras": "keras"}
"""The framework that is ported back to."""


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


def computed(ported: Ported, inputs):
    """Return the outputs of a port for inputs as the source takes them, laid as the source has them."""
    outputs = forward(ported.model, laid(inputs, [placed.layout for placed in ported.inputs]))
    layouts = [placed.layout for placed in ported.outputs]
    backs = [None if layout is None else tuple(map(layout.index, range(len(layout)))) for layout in layouts]
    return laid(outputs, backs)


@pytest.mark.parametrize("framework", SPELLERS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_port_computes_what_the_fact_says(source, framework):
    wrong = {
        label(fact): found
        for fact, ported in all_ported(source, framework)
        if (found := difference(computed(ported, fact_inputs(fact)), expected(fact))) > max(fact["tolerance"], 1e-10)
    }
    assert not wrong
    assert len(all_ported(source, framework)) > 60


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
        if not moved(ported, returned):
            outputs = forward(returned.model, fact_inputs(fact))
            wrong += [label(fact)] * (difference(outputs, expected(fact)) > max(fact["tolerance"], 1e-10))
        if not any(transfer.fed.lost for transfer in (*ported.transfers, *returned.transfers)):
            wrong += [label(fact)] * bool(values(ported.source) - values(returned.model))
    assert not wrong
    assert back > 40


def moved(*ports: Ported) -> bool:
    """Return whether a port has inputs or outputs that lie otherwise than those of its source."""
    places = [placed for ported in ports for placed in (*ported.inputs, *ported.outputs)]
    return any(placed.layout is not None and placed.layout != tuple(range(len(placed.layout))) for placed in places)


def values(named) -> Counter:
    """Return the sorted values of each array that enters the output, as often as they are there."""
    arrays = [weight.values() for weight in named.weights if weight.neutral]
    return Counter(numpy.sort(array, axis=None).tobytes() for array in arrays)
