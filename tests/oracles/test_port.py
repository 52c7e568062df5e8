"""Whole networks are carried between the real frameworks, through files, and compute the same in both."""

from __future__ import annotations

import json

import pytest

from tests.oracles.make_port_facts import BACK, FACTS, RUNS, made, outcomes

pytestmark = pytest.mark.oracle

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
AGAIN = "run: python -m tests.oracles.make_port_facts && python docs/make_ports.py"


@pytest.mark.parametrize("part", RUNS)
def test_networks_compute_the_same_in_both_frameworks(part):
    found = made(RUNS[part])
    for proof in found:
        said = proof.get("refused") or f"{proof['difference']:.1e}"
        print(f"{proof['direction']:40} {proof['network']:16} {proof['dtype']} {proof['seconds']:6.2f} s  {said}")
    assert any("difference" in proof for proof in found)
    far = [proof for proof in found if not proof.get("difference", 0) <= TOLERANCE[proof["dtype"]]]
    assert not far
    facts = json.loads(FACTS.read_text())[part]
    assert list(outcomes(found)) == list(outcomes(facts)), AGAIN


def test_there_and_back_the_arrays_are_the_same_bits_unless_some_were_merged():
    found = made(BACK)
    for proof in found:
        print(json.dumps(proof, ensure_ascii=False))
    refused = {proof["network"] for proof in found if "refused" in proof}
    assert refused == {"gru_before"}
    kept = [proof for proof in found if "refused" not in proof]
    assert [proof for proof in kept if proof["changed"] > proof["merged"]] == []
    assert max(proof["difference"] for proof in kept) <= TOLERANCE["float64"]
    assert sum(proof["arrays"] for proof in kept if not proof["merged"]) > 200
