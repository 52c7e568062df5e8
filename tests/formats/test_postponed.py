"""A file is opened without the packages that pyfive's unused parts import, and they are the real ones afterwards."""

from __future__ import annotations

import subprocess
import sys

OPEN = "import sys, weightwise; model = weightwise.open('examples/mnist_cnn.keras'); model.get_weights()"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_opening_and_reading_need_neither():
    loaded = {name.split(".")[0] for name in run(f"{OPEN}; print(*sys.modules)").split()}
    assert "pyfive" in loaded
    assert not loaded & {"fsspec", "numcodecs", "asyncio"}


def test_they_are_the_real_ones_afterwards():
    checks = "import numcodecs, fsspec.utils; print(numcodecs.Fletcher32.codec_id, fsspec.utils.stringify_path('a'))"
    assert run(f"{OPEN}; {checks}") == "fletcher32 a\n"


def test_what_pyfive_holds_of_them_is_real_when_it_is_used():
    assert run(f"{OPEN}; from pyfive import btree; print(btree._FLETCHER32_CODEC.codec_id)") == "fletcher32\n"


def test_one_that_is_imported_already_is_used():
    assert run(f"import numcodecs; {OPEN}; print(numcodecs.Fletcher32.codec_id)") == "fletcher32\n"
