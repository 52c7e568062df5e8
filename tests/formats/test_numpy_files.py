"""`.npy` and `.npz`: every array as NumPy loads it; what NumPy would unpickle is refused."""

from __future__ import annotations

import json
import zipfile

import numpy
import pytest

import weightwise
from tests.samples import SAMPLES, arrays, everything
from tests.samples.array_fact import fact
from weightwise.errors import FormatError
from weightwise.formats import open_stored
from weightwise.source import FileReader

FACTS = json.loads((SAMPLES / "numpy_facts.json").read_text())
NUMPY = [name for name in FACTS if name.startswith("numpy")]


def npy(text: str, data: bytes = b"", version: int = 1) -> bytes:
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode() + data


@pytest.mark.parametrize("name", NUMPY)
def test_every_array_is_what_numpy_loads(name):
    stored = open_stored(SAMPLES / name)
    assert {array.path: fact(array.read(), array.dtype) for array in everything(stored)} == FACTS[name]
    assert stored.problems == ()


@pytest.mark.parametrize("name", NUMPY)
def test_runs_are_the_values_in_their_order(name):
    for array in everything(open_stored(SAMPLES / name)):
        if array.run is not None:
            assert array.run(0, array.size).tolist() == array.read().ravel().tolist()
            assert array.run(array.size // 2, 1 if array.size else 0).tolist() == (
                array.read().ravel()[array.size // 2 :][:1].tolist()
            )


def test_fortran_order_has_no_run_and_no_offset():
    (array,) = open_stored(SAMPLES / "numpy_fortran.npy").root.arrays
    assert (array.shape, array.run, array.offset) == ((2, 3, 5), None, None)


def test_objects_are_listed_and_never_unpickled():
    stored = open_stored(SAMPLES / "numpy_objects.npy")
    (array,) = stored.root.arrays
    assert (array.shape, array.dtype) == ((3,), "object")
    with pytest.raises(FormatError, match="values of numpy_objects cannot be read: they are Python obj"):
        array.read()
    assert stored.problems[0].endswith("the values are |O, and what they take cannot be told.")


def test_an_archive_is_a_tree_with_its_optimizer_apart():
    stored = open_stored(SAMPLES / "numpy_tree.npz")
    assert {layer.name: [array.key for array in layer.arrays] for layer in stored.root.layers} == {
        "Dense_0": ["kernel", "bias"]
    }
    assert [array.path for array in stored.optimizer] == ["opt/0/mu/Dense_0/bias"]


def test_members_that_are_stored_as_they_are_lie_in_the_file():
    for array in everything(open_stored(SAMPLES / "numpy_list.npz")):
        raw = (SAMPLES / "numpy_list.npz").read_bytes()
        if array.offset is not None:
            values = numpy.frombuffer(raw, array.dtype, array.size, array.offset)
            assert values.tolist() == array.read().ravel().tolist()


def test_deflated_members_are_unpacked_when_they_are_asked_for(tmp_path, monkeypatch):
    generator = numpy.random.default_rng(2)
    numpy.savez_compressed(tmp_path / "m.npz", w=generator.normal(size=100_000), v=numpy.ones(3))
    fill, asked = FileReader.fill, []

    def counting(reader, offset, view):
        asked.append(len(view))
        return fill(reader, offset, view)

    monkeypatch.setattr(FileReader, "fill", counting)
    found = arrays(open_stored(tmp_path / "m.npz"))
    assert sum(asked) < 50_000
    assert found["w"].run is None and found["w"].offset is None
    numpy.testing.assert_array_equal(found["w"].read(), numpy.load(tmp_path / "m.npz")["w"])


def test_a_name_that_an_archive_has_twice_is_told(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        for content in (b"a", b"b"):
            archive.writestr("w.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", content * 4))
        archive.writestr("v.npy", npy("{'descr': '|i1', 'fortran_order': False, 'shape': (1,)}", b"\x05"))
    stored = open_stored(tmp_path / "m.npz")
    assert [array.read().tolist() for array in stored.root.arrays] == [[5]]
    assert stored.problems == (f"{tmp_path}/m.npz!w.npy: expected one member of this name, found 2.",)


@pytest.mark.parametrize(
    ("description", "dtype", "itemsize"),
    [
        ("'<U3'", "<U3", 12),
        ("'|S5'", "|S5", 5),
        ("'<M8[ns]'", "<M8[ns]", None),
        ("'|V7'", "|V7", 7),
        ("'<f16'", "<f16", 16),
        ("[('a', '<f4'), ('b', '<i4')]", "[('a', '<f4'), ('b', '<i4')]", None),
    ],
)
def test_what_is_no_number_is_listed(tmp_path, description, dtype, itemsize):
    text = f"{{'descr': {description}, 'fortran_order': False, 'shape': (2,), }}"
    (tmp_path / "m.npy").write_bytes(npy(text, bytes(2 * (itemsize or 8))))
    (array,) = open_stored(tmp_path / "m.npy").root.arrays
    assert (array.dtype, array.shape, array.nbytes) == (dtype, (2,), 2 * (itemsize or 0))
    with pytest.raises(FormatError, match="they are no numbers"):
        array.read()


@pytest.mark.parametrize(
    "text",
    [
        "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f4'}",
        '{"descr":"<f4","fortran_order":False,"shape":(2,3)}\n',
    ],
)
def test_headers_of_other_writers(tmp_path, text):
    values = numpy.arange(6, dtype="float32").reshape(2, 3)
    for version in (1, 2, 3):
        (tmp_path / "m.npy").write_bytes(npy(text, values.tobytes(), version))
        assert open_stored(tmp_path / "m.npy").root.arrays[0].read().tolist() == values.tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            npy("{'descr': '<f4', 'fortran_order': False}"),
            "expected descr, fortran_order and shape of the array at byte 0",
        ),
        (npy("__import__('os').system('true')"), "expected descr, fortran_order and shape"),
        (npy("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}"), "expected descr, fortran_order and shape"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "expected descr, fortran_order and shape"),
        (
            npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1,' * 65})}}"),
            "expected descr, fortran_order and",
        ),
        (npy("{" * 10_001), "expected a header of at most 10,000 bytes at byte 0, found 10,001."),
        (npy("{}", version=9), "expected an array of NumPy at byte 0"),
        (b"\x93NUMPY\x01\x00\xff\x00{", "the file is too short: expected 255 bytes"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(tmp_path, content, expected):
    (tmp_path / "m.npy").write_bytes(content)
    with pytest.raises(FormatError) as caught:
        open_stored(tmp_path / "m.npy")
    assert expected in str(caught.value)


@pytest.mark.parametrize("shape", ["(3,)", f"({10**18}, {10**18})", f"({'9' * 900},)"])
def test_values_that_are_not_there_are_told(tmp_path, shape):
    (tmp_path / "m.npy").write_bytes(npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}", bytes(11)))
    stored = open_stored(tmp_path / "m.npy")
    assert "bytes of values, found 11; get the file again." in stored.problems[0]
    with pytest.raises(FormatError, match="values of m cannot be read"):
        stored.root.arrays[0].read()


def test_a_truncated_archive_still_tells_its_first_members(tmp_path):
    (tmp_path / "m.npz").write_bytes((SAMPLES / "numpy_tree.npz").read_bytes()[:600])
    stored = open_stored(tmp_path / "m.npz")
    read = {array.path: fact(array.read(), array.dtype) for array in everything(stored)}
    assert read == {path: FACTS["numpy_tree.npz"][path] for path in ("params/Dense_0/kernel", "params/Dense_0/bias")}
    assert "the list of the archive's members cannot be read" in stored.problems[0]


def test_modules_that_are_called_after_classes_of_linen_are_recognised_without_a_framework(tmp_path):
    shapes = {"Conv_0": ((3, 2, 5, 7), (7,)), "Dense_0": ((9, 4), (4,)), "Dense_1": ((3, 2, 5, 7), (7,))}
    arrays = {
        f"params/{layer}/{name}": numpy.zeros(shape)
        for layer, pair in shapes.items()
        for name, shape in zip(("kernel", "bias"), pair, strict=True)
    }
    numpy.savez(tmp_path / "m.npz", **arrays)
    told = {
        weight.path: weight.bound and weight.bound.notation for weight in weightwise.open(tmp_path / "m.npz").weights
    }
    assert told["Conv_0/kernel"] == "kh kw in/groups out"
    assert told["Dense_0/kernel"] == "in out"
    assert told["Dense_1/kernel"] is None  # a Dense has no window, whatever it is called
