"""Flax's files: every array as Flax restores it, its layers with all their collections, and damage."""

from __future__ import annotations

import json
import struct

import numpy
import pytest

from tests.samples import CORPUS, SAMPLES, arrays, everything
from tests.samples.array_fact import fact
from weightwise.errors import FormatError
from weightwise.formats import open_stored
from weightwise.source import FileReader

FACTS = json.loads((SAMPLES / "flax_facts.json").read_text())
FILES = [name for name in FACTS if name.endswith(".msgpack")]


def owned(stored):
    return {layer.name: {array.key: array.path for array in layer.arrays} for layer in stored.root.layers}


@pytest.mark.parametrize("name", FILES)
def test_every_array_is_what_flax_restores(name):
    stored = open_stored(SAMPLES / name)
    assert {array.path: fact(array.read(), array.dtype) for array in everything(stored)} == FACTS[name]
    assert (stored.problems, stored.framework) == ((), "Flax")


def test_a_layer_has_its_arrays_of_all_collections():
    found = owned(open_stored(SAMPLES / "flax_variables.msgpack"))
    assert list(found) == [f"Block_{n}/{layer}_0" for n in (0, 1) for layer in ("BatchNorm", "Conv")] + [
        "Dense_0",
        "Dense_1",
    ]
    assert found["Block_1/BatchNorm_0"] == {
        "mean": "batch_stats/Block_1/BatchNorm_0/mean",
        "var": "batch_stats/Block_1/BatchNorm_0/var",
        "bias": "params/Block_1/BatchNorm_0/bias",
        "scale": "params/Block_1/BatchNorm_0/scale",
    }


def test_parameters_alone_are_the_same_layers_without_statistics():
    whole = owned(open_stored(SAMPLES / "flax_variables.msgpack"))
    alone = owned(open_stored(SAMPLES / "flax_parameters.msgpack"))
    assert alone == {
        layer: {key: path.removeprefix("params/") for key, path in keys.items() if path.startswith("params/")}
        for layer, keys in whole.items()
    }


def test_a_training_state_keeps_the_optimizer_and_the_step_apart():
    stored = open_stored(SAMPLES / "flax_state.msgpack")
    assert owned(stored) == owned(open_stored(SAMPLES / "flax_variables.msgpack"))
    assert [(array.path, array.read().item()) for array in stored.state] == [("step", 17)]
    assert {array.path.split("/")[2] for array in stored.optimizer} == {"count", "mu", "nu"}
    assert len(stored.optimizer) == 2 * 12 + 1


def test_values_lie_where_they_are_said_to():
    raw = (SAMPLES / "flax_variables.msgpack").read_bytes()
    for array in everything(open_stored(SAMPLES / "flax_variables.msgpack")):
        values = numpy.frombuffer(raw, "<f4", array.size, array.offset)
        assert values.tolist() == array.read().ravel().tolist()
        assert array.run(array.size - 1, 1).tolist() == values[-1:].tolist()


def test_opening_copies_no_values(tmp_path, monkeypatch):
    text = b"\x93\x91\xce" + struct.pack(">I", 1 << 20) + b"\xa7float32\xc6" + struct.pack(">I", 4 << 20)
    array = b"\xc9" + struct.pack(">I", len(text) + (4 << 20)) + b"\x01" + text + bytes(4 << 20)
    (tmp_path / "m").write_bytes(b"\x84" + b"".join(b"\xa1" + key + array for key in (b"a", b"b", b"c", b"d")))
    fill, asked = FileReader.fill, []

    def counting(reader, offset, view):
        asked.append(len(view))
        return fill(reader, offset, view)

    monkeypatch.setattr(FileReader, "fill", counting)
    assert [array.shape for array in everything(open_stored(tmp_path / "m"))] == [(1 << 20,)] * 4
    assert sum(asked) < 3 << 20


