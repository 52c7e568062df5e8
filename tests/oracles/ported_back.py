"""Carries networks of Keras to another framework and back to a file of Keras, and compares the arrays bit by bit.

`python -m tests.oracles.ported_back [NETWORK …]` prints a line of JSON for each network and framework.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.oracles.ported import K, Keras, compute_in, distance, laid, numpy, source, weightwise
from weightwise.conventions.spelling import Layout
from weightwise.errors import UnsupportedError
from weightwise.porting.lowering import Placed


def bits(arrays: Sequence[numpy.ndarray]) -> Counter[bytes]:
    """Return the arrays that there are, whatever their names, and whether heads have an axis of their own."""
    return Counter(numpy.ascontiguousarray(array).tobytes() for array in arrays)


def relative(first: Sequence[Placed], then: Sequence[Placed]) -> list[Layout | None]:
    """Return how tensors lie after two ports, of those before."""
    pairs = zip(first, then, strict=True)
    return [tuple(one.layout[axis] for axis in two.layout) if one.layout and two.layout else None for one, two in pairs]


def back(name: str, framework: str, folder: Path) -> dict[str, Any]:
    """Return how many arrays of a network are not what they were, how many are merged, and how far the outputs are."""
    found = source("keras", "keras", name, "float64", folder)
    there = weightwise.port(found.path, framework)
    out = folder / f"{name}_{framework}.keras"
    again = weightwise.port(there.ported.model, "keras", out=out)
    own = [weight.values() for weight in weightwise.open(found.path).weights if weight.role != "-"]
    kept = [weight.values() for weight in weightwise.open(out).weights]
    merged = [transfer for plan in (there, again) for transfer in plan.ported.transfers if transfer.fed.lost]
    inputs = laid(found.inputs, relative(there.ported.inputs, again.ported.inputs))
    ours = Keras.of_port(again, out, "float64").outputs(inputs)
    theirs = laid(found.outputs, relative(there.ported.outputs, again.ported.outputs))
    changed = (bits(own) - bits(kept)).total()
    return {"arrays": len(own), "changed": changed, "merged": len(merged), "difference": distance(ours, theirs)}


def backs(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what became of each network."""
    compute_in("float64")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for framework in ("pytorch", "flax"):
                said = {"direction": f"Keras → {framework} → Keras", "network": name}
                try:
                    yield said | back(name, framework, Path(folder))
                except UnsupportedError as error:
                    yield said | {"refused": str(error)}


if __name__ == "__main__":
    for line in backs(sys.argv[1:] or tuple(K)):
        print(json.dumps(line, ensure_ascii=False), flush=True)
