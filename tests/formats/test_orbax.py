"""Orbax checkpoints: every array as Orbax restores it, in all of its containers, and damage to any of their files."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy
import pytest

from tests.samples import CORPUS, SAMPLES, arrays, everything
from tests.samples.array_fact import fact
from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats import open_stored

FACTS = json.loads((SAMPLES / "flax_facts.json").read_text())
FOLDERS = [name for name in FACTS if name.startswith("orbax")]
STORES = ["orbax_zarr2", "orbax_zarr3", "orbax_ocdbt", "orbax_ocdbt_zarr3"]


def copied(name: str, tmp_path: Path) -> Path:
    folder = tmp_path / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SAMPLES / name, folder)
    return folder


@pytest.mark.parametrize("name", FOLDERS)
def test_every_array_is_what_orbax_restores(name):
    stored = open_stored(SAMPLES / name)
    assert {array.path: fact(array.read(), array.dtype) for array in everything(stored)} == FACTS[name]
    assert (stored.problems, stored.framework, stored.root.name) == ((), "Flax", name)


@pytest.mark.parametrize("name", STORES)
def test_weights_optimizer_and_step_are_told_apart(name):
    stored = open_stored(SAMPLES / name)
    assert {layer.name: [array.key for array in layer.arrays] for layer in stored.root.layers} == {
        "Dense_0": ["bias", "kernel"],
        "Dense_1": ["bias", "kernel"],
    }
    assert arrays(stored)["params/Dense_1/bias"].dtype == "bfloat16"
    assert [array.path for array in stored.optimizer] == ["opt_state/0/mu/Dense_1/kernel"]
    assert [array.read().item() for array in stored.state] == [17]


def test_all_containers_hold_the_same():
    found = [{array.path: fact(array.read()) for array in everything(open_stored(SAMPLES / name))} for name in STORES]
    assert found[1:] == found[:-1]


def test_variables_of_nnx_lose_the_word_value():
    stored = open_stored(SAMPLES / "orbax_nnx")
    assert {layer.name: [array.key for array in layer.arrays] for layer in stored.root.layers} == {
        "blocks/0": ["bias", "kernel"],
        "blocks/1": ["bias", "kernel"],
        "first": ["bias", "kernel"],
        "norm": ["bias", "mean", "scale", "var"],
    }


def test_a_manager_shows_its_newest_step_and_says_so():
    stored = open_stored(SAMPLES / "orbax_manager")
    assert arrays(stored)["params/Dense_0/kernel"].read().tolist() == [[12.0] * 3] * 2
    assert stored.remarks == ("the checkpoint of step 12 is shown, beside 7",)
    assert arrays(open_stored(SAMPLES / "orbax_manager" / "7"))["params/Dense_0/kernel"].read().max() == 7


@pytest.mark.parametrize("name", STORES)
def test_without_the_tree_the_names_of_arrays_tell_it(name, tmp_path):
    folder = copied(name, tmp_path)
    (folder / "_METADATA").unlink()
    if "ocdbt" not in name:  # what is left are folders of arrays, as older programs wrote them beside `checkpoint`
        (folder / "checkpoint").write_bytes(b"\x80")
    found = open_stored(folder)
    assert {array.path: fact(array.read(), array.dtype) for array in everything(found)} == FACTS[name]


def test_a_broken_tree_is_told(tmp_path):
    folder = copied("orbax_ocdbt", tmp_path)
    for text, expected in (
        ("{", "expected JSON"),
        ("{}", "expected tree_metadata as an object"),
        ('{"tree_metadata": {"(\'a\',)": {"key_metadata": 3}}}', "expected arrays, found none"),
    ):
        (folder / "_METADATA").write_text(text)
        try:
            said = " ".join(open_stored(folder).problems)
        except FormatError as error:
            said = str(error)
        assert expected in said or "expected key_metadata and value_metadata of ('a',)" in said


def test_an_array_without_metadata_keeps_the_shape_of_the_tree(tmp_path):
    folder = copied("orbax_zarr2", tmp_path)
    (folder / "params.Dense_0.kernel" / ".zarray").unlink()
    stored = open_stored(folder)
    kernel = arrays(stored)["params/Dense_0/kernel"]
    assert (kernel.shape, kernel.dtype) == ((60, 7), "unknown")
    assert (
        "params/Dense_0/kernel: params.Dense_0.kernel: expected .zarray or zarr.json, found neither."
        in (stored.problems[0])
    )
    with pytest.raises(FormatError, match="its metadata cannot be read"):
        kernel.read()


def rewritten(folder: Path, **changes: object) -> numpy.ndarray:
    path = folder / "params.Dense_0.kernel" / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return arrays(open_stored(folder))["params/Dense_0/kernel"].read()


def test_blocks_that_are_not_there_are_the_fill_value(tmp_path):
    folder = copied("orbax_zarr2", tmp_path)
    (folder / "params.Dense_0.kernel" / "0.0").unlink()
    assert (rewritten(folder, fill_value=2.5) == numpy.full((60, 7), 2.5)).all()
    assert (rewritten(folder, fill_value=None) == numpy.zeros((60, 7))).all()
    assert numpy.isnan(rewritten(folder, fill_value="NaN")).all()
    assert (rewritten(folder, fill_value=3, dtype="bfloat16") == numpy.full((60, 7), 3)).all()


@pytest.mark.parametrize("compressor", ["zlib", "gzip", "blosc", None])
def test_other_compressors_several_blocks_and_fortran_order(tmp_path, compressor):
    numcodecs = pytest.importorskip("numcodecs", reason="numcodecs packs the blocks")
    folder = copied("orbax_zarr2", tmp_path)
    values = arrays(open_stored(folder))["params/Dense_0/kernel"].read()
    codec = numcodecs.get_codec({"id": compressor}) if compressor else None
    padded = numpy.zeros((64, 9), "float32")
    padded[:60, :7] = values
    for row, column in numpy.ndindex(4, 3):
        block = padded[16 * row : 16 * (row + 1), 3 * column : 3 * (column + 1)]
        data = numpy.asfortranarray(block.astype(">f4")).tobytes(order="F")
        packed = codec.encode(data) if codec else data
        (folder / "params.Dense_0.kernel" / f"{row}.{column}").write_bytes(packed)
    changes = {"chunks": [16, 3], "order": "F", "dtype": ">f4"}
    read = rewritten(folder, compressor={"id": compressor} if compressor else None, **changes)
    numpy.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shape": [10**9, 10**9]}, "expected at most 1,000,000 blocks"),
        ({"shape": [10**9, 10**9], "chunks": [10**9, 10**9]}, "are more than blocks of"),
        ({"chunks": [0, 7]}, "blocks of (0, 7) do not divide an array of (60, 7)"),
        ({"chunks": [7]}, "blocks of (7,) do not divide an array of (60, 7)"),
        ({"compressor": {"id": "lzma"}}, "it is packed with lzma, which is not supported"),
        ({"dtype": "<f8"}, "expected a block of 3,360 bytes, found 1,680"),
        ({"fill_value": "many"}, "cannot be read"),
        ({"dtype": "<U3"}, "they are no numbers that are known"),
    ],
)
def test_metadata_that_contradict_the_blocks(tmp_path, changes, expected):
    folder = copied("orbax_zarr2", tmp_path)
    if "fill_value" in changes:
        changes = changes | {"dtype": "<f8"}
    with pytest.raises(WeightwiseError) as caught:
        rewritten(folder, **changes)
    assert expected in str(caught.value)


def survives(folder: Path) -> str:
    """Opens a checkpoint and reads every array; returns `opened`, `partial` or `refused`."""
    try:
        stored = open_stored(folder)
    except WeightwiseError as error:
        assert str(error).isprintable()
        return "refused"
    outcome = "partial" if stored.problems else "opened"
    for array in everything(stored):
        try:
            assert array.read().shape == array.shape
        except WeightwiseError as error:
            assert str(error).isprintable()
            outcome = "partial"
    return outcome


@pytest.mark.parametrize("name", STORES)
def test_damage_to_any_file_ends_in_our_own_error_or_in_a_part(name, tmp_path):
    folder = copied(name, tmp_path)
    chance = random.Random(name)
    outcomes = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for kind in ("cut", "flip", "flip", "empty"):
            at = chance.randrange(len(whole)) if whole else 0
            flipped = whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :]
            path.write_bytes({"cut": whole[:at], "flip": flipped, "empty": b""}[kind])
            outcomes.append(survives(folder))
        path.write_bytes(whole)
    assert {"opened", "partial"} <= set(outcomes)


def test_a_flipped_byte_of_the_database_is_noticed(tmp_path):
    folder = copied("orbax_ocdbt", tmp_path)
    manifest = bytearray((folder / "manifest.ocdbt").read_bytes())
    manifest[-9] ^= 4
    (folder / "manifest.ocdbt").write_bytes(manifest)
    problems = open_stored(folder).problems
    assert any("a part of the database is damaged (its checksum differs)" in problem for problem in problems)


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")
def test_an_old_checkpoint_in_one_file():
    stored = open_stored(CORPUS / "orbax-aggregate-all" / "aggregate_all.checkpoint")
    assert {array.path: array.shape for array in everything(stored)} == {
        "a": (8,),
        "b": (16,),
        "c/a": (2, 4),
        "c/e": (4, 4),
    }
    assert arrays(stored)["c/a"].read().tolist() == (3 * numpy.arange(8).reshape(2, 4)).tolist()
    assert stored.problems == ()
