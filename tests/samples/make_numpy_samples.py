"""Makes the NumPy and Equinox samples and `numpy_facts.json`, with NumPy, ml_dtypes and Equinox.

    python -m tests.samples.make_numpy_samples

Needs the `oracles` extra. The facts: for each file, the arrays by name as the library loads them.
"""

from __future__ import annotations

import json
from pathlib import Path

import equinox
import jax
import ml_dtypes
import numpy

from tests.samples.array_fact import fact

SAMPLES = Path(__file__).parent
FACTS = {}
GENERATOR = numpy.random.default_rng(11)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype("float32")


def one(name, values):
    numpy.save(SAMPLES / f"{name}.npy", values)
    FACTS[f"{name}.npy"] = {name: fact(numpy.load(SAMPLES / f"{name}.npy"))}


def single():
    one("numpy_plain", normal(3, 5))
    one("numpy_fortran", numpy.asfortranarray(normal(2, 3, 5)))
    one("numpy_big_endian", GENERATOR.integers(-9, 9, (4, 3)).astype(">i2"))
    one("numpy_scalar", numpy.complex128(2 - 3j))
    one("numpy_boolean", GENERATOR.integers(0, 2, (7,)).astype(bool))
    one("numpy_empty", numpy.zeros((3, 0), "uint64"))
    values = normal(2, 3).astype(ml_dtypes.bfloat16)
    numpy.save(SAMPLES / "numpy_bfloat16.npy", values)  # NumPy alone loads it as opaque bytes
    FACTS["numpy_bfloat16.npy"] = {"numpy_bfloat16": fact(values.astype("float64"), "bfloat16")}
    with (SAMPLES / "numpy_version_3.npy").open("wb") as file:
        numpy.lib.format.write_array(file, normal(2, 7), version=(3, 0))
    FACTS["numpy_version_3.npy"] = {"numpy_version_3": fact(numpy.load(SAMPLES / "numpy_version_3.npy"))}
    numpy.save(SAMPLES / "numpy_objects.npy", numpy.array([{"a": 1}, None, (2, 3)], object), allow_pickle=True)


def archive(name, save, arrays):
    save(SAMPLES / f"{name}.npz", **arrays)
    with numpy.load(SAMPLES / f"{name}.npz") as loaded:
        FACTS[f"{name}.npz"] = {key: fact(loaded[key]) for key in loaded.files}


def archives():
    tree = {"params/Dense_0/kernel": normal(3, 5), "params/Dense_0/bias": normal(5), "opt/0/mu/Dense_0/bias": normal(5)}
    archive("numpy_tree", numpy.savez, tree)
    archive(
        "numpy_packed", numpy.savez_compressed, {"fc.weight": normal(5, 3), "fc.bias": normal(5), "n": numpy.int64(4)}
    )
    numpy.savez(SAMPLES / "numpy_list.npz", normal(2, 3), numpy.asfortranarray(normal(3, 4)))
    with numpy.load(SAMPLES / "numpy_list.npz") as loaded:
        FACTS["numpy_list.npz"] = {key: fact(loaded[key]) for key in loaded.files}


def equinox_files():
    """Equinox writes the leaves one after the other; a header line is what its guide on serialisation adds."""
    model = equinox.nn.MLP(3, 2, width_size=5, depth=2, key=jax.random.PRNGKey(0))
    halved = jax.tree_util.tree_map(lambda leaf: leaf.astype("bfloat16") if equinox.is_array(leaf) else leaf, model)
    with (SAMPLES / "equinox_header.eqx").open("wb") as file:
        file.write((json.dumps({"width": 5, "depth": 2}) + "\n").encode())
        equinox.tree_serialise_leaves(file, model)
    equinox.tree_serialise_leaves(SAMPLES / "equinox_leaves.eqx", (halved, 0.5, model.layers[0].bias))
    arrays = [numpy.asarray(leaf) for leaf in jax.tree_util.tree_leaves(model) if equinox.is_array(leaf)]
    FACTS["equinox_header.eqx"] = {f"[{number}]": fact(array) for number, array in enumerate(arrays)}
    mixed = [leaf for leaf in jax.tree_util.tree_leaves(halved) if equinox.is_array(leaf)]
    mixed += [numpy.asarray(0.5), model.layers[0].bias]
    FACTS["equinox_leaves.eqx"] = {
        f"[{number}]": fact(numpy.asarray(leaf).astype("float64"), leaf.dtype.name) for number, leaf in enumerate(mixed)
    }


if __name__ == "__main__":
    single()
    archives()
    equinox_files()
    (SAMPLES / "numpy_facts.json").write_text(json.dumps(FACTS, indent=1) + "\n")
