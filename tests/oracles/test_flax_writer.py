"""What is written as MessagePack is what Flax restores: every array bit for bit, into the variables of a module."""

from __future__ import annotations

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.formats import open_stored
from weightwise.formats.jax import flax_msgpack_writer
from weightwise.formats.jax.flax_msgpack_writer import write_msgpack
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def serialization():
    return pytest.importorskip("flax.serialization", reason="Flax is an extra (oracles)")


def as_lists_are_restored(tree):
    """Returns a tree with dictionaries for lists, and arrays for numbers."""
    if isinstance(tree, list):
        tree = {str(place): value for place, value in enumerate(tree)}
    if isinstance(tree, dict):
        return {name: as_lists_are_restored(value) for name, value in tree.items()}
    value = numpy.asarray(tree)
    return value.dtype.name, value.shape, value.tobytes()


@pytest.mark.parametrize("name", ["variables", "parameters", "dtypes", "chunked"])
def test_a_sample_is_restored_as_it_was(serialization, tmp_path, name):
    sample = SAMPLES / f"flax_{name}.msgpack"
    write_msgpack(tmp_path / "m", open_stored(str(sample)))
    found = serialization.msgpack_restore((tmp_path / "m").read_bytes())
    expected = serialization.msgpack_restore(sample.read_bytes())
    assert as_lists_are_restored(found) == as_lists_are_restored(expected)


def test_pieces_are_those_of_flax(serialization, tmp_path, monkeypatch):
    values = numpy.random.default_rng(1).normal(size=(5, 7, 3)).astype("float32")
    stored = StoredArray("a", "kernel", values.shape, "float32", values.nbytes, lambda: values)
    root = StoredLayer("m", "", layers=(StoredLayer("a", "linen.Dense", arrays=(stored,)),))
    for most in (1, 3, 16, 100, 419, 420):
        monkeypatch.setattr(flax_msgpack_writer, "LARGEST", most)
        monkeypatch.setattr(serialization, "MAX_CHUNK_SIZE", most)
        write_msgpack(tmp_path / "m", StoredModel("m", "", "Flax", "", root, Addressing.PATH))
        assert (tmp_path / "m").read_bytes() == serialization.to_bytes({"params": {"a": {"kernel": values}}})


def test_variables_of_a_module_are_filled(serialization, tmp_path):
    import jax
    from flax import linen

    class Network(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.BatchNorm(use_running_average=True, name="norm")(linen.Conv(3, (2, 3), name="conv")(x))
            x = linen.SelfAttention(num_heads=2, qkv_features=4, name="attend")(x.reshape(len(x), -1, 3))
            return linen.Dense(4, param_dtype="bfloat16", name="head")(x)

    entry = numpy.ones((1, 4, 5, 2), "float32")
    empty = Network().init(jax.random.PRNGKey(0), entry)
    spread = iter(jax.random.split(jax.random.PRNGKey(4), 100))
    expected = jax.tree_util.tree_map(
        lambda leaf: (leaf + jax.random.normal(next(spread), leaf.shape)).astype(leaf.dtype), empty
    )
    layers = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(expected)[0]:
        _, layer, *key = (part.key for part in path)
        wide = numpy.asarray(leaf.astype("float32"))
        array = StoredArray("a", "/".join(key), leaf.shape, leaf.dtype.name, leaf.nbytes, lambda wide=wide: wide)
        layers.setdefault(layer, []).append(array)
    inner = tuple(StoredLayer(name, "linen", arrays=tuple(found)) for name, found in layers.items())
    root = StoredLayer("m", "", layers=inner)
    write_msgpack(tmp_path / "m", StoredModel("m", "", "Flax", "", root, Addressing.PATH))
    data = (tmp_path / "m").read_bytes()
    restored = serialization.from_bytes(empty, data)
    assert as_lists_are_restored(restored) == as_lists_are_restored(expected)
    assert data == serialization.to_bytes(expected)
    outputs = [numpy.asarray(Network().apply(found, entry), "float32") for found in (restored, expected)]
    numpy.testing.assert_array_equal(*outputs)


def test_a_module_without_variables_is_an_empty_tree(serialization, tmp_path):
    write_msgpack(tmp_path / "m", StoredModel("m", "", "Flax", "", StoredLayer("m", ""), Addressing.PATH))
    assert serialization.from_bytes({}, (tmp_path / "m").read_bytes()) == {}
    assert (tmp_path / "m").read_bytes() == serialization.to_bytes({})
