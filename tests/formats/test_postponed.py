"""pyfive is imported for chunks and the newest HDF5 alone, without what few of its parts need, real afterwards."""

from __future__ import annotations

import subprocess
import sys

OPEN = "import sys, weightwise; model = weightwise.open('{}'); model.get_weights()"
USUAL = OPEN.format("examples/mnist_cnn.keras")
CHUNKS = (
    "import sys; from weightwise.formats.hdf5 import read_hdf5; from weightwise.source import open_source; "
    "arrays = read_hdf5(open_source('tests/samples/hdf5_layouts.h5')).arrays"
)
NEWEST = OPEN.format("tests/samples/hdf5_newest.weights.h5")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def loaded(code: str) -> set[str]:
    return {name.split(".")[0] for name in run(f"{code}; print(*sys.modules)").split()}


def test_what_keras_writes_needs_no_pyfive():
    assert "pyfive" not in loaded(USUAL)


def test_the_newest_format_needs_neither_of_the_two():
    assert "pyfive" in loaded(NEWEST)
    assert not loaded(NEWEST) & {"fsspec", "numcodecs", "asyncio"}


def test_chunks_need_pyfive_when_their_values_are_read_and_numcodecs_for_checksums():
    assert not loaded(CHUNKS) & {"numpy", "pyfive"}
    shuffled = loaded(f"{CHUNKS}; arrays['shuffled'].read()")
    assert "pyfive" in shuffled
    assert not shuffled & {"fsspec", "numcodecs", "asyncio"}
    assert "numcodecs" in loaded(f"{CHUNKS}; arrays['summed'].read()")


def test_they_are_the_real_ones_afterwards():
    checks = "import numcodecs, fsspec.utils; print(numcodecs.Fletcher32.codec_id, fsspec.utils.stringify_path('a'))"
    assert run(f"{NEWEST}; {checks}") == "fletcher32 a\n"


def test_what_pyfive_holds_of_them_is_real_when_it_is_used():
    assert run(f"{NEWEST}; from pyfive import btree; print(btree._FLETCHER32_CODEC.codec_id)") == "fletcher32\n"


def test_one_that_is_imported_already_is_used():
    assert run(f"import numcodecs; {NEWEST}; print(numcodecs.Fletcher32.codec_id)") == "fletcher32\n"
