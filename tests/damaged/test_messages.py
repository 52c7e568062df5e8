"""Bad files and the exact sentence that each gets."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile

import pytest

from tests.samples import SAMPLES, arrays, layers
from weightwise.errors import FormatError
from weightwise.formats import READABLE, open_stored, told
from weightwise.formats.hdf5 import read_hdf5
from weightwise.source import open_source

ARCHIVE = SAMPLES / "keras3_cnn.keras"
ADVICE = "the file is damaged, or uses a part of HDF5 that is not supported: get it again from where it came from."
CUT_OFF = "the file is truncated or damaged: get it again from where it came from."


def rewritten(path, **members: bytes | None):
    """Writes the sample archive with some members replaced, or left out."""
    names = {"config": "config.json", "metadata": "metadata.json", "weights": "model.weights.h5"}
    replaced = {names[short]: content for short, content in members.items()}
    with zipfile.ZipFile(ARCHIVE) as source, zipfile.ZipFile(path, "w") as out:
        for name in source.namelist():
            content = replaced.get(name, source.read(name))
            if content is not None:
                out.writestr(name, content)
    return path


def refusal(path) -> str:
    with pytest.raises(FormatError) as caught:
        open_stored(path)
    return str(caught.value)


def test_text_is_no_model(tmp_path):
    path = tmp_path / "model.h5"
    path.write_text("a letter\n")
    assert refusal(path) == (
        f"{path}: this is no model that can be read, it begins with b'a letter'; readable are {READABLE}."
    )


@pytest.mark.parametrize("content", [b"\x00", b"{", b"PK", b"\x89HDF", b"\xff" * 5000])
def test_scraps_are_no_model(tmp_path, content):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: this is no model that can be read, it begins with ")


def test_the_name_of_a_file_says_nothing(tmp_path):
    path = tmp_path / "model.txt"
    path.write_bytes(ARCHIVE.read_bytes())
    assert open_stored(path).format == "Keras 3 archive (.keras)"


def test_an_archive_without_its_end_tells_its_layers(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(ARCHIVE.read_bytes()[:20_000])
    stored = open_stored(path)
    assert len(stored.root.layers) == 9
    assert (
        stored.problems[0]
        == f"{path}: the list of the archive's members cannot be read (File is not a zip file); {CUT_OFF}"
    )
    assert stored.problems[1].startswith(
        f"{path}!model.weights.h5: the members of the group layers cannot be read (the file is too short: "
    )
    assert stored.problems[1].endswith(ADVICE)


def test_an_archive_that_ends_in_its_first_member(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(ARCHIVE.read_bytes()[:30])
    assert (
        refusal(path) == f"{path}: the list of the archive's members cannot be read (File is not a zip file); {CUT_OFF}"
    )


def test_weights_that_end_too_early_leave_the_rest(tmp_path):
    with zipfile.ZipFile(ARCHIVE) as archive:
        whole = archive.read("model.weights.h5")
    bias = open_stored(ARCHIVE).root.layers[-1].arrays[1]
    start = bias.offset - (ARCHIVE.read_bytes().index(whole[:512]))
    path = rewritten(tmp_path / "model.keras", weights=whole[: start + 6])
    stored = open_stored(path)
    assert stored.problems == (
        f"{path}!model.weights.h5: the values of layers/dense_1/vars/1 cannot be read: "
        f"expected 16 bytes at byte {start:,}, found 6.",
    )
    kernel, bias = stored.root.layers[-1].arrays
    assert kernel.read().shape == (7, 4)
    with pytest.raises(FormatError) as caught:
        bias.read()
    assert str(caught.value) == (
        f"{path}!model.weights.h5: the values of layers/dense_1/vars/1 cannot be read "
        f"(expected 16 bytes at byte {start:,}, found 6); {ADVICE}"
    )


def test_weights_that_are_no_hdf5_leave_the_configuration(tmp_path):
    path = rewritten(tmp_path / "model.keras", weights=b"nothing")
    stored = open_stored(path)
    assert len(stored.root.layers) == 9
    assert stored.problems == (
        f"{path}!model.weights.h5: the root group cannot be read (it does not begin as HDF5 does); {ADVICE}",
    )


def test_missing_weights_leave_the_configuration(tmp_path):
    path = rewritten(tmp_path / "model.keras", weights=None)
    assert open_stored(path).problems == (
        f"{path}!model.weights.h5: expected one member of this name, found 0 beside config.json, metadata.json.",
    )


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"{", "expected JSON, found text that is none ("),
        (b"[]", "expected a JSON object, found list."),
        (b"{}", "expected the model as an object with a class_name, found {}."),
        (b'{"a":' * 50_000, "expected JSON, found text that is none ("),
    ],
)
def test_a_configuration_that_cannot_be_read_leaves_the_weights(tmp_path, config, reason):
    path = rewritten(tmp_path / "model.keras", config=config)
    stored = open_stored(path)
    assert stored.problems[0].startswith(f"{path}!config.json: {reason}")
    assert len(arrays(stored)) == 8
    assert not any(layer.configured for layer in layers(stored.root))
    assert stored.root.name == "sequential_1"


def test_a_configuration_that_lies_about_its_layers_leaves_their_arrays_alone(tmp_path):
    with zipfile.ZipFile(ARCHIVE) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][2]["config"]["name"] = "another"
    path = rewritten(tmp_path / "model.keras", config=json.dumps(config).encode())
    stored = open_stored(path)
    assert next(layer for layer in stored.root.layers if layer.arrays).name == "conv2d_1"
    assert [layer.arrays for layer in stored.root.layers if layer.name == "another"] == [()]
    assert [layer.configured for layer in stored.root.layers if layer.name == "conv2d_2"] == [False]
    assert len(arrays(stored)) == 8


def test_nothing_that_can_be_told_is_an_error(tmp_path):
    path = rewritten(tmp_path / "model.keras", config=b"{", weights=b"", metadata=None)
    assert refusal(path).startswith(f"{path}!metadata.json: expected one member of this name, found 0 beside ")


def test_missing_metadata_is_told(tmp_path):
    path = rewritten(tmp_path / "model.keras", metadata=None)
    stored = open_stored(path)
    assert (stored.version, stored.format) == ("", "Keras archive (.keras)")
    assert len(stored.problems) == 1


def test_names_are_shown_in_one_line(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a\nb\x1b[31m", b"x")
    assert "a zip archive of a\\nb\\x1b[31m;" in refusal(path)


def test_problems_that_are_too_many_are_counted():
    assert told("m", ["a\n", "b"]) == ("a\\n", "b")
    assert told("m", ["a"] * 1025) == (*["a"] * 20, "m: 1,005 more parts cannot be read.")


def test_an_attribute_that_promises_much_takes_no_memory(tmp_path):
    data = bytearray((SAMPLES / "keras2_embedding.h5").read_bytes())
    shape = data.index(b"weight_names\0") + 16 + 24 + 8
    assert struct.unpack_from("<Q", data, shape) == (2,)
    struct.pack_into("<Q", data, shape, 1 << 24)
    path = tmp_path / "model.h5"
    path.write_bytes(data)
    open_stored(SAMPLES / "keras2_embedding.h5")
    tracemalloc.start()
    stored = open_stored(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert stored.problems[0] == (
        f"{path}: the attributes of the group model_weights/each_step cannot be read "
        f"(an attribute says that it has 16,777,216 values); {ADVICE}"
    )


def test_a_dataset_that_promises_much_takes_no_memory(tmp_path):
    source = SAMPLES / "hdf5_userblock.weights.h5"
    data = bytearray(source.read_bytes())
    shape = data.index(struct.pack("<QQ", 5, 3))
    struct.pack_into("<Q", data, shape, 1 << 33)
    path = tmp_path / "model.weights.h5"
    path.write_bytes(data)
    (problem,) = open_stored(path).problems
    assert problem == (
        f"{path}: the values of layers/dense/vars/0 cannot be read: "
        "expected 103,079,215,104 bytes at byte 11,160, found 72."
    )
    (layer,) = open_stored(path).root.layers
    with pytest.raises(FormatError, match="expected 103,079,215,104 bytes"):
        layer.arrays[0].read()


def test_chunks_that_promise_much_take_no_memory(tmp_path):
    data = bytearray((SAMPLES / "hdf5_layouts.h5").read_bytes())
    for offset in [at for at in range(len(data) - 16) if data[at : at + 16] == struct.pack("<QQ", 7, 5)]:
        struct.pack_into("<QQ", data, offset, 1 << 14, 1 << 14)
    path = tmp_path / "chunks.h5"
    path.write_bytes(data)
    problems = read_hdf5(open_source(path)).problems
    assert [problem for problem in problems if "deflated" in problem] == [
        f"{path}: the values of deflated cannot be read: 1,073,872,896 bytes of values in chunks are more than "
        f"a file of {len(data):,} bytes can mean."
    ]


def test_a_damaged_chunk_is_an_error(tmp_path):
    data = bytearray((SAMPLES / "hdf5_layouts.h5").read_bytes())
    for offset in [at for at in range(len(data) - 2) if data[at : at + 2] == b"\x78\x5e"]:
        data[offset + 4] ^= 0xFF
    path = tmp_path / "chunks.h5"
    path.write_bytes(data)
    contents = read_hdf5(open_source(path))
    with pytest.raises(FormatError, match="the values of deflated cannot be read"):
        contents.arrays["deflated"].read()


@pytest.mark.parametrize("name", ["../x.weights.h5", "/etc/passwd", "a/b.h5", "..", "", "C:x", 7, None])
def test_shards_lie_in_the_folder_of_their_table(tmp_path, name):
    path = tmp_path / "m.weights.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/layers/dense/vars": [name]}}))
    assert refusal(path) == f"{path}: expected the names of files in the same folder, found {name!r}."


def test_a_missing_shard_is_told_and_the_rest_is_read(tmp_path):
    for name in ("keras3_compiled.weights.json", "keras3_compiled_00000.weights.h5"):
        (tmp_path / name).write_bytes((SAMPLES / name).read_bytes())
    stored = open_stored(tmp_path / "keras3_compiled.weights.json")
    missing = tmp_path / "keras3_compiled_00001.weights.h5"
    assert stored.problems[0] == f"{missing}: cannot be opened (No such file or directory); check the path."
    assert len(arrays(stored)) == 4


def test_a_table_without_shards(tmp_path):
    path = tmp_path / "m.weights.json"
    path.write_text('{"weight_map": {}}')
    assert refusal(path) == f"{path}: the table names no shards."
    path.write_text('{"weight_map": []}')
    assert refusal(path) == f"{path}: expected weight_map as an object, found []."
