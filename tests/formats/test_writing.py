"""The suffix names the format, and what does not fit is refused in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from tests.samples import SAMPLES, arrays, checksum
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats import open_stored
from weightwise.formats.writing import write
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor


def array(key: str, values, axes="") -> StoredArray:
    return StoredArray(f"theirs/{key}", key, values.shape, values.dtype.name, values.nbytes, lambda: values, axes=axes)


def ported(framework: str, *names: str, key="weight") -> StoredModel:
    values = numpy.arange(6, dtype="float32").reshape(2, 3)
    layers = tuple(StoredLayer(name, "Linear", arrays=(array(key, values, "out in"),)) for name in names)
    return StoredModel("m", "ported", framework, "", StoredLayer("m", "", layers=layers), Addressing.PATH)


def values(path) -> dict[str, str]:
    return {path: checksum(array.read()) for path, array in arrays(open_stored(str(path))).items()}


@pytest.mark.parametrize(
    "name", ["keras3_cnn.keras", "keras3_cnn.weights.h5", "flax_variables.msgpack", "safetensors_tree.safetensors"]
)
def test_a_file_is_written_again_in_its_own_format(tmp_path, name):
    stored = open_stored(str(SAMPLES / name))
    write(tmp_path / name, stored)
    again = open_stored(str(tmp_path / name))
    assert (values(tmp_path / name), again.format, again.framework) == (
        values(SAMPLES / name),
        stored.format,
        stored.framework,
    )


@pytest.mark.parametrize(
    ("framework", "key", "expected"),
    [
        ("PyTorch", "weight", "features.0.weight"),
        ("Flax", "query/kernel", "params.features.0.query.kernel"),
        ("Keras", "cell/0", "features.0.cell.0"),
    ],
)
def test_safetensors_have_the_names_and_axes_of_the_arrays(tmp_path, framework, key, expected):
    write(tmp_path / "m.safetensors", ported(framework, "features.0", key=key))
    stored = open_stored(str(tmp_path / "m.safetensors"))
    assert {path: found.axes for path, found in arrays(stored).items()} == {expected: "out in"}
    assert stored.framework == ("" if framework == "Keras" else framework)


def test_names_that_a_file_had_are_kept(tmp_path):
    stored = open_stored(str(SAMPLES / "flax_variables.msgpack"))
    write(tmp_path / "m.safetensors", stored)
    found = open_stored(str(tmp_path / "m.safetensors"))
    assert [path.replace(".", "/") for path in arrays(found)] == list(arrays(stored))
    write(tmp_path / "m.msgpack", found)
    assert (tmp_path / "m.msgpack").read_bytes() == (SAMPLES / "flax_variables.msgpack").read_bytes()


def test_two_arrays_of_one_name_are_refused(tmp_path):
    with pytest.raises(UnsupportedError, match=r"^a.weight: two arrays have this name; rename one of their layers.$"):
        write(tmp_path / "m.safetensors", ported("PyTorch", "a", "a"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("framework", "name", "message"),
    [
        ("PyTorch", "m.pt", "expected a name that ends in .safetensors; rename it."),
        ("Keras", "m.h5", "expected a name that ends in .safetensors, .keras or .weights.h5; rename it."),
        ("Flax", "m", "expected a name that ends in .safetensors or .msgpack; rename it."),
        (
            "PyTorch",
            "m.keras",
            "files in .keras are Keras's, and these weights are PyTorch's; give it a name that ends in .safetensors.",
        ),
        (
            "Keras",
            "m.msgpack",
            "files in .msgpack are Flax's, and these weights are Keras's; "
            "give it a name that ends in .safetensors, .keras or .weights.h5.",
        ),
    ],
)
def test_other_names_are_refused(tmp_path, framework, name, message):
    with pytest.raises(UnsupportedError) as error:
        write(tmp_path / name, ported(framework, "a"))
    assert str(error.value) == f"{tmp_path / name}: {message}"


def test_weights_without_a_framework_are_written_as_safetensors(tmp_path):
    write(tmp_path / "m.safetensors", replace(ported("", "a"), framework=""))
    assert list(arrays(open_stored(str(tmp_path / "m.safetensors")))) == ["a.weight"]


@pytest.mark.parametrize(
    ("framework", "suffix"),
    [("PyTorch", ".safetensors"), ("Keras", ".keras"), ("Keras", ".weights.h5"), ("Flax", ".msgpack")],
)
def test_values_that_cannot_be_read_leave_what_was_there(tmp_path, framework, suffix):
    def fail():
        raise FormatError("the file became shorter")

    entry = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 2]}, calls=(Call(()),))
    whole, broken = array("0", numpy.ones((2, 3))), replace(array("1", numpy.ones(3)), read=fail)
    head = StoredLayer("head", "Dense", {"units": 3}, arrays=(whole, broken), calls=(Call((Tensor("entry"),)),))
    ends = {"inputs": (Tensor("entry"),), "outputs": (Tensor("head"),)}
    root = StoredLayer("m", "Functional", layers=(entry, head), **ends)
    (tmp_path / f"m{suffix}").write_text("before")
    with pytest.raises(FormatError, match="the file became shorter"):
        write(tmp_path / f"m{suffix}", StoredModel("m", "ported", framework, "", root, Addressing.PATH))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(f"m{suffix}", "before")]
