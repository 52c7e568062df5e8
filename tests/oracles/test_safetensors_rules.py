"""What the safetensors library refuses, we refuse or tell; what it opens, we list in full. Needs the library."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.samples import SAMPLES, everything
from weightwise.errors import WeightwiseError
from weightwise.formats import open_stored

pytestmark = pytest.mark.oracle
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
FILES = ("safetensors_tree.safetensors", "safetensors_packed.safetensors", "safetensors_dtypes.safetensors")
SIGNS = b'0123456789[]{}",:'


def built(header: object, size: int = 8, claimed: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if claimed is None else claimed).to_bytes(8, "little") + text + bytes(size)


CASES = {
    "good": built({"a": ENTRY}),
    "empty": built({}, 0),
    "metadata": built({"__metadata__": {"x": "y"}, "a": ENTRY}),
    "no metadata": built({"__metadata__": None, "a": ENTRY}),
    "trailing spaces": built(json.dumps({"a": ENTRY}).encode() + b"   "),
    "trailing nul": built(json.dumps({"a": ENTRY}).encode() + b"\0"),
    "twice, elsewhere": built(
        b'{"a":%s,"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' % json.dumps(ENTRY).encode(), 12
    ),
    "field twice": built(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
    "another field": built({"a": {**ENTRY, "x": 1}}),
    "dtype": built({"a": {**ENTRY, "dtype": "f32"}}),
    "negative": built({"a": {**ENTRY, "shape": [-2]}}),
    "fraction": built({"a": {**ENTRY, "shape": [2.0]}}),
    "boolean": built({"a": {**ENTRY, "shape": [True, 2]}}),
    "text": built({"a": {**ENTRY, "shape": "2"}}),
    "no values": built({"a": {**ENTRY, "shape": [0], "data_offsets": [0, 0]}}, 0),
    "scalar": built({"a": {**ENTRY, "shape": [], "data_offsets": [0, 4]}}, 4),
    "length": built({"a": {**ENTRY, "shape": [3]}}),
    "backwards": built({"a": {**ENTRY, "data_offsets": [8, 0]}}),
    "three offsets": built({"a": {**ENTRY, "data_offsets": [0, 8, 9]}}),
    "beyond": built({"a": {**ENTRY, "shape": [4], "data_offsets": [0, 16]}}),
    "short": built({"a": ENTRY}, 7),
    "long": built({"a": ENTRY}, 9),
    "hole": built({"a": ENTRY, "b": {**ENTRY, "data_offsets": [12, 20]}}, 20),
    "overlap": built({"a": ENTRY, "b": {**ENTRY, "data_offsets": [4, 12]}}, 12),
    "same": built({"a": ENTRY, "b": ENTRY}),
    "inside": built({"a": ENTRY, "z": {**ENTRY, "shape": [0], "data_offsets": [4, 4]}}),
    "at the start": built({"a": ENTRY, "z": {**ENTRY, "shape": [0], "data_offsets": [0, 0]}}),
    "overflow": built({"a": {**ENTRY, "shape": [1 << 62] * 2}}),
    "overflow to zero": built({"a": {**ENTRY, "shape": [1 << 62, 1 << 62, 0], "data_offsets": [0, 0]}}, 0),
    "metadata of numbers": built({"__metadata__": {"a": 1}, "a": ENTRY}),
    "list": built([1]),
    "header too long": built({"a": ENTRY}, claimed=100_000_001),
    "header cut off": built({"a": ENTRY}, claimed=500),
    "no header": built(b"", 0),
    "no UTF-8": built(b'{"\xff":%s}' % json.dumps(ENTRY).encode()),
    "half a sign": built(b'{"\\ud800":%s}' % json.dumps(ENTRY).encode()),
    "NaN": built(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":NaN}}'),
    "no name": built({"": ENTRY}),
    "odd nibbles": built({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}, 2),
    "nibbles": built({"a": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}, 2),
    "six bits": built({"a": {"dtype": "F6_E3M2", "shape": [4], "data_offsets": [0, 3]}}, 3),
    "deep": built(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
}


def theirs(path: Path) -> dict[str, tuple[int, ...]] | None:
    """Returns the shapes that the library gives, or None where it refuses the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  no mapping
    except SafetensorError:
        return None


def ours(path: Path) -> dict[str, tuple[int, ...]] | None:
    """Returns the shapes that we give, or None where we refuse the file or tell a problem."""
    try:
        stored = open_stored(path)
    except WeightwiseError:
        return None
    return None if stored.problems else {array.path: array.shape for array in everything(stored)}


@pytest.mark.parametrize("case", CASES)
def test_each_rule(tmp_path, case):
    path = tmp_path / "m.safetensors"
    path.write_bytes(CASES[case])
    assert ours(path) == theirs(path)


def test_a_name_twice_is_refused_although_the_library_takes_one(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(built(b'{"a":%s,"a":%s}' % ((json.dumps(ENTRY).encode(),) * 2)))
    assert theirs(path) == {"a": (2,)}
    assert ours(path) is None


def test_thousands_of_damaged_headers(tmp_path):
    chance = random.Random(7)
    path = tmp_path / "m.safetensors"
    accepted = 0
    for _ in range(3000):
        data = bytearray((SAMPLES / chance.choice(FILES)).read_bytes())
        for _ in range(chance.randint(1, 2)):
            data[chance.randrange(8, min(len(data), 300))] = chance.choice(SIGNS)
        path.write_bytes(data)
        expected = theirs(path)
        accepted += expected is not None
        assert ours(path) == expected
    assert 20 < accepted < 2900
