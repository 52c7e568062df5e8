"""Every array of every sample can be given other values, and nothing else of a file changes."""

from __future__ import annotations

import io
import os
import random
import re
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from tests.samples import SAMPLES, everything
from weightwise.errors import FormatError, UnsupportedError, UnwritableError
from weightwise.formats import checksums, octets, open_stored
from weightwise.formats.dtypes import BITS, SMALL_INTEGERS, code_dtype, decoded, encoded, read_as, table
from weightwise.formats.overwriting import overwrite
from weightwise.formats.safetensors.writer import Written, write_safetensors
from weightwise.stored import StoredArray, StoredModel

SUFFIXES = {".keras", ".h5", ".pt", ".pth", ".ckpt", ".pt2", ".npy", ".npz", ".msgpack", ".safetensors", ".eqx"}
NO_MODELS = {"hdf5_layouts.h5", "hdf5_links.h5", "hdf5_other.h5"}
"""Files of HDF5 that Keras has not written."""
FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in SUFFIXES and path.name not in NO_MODELS)
CHANGELESS = {"numpy_fortran.npy", "numpy_objects.npy", "numpy_packed.npz", "flax_chunked.msgpack", "numpy_empty.npy"}
CHANGELESS |= {"keras3_empty.h5", "keras3_empty.keras", "hdf5_chunks.weights.h5"}
"""Files none of whose arrays can be overwritten, or that have none."""
FOLDERS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir() and path.name[0].islower())
ALONE = {
    "llama_meta": "consolidated.00.pth",
    "llama_transformers": "model.safetensors",
    "safetensors_lora": "adapter_model.safetensors",
}
"""Folders with one model, which is in this file."""
KILLED = """
import sys, numpy
from weightwise.formats import open_stored
from weightwise.formats.overwriting import overwrite
from tests.formats.test_overwriting import everything
model = open_stored(sys.argv[1])
arrays = [(array, lambda array=array: array.read() + 1) for array in everything(model)]
print("ready", flush=True)
while True:
    overwrite(sys.argv[1], sys.argv[2], arrays)
"""


def random_values(array: StoredArray, generator: numpy.random.Generator) -> numpy.ndarray:
    """Return values that the dtype of an array has, in its shape."""
    dtype = numpy.dtype(read_as(array.dtype))
    if array.dtype in SMALL_INTEGERS or (BITS[array.dtype] == 8 and dtype.kind == "f"):
        known = table(array.dtype)[: 1 << BITS[array.dtype]]
        return generator.choice(known[numpy.isfinite(known)], array.shape).astype(dtype)
    if array.dtype == "bfloat16":
        return (generator.integers(0, 0x7F80, array.shape, "uint32") << 16).view("float32").reshape(array.shape)
    if dtype.kind in "iub":
        return generator.integers(0, 2 if dtype.kind == "b" else 100, array.shape).astype(dtype)
    values = generator.normal(size=array.shape)
    return (values - 1j * values if dtype.kind == "c" else values).astype(dtype)


def is_overwritable(model: StoredModel, array: StoredArray) -> bool:
    return array.offset is not None and array.dtype in BITS and array.file.startswith(model.path)


def changes(model: StoredModel, seed: int = 0) -> dict[str, numpy.ndarray]:
    """Return new values for all arrays of a file that can be overwritten; those that share bytes agree."""
    generator = numpy.random.default_rng(seed)
    arrays = [array for array in everything(model) if is_overwritable(model, array)]
    image = numpy.zeros(max((array.offset + array.nbytes for array in arrays), default=0), "uint8")
    for array in arrays:
        codes = encoded(random_values(array, generator), array.dtype).reshape(-1)
        image[array.offset :][: array.nbytes] = codes.astype(codes_of(array)).view("uint8")
    found = {}
    for array in arrays:
        codes = image[array.offset :][: array.nbytes].copy().view(codes_of(array))
        found[array.path] = decoded(codes.astype(code_dtype(array.dtype)), array.dtype).reshape(array.shape)
    return found


