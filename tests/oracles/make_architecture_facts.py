"""Writes the facts of known architectures: `python -m tests.oracles.make_architecture_facts`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.oracles.architectures import facts

FILE = Path(__file__).parents[1] / "conventions" / "architectures.jsonl"


def lines() -> str:
    """Return one line for each network."""
    with tempfile.TemporaryDirectory() as folder:
        return "".join(f"{json.dumps(fact, separators=(',', ':'))}\n" for fact in facts(Path(folder)))


if __name__ == "__main__":
    FILE.write_text(lines())
