"""Writes how far networks in one real framework are from what they were in another, as facts for tests and docs.

`python -m tests.oracles.make_port_facts` writes `golden/ports.json`; `python docs/make_ports.py` makes the page of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FACTS = Path(__file__).parent / "golden" / "ports.json"
SINGLE = ("cnn", "residual", "lstm", "transformer")
"""The networks that are carried in float32 as well."""
RUNS = {
    "float64": ["tests.oracles.ported", "float64"],
    "float32": ["tests.oracles.ported", "float32", *SINGLE],
    "applications": ["tests.oracles.ported_applications"],
}
BACK = ["tests.oracles.ported_back"]
"""Each part of the facts, with the process that makes it, which no other framework has been loaded in."""


def made(run: Sequence[str]) -> list[dict[str, Any]]:
    """Return the proofs that a process prints."""
    command = [sys.executable, "-W", "ignore", "-m", *run]
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def outcomes(proofs: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what must be the same on every machine: what was carried where, and whether that was refused."""
    for proof in proofs:
        yield proof["direction"], proof["network"], proof["dtype"], "refused" in proof


def rounded(proof: dict[str, Any]) -> dict[str, Any]:
    """Return a proof without what differs from machine to machine."""
    kept = {name: proof[name] for name in ("direction", "network", "dtype", "difference", "refused") if name in proof}
    if "difference" in kept:
        kept["difference"] = float(f"{kept['difference']:.1e}")
    return kept


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(RUNS)
    facts = json.loads(FACTS.read_text()) if FACTS.exists() else {}
    for part in chosen:
        facts[part] = [rounded(proof) for proof in made(RUNS[part])]
    lines = ",\n".join(
        f'"{part}": [\n' + ",\n".join(json.dumps(proof, ensure_ascii=False) for proof in facts[part]) + "\n]"
        for part in RUNS
        if part in facts
    )
    FACTS.write_text("{\n" + lines + "\n}\n")
