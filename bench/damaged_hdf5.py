"""What readers of HDF5 do with damaged files: one process per file, at most 5 s of processor time and 8 GiB each.

    python bench/damaged_hdf5.py 1000

Needs h5py (extra `oracles`) and a system that can fork. `docs/hdf5-reader.md` has the table.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import pyfive

from weightwise.errors import WeightwiseError
from weightwise.formats import open_stored
from weightwise.stored import StoredLayer

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
FILES = ("keras3_nested.h5", "keras2_recurrent.h5", "hdf5_chunks.weights.h5")
SECONDS, MEMORY = 5, 8 << 30
OPENED, REFUSED, NO_MEMORY = 0, 2, 3
OUTCOMES = {OPENED: "opened", REFUSED: "exception", NO_MEMORY: "no memory"}


def read_with_h5py(path: Path) -> None:
    """Reads all attributes and values."""
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, found: visit(found, isinstance(found, h5py.Dataset)))


def read_with_pyfive(path: Path) -> None:
    """Reads all attributes and values."""
    with pyfive.File(path) as file:
        file.visititems(lambda _, found: visit(found, isinstance(found, pyfive.Dataset)))


def visit(found: h5py.Group | pyfive.Group, is_dataset: bool) -> None:
    """Reads the attributes of one object, and its values."""
    for name in found.attrs:
        found.attrs[name]
    if is_dataset:
        found[()]


def read_with_weightwise(path: Path) -> None:
    """Opens a file and reads all values; those that are refused are told one by one."""
    read_layer(open_stored(path).root)


def read_layer(layer: StoredLayer) -> None:
    """Reads the values of a layer and of those in it."""
    for array in layer.arrays:
        try:
            array.read()
        except WeightwiseError:
            continue
    for inner in layer.layers:
        read_layer(inner)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Returns the bytes with one to four of them exchanged."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        place = chance.randrange(len(changed))
        changed[place] = chance.choice([0, 255, changed[place] ^ 1 << chance.randrange(8), chance.randrange(256)])
    return bytes(changed)


def outcome(read: Callable[[Path], None], path: Path) -> tuple[str, float, float]:
    """Returns what became of one process that reads the file, its processor seconds and its peak memory in MiB."""
    process = os.fork()
    if not process:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os._exit(exit_code(read, path))
    _, status, usage = os.wait4(process, 0)
    told = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else OUTCOMES[os.WEXITSTATUS(status)]
    return told, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def exit_code(read: Callable[[Path], None], path: Path) -> int:
    """Reads a file and returns how that ended."""
    try:
        read(path)
    except MemoryError:
        return NO_MEMORY
    except Exception:  # whatever a reader raises, it has not crashed
        return REFUSED
    return OPENED


def main(count: int) -> None:
    """Prints a line per reader."""
    warnings.simplefilter("ignore")
    open_stored(SAMPLES / FILES[0])  # so that no process imports what another one has not
    for name, read in [("h5py", read_with_h5py), ("pyfive", read_with_pyfive), ("weightwise", read_with_weightwise)]:
        chance, results = random.Random(1), []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "damaged.h5"
            for file in FILES:
                data = (SAMPLES / file).read_bytes()
                for _ in range(count):
                    path.write_bytes(damaged(data, chance))
                    results.append(outcome(read, path))
        counts = Counter(told for told, _, _ in results)
        slowest, memory = max(result[1] for result in results), max(result[2] for result in results)
        print(f"{name:10} {dict(counts)}, slowest {slowest:.1f} s, peak {memory:,.0f} MiB", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
