"""Every fact of PyTorch, Flax and Keras, lowered to Keras 3, is computed there as in its own framework, or refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.oracles.spelled_facts import SOURCES

pytestmark = pytest.mark.oracle

SPELLED = {"pytorch_": 500, "flax_linen_": 120, "flax_nnx_": 75, "keras_": 620}
"""How many facts Keras can have, at least."""


def results(backend: str, source: str) -> dict[str, list[tuple[str, str]]]:
    """Return what a process of its own found for the facts of one framework."""
    command = [sys.executable, "-m", "tests.oracles.spelled_in_keras", source]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_spelled_computes_the_same_and_all_else_is_refused(source):
    found = [results(backend, source) for backend in ("torch", "jax")]
    spelled, refused, wrong = ([pair for each in found for pair in each[kind]] for kind in found[0])
    print(f"\n{source}: {len(spelled)} spelled, {len(refused)} refused")
    for reason, count in Counter(reason for _, reason in refused).most_common():
        print(f"{count:5d}  {reason}")
    assert not wrong
    assert len(spelled) >= SPELLED[source]
