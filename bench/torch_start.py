"""How long a person waits for a PyTorch state dict: whole cold processes, medians, the ratio to PyTorch itself.

    python bench/torch_start.py [--runs 7]

Needs the `oracles` extra (PyTorch as the peer). The state dict is a ResNet's: 62 modules, 320 arrays, some 11 million
parameters, in both of PyTorch's formats.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from start import PYTHON, WEIGHTWISE, Measured, measure, report, run_once

BLOCKS = ((64, 64, 2), (64, 128, 2), (128, 256, 2), (256, 512, 2))
WRITE = """
import torch
from torch import nn

def block(number, arrived, channels):
    for place, size in enumerate((arrived, channels)):
        yield f"{number}.conv{place + 1}", nn.Conv2d(size, channels, 3, bias=False)
        yield f"{number}.bn{place + 1}", nn.BatchNorm2d(channels)

modules = {"conv1": nn.Conv2d(3, 64, 7, bias=False), "bn1": nn.BatchNorm2d(64), "fc": nn.Linear(512, 1000)}
for stage, (arrived, channels, count) in enumerate(BLOCKS, 1):
    for place in range(count):
        modules |= dict(block(f"layer{stage}.{place}", arrived if not place else channels, channels))
state = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
torch.save(state, PATH)
torch.save(state, PATH + ".old", _use_new_zipfile_serialization=False)
"""
LOAD = """
import torch
for name, value in torch.load(PATH, weights_only=True).items():
    print(name, tuple(value.shape), value.dtype)
"""


def with_path(program: str, path: str) -> list[str]:
    """Returns the command of a Python program over a path."""
    return [*PYTHON, f"PATH = {path!r}\nBLOCKS = {BLOCKS!r}\n{program}"]


def main() -> int:
    """Measure and print; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "resnet18.pt"))
        run_once(with_path(WRITE, path))
        found = measure(
            {
                "nothing": [*PYTHON, "pass"],
                "torch": with_path(LOAD, path),
                "weightwise": [*WEIGHTWISE, path],
                "torch old": with_path(LOAD, f"{path}.old"),
                "weightwise old": [*WEIGHTWISE, f"{path}.old"],
            },
            chosen.runs,
        )
    for name, taken in found.items():
        print(f"{name:<20} {taken.seconds:7.3f} s   {taken.mebibytes:7.1f} MiB")
    return 0 if report(rows(found)) else 1


def rows(found: dict[str, Measured]) -> list[tuple[str, float, str, object]]:
    """Returns the ratios and their goals."""
    return [
        (
            f"torch.load and a listing / weightwise{form}",
            found[f"torch{form}"].seconds / found[f"weightwise{form}"].seconds,
            ">= 8",
            lambda ratio: ratio >= 8,
        )
        for form in ("", " old")
    ]


if __name__ == "__main__":
    raise SystemExit(main())
