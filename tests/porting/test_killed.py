"""The command is killed at random moments: its output is the old file or the whole new one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest

from tests.porting.targets import write_arrays
from weightwise.formats import open_stored
from weightwise.formats.keras.writer import write_keras
from weightwise.source import PARTIAL
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

UNITS = 2048
PATIENCE = 60
"""Seconds that a process may take before it writes."""
ARRAYS = {
    f"dense_{number}.{name}": (UNITS,) * rank for number in range(3) for name, rank in (("weight", 2), ("bias", 1))
}


def layer(name: str, class_name: str, reads: tuple[str, ...], arrays: tuple[StoredArray, ...] = (), **config):
    """Return a layer of the source."""
    calls = (Call(tuple(map(Tensor, reads))),)
    return StoredLayer(name, class_name, {"name": name, **config}, "keras.layers", arrays, calls=calls)


def array(key: str, shape: tuple[int, ...], seed: int) -> StoredArray:
    """Return an array of random numbers."""
    values = numpy.random.default_rng(seed).random(shape, "float32")
    return StoredArray(key, key, shape, "float32", values.nbytes, lambda: values)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Write three dense layers of 16 MiB each as Keras does, and return the path."""
    layers = [layer("entry", "InputLayer", (), batch_shape=[None, UNITS], dtype="float32")]
    for number in range(3):
        arrays = array("0", (UNITS, UNITS), number), array("1", (UNITS,), 3 + number)
        layers.append(layer(f"dense_{number}", "Dense", (layers[-1].name,), arrays, units=UNITS))
    ends = {"inputs": (Tensor("entry"),), "outputs": (Tensor(layers[-1].name),)}
    root = StoredLayer("chain", "Functional", {"name": "chain"}, "keras", layers=tuple(layers), **ends)
    path = tmp_path_factory.mktemp("source") / "model.keras"
    write_keras(path, StoredModel(str(path), "", "Keras", "3", root, Addressing.PATH))
    return path


def started(*arguments: object) -> subprocess.Popen[bytes]:
    """Start the command."""
    command = [sys.executable, "-m", "weightwise", "port", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def begun(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the process writes beside its output, and return whether it does."""
    partial, end = folder / f".out.safetensors.{process.pid}{PARTIAL}", time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if partial.exists():
            return True
        time.sleep(0.001)
    return False


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("filled", [False, True], ids=["to", "into"])
def test_a_port_that_is_killed_leaves_a_whole_file(tmp_path, source, filled):
    out, generator = tmp_path / "out.safetensors", random.Random(int(filled))
    where = ["--to", "pytorch"]
    if filled:
        zeros = {name: numpy.zeros(shape, "float32") for name, shape in ARRAYS.items()}
        where = ["--into", write_arrays(tmp_path / "target.safetensors", zeros)]
    assert started(source, *where, "-o", out).wait() == 0
    new, old = out.read_bytes(), b"what was there before"
    assert len(new) > 3 * UNITS * UNITS * 4
    seen = []
    for most in (0.0, 0.02, 0.05, 0.05, 0.1):
        out.write_bytes(old)
        process = started(source, *where, "-o", out)
        writes = begun(tmp_path, process)
        time.sleep(generator.uniform(0, most))
        process.kill()
        process.wait()
        found = out.read_bytes()
        assert found in (old, new)
        seen.append((writes, found == old))
    assert (True, True) in seen  # some were killed in the midst of a write
    assert started(source, *where, "-o", out).wait() == 0  # what the others left is in nobody's way
    assert out.read_bytes() == new
    assert {layer.name for layer in open_stored(out).root.layers} == {"dense_0", "dense_1", "dense_2"}
