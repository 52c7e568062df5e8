"""Every fact, lowered to PyTorch and printed as code: what real PyTorch computes with that code is what the fact says."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, facts, label, laid, model
from weightwise.conventions.pytorch.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.frameworks.pytorch import made
from weightwise.porting.porting import lowered

pytestmark = pytest.mark.oracle


def difference(fact) -> float:
    """Return how far PyTorch is from the fact's outputs, of their largest value; raises `UnsupportedError`."""
    import torch

    ported = lowered(model(fact), SPELLER)
    network = made(ported.model)
    given = laid(fact_inputs(fact), [placed.layout for placed in ported.inputs])
    with torch.no_grad():
        ours = network(*(torch.from_numpy(numpy.ascontiguousarray(array)) for array in given))
    ours = [output.numpy() for output in (ours if isinstance(ours, tuple) else (ours,))]
    theirs = laid(expected(fact), [placed.layout for placed in ported.outputs])
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
