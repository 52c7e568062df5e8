"""Writes `docs/ports.md`, the directions that are proven, from the oracles' facts: `python docs/make_ports.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "tests" / "oracles" / "golden" / "ports.json"
PAGE = ROOT / "docs" / "ports.md"

INTRODUCTION = """# Ports that are proven

This page is made by `docs/make_ports.py` from `tests/oracles/golden/ports.json`.

A network with random weights, and random statistics of its norms, is built in one real framework and saved; its port is
run by the other one, and both compute the same inputs. The difference is the largest one of all outputs, of the
largest value: at most 1e-10 where both compute in float64, and 1e-5 in float32. Sizes differ, so that no exchange of
two axes goes unseen. *Code* is what the port prints, executed, with the file of weights that it writes. A *file*, a
*state dict*, a *module*, a *model* and *variables* are of a network that was written by hand, and filled with `--into`,
or in memory. The networks are in `tests/oracles/port_networks_keras.py`, `port_networks_pytorch.py` and
`port_networks_flax.py`; names in capitals are architectures of `keras.applications`, of which ConvNeXt, EfficientNetV2,
InceptionResNetV2 and NASNet have fewer blocks there, of every kind.
"""

Proof = Mapping[str, Any]


def facts() -> dict[str, list[Proof]]:
    """Return the proofs by their part."""
    found: dict[str, list[Proof]] = json.loads(FACTS.read_text())
    return found


def page(parts: Mapping[str, Sequence[Proof]]) -> str:
    """Return the page's text."""
    proofs = [proof for part in parts.values() for proof in part]
    groups: dict[str, list[Proof]] = {}
    for proof in proofs:
        groups.setdefault(proof["direction"], []).append(proof)
    head = [INTRODUCTION, "| direction | networks | float64 | float32 |", "|---|---|---|---|"]
    lines = (row(direction, group) for direction, group in groups.items())
    return "\n".join([*head, *lines, *refusals(proofs)]) + "\n"


def row(direction: str, proofs: Sequence[Proof]) -> str:
    """Return the line of a direction: its networks, and the largest differences."""
    proven = [proof for proof in proofs if "difference" in proof]
    names = ", ".join(dict.fromkeys(proof["network"] for proof in proven))
    return f"| {direction} | {names or '–'} | {largest(proven, 'float64')} | {largest(proven, 'float32')} |"


def largest(proofs: Sequence[Proof], dtype: str) -> str:
    """Return the largest difference in a dtype."""
    differences = [proof["difference"] for proof in proofs if proof["dtype"] == dtype]
    return f"{max(differences):.0e}" if differences else "–"


def refusals(proofs: Sequence[Proof]) -> Iterator[str]:
    """Yield the section of what is refused, each reason once."""
    refused: dict[str, dict[str, None]] = {}
    for proof in proofs:
        if "refused" in proof:
            refused.setdefault(proof["refused"], {})[f"{proof['network']}, {proof['direction']}"] = None
    if refused:
        yield from ("", "## Refused", "", "| what | why |", "|---|---|")
    for reason, what in refused.items():
        yield f"| {'<br>'.join(what)} | {reason.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    PAGE.write_text(page(facts()))
