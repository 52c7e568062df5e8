"""Any truncation, any flipped or inserted bytes: the file opens, or our own error says why in one line.

`WEIGHTWISE_SWEEP=60000` runs that many examples instead of a few hundred.
"""

from __future__ import annotations

import os
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.samples import SAMPLES, everything
from weightwise.errors import WeightwiseError
from weightwise.formats import open_stored

SUFFIXES = (".keras", ".h5", ".pt", ".pt2", ".pth", ".ckpt", ".safetensors", ".npy", ".npz", ".eqx", ".msgpack")
FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in SUFFIXES)
EXAMPLES = int(os.environ.get("WEIGHTWISE_SWEEP", "400"))


@cache
def content(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def survives(path) -> str:
    """Opens a file and reads every array; returns `opened`, `partial` or `refused`. Anything else is an exception."""
    try:
        stored = open_stored(path)
    except WeightwiseError as error:
        assert str(error).isprintable()
        return "refused"
    assert all(problem.isprintable() for problem in stored.problems)
    for array in everything(stored):
        try:
            assert array.read().shape == array.shape
        except WeightwiseError as error:
            assert str(error).isprintable()
    return "partial" if stored.problems else "opened"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draws a sample file with some bytes exchanged, cut off, blanked, or put in between."""
    data = bytearray(content(draw(st.sampled_from(FILES))))
    place = st.integers(0, len(data) - 1)
    match draw(st.sampled_from(["flip", "flip", "flip", "number", "cut", "blank", "insert"])):
        case "flip":
            for at in draw(st.lists(place, min_size=1, max_size=16)):
                data[at] = draw(st.integers(0, 255))
        case "number":
            at = draw(place)
            number = draw(st.sampled_from([1 << 31, 1 << 40, 1 << 62, (1 << 64) - 1, len(data), at]))
            data[at : at + 8] = number.to_bytes(8, "little")
        case "cut":
            del data[draw(place) :]
        case "blank":
            at, size = draw(place), draw(st.integers(1, 2000))
            data[at : at + size] = bytes(len(data[at : at + size]))
        case "insert":
            at = draw(place)
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(data)


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=damaged())
def test_damage_never_ends_in_another_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data)
    survives(path)


@pytest.mark.parametrize("name", FILES)
def test_truncations_of_every_sample(tmp_path, name):
    path = tmp_path / name
    outcomes = []
    for part in range(16):
        path.write_bytes(content(name)[: len(content(name)) * part // 16])
        outcomes.append(survives(path))
    path.write_bytes(content(name))
    assert outcomes[0] == "refused"
    assert "opened" not in outcomes[:8]


def test_the_sweep_sees_every_outcome(tmp_path):
    path = tmp_path / "m.keras"
    whole = content("keras3_cnn.keras")
    seen = []
    for data in (whole, whole[:20_000], b"nothing"):
        path.write_bytes(data)
        seen.append(survives(path))
    assert seen == ["opened", "partial", "refused"]
