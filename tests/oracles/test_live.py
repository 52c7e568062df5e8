"""The golden facts are what the real framework says today: every case is run again and compared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

pytestmark = pytest.mark.oracle

GOLDEN = Path(__file__).parent / "golden"
ROOT = GOLDEN.parents[2]
MAKERS = {
    "flax": "tests.oracles.make_flax_facts",
    "keras": "tests.oracles.make_keras_facts",
    "keras2": "tests.oracles.make_keras2_facts",
    "pytorch": "tests.oracles.make_pytorch_facts",
}
ELSEWHERE = {
    "old_keras": "the Kerases before tf.keras run in Python 3.7 with packages of their time: make_old_keras_facts.py"
}
"""Facts that no framework beside today's Keras can make again, and why."""
NUMBERED = re.compile(r"_\d+(?=[/:]|$)")
"""The number that a framework gives a layer's name, which depends on how many were made before."""
UNSTABLE = {"shared_object_id"}
"""What a framework writes of the process that wrote it: addresses in memory."""


@pytest.fixture(scope="module", params=[*MAKERS, *ELSEWHERE])
def made(request, tmp_path_factory) -> tuple[list[dict], list[dict]]:
    """Return the golden facts of one framework and those that it makes now."""
    if request.param in ELSEWHERE:
        pytest.skip(ELSEWHERE[request.param])
    folder = tmp_path_factory.mktemp("golden")
    command = [sys.executable, "-m", MAKERS[request.param], "--into", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    paths = sorted(GOLDEN.glob(f"{request.param}_*.jsonl"))
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()}
    return read(paths), read([folder / path.name for path in paths])


def read(paths: list[Path]) -> list[dict]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def stable(value: Any) -> Any:
    """Return a fact without its outputs' values and without what differs from process to process."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in UNSTABLE | {"values"}}
    if isinstance(value, str):
        return NUMBERED.sub("", value)
    if isinstance(value, list):
        return [stable(item) for item in value]
    return value


def test_the_facts_are_the_frameworks(made):
    golden, now = made
    assert [fact["name"] for fact in golden] == [fact["name"] for fact in now]
    assert [stable(fact) for fact in golden] == [stable(fact) for fact in now]


def test_the_outputs_are_the_frameworks(made):
    for golden, now in zip(*made, strict=True):
        # Where a framework computes in float32, processors round differently.
        relative = max(1e-9, golden["tolerance"])
        for was, computed in zip(golden["outputs"], now["outputs"], strict=True):
            numpy.testing.assert_allclose(
                computed["values"], was["values"], rtol=relative, atol=relative / 100, err_msg=golden["name"]
            )