def packed(text: bytes) -> bytes:
    return b"\x81\xa1w\xc7" + bytes([len(text)]) + b"\x01" + text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\x93\x91\x02\xa7float32\xc4\x07" + bytes(7), "expected 8 bytes for float32 (2,), found 7"),
        (b"\x93\x91\x02\xa4what\xc4\x08" + bytes(8), "its dtype is not known"),
    ],
)
def test_what_contradicts_itself_is_listed_and_not_read(tmp_path, text, expected):
    (tmp_path / "m").write_bytes(packed(text))
    (array,) = open_stored(tmp_path / "m").root.arrays
    with pytest.raises(FormatError) as caught:
        array.read()
    assert f"the values of w cannot be read: {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (packed(b"\x93\xc0\xa7float32\xc4\x00"), "expected shape, dtype and bytes of w, found something else"),
        (packed(b"\x92\x91\x02\xa7float32"), "expected shape, dtype and bytes of w, found something else"),
        (packed(b"\x93\x91\xff\xa7float32\xc4\x00"), "expected shape, dtype and bytes of w, found something else"),
        (b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xa1b\xc4\x02xy", "an array as b, found bytes"),
        (b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xa1b", "the file is too short"),
        (b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xa1b\xc1", "expected a type of MessagePack before"),
        (b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xc0\xc0", "expected a text as key of a map before"),
        (
            b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xa1b" + b"\x91" * 200,
            "at most 100 levels",
        ),
        (b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xa1b\xdf\xff\xff\xff\xff", "the file is too short"),
        (b"\x82" + 2 * packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:], "w is there twice; the first one is shown"),
    ],
)
def test_damage_is_told_and_the_rest_is_there(tmp_path, content, expected):
    (tmp_path / "m").write_bytes(content)
    stored = open_stored(tmp_path / "m")
    assert any(expected in problem for problem in stored.problems), stored.problems
    assert any(array.path == "w" for array in everything(stored))


def test_an_array_that_is_cut_off_keeps_its_shape(tmp_path):
    (tmp_path / "m").write_bytes((SAMPLES / "flax_variables.msgpack").read_bytes()[:-3])
    stored = open_stored(tmp_path / "m")
    last = everything(stored)[-1]
    whole = arrays(open_stored(SAMPLES / "flax_variables.msgpack"))
    assert [array.shape for array in everything(stored)] == [array.shape for array in whole.values()]
    assert "the file is too short" in stored.problems[0]
    with pytest.raises(FormatError, match=f"values of {last.path} cannot be read: expected"):
        last.read()


def test_pieces_that_do_not_make_up_the_whole(tmp_path):
    content = (SAMPLES / "flax_chunked.msgpack").read_bytes()
    (tmp_path / "m").write_bytes(content.replace(b"\xa11\x0b", b"\xa11\x0c"))
    (kernel,) = open_stored(tmp_path / "m").root.layers[0].arrays
    assert kernel.shape == (7, 12)
    with pytest.raises(FormatError, match="its pieces do not make up its shape"):
        kernel.read()


def test_a_long_name_above_many_arrays_is_refused(tmp_path):
    (tmp_path / "m").write_bytes(
        b"\x82" + packed(b"\x93\x90\xa4int8\xc4\x01\x05")[1:] + b"\xda\x10\x00" + b"n" * 4096 + b"\x91\x01"
    )
    stored = open_stored(tmp_path / "m")
    assert "expected names of at most 1,024 signs, found more" in stored.problems[0]
    assert [array.path for array in everything(stored)] == ["w"]


def test_numbers_and_texts_alone_are_no_model(tmp_path):
    (tmp_path / "m").write_bytes(b"\x82\xa1a\x01\xa1b\xa1c")
    with pytest.raises(FormatError, match="this is no model that can be read"):
        open_stored(tmp_path / "m")


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")
def test_the_one_file_of_an_old_orbax_folder():
    stored = open_stored(CORPUS / "orbax-aggregate-all" / "aggregate_all.checkpoint" / "checkpoint")
    assert {array.path: array.shape for array in everything(stored)} == {
        "a": (8,),
        "b": (16,),
        "c/a": (2, 4),
        "c/e": (4, 4),
    }
    assert arrays(stored)["c/e"].read().tolist() == (4 * numpy.arange(16).reshape(4, 4)).tolist()
