"""Every fact, lowered to Flax and printed as code: linen computes with that code what the fact says."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, facts, label, laid, model
from weightwise.conventions.flax.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.frameworks import flax
from weightwise.porting.porting import lowered

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

ROUNDED = ("Resizing whole numbers",)
"""Facts of layers that round where their input has whole numbers, which JAX does not."""


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
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    pairs = zip(ours, theirs, strict=True)
    return max(
        float(numpy.abs(our - their).max(initial=0) / max(numpy.abs(their).max(initial=0), 1e-300))
        for our, their in pairs
    )


@pytest.mark.parametrize("source", SOURCES)
def test_what_can_be_spelled_computes_the_same(source):
    refused: Counter[str] = Counter()
    wrong: list[tuple[str, object]] = []
    spelled = 0
    for fact in facts(source):
        if fact["name"] in ROUNDED:
            continue
        try:
            found = difference(fact)
        except UnsupportedError as error:
            refused[str(error).partition("cannot have it: ")[2] or str(error)] += 1
            continue
        except Exception as error:
            wrong.append((label(fact), f"{type(error).__name__}: {str(error)[:300]}"))
            continue
        spelled += 1
        if not found <= max(fact["tolerance"], 1e-10):
            wrong.append((label(fact), found))
    print(f"\n{source}: {spelled} spelled, {refused.total()} refused, {len(wrong)} wrong")
    for reason, count in refused.most_common():
        print(f"  {count:3d}  {reason}")
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong)
    assert spelled >= SPELLED[source]
