"""Equinox files: leaves in their order, and the line of JSON before them."""

from __future__ import annotations

import json

import pytest

from tests.samples import CORPUS, SAMPLES, everything
from tests.samples.array_fact import fact
from weightwise.errors import FormatError
from weightwise.formats import open_stored

FACTS = json.loads((SAMPLES / "numpy_facts.json").read_text())


@pytest.mark.parametrize("name", ["equinox_header.eqx", "equinox_leaves.eqx"])
def test_every_leaf_is_what_equinox_wrote(name):
    stored = open_stored(SAMPLES / name)
    assert {array.path: fact(array.read(), array.dtype) for array in stored.root.arrays} == FACTS[name]
    assert list(FACTS[name]) == [array.path for array in everything(stored)]
    assert (stored.problems, stored.format) == ((), "Equinox leaves (.eqx)")


def test_the_line_of_json_is_the_configuration():
    assert open_stored(SAMPLES / "equinox_header.eqx").root.config == {"width": 5, "depth": 2}
    assert open_stored(SAMPLES / "equinox_leaves.eqx").root.config == {}


def test_a_line_that_is_no_json_is_told(tmp_path):
    (tmp_path / "m.eqx").write_bytes(b"{x}" + (SAMPLES / "equinox_header.eqx").read_bytes()[24:])
    stored = open_stored(tmp_path / "m.eqx")
    assert len(stored.root.arrays) == 6
    assert "m.eqx: the first line: expected JSON" in stored.problems[0]


def test_a_file_that_is_cut_off(tmp_path):
    (tmp_path / "m.eqx").write_bytes((SAMPLES / "equinox_header.eqx").read_bytes()[:-1])
    stored = open_stored(tmp_path / "m.eqx")
    assert stored.problems == (f"{tmp_path}/m.eqx: the values of [5] are cut off; get the file again.",)
    assert stored.root.arrays[4].read().shape == (2, 5)
    with pytest.raises(FormatError, match=r"values of \[5\] cannot be read"):
        stored.root.arrays[5].read()


def test_objects_end_the_list(tmp_path):
    objects = (SAMPLES / "numpy_objects.npy").read_bytes()
    (tmp_path / "m.eqx").write_bytes((SAMPLES / "numpy_plain.npy").read_bytes() + objects)
    stored = open_stored(tmp_path / "m.eqx")
    assert [array.dtype for array in stored.root.arrays] == ["float32", "object"]
    assert "[1] is of Python objects" in stored.problems[0]


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")
def test_a_real_file():
    stored = open_stored(CORPUS / "eqx-multipart" / "multipart_serialised.eqx")
    assert stored.root.config == {"size": 5, "width": 10, "depth": 3, "use_tanh": True}
    shapes = [array.shape for array in stored.root.arrays]
    assert shapes == [(10, 5), (10,), (10, 10), (10,), (10, 10), (10,), (1, 10), (1,)]
    assert stored.problems == ()
    assert all(array.read().shape == array.shape for array in stored.root.arrays)