def codes_of(array: StoredArray) -> numpy.dtype:
    """Return the dtype of what the file stores for an array."""
    return numpy.dtype(code_dtype(array.dtype)).newbyteorder(">" if array.order == ">" else "<")


def write(model: StoredModel, out: Path, values: dict[str, numpy.ndarray]) -> None:
    arrays = [array for array in everything(model) if array.path in values]
    overwrite(model.path, out, [(array, lambda array=array: values[array.path]) for array in arrays])


def without(data: bytes, arrays: list[StoredArray]) -> bytes:
    """Return the bytes of a file, those of some arrays as zeros."""
    blank = bytearray(data)
    for array in arrays:
        if array.offset is not None:
            blank[array.offset : array.offset + array.nbytes] = bytes(array.nbytes)
    return bytes(blank)


def assert_archives_are_sound(data: bytes) -> None:
    """Check all checksums of an archive and of archives in it, by the standard library."""
    if not data.startswith(b"PK\x03\x04"):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert_archives_are_sound(archive.read(info))


def zeroed_checksums(path: Path, arrays: list[StoredArray], data: bytes) -> bytes:
    """Return bytes of a file without the checksums of the members in which arrays lie."""
    from weightwise.source import open_source

    parts = [(array.offset, array.offset + array.nbytes) for array in arrays if array.offset is not None]
    blank = bytearray(data)
    for checksum in checksums.checksums(open_source(path), parts):
        assert len(checksum.places) in (2, 3)
        for place in checksum.places:
            blank[place : place + 4] = bytes(4)
    return bytes(blank)


@pytest.mark.parametrize("name", FILES)
def test_every_array_of_every_sample(tmp_path, name):
    model = open_stored(SAMPLES / name)
    values = changes(model)
    assert bool(values) == (name not in CHANGELESS) or name == "numpy_empty.npy"
    out = tmp_path / name
    write(model, out, values)
    again = open_stored(out)
    arrays = [array for array in everything(model) if array.path in values]
    for before, after in zip(everything(model), everything(again), strict=True):
        assert replace(after, file=before.file, read=before.read, run=before.run) == before
        expected = values.get(before.path)
        if expected is not None:
            numpy.testing.assert_array_equal(after.read(), expected)
            assert before.run is None or after.run(0, after.size).tolist() == expected.reshape(-1).tolist()
    was, now = (SAMPLES / name).read_bytes(), out.read_bytes()
    assert_archives_are_sound(now)
    was, now = (zeroed_checksums(SAMPLES / name, arrays, without(data, arrays)) for data in (was, now))
    assert was == now
    assert again.root.config == model.root.config
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FILES)
def test_the_values_that_are_there_make_the_same_file(tmp_path, name):
    model = open_stored(SAMPLES / name)
    arrays = [array for array in everything(model) if is_overwritable(model, array) and array.path != "codes8"]
    overwrite(model.path, tmp_path / name, [(array, array.read) for array in arrays])  # codes8 has two kinds of NaN
    assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["torch_state_dict.pt", "keras3_cnn.keras", "numpy_tree.npz", "flax_parameters.msgpack"]
)
def test_a_file_is_overwritten_in_its_place(tmp_path, name):
    path = tmp_path / name
    path.write_bytes((SAMPLES / name).read_bytes())
    model = open_stored(path)
    values = changes(model)
    write(model, path, values)
    again = open_stored(path)
    for array in everything(again):
        assert array.path not in values or numpy.array_equal(array.read(), values[array.path])
    assert_archives_are_sound(path.read_bytes())


