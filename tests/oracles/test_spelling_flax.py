"""Every fact, lowered to Flax and printed as code: linen computes with that code what the fact says."""

from __future__ import annotations

import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, far, judged, laid, model
from weightwise.conventions.flax.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.frameworks import flax
from weightwise.porting.porting import lowered

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

SPELLED = {"pytorch_": 535, "flax_linen_": 140, "flax_nnx_": 80, "keras_": 515}
"""How many facts Flax can have, at least."""


def ported_fact(fact):
    """Return the port of a fact's layer, or of it with its first output alone, as linen has states in another form."""
    try:
        return lowered(model(fact), SPELLER)
    except UnsupportedError:
        if len(fact["outputs"]) == 1:
            raise
        return lowered(model(fact, 1), SPELLER)


def difference(fact) -> float:
    """Return how far linen is from the fact's outputs, of their largest value; raises `UnsupportedError`."""
    ported = ported_fact(fact)
    given = laid(fact_inputs(fact), [placed.layout for placed in ported.inputs])
    entering = zip((placed.tensor for placed in ported.inputs), given, strict=True)
    found = dict(entering) | dict(flax.outputs(ported.model, given))
    ours = [found[placed.tensor] for placed in ported.outputs]
    theirs = laid(expected(fact)[: len(ours)], [placed.layout for placed in ported.outputs])
    return far(ours, theirs)


@pytest.mark.parametrize("source", SOURCES)
def test_what_can_be_spelled_computes_the_same(source):
    spelled, wrong = judged(source, difference)
    assert not wrong, "\n".join(wrong)
    assert spelled >= SPELLED[source]
