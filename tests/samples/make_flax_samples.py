"""Makes the Flax and Orbax samples and `flax_facts.json`, with Flax and Orbax.

    JAX_PLATFORMS=cpu python -m tests.samples.make_flax_samples

Needs the `oracles` extra. The facts: for each file or folder, the arrays by path as the library restores them, and the
layers with the keys of their arrays as the model's own variables have them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy
import optax
import orbax.checkpoint
from flax import linen, nnx, serialization
from flax.training import train_state
from flax.traverse_util import flatten_dict

from tests.samples.array_fact import fact

SAMPLES = Path(__file__).parent
FACTS = {}


class Block(linen.Module):
    features: int

    @linen.compact
    def __call__(self, x, train):
        x = linen.Conv(self.features, (3, 2))(x)
        return linen.relu(linen.BatchNorm(use_running_average=not train)(x))


class Network(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        x = Block(3)(x, train)
        x = Block(5)(x, train)
        x = linen.Dense(7)(x.reshape(len(x), -1))
        return linen.Dense(4)(x)


class State(train_state.TrainState):
    batch_stats: dict


def variables():
    found = Network().init(jax.random.PRNGKey(3), jnp.ones((1, 4, 3, 2)))
    spread = iter(jax.random.split(jax.random.PRNGKey(4), 100))
    return jax.tree_util.tree_map(lambda leaf: leaf + jax.random.normal(next(spread), leaf.shape), found)


def facts_of(tree):
    flat = flatten_dict(tree, sep="/")
    return {
        path: fact(wide(value), numpy.asarray(value).dtype.name) for path, value in flat.items() if value is not None
    }


def wide(value):
    array = numpy.asarray(value)
    return array if array.dtype.kind in "biufc" else array.astype("float32")


def write(name, tree):
    data = serialization.to_bytes(tree)
    (SAMPLES / name).write_bytes(data)
    FACTS[name] = facts_of(serialization.msgpack_restore(data))


def files():
    found = variables()
    write("flax_variables.msgpack", found)
    state = State.create(
        apply_fn=None, params=found["params"], tx=optax.adam(1e-3), batch_stats=found["batch_stats"]
    ).replace(step=17)
    write("flax_state.msgpack", state)
    write("flax_parameters.msgpack", found["params"])


def dtypes():
    names = ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32"]
    names += ["complex64", "int4", "uint4", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz"]
    values = jax.random.normal(jax.random.PRNGKey(5), (3, 5)) * 2
    tree = {"arrays": {name: values.astype(name) for name in names}}
    tree["arrays"] |= {"wide": numpy.arange(6, dtype="float64").reshape(2, 3), "empty": numpy.zeros((0, 3), "int64")}
    tree["scalars"] = {"numpy": numpy.float32(2.5), "complex": 1 - 2j, "whole": -3, "real": 0.25, "true": True}
    tree["scalars"]["large"] = 1 << 63
    tree["list"] = [numpy.ones(2, "int8"), {"inner": numpy.zeros((1, 2), "uint8")}]
    write("flax_dtypes.msgpack", tree)


def chunked():
    """Pieces of at most 64 bytes, where Flax has pieces of 1 GiB."""
    most, serialization.MAX_CHUNK_SIZE = serialization.MAX_CHUNK_SIZE, 64
    write("flax_chunked.msgpack", {"params": {"Dense_0": {"kernel": numpy.arange(77.0).reshape(7, 11)}}})
    serialization.MAX_CHUNK_SIZE = most


class Small(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 5, rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.blocks = nnx.List([nnx.Linear(5, 5, rngs=rngs), nnx.Linear(5, 2, rngs=rngs)])


def orbax_tree():
    found = variables()
    dense = {name: layer for name, layer in found["params"].items() if name.startswith("Dense")}
    dense["Dense_1"]["bias"] = dense["Dense_1"]["bias"].astype("bfloat16")
    kernel = dense["Dense_1"]["kernel"]
    return {"params": dense, "step": 17, "opt_state": [{"mu": {"Dense_1": {"kernel": kernel + 1}}, "nu": None}]}


def save(name, tree, **options):
    folder = SAMPLES / name
    shutil.rmtree(folder, ignore_errors=True)
    handler = orbax.checkpoint.PyTreeCheckpointHandler(**options)
    with orbax.checkpoint.Checkpointer(handler) as checkpointer:
        checkpointer.save(folder, tree)
        restored = checkpointer.restore(folder)
    lists = jax.tree_util.tree_flatten_with_path(restored)[0]
    FACTS[name] = {
        "/".join(str(getattr(key, "key", getattr(key, "idx", None))) for key in path): fact(
            wide(value), numpy.asarray(value).dtype.name
        )
        for path, value in lists
    }


def orbax_folders():
    tree = orbax_tree()
    save("orbax_zarr2", tree, use_ocdbt=False, use_zarr3=False)
    save("orbax_zarr3", tree, use_ocdbt=False, use_zarr3=True)
    save("orbax_ocdbt", tree, use_ocdbt=True, use_zarr3=False)
    save("orbax_ocdbt_zarr3", tree, use_ocdbt=True, use_zarr3=True)
    save("orbax_nnx", nnx.state(Small(nnx.Rngs(0))), use_ocdbt=False)


def manager():
    folder = SAMPLES / "orbax_manager"
    shutil.rmtree(folder, ignore_errors=True)
    with orbax.checkpoint.CheckpointManager(folder) as kept:
        for step in (7, 12):
            tree = {"params": {"Dense_0": {"kernel": jnp.full((2, 3), float(step))}}}
            kept.save(step, args=orbax.checkpoint.args.StandardSave(tree))
    FACTS["orbax_manager"] = {"params/Dense_0/kernel": fact(numpy.full((2, 3), 12.0, "float32"))}


def without_notices():
    """Take away Orbax's notices that a folder is whole, which say where on this machine it was written."""
    for notice in SAMPLES.glob("orbax_*/**/commit_success.txt"):
        notice.unlink()


if __name__ == "__main__":
    files()
    dtypes()
    chunked()
    orbax_folders()
    manager()
    without_notices()
    (SAMPLES / "flax_facts.json").write_text(json.dumps(FACTS, indent=1) + "\n")