@pytest.mark.parametrize(
    ("name", "path", "why"),
    [
        ("numpy_packed.npz", "fc.weight", "its values are compressed, in pieces, or not in one run of bytes"),
        ("numpy_fortran.npy", "numpy_fortran", "its values are compressed, in pieces, or not in one run of bytes"),
        ("flax_chunked.msgpack", "params/Dense_0/kernel", "its values are compressed, in pieces"),
        ("torch_strides.pt", "transposed", "its values are compressed, in pieces, or not in one run of bytes in their"),
        ("numpy_objects.npy", "numpy_objects", "values of object are no numbers"),
        ("safetensors_packed.safetensors", "packed", "its values are compressed, in pieces"),
    ],
)
def test_what_lies_in_no_run_of_bytes_is_refused(tmp_path, name, path, why):
    model = open_stored(SAMPLES / name)
    (array,) = (array for array in everything(model) if array.path == path)
    with pytest.raises(UnsupportedError) as caught:
        overwrite(model.path, tmp_path / "out", [(array, array.read)])
    assert str(caught.value).startswith(f"{model.path}: {path} cannot be overwritten: {why}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in FOLDERS if name not in ALONE])
def test_folders_are_refused(tmp_path, name):
    model = open_stored(SAMPLES / name)
    array = everything(model)[0]
    with pytest.raises(UnsupportedError, match=r"cannot be overwritten: its values .*write to a new file such"):
        overwrite(model.path, tmp_path / "out", [(array, array.read)])


@pytest.mark.parametrize("name", ALONE)
def test_the_one_model_of_a_folder_is_a_file(tmp_path, name):
    model = open_stored(SAMPLES / name)
    values = changes(model)
    assert values
    write(model, tmp_path / ALONE[name], values)
    assert all(
        numpy.array_equal(array.read(), values[array.path]) for array in everything(open_stored(tmp_path / ALONE[name]))
    )
    (first, *_) = everything(model)
    with pytest.raises(UnsupportedError, match=rf"its values lie in .*{re.escape(ALONE[name])}[^;]*; save it"):
        overwrite(SAMPLES / name, tmp_path / "out", [(first, first.read)])


def test_an_array_that_stands_for_others_is_in_no_file(tmp_path):
    model = open_stored(SAMPLES / "numpy_plain.npy")
    (array,) = everything(model)
    made = replace(array, made="it is computed from weight_g and weight_v")
    with pytest.raises(UnsupportedError, match=r"it is computed from weight_g and weight_v; save it"):
        overwrite(model.path, tmp_path / "out", [(made, array.read)])


def test_an_array_in_memory_is_in_no_file(tmp_path):
    model = open_stored(SAMPLES / "numpy_plain.npy")
    (array,) = everything(model)
    with pytest.raises(UnsupportedError, match=r"its values lie in no file"):
        overwrite(model.path, tmp_path / "out", [(replace(array, file=""), array.read)])


def npy_of(tmp_path: Path, values: numpy.ndarray) -> StoredModel:
    numpy.save(tmp_path / "m.npy", values)
    return open_stored(tmp_path / "m.npy")


@pytest.mark.parametrize(
    ("shape", "dtype", "sentence"),
    [
        ((3, 5), "float64", "m: expected values of float32, found float64."),
        ((5, 3), "float32", "m: expected values of (3, 5), found (5, 3)."),
        ((3, 5), "int32", "m: expected values of float32, found int32."),
    ],
)
def test_values_of_another_shape_or_dtype_are_no_values(tmp_path, shape, dtype, sentence):
    model = npy_of(tmp_path, numpy.ones((3, 5), "float32"))
    before = (tmp_path / "m.npy").read_bytes()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        overwrite(model.path, model.path, [(everything(model)[0], lambda: numpy.zeros(shape, dtype))])
    assert (tmp_path / "m.npy").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.npy"]


def test_values_that_the_dtype_lacks(tmp_path):
    model = open_stored(SAMPLES / "numpy_bfloat16.npy")
    (array,) = everything(model)
    with pytest.raises(ValueError, match="values that bfloat16 does not have"):
        overwrite(model.path, tmp_path / "m", [(array, lambda: numpy.full(array.shape, 1.001, "float32"))])
    assert not list(tmp_path.iterdir())


def test_values_in_any_layout_and_order_of_bytes(tmp_path):
    for dtype in ("<f4", ">f4"):
        model = npy_of(tmp_path, numpy.ones((3, 5, 2), dtype))
        (array,) = everything(model)
        wanted = numpy.random.default_rng(0).normal(size=(2, 5, 3)).astype("f4").T
        for values in (wanted, wanted.astype(">f4"), numpy.asfortranarray(wanted), wanted[::1]):
            overwrite(model.path, tmp_path / "out.npy", [(array, lambda values=values: values)])
            loaded = numpy.load(tmp_path / "out.npy")
            assert loaded.dtype == dtype
            numpy.testing.assert_array_equal(loaded, wanted)


def tied(tmp_path: Path) -> tuple[StoredModel, list[StoredArray]]:
    """Return a file with one array, and the array under two names."""
    model = npy_of(tmp_path, numpy.arange(15, dtype="float32").reshape(3, 5))
    (array,) = everything(model)
    return model, [array, replace(array, path="other", tied="m"), replace(array, path="third", tied="m")]


def test_tied_arrays_get_the_same_values(tmp_path):
    model, arrays = tied(tmp_path)
    values = numpy.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    overwrite(model.path, model.path, [(array, lambda: values.copy()) for array in arrays])
    numpy.testing.assert_array_equal(numpy.load(model.path), values)


def test_tied_arrays_do_not_get_different_values(tmp_path, monkeypatch):
    monkeypatch.setattr(octets, "SLAB", 12)
    model, arrays = tied(tmp_path)
    before = Path(model.path).read_bytes()
    values = numpy.ones((3, 5), "float32")
    last = values.copy()
    last[2, 4] = 2
    with pytest.raises(UnsupportedError, match=r"m and third share bytes, and would get different values"):
        overwrite(
            model.path, model.path, list(zip(arrays, (lambda: values, lambda: values, lambda: last), strict=True))
        )
    assert Path(model.path).read_bytes() == before


@pytest.mark.parametrize("slab", [4, 24, 1000])
def test_arrays_that_share_a_part_of_their_bytes(tmp_path, monkeypatch, slab):
    monkeypatch.setattr(octets, "SLAB", slab)
    model, (array, *_) = tied(tmp_path)
    assert array.offset is not None
    values = numpy.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    before = replace(array, path="before", shape=(7,), nbytes=28)
    after = replace(array, path="after", shape=(9,), nbytes=36, offset=array.offset + 24)
    last = replace(array, path="last", shape=(1,), nbytes=4, offset=array.offset + 8)
    flat = values.reshape(-1)
    given = [(after, lambda: flat[6:]), (last, lambda: flat[2:3]), (before, lambda: flat[:7])]
    overwrite(model.path, tmp_path / "out.npy", given)
    numpy.testing.assert_array_equal(numpy.load(tmp_path / "out.npy"), values)
    given[0] = (after, lambda: flat[6:] + (numpy.arange(9) == 0).astype("float32"))
    with pytest.raises(UnsupportedError, match="before and after share bytes, and would get different values; give"):
        overwrite(model.path, tmp_path / "out.npy", given)
    numpy.testing.assert_array_equal(numpy.load(tmp_path / "out.npy"), values)


def test_values_that_are_cut_off(tmp_path):
    model = npy_of(tmp_path, numpy.ones((3, 5), "float32"))
    (array,) = everything(model)
    Path(model.path).write_bytes(Path(model.path).read_bytes()[:-4])
    with pytest.raises(FormatError, match="too short"):
        overwrite(model.path, tmp_path / "out", [(array, lambda: numpy.ones((3, 5), "float32"))])
    assert not (tmp_path / "out").exists()


def test_an_archive_that_has_lost_its_list(tmp_path):
    whole = (SAMPLES / "keras3_cnn.keras").read_bytes()
    (tmp_path / "m.keras").write_bytes(whole[:-30])
    model = open_stored(tmp_path / "m.keras")
    (array, *_) = everything(model)
    with pytest.raises(FormatError, match="the list of the archive's members cannot be read"):
        overwrite(model.path, tmp_path / "out", [(array, array.read)])


def test_a_target_that_is_a_folder(tmp_path):
    model = npy_of(tmp_path, numpy.ones((3, 5), "float32"))
    (array,) = everything(model)
    with pytest.raises(UnwritableError, match="this is a directory"):
        overwrite(model.path, tmp_path, [(array, array.read)])


@pytest.mark.parametrize("bit", [0, 8])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_every_place_of_a_checksum(tmp_path, bit, signed, told):
    """A member written to a stream has a descriptor after it, with or without a signature, and zeros before it."""
    values = numpy.arange(15, dtype="float32").reshape(3, 5)
    member = io.BytesIO()
    numpy.save(member, values)
    path = tmp_path / "m.npz"
    path.write_bytes(archive_of("fc.npy", member.getvalue(), bit, signed, told))
    model = open_stored(path)
    (array,) = everything(model)
    overwrite(path, path, [(array, lambda: values + 1)])
    data = path.read_bytes()
    assert_archives_are_sound(data)
    numpy.testing.assert_array_equal(numpy.load(path)["fc"], values + 1)
    member.seek(0)
    member.truncate()
    numpy.save(member, values + 1)
    assert data == archive_of("fc.npy", member.getvalue(), bit, signed, told)


def archive_of(name: str, content: bytes, bit: int, signed: bool, told: bool) -> bytes:
    """Return an archive with one stored member; bit 3 says that a descriptor follows it."""
    sizes = [zipfile.crc32(content), len(content), len(content)]
    fields = b"".join(number.to_bytes(4, "little") for number in sizes)
    head = b"\x14\0" + bit.to_bytes(2, "little") + bytes(2) + b"\0\0\x21\0"
    lengths = len(name).to_bytes(2, "little") + bytes(2)
    local = b"PK\3\4" + head + (fields if told or not bit else bytes(12)) + lengths + name.encode()
    descriptor = (b"PK\7\x08" * signed + fields) if bit else b""
    entry = b"PK\1\2\x14\0" + head + fields + lengths + bytes(14) + name.encode()
    start = len(local) + len(content) + len(descriptor)
    counts = b"\1\0\1\0" + len(entry).to_bytes(4, "little") + start.to_bytes(4, "little")
    return local + content + descriptor + entry + b"PK\5\6" + bytes(4) + counts + bytes(2)


def test_slabs_of_an_archive_and_of_values_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(octets, "SLAB", 7)
    monkeypatch.setattr(checksums, "SLAB", 11)
    model = open_stored(SAMPLES / "keras3_cnn.keras")
    values = changes(model)
    write(model, tmp_path / "m.keras", values)
    assert all(
        numpy.array_equal(array.read(), values[array.path]) for array in everything(open_stored(tmp_path / "m.keras"))
    )
    assert_archives_are_sound((tmp_path / "m.keras").read_bytes())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_more_than_one_array_is_in_memory(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(octets, "SLAB", 1 << 18)
    path = tmp_path / "m.safetensors"
    shape, ones = (1024, 2048), numpy.ones((2048, 1024), "float32")
    write_safetensors(path, [Written(name, shape, dtype, lambda: ones.T) for name in "abc"])
    arrays = everything(open_stored(path))
    tracemalloc.start()
    overwrite(path, path, [(array, lambda: numpy.zeros((2048, 1024), "float32").T) for array in arrays])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ones.nbytes <= peak <= ones.nbytes + (1 << 22)
    assert not any(array.read().any() for array in everything(open_stored(path)))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_process_that_is_killed_leaves_a_whole_file(tmp_path):
    generator = random.Random(0)
    target, out = tmp_path / "target.npz", tmp_path / "out.npz"
    numpy.savez(target, **{f"layer{place}": numpy.full((257, 129), place, "float32") for place in range(30)})
    old = target.read_bytes()
    new = None
    seen = set()
    for _ in range(20):
        out.write_bytes(old)
        command = [sys.executable, "-c", KILLED, str(target), str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=SAMPLES.parents[1]) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(generator.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        found = out.read_bytes()
        if found != old:
            assert_archives_are_sound(found)
            new = new or found
            assert found == new
            arrays = numpy.load(out)
            assert all((arrays[f"layer{place}"] == place + 1).all() for place in range(30))
        left = [path.name for path in tmp_path.iterdir() if path not in (target, out)]
        assert left in ([], [f".out.npz.{process.pid}.partial"])
        seen.add((found == old, bool(left)))
        for name in left:
            (tmp_path / name).unlink()
    assert target.read_bytes() == old
    assert (True, True) in seen or (False, True) in seen  # some were killed in the midst of a write
