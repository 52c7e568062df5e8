"""Rearranged arrays against `numpy.ascontiguousarray` in one process, medians and ratios; and the memory of a writing.

    python bench/rearrange.py [--runs 7]

Needs 4 GiB of memory, and 1 GiB of disk in the folder of temporary files.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from timeit import timeit

import numpy
from start import PYTHON, report, run_once

from weightwise.kernels.contiguous import contiguous

SMALL_BYTES, SMALL_CALLS = 1 << 20, 300
MEBIBYTES = 1024
WRITE = """
import numpy
from weightwise.formats.safetensors.writer import Written, write_safetensors
array = numpy.ones((16384, 16384), "float32")
write_safetensors(PATH, [Written("weight", array.shape, "float32", lambda: array.T)])
"""


@dataclass(frozen=True)
class Case:
    """A C-contiguous array and the order that its axes get."""

    shape: tuple[int, ...]
    dtype: str
    axes: tuple[int, ...]
    goal: float | None = None
    """How many times faster than NumPy."""

    def view(self) -> numpy.ndarray:
        """Returns the array, whose memory has been touched, with its axes exchanged."""
        return numpy.ones(self.shape, self.dtype).transpose(self.axes)

    def __str__(self) -> str:
        return f"{' '.join(map(str, self.shape))} {self.dtype}, axes {' '.join(map(str, self.axes))}"


CASES = (
    Case((16384, 16384), "float32", (1, 0), 4.0),
    Case((8192, 8192), "float64", (1, 0)),
    Case((10000, 7000), "float32", (1, 0)),
    Case((3, 3, 512, 512), "float32", (3, 2, 0, 1)),
    Case((512, 512, 3, 3), "float32", (2, 3, 1, 0)),
    Case((3, 3, 2048, 2048), "float32", (3, 2, 0, 1)),
    Case((2048, 2048, 3, 3), "float32", (2, 3, 1, 0)),
    Case((2048, 2048, 3, 3), "float32", (1, 0, 2, 3)),
    Case((9216, 128), "float32", (1, 0)),
    Case((3, 3, 32, 64), "float32", (3, 2, 0, 1)),
    Case((3, 3, 1, 32), "float32", (3, 2, 0, 1)),
    Case((128, 10), "float32", (1, 0)),
    Case((128,), "float32", (0,)),
)


def measure(case: Case, runs: int) -> tuple[float, float]:
    """Returns the median seconds of NumPy and ours, which take turns in being the first."""
    view = case.view()
    calls = SMALL_CALLS if view.nbytes < SMALL_BYTES else 1
    assert numpy.ascontiguousarray(view).tobytes() == contiguous(view).tobytes()
    ways = [numpy.ascontiguousarray, contiguous]
    taken: dict[Callable[[numpy.ndarray], numpy.ndarray], list[float]] = {way: [] for way in ways}
    for _ in range(runs):
        for way in ways:
            taken[way].append(timeit(partial(way, view), number=calls) / calls)
        ways.reverse()
    return statistics.median(taken[numpy.ascontiguousarray]), statistics.median(taken[contiguous])


def beyond_the_array() -> float:
    """Returns the peak memory in MiB of a process that writes a turned array of 1 GiB, less the array."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "weight.safetensors"))
        return run_once([*PYTHON, f"PATH = {path!r}\n{WRITE}"]).mebibytes - MEBIBYTES


def main() -> int:
    """Measure and print; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    memory = beyond_the_array()  # first: a child's peak memory counts from that of the process that started it
    rows = [("peak memory of writing 1 GiB beyond the array, MiB", memory, "< 300", lambda value: value < 300)]
    for case in CASES:
        theirs, ours = measure(case, runs)
        print(f"{case!s:<44} {theirs * 1e6:14,.1f} µs {ours * 1e6:14,.1f} µs {theirs / ours:8.2f}", flush=True)
        if case.goal:
            rows.append((f"{case}: NumPy / ours", theirs / ours, f">= {case.goal}", case.goal.__le__))
        elif prod(case.shape) * numpy.dtype(case.dtype).itemsize < SMALL_BYTES:
            rows.append((f"{case}: ours - NumPy, µs", (ours - theirs) * 1e6, "< 1", lambda value: value < 1))
        else:
            rows.append((f"{case}: NumPy / ours", theirs / ours, ">= 0.9", lambda value: value >= 0.9))
    print()
    return 0 if report(rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
