"""What is written for Flax is what Flax wrote, byte for byte, and arrays of layers stand in their collections."""

from __future__ import annotations

import numpy
import pytest

from tests.samples import SAMPLES, arrays
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats import open_stored
from weightwise.formats.jax import flax_msgpack_writer
from weightwise.formats.jax.flax_msgpack_writer import head, number, text, write_msgpack
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel


def array(key: str, values, dtype="", **rest) -> StoredArray:
    values = numpy.asarray(values)
    return StoredArray(key, key, values.shape, dtype or values.dtype.name, values.nbytes, lambda: values, **rest)


def model(*layers: StoredLayer, own=()) -> StoredModel:
    return StoredModel(
        "m", "Flax, ported", "Flax", "", StoredLayer("m", "", arrays=own, layers=layers), Addressing.PATH
    )


def paths(file) -> list[str]:
    return sorted(arrays(open_stored(str(file))))


@pytest.mark.parametrize("name", ["flax_variables.msgpack", "flax_parameters.msgpack"])
def test_a_tree_of_flax_is_written_again_byte_for_byte(tmp_path, name):
    write_msgpack(tmp_path / name, open_stored(str(SAMPLES / name)))
    assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_large_arrays_are_written_in_the_pieces_that_flax_makes(tmp_path, monkeypatch):
    monkeypatch.setattr(flax_msgpack_writer, "LARGEST", 64)
    write_msgpack(tmp_path / "m", open_stored(str(SAMPLES / "flax_chunked.msgpack")))
    assert (tmp_path / "m").read_bytes() == (SAMPLES / "flax_chunked.msgpack").read_bytes()


def test_every_dtype_keeps_its_bits(tmp_path):
    stored = open_stored(str(SAMPLES / "flax_dtypes.msgpack"))
    write_msgpack(tmp_path / "m", stored)
    again = arrays(open_stored(str(tmp_path / "m")))
    assert again.keys() == arrays(stored).keys()
    for path, found in arrays(stored).items():
        assert (again[path].shape, again[path].dtype) == (found.shape, found.dtype)
        assert again[path].read().tobytes() == found.read().tobytes()


def test_a_training_state_is_written_without_the_optimizer(tmp_path):
    write_msgpack(tmp_path / "m", open_stored(str(SAMPLES / "flax_state.msgpack")))
    assert (tmp_path / "m").read_bytes()[:1] == b"\x82"
    assert paths(tmp_path / "m") == paths(SAMPLES / "flax_variables.msgpack")


def test_linen_has_statistics_in_a_collection_of_their_own(tmp_path):
    ones = numpy.ones(3, "float32")
    norm = StoredLayer(
        "norm", "linen.BatchNorm", arrays=(array("scale", ones), array("mean", ones), array("var", ones))
    )
    bound = StoredLayer("Block_0/bound", "linen.SpectralNorm", arrays=(array("kernel/u", ones, trainable=False),))
    attend = StoredLayer("attend", "linen.MultiHeadDotProductAttention", arrays=(array("query/kernel", ones),))
    write_msgpack(tmp_path / "m", model(norm, bound, attend, own=(array("scale", ones),)))
    assert paths(tmp_path / "m") == [
        "batch_stats/Block_0/bound/kernel/u",
        "batch_stats/norm/mean",
        "batch_stats/norm/var",
        "params/attend/query/kernel",
        "params/norm/scale",
        "params/scale",
    ]


def test_nnx_has_no_collections(tmp_path):
    ones = numpy.ones(3, "float32")
    layers = [StoredLayer("norm", "nnx.BatchNorm", arrays=(array("mean", ones),))]
    layers += [StoredLayer("blocks/0", "nnx.Linear", arrays=(array("kernel", ones),))]
    write_msgpack(tmp_path / "m", model(*layers))
    assert paths(tmp_path / "m") == ["blocks/0/kernel", "norm/mean"]


def test_without_arrays_the_tree_is_empty(tmp_path):
    write_msgpack(tmp_path / "m", model(StoredLayer("relu", "relu")))
    assert (tmp_path / "m").read_bytes() == b"\x80"
    with pytest.raises(FormatError):
        open_stored(str(tmp_path / "m"))


def test_two_arrays_at_one_place_are_refused(tmp_path):
    ones = numpy.ones(3, "float32")
    twice = model(*2 * (StoredLayer("a", "linen.Dense", arrays=(array("kernel", ones),)),))
    inside = model(
        StoredLayer("a", "linen.Dense", arrays=(array("kernel", ones),)),
        StoredLayer("a/kernel", "linen.Dense", arrays=(array("bias", ones),)),
    )
    for stored, place in ((twice, "params/a/kernel"), (inside, "params/a/kernel/bias")):
        with pytest.raises(UnsupportedError, match=f"^{place}: its place in the tree is another array's; rename"):
            write_msgpack(tmp_path / "m", stored)
    assert not list(tmp_path.iterdir())


def test_lengths_are_as_short_as_they_can_be():
    assert [number(value).hex() for value in (0, 127, 128, 255, 256, 65535, 65536, 1 << 32)] == [
        "00",
        "7f",
        "cc80",
        "ccff",
        "cd0100",
        "cdffff",
        "ce00010000",
        "cf0000000100000000",
    ]
    assert [text("x" * size)[:3].hex() for size in (1, 31, 32, 255)] == ["a178", "bf7878", "d92078", "d9ff78"]
    assert [head("map", size).hex() for size in (0, 15, 16, 65535, 65536)] == [
        "80",
        "8f",
        "de0010",
        "deffff",
        "df00010000",
    ]
    assert [head("extension", size).hex() for size in (1, 2, 3, 16, 17, 255, 256)] == [
        "d4",
        "d5",
        "c703",
        "d8",
        "c711",
        "c7ff",
        "c80100",
    ]
    assert [head("binary", size).hex() for size in (0, 256, 65536)] == ["c400", "c50100", "c600010000"]
