"""How long a person waits for the one screen, and how much memory it takes: whole cold processes, medians, ratios.

    python bench/start.py [--runs 7] [--big PATH]

Needs the `oracles` extra (Keras as the peer, h5py to write the large file). `bench/large_h5.py` makes the
large file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = str(ROOT / "examples" / "mnist_cnn.keras")
KERAS = f"import keras; keras.saving.load_model({EXAMPLE!r}).summary()"
WEIGHTWISE = [str(Path(sys.executable).parent / "weightwise")]
PYTHON = [sys.executable, "-c"]
# An installed package has its bytecode; a checkout gets it in the first run, which is not counted.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Measured:
    """Seconds and peak memory of one command, medians over the runs."""

    seconds: float
    mebibytes: float


def run_once(command: list[str]) -> Measured:
    """Return the wall time and the peak resident memory of one run of a command, as the kernel counted them."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return Measured(seconds, usage.ru_maxrss / 1024)


def measure(commands: dict[str, list[str]], runs: int) -> dict[str, Measured]:
    """Return the medians of each command, the commands taking turns so that a slow minute meets them all."""
    taken: dict[str, list[Measured]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            result = run_once(command)
            if turn:
                taken[name].append(result)
    return {
        name: Measured(
            statistics.median(run.seconds for run in all_runs), statistics.median(run.mebibytes for run in all_runs)
        )
        for name, all_runs in taken.items()
    }


def report(rows: list[tuple[str, float, str, Callable[[float], bool]]]) -> bool:
    """Print what was asked, what was measured and whether it holds; return whether all holds."""
    good = True
    for name, value, goal, holds in rows:
        good &= holds(value)
        print(f"{name:<66} {value:9.2f}   goal {goal:<8} {'holds' if holds(value) else 'MISSED'}")
    return good


def main() -> int:
    """Measure and print; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--big", type=Path, help="keep the large file here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        big = chosen.big or Path(folder) / "large.h5"
        small = Path(folder) / "small.h5"
        for path, gigabytes in ((big, "2"), (small, "0.0048")):
            # In a process of its own: a child's peak memory counts from that of the process that started it.
            subprocess.run([sys.executable, str(ROOT / "bench" / "large_h5.py"), str(path), gigabytes], check=True)
        quick = measure(
            {
                "pass": [*PYTHON, "pass"],
                "numpy": [*PYTHON, "import numpy"],
                "screen": [*WEIGHTWISE, EXAMPLE],
                "small": [*WEIGHTWISE, str(small)],
                "large": [*WEIGHTWISE, str(big)],
                "version": [*WEIGHTWISE, "--version"],
                "help": [*WEIGHTWISE, "--help"],
            },
            chosen.runs,
        )
        slow = measure({"keras": [*PYTHON, KERAS], "screen": [*WEIGHTWISE, EXAMPLE]}, max(chosen.runs // 2, 2))
    for name, result in {**quick, "keras": slow["keras"]}.items():
        print(f"{name:<10} {result.seconds:8.3f} s {result.mebibytes:8.1f} MiB")
    print()
    fine = report(
        [
            (
                "Keras's load + summary() / the screen",
                slow["keras"].seconds / slow["screen"].seconds,
                "≥ 25",
                lambda v: v >= 25,
            ),
            ("the screen / import numpy", quick["screen"].seconds / quick["numpy"].seconds, "< 3", lambda v: v < 3),
            ("peak memory of the screen, MiB", quick["screen"].mebibytes, "< 60", lambda v: v < 60),
            ("--version / python -c pass", quick["version"].seconds / quick["pass"].seconds, "< 8", lambda v: v < 8),
            ("--help / python -c pass", quick["help"].seconds / quick["pass"].seconds, "< 8", lambda v: v < 8),
            (
                "a 2 GB .h5 / a 4.8 MB .h5, seconds",
                quick["large"].seconds / quick["small"].seconds,
                "≈ 1",
                lambda v: v < 1.15,
            ),
            (
                "a 2 GB .h5 / a 4.8 MB .h5, memory",
                quick["large"].mebibytes / quick["small"].mebibytes,
                "≈ 1",
                lambda v: v < 1.05,
            ),
        ]
    )
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
