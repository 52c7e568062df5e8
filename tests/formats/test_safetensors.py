"""safetensors: what the library loads, we read; what it refuses, we refuse or tell by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest

from tests.samples import CORPUS, SAMPLES, arrays, everything
from tests.samples.array_fact import fact
from weightwise.cli import main
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats import open_stored
from weightwise.source import FileReader

FACTS = json.loads((SAMPLES / "safetensors_facts.json").read_text())
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
NEXT = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}


def built(header: object, data: bytes = b"", claimed: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if claimed is None else claimed).to_bytes(8, "little") + text + data


def opened(tmp_path: Path, content: bytes):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    return open_stored(path)


@pytest.mark.parametrize("name", FACTS)
def test_every_array_is_what_the_library_loads(name):
    stored = open_stored(SAMPLES / name)
    found = {array.path: fact(array.read(), array.dtype) for array in everything(stored) if array.path != "packed"}
    assert found == FACTS[name]
    assert stored.problems == ()


def test_values_lie_where_they_are_said_to():
    for name, array in arrays(open_stored(SAMPLES / "safetensors_dtypes.safetensors")).items():
        raw = Path(array.file).read_bytes()[array.offset : array.offset + array.nbytes]
        if array.dtype in ("float32", "int16", "complex64"):
            numpy.testing.assert_array_equal(
                numpy.frombuffer(raw, array.dtype).reshape(array.shape), array.read(), name
            )
        places = range(array.size)
        assert [array.run(place, 1).item() for place in places] == pytest.approx(array.read().ravel().tolist())


def test_four_bits_per_value_the_lower_half_of_a_byte_first():
    packed = arrays(open_stored(SAMPLES / "safetensors_packed.safetensors"))["packed"]
    codes = [number * 7 % 256 for number in range(24)]
    table = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    values = [(-1 if half & 8 else 1) * table[half & 7] for code in codes for half in (code & 15, code >> 4)]
    assert (packed.dtype, packed.shape, packed.nbytes, packed.offset) == ("float4_e2m1fn", (2, 24), 24, None)
    assert packed.read().tolist() == [values[:24], values[24:]]
    assert packed.run(5, 4).tolist() == values[5:9]


def test_six_bits_per_value_are_listed_and_not_read(tmp_path):
    stored = opened(tmp_path, built({"w": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]}}, bytes(3)))
    with pytest.raises(UnsupportedError, match="values of w are packed in 6 bits each"):
        stored.root.arrays[0].read()


def test_shards_open_as_one_model_in_the_order_of_numbers():
    stored = open_stored(SAMPLES / "safetensors_shards")
    blocks = [layer.name for layer in stored.root.layers if layer.name.endswith("attention")]
    assert blocks == [f"blocks.{number}.attention" for number in range(12)]
    assert (stored.framework, stored.format, stored.root.name) == ("PyTorch", "safetensors in shards", "model")
    assert stored.root.config == {"architectures": ["Tower"], "hidden_size": 5}
    assert [array.key for array in stored.root.arrays] == ["positions"]
    assert stored.nbytes == sum(path.stat().st_size for path in (SAMPLES / "safetensors_shards").glob("*.safetensors"))


def test_the_table_itself_and_a_folder_without_it(tmp_path):
    whole = open_stored(SAMPLES / "safetensors_shards")
    assert open_stored(SAMPLES / "safetensors_shards" / "model.safetensors.index.json").root == whole.root
    for path in (SAMPLES / "safetensors_shards").glob("*.safetensors"):
        shutil.copy(path, tmp_path)
    stored = open_stored(tmp_path)
    assert [layer.name for layer in stored.root.layers] == [layer.name for layer in whole.root.layers]
    assert (stored.root.config, stored.problems) == ({}, ())
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    expected = f"{tmp_path}: expected 3 shards model-…-of-00003, found 2; get the others too."
    assert open_stored(tmp_path).problems == (expected,)


def test_a_missing_shard_is_told_and_the_others_are_there(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(SAMPLES / "safetensors_shards", folder)
    (folder / "model-00002-of-00003.safetensors").unlink()
    stored = open_stored(folder)
    assert len(everything(stored)) == 21
    missing, lost = stored.problems
    assert missing.startswith(f"{folder}/model-00002-of-00003.safetensors: cannot be opened")
    assert "17 arrays of the table are not in its shards" in lost


def test_the_table_says_which_of_two_shards_has_an_array(tmp_path):
    for number, value in enumerate((1.0, 2.0)):
        data = numpy.array([value, value], "<f4").tobytes()
        (tmp_path / f"{number}.safetensors").write_bytes(built({"a": ENTRY}, data))
    with pytest.raises(FormatError, match=r"found a in 0.safetensors and 1.safetensors; give the path of one file"):
        open_stored(tmp_path)
    (tmp_path / "x.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "1.safetensors"}}))
    assert open_stored(tmp_path).root.arrays[0].read().tolist() == [2.0, 2.0]
    (tmp_path / "y.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "0.safetensors"}}))
    with pytest.raises(FormatError, match="expected one table of shards, found x"):
        open_stored(tmp_path)


def test_an_adapter_has_its_own_configuration_and_layers():
    stored = open_stored(SAMPLES / "safetensors_lora")
    assert {layer.name: [array.key for array in layer.arrays] for layer in stored.root.layers} == {
        f"layers.{name}": ["lora_A.weight", "lora_B.weight"] for name in ("0.q_proj", "0.v_proj", "1.q_proj")
    }
    assert stored.root.config["peft_type"] == "LORA"
    assert stored.remarks == ("the names are given without the prefix base_model.model., which PEFT adds",)


def test_a_configuration_that_cannot_be_read_is_told(tmp_path):
    shutil.copy(SAMPLES / "safetensors_tree.safetensors", tmp_path / "m.safetensors")
    (tmp_path / "config.json").write_text("{")
    stored = open_stored(tmp_path)
    assert len(everything(stored)) == 4
    assert [f"{tmp_path}/config.json: expected JSON" in problem for problem in stored.problems] == [True]


def test_names_with_slashes_are_a_tree():
    stored = open_stored(SAMPLES / "safetensors_tree.safetensors")
    owned = {layer.name: {array.key for array in layer.arrays} for layer in stored.root.layers}
    assert owned == {"BatchNorm_0": {"mean", "scale"}, "Dense_0": {"bias", "kernel"}}
    assert stored.framework == ""


def test_axes_that_the_metadata_declares(tmp_path):
    axes = json.dumps({"fc.weight": "out in", "gone": "in", "fc.bias": 3})
    metadata = {"weightwise.axes": axes}
    stored = opened(tmp_path, built({"__metadata__": metadata, "fc.weight": ENTRY, "fc.bias": NEXT}, bytes(16)))
    assert {path: array.axes for path, array in arrays(stored).items()} == {"fc.weight": "out in", "fc.bias": ""}
    assert [problem.partition("safetensors: ")[2] for problem in stored.problems] == [
        "weightwise.axes in the metadata expects axes of arrays, found 'gone'."
    ]
    broken = opened(tmp_path, built({"__metadata__": {"weightwise.axes": "["}, "a": ENTRY}, bytes(8)))
    assert "weightwise.axes in the metadata: expected JSON" in broken.problems[0]


@pytest.mark.parametrize(
    ("header", "data", "expected"),
    [
        (b'{"a":1,"a":2}', 0, "the array a: expected an object with dtype, shape, data_offsets, found 2"),
        ({"a": {**ENTRY, "dtype": "F33"}}, 8, "the array a: its dtype is none of the format's"),
        ({"a": {"dtype": "F32", "shape": [2]}}, 0, "but data_offsets is missing"),
        ({"a": {**ENTRY, "shape": [-2]}}, 0, "the array a: expected a shape of whole numbers, found [-2]"),
        ({"a": {**ENTRY, "shape": [2.0]}}, 0, "the array a: expected a shape of whole numbers, found [2.0]"),
        ({"a": {**ENTRY, "shape": [True, 2]}}, 0, "the array a: expected a shape of whole numbers"),
        ({"a": {**ENTRY, "shape": [1 << 70]}}, 0, "the array a: expected a shape of whole numbers"),
        ({"a": {**ENTRY, "shape": [3]}}, 8, "the array a: expected 12 bytes for float32 (3,), found 8"),
        ({"a": {**ENTRY, "shape": [1 << 62] * 2}}, 8, "the array a: a shape of 2 dimensions has more values than 64"),
        ({"a": {**ENTRY, "shape": [9] * 99_999}}, 8, "the array a: a shape of 99999 dimensions has more values than"),
        ({"a": {**ENTRY, "data_offsets": [8, 0]}}, 0, "the array a: expected data_offsets as two places, found [8, 0]"),
        ({"a": {**ENTRY, "data_offsets": [0, 8, 9]}}, 0, "the array a: expected data_offsets as two places"),
        ({"a": ENTRY}, 7, "the file is too short: the arrays take 8 bytes, but 7 are there; 1 of 1 arrays are cut off"),
        ({"a": ENTRY}, 9, "the last 1 bytes are no array's"),
        ({"b": NEXT}, 16, "bytes 0–8 of the data, before the array b, are no array's"),
        ({"a": ENTRY, "b": ENTRY}, 8, "the array a: its bytes are also those of the array b"),
        (
            {"a": ENTRY, "b": {**ENTRY, "data_offsets": [4, 12]}},
            12,
            "the array b: its bytes are also those of the array a",
        ),
        ({"a": ENTRY, "__metadata__": {"a": 1}}, 8, "expected __metadata__ as an object of texts, found {'a': 1}"),
        ({"a": ENTRY, "__metadata__": []}, 8, "expected __metadata__ as an object of texts, found []"),
        (b'{"__metadata__":{},"__metadata__":{}}', 0, "__metadata__ stands twice in the header"),
        (b'{"__metadata__":{"x":"","x":""}}', 0, "__metadata__ says x twice"),
        ({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}, 2, "its 3 values of 4 bits do not fill whole"),
        (b'{"\\ud800":{}}', 0, "surrogates not allowed"),
    ],
)
def test_what_contradicts_the_format_is_told_by_name(tmp_path, header, data, expected):
    problems = opened(tmp_path, built(header, bytes(data))).problems
    assert any(expected in problem for problem in problems), problems


def test_a_name_that_stands_twice_has_no_values(tmp_path):
    text = b'{"a":%s,"a":%s}' % (json.dumps(ENTRY).encode(), json.dumps(NEXT).encode())
    (array,) = opened(tmp_path, built(text, bytes(16))).root.arrays
    with pytest.raises(FormatError, match="values of a cannot be read: its name stands twice in the header"):
        array.read()


def test_arrays_that_are_cut_off_say_so_and_the_others_are_read(tmp_path):
    content = built({"a": ENTRY, "b": NEXT}, numpy.array([1, 2, 3, 4], "<f4").tobytes()[:-1])
    first, second = opened(tmp_path, content).root.arrays
    assert first.read().tolist() == [1, 2]
    with pytest.raises(FormatError, match="values of b cannot be read: expected 8 bytes"):
        second.read()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (built({"a": ENTRY}, claimed=100_000_001), "expected a header of at most 100,000,000 bytes, found 100,000,001"),
        (built({"a": ENTRY}, claimed=5000), "the file is too short: expected 5,000 bytes at byte 8"),
        (built(b'{"\xff":1}'), "expected JSON in the header, found none"),
        (built(b'{"a":NaN}'), "expected JSON in the header, found none (NaN is no JSON)"),
        (built(b'{"a":' + b"[" * 100_000), "expected JSON in the header, found none"),
        (built(b"{}x"), "expected JSON in the header, found none (Extra data"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(tmp_path, content, expected):
    with pytest.raises(FormatError) as caught:
        opened(tmp_path, content)
    assert expected in str(caught.value)


def test_opening_touches_no_value(monkeypatch):
    fill, asked = FileReader.fill, []

    def counting(reader, offset, view):
        asked.append(offset + len(view))
        return fill(reader, offset, view)

    monkeypatch.setattr(FileReader, "fill", counting)
    stored = open_stored(SAMPLES / "safetensors_dtypes.safetensors")
    assert max(asked) <= min(array.offset for array in everything(stored))


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")
def test_a_real_file_keeps_the_order_of_its_model():
    stored = open_stored(CORPUS / "safetensors-silero-16k")
    names = [layer.name for layer in stored.root.layers]
    assert names == ["stft_conv", "conv1", "conv2", "conv3", "conv4", "lstm_cell", "final_conv"]
    assert sum(array.size for array in everything(stored)) == 309_633
    assert [layer.class_name for layer in stored.root.layers] == [""] * 7


def test_one_number_of_every_dtype_is_located(capsys):
    part = open_stored(SAMPLES / "safetensors_dtypes.safetensors").root.layers[0]
    for number, array in enumerate(part.arrays):
        place = ", ".join("0" for _ in array.shape)
        assert main(["locate", str(SAMPLES / "safetensors_dtypes.safetensors"), f"[{number}][{place}]"]) == 0
        assert capsys.readouterr().out.startswith(f"[{number}][{place}] = ")
    assert main(["locate", str(SAMPLES / "safetensors_packed.safetensors"), "[0][1, 3]"]) == 0
    assert capsys.readouterr().out.startswith("[0][1, 3] = 3.0 (float4_e2m1fn)")
