"""A model of 2 GB ported as whole cold processes, against copying its file in the same run: medians and ratios.

    python bench/port.py [--runs 9] [--gigabytes 2] [--folder FOLDER]

The model is a chain of Keras's Dense layers, every kernel of which is transposed for PyTorch, and back for the archive
of Keras, whose checksums are made anew. Both sides sync what they wrote, and the file that is read is in the system's
cache. Needs free disk for four files of this size.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy
from start import PYTHON, WEIGHTWISE, Measured, report, run_once

from weightwise.formats.keras.writer import write_keras
from weightwise.formats.safetensors.writer import Written, write_safetensors
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

UNITS = 8192
KERNEL = (UNITS, UNITS)
LARGEST = UNITS * UNITS * 4 / (1 << 20)
"""MiB."""
BEYOND = 300
"""MiB that a port may take beside the largest array."""
COPY = """
import os, shutil, sys
shutil.copyfile(*sys.argv[1:])
with open(sys.argv[2], "rb+") as file:
    os.fsync(file.fileno())
"""


def array(key: str, shape: tuple[int, ...], seed: int) -> StoredArray:
    """Returns an array of random numbers, made when they are asked for."""

    def read() -> numpy.ndarray:
        return numpy.random.default_rng(seed).random(shape, "float32")

    return StoredArray(key, key, shape, "float32", 4 * int(numpy.prod(shape)), read)


def dense(number: int) -> StoredLayer:
    """Returns a layer of the chain."""
    config = {"name": f"dense_{number}", "units": UNITS, "activation": "relu", "use_bias": True}
    arrays = (array("0", KERNEL, number), array("1", (UNITS,), 1000 + number))
    call = Call((Tensor(f"dense_{number - 1}" if number else "entry"),))
    return StoredLayer(f"dense_{number}", "Dense", config, "keras.layers", arrays, calls=(call,))


def write_source(path: Path, layers: int) -> None:
    """Writes the model as Keras does, an array in memory at a time."""
    entry = StoredLayer("entry", "InputLayer", {"name": "entry", "batch_shape": [None, UNITS], "dtype": "float32"})
    entry = StoredLayer(entry.name, entry.class_name, entry.config, "keras.layers", calls=(Call(()),))
    chain = (entry, *map(dense, range(layers)))
    root = StoredLayer(
        "chain",
        "Functional",
        {"name": "chain"},
        "keras",
        layers=chain,
        inputs=(Tensor("entry"),),
        outputs=(Tensor(chain[-1].name),),
    )
    write_keras(path, StoredModel(str(path), "", "Keras", "3", root, Addressing.PATH))


def write_target(path: Path, layers: int) -> None:
    """Writes the state dict of the same model in PyTorch, all zeros."""
    shapes = [(f"dense_{number}.{name}", shape) for number in range(layers) for name, shape in NAMES.items()]
    zeros = [
        Written(name, shape, "float32", lambda shape=shape: numpy.zeros(shape, "float32")) for name, shape in shapes
    ]
    write_safetensors(path, zeros, {"format": "pt"})


def write_ported(folder: Path) -> None:
    """Writes the source as it is in PyTorch."""
    source, out = str(folder / "source.keras"), str(folder / "ported.safetensors")
    subprocess.run([*WEIGHTWISE, "port", source, "--to", "pytorch", "-o", out], check=True, stdout=subprocess.DEVNULL)


NAMES = {"weight": KERNEL, "bias": (UNITS,)}
"""The arrays of a layer in PyTorch."""


def commands(folder: Path) -> dict[str, list[str]]:
    """Returns what is measured; each writes a file that is called `out` and syncs it."""
    names = ("source.keras", "target.safetensors", "ported.safetensors", "out.safetensors", "out.keras")
    source, target, ported, out, archive = (str(folder / name) for name in names)
    return {
        "cp, sync": ["sh", "-c", f"cp --reflink=never '{source}' '{out}' && sync '{out}'"],
        "shutil.copyfile, fsync": [*PYTHON, COPY, source, out],
        "port --to pytorch": [*WEIGHTWISE, "port", source, "--to", "pytorch", "-o", out],
        "port --into target": [*WEIGHTWISE, "port", source, "--into", target, "-o", out],
        "port --into archive": [*WEIGHTWISE, "port", ported, "--into", source, "-o", archive],
    }


def in_turns(folder: Path, runs: int) -> Iterator[tuple[str, Measured]]:
    """Yields what each command took, in turns, the first of which is for nothing.

    Each turn has another order, since what ran before changes what a command takes.
    """
    waiting = list(commands(folder).items())
    order = random.Random(0)
    for turn in range(runs + 1):
        order.shuffle(waiting)
        for name, command in waiting:
            for old in folder.glob("out.*"):
                old.unlink()
            os.sync()
            measured = run_once(command)
            if turn:
                yield name, measured


def main() -> int:
    """Measure and print; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--folder", type=Path, help="keep the files here")
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.write:
        write_source(chosen.folder / "source.keras", chosen.write)
        write_target(chosen.folder / "target.safetensors", chosen.write)
        write_ported(chosen.folder)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        layers = max(1, round(chosen.gigabytes * 1e9 / 4 / UNITS**2))
        if not (folder / "source.keras").exists():
            # In a process of its own: a child's peak memory counts from that of the process that started it.
            subprocess.run([sys.executable, __file__, "--folder", str(folder), "--write", str(layers)], check=True)
        size = (folder / "source.keras").stat().st_size
        taken: dict[str, list[Measured]] = {name: [] for name in commands(folder)}
        for name, measured in in_turns(folder, chosen.runs):
            taken[name].append(measured)
            print(f"{name:<24} {measured.seconds:8.3f} s {size / measured.seconds / 1e6:9.1f} MB/s", flush=True)
    seconds = {name: statistics.median(run.seconds for run in runs) for name, runs in taken.items()}
    memory = {name: max(run.mebibytes for run in runs) for name, runs in taken.items()}
    print(f"\nmedians of {chosen.runs}, {size:,} bytes")
    for name in taken:
        print(f"{name:<24} {seconds[name]:8.3f} s {size / seconds[name] / 1e6:9.1f} MB/s {memory[name]:8.1f} MiB")
    print()
    rows = []
    for ours in list(taken)[2:]:
        for theirs in list(taken)[:2]:
            ratio = seconds[theirs] / seconds[ours]
            rows.append((f"{ours} / {theirs}: speed", ratio, ">= 0.6", lambda value: value >= 0.6))
        beyond = memory[ours] - LARGEST
        rows.append(
            (f"{ours}: peak memory beyond the largest array, MiB", beyond, "< 300", lambda value: value < BEYOND)
        )
    return 0 if report(rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
