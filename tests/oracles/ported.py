"""Carries networks from one real framework to another, through files and in memory, and compares what both compute.

`python -m tests.oracles.ported float64 [NETWORK …]` prints a line of JSON for each network in each direction.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # small networks are compiled longer than run

import json
import re
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import keras
import numpy
import torch
from keras.src.backend.common import dtypes

import weightwise
from tests.oracles import port_networks_flax, port_networks_keras, port_networks_pytorch
from weightwise.conventions.spelling import Layout
from weightwise.errors import UnsupportedError
from weightwise.porting.carrying import code
from weightwise.porting.plan import Plan
from weightwise.views import code_flax

Array = numpy.ndarray[Any, Any]
Layouts = Sequence[Layout | None]
BATCH = 2
LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
"""The axes of PyTorch's images as the others have them: the channels last."""
FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}


def compute_in(dtype: str) -> None:
    """Make all frameworks compute in a dtype."""
    jax.config.update("jax_enable_x64", dtype == "float64")
    torch.set_default_dtype(getattr(torch, dtype))
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    # Outside TensorFlow Keras computes float64 in float32, as JAX does by default; a proof needs the 64 bits.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if dtype == "float64" else "float32"


def generator(name: str) -> numpy.random.Generator:
    """Return random numbers that are the same for a name."""
    return numpy.random.default_rng(zlib.crc32(name.encode()))


def drawn(random: numpy.random.Generator, name: str, like: Array) -> Array:
    """Return values for an array: those around 1 where the name says that something is divided or scaled by them."""
    if like.dtype.kind in "iub":
        return like + like.dtype.type(5)
    around = any(part in name for part in ("var", "gamma", "scale")) or (like.ndim == 1 and name.endswith("weight"))
    values = random.uniform(0.5, 1.5, like.shape) if around else random.normal(0, 0.3, like.shape)
    return values.astype(like.dtype)


class Keras:
    """A model of Keras."""

    SUFFIX = ".keras"

    def __init__(self, model: Any) -> None:
        self.model = model

    @classmethod
    def named(cls, name: str) -> Keras:
        keras.utils.clear_session()
        return cls(port_networks_keras.NETWORKS[name](keras, keras.layers))

    def draw(self, random: numpy.random.Generator) -> None:
        for variable in self.model.variables:
            if "seed" not in variable.path:
                variable.assign(drawn(random, variable.path, keras.ops.convert_to_numpy(variable)))

    def inputs(self, random: numpy.random.Generator, dtype: str) -> list[Array]:
        shapes = [(BATCH, *tensor.shape[1:]) for tensor in self.model.inputs]
        kinds = [keras.backend.standardize_dtype(tensor.dtype) for tensor in self.model.inputs]
        return [
            random.integers(0, 11, shape) if kind == "int32" else random.normal(size=shape).astype(dtype)
            for shape, kind in zip(shapes, kinds, strict=True)
        ]

    def outputs(self, inputs: Sequence[Array]) -> list[Array]:
        tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
        found = self.model(tensors if len(tensors) > 1 else tensors[0], training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        return [keras.ops.convert_to_numpy(output) for output in found]

    def save(self, folder: Path, form: str, dtype: str) -> str:
        path = str(folder / "network.keras")
        self.model.save(path)
        return path

    @staticmethod
    def of_port(plan: Plan, out: Path, dtype: str) -> Keras:
        return Keras(keras.models.load_model(out, compile=False))

    def filled_live(self, path: str) -> Keras:
        weightwise.port(path, into=self.model)
        return self

    def filled(self, path: str, folder: Path) -> Keras:
        into, out = self.save(folder, "", ""), folder / "filled.keras"
        weightwise.port(path, "keras", into=into, out=out)
        return Keras(keras.models.load_model(out, compile=False))


class PyTorch:
    """A module of PyTorch."""

    SUFFIX = ".safetensors"

    def __init__(self, module: Any, name: str = "") -> None:
        self.module = module.eval()
        self.name = name

    @classmethod
    def named(cls, name: str) -> PyTorch:
        return cls(port_networks_pytorch.NETWORKS[name](), name)

    def draw(self, random: numpy.random.Generator) -> None:
        state = self.module.state_dict()
        self.module.load_state_dict(
            {name: torch.from_numpy(numpy.array(drawn(random, name, value.numpy()))) for name, value in state.items()}
        )

    def inputs(self, random: numpy.random.Generator, dtype: str) -> list[Array]:
        shapes = port_networks_pytorch.INPUTS[self.name]
        if isinstance(shapes[0], int):
            return [random.integers(0, shapes[0], (BATCH, *shape)) for shape in shapes[1:]]
        return [random.normal(size=(BATCH, *shape)).astype(dtype) for shape in shapes]

    def outputs(self, inputs: Sequence[Array]) -> list[Array]:
        with torch.no_grad():
            found = self.module(*(torch.from_numpy(numpy.ascontiguousarray(array)) for array in inputs))
        return [output.numpy() for output in (found if isinstance(found, tuple) else (found,))]

    def save(self, folder: Path, form: str, dtype: str) -> str:
        path = str(folder / f"network.{form}")
        if form == "pth":
            torch.save(self.module.state_dict(), path)
            return path
        inputs = tuple(map(torch.from_numpy, self.inputs(generator(""), dtype)))
        if form == "pt2":
            open_batch = tuple({0: torch.export.Dim("batch")} for _ in inputs)
            torch.export.save(torch.export.export(self.module, inputs, dynamic_shapes=open_batch), path)
        else:
            torch.jit.trace(self.module, inputs).save(path)
        return path

    @staticmethod
    def of_port(plan: Plan, out: Path, dtype: str) -> PyTorch:
        return PyTorch(executed(code(plan, out.name))["load"](out))

    def filled_live(self, path: str) -> PyTorch:
        weightwise.port(path, into=self.module)
        return self

    def filled(self, path: str, folder: Path) -> PyTorch:
        into, out = self.save(folder, "pth", ""), folder / "filled.pth"
        weightwise.port(path, "pytorch", into=into, out=out)
        self.module.load_state_dict(torch.load(out, weights_only=True))
        return self


class Flax:
    """A module of linen with its variables."""

    SUFFIX = ".msgpack"

    def __init__(self, module: Any, variables: Any, arguments: Sequence[Any] = ()) -> None:
        self.module = module
        self.variables = variables
        self.arguments = arguments

    @classmethod
    def named(cls, name: str, dtype: str) -> Flax:
        module = port_networks_flax.NETWORKS[name]()
        arguments = (dtype,) if name in port_networks_flax.TYPED else ()
        inputs = [jax.numpy.asarray(array) for array in Keras.named(name).inputs(generator(name), dtype)]
        variables = jax.eval_shape(lambda *given: module.init(jax.random.key(0), *given, *arguments), *inputs)
        variables = jax.tree_util.tree_map(lambda array: numpy.ones(array.shape, dtype), dict(variables))
        return cls(module, variables, arguments)

    def draw(self, random: numpy.random.Generator) -> None:
        self.variables = jax.tree_util.tree_map_with_path(
            lambda path, array: drawn(random, jax.tree_util.keystr(path), array), self.variables
        )

    def outputs(self, inputs: Sequence[Array]) -> list[Array]:
        variables = jax.tree_util.tree_map(jax.numpy.asarray, self.variables)
        found = compiled(self.module, self.arguments)(variables, *map(jax.numpy.asarray, inputs))
        return [numpy.asarray(output) for output in (found if isinstance(found, tuple) else (found,))]

    def save(self, folder: Path, form: str, dtype: str) -> str:
        path = folder / "network.msgpack"
        path.write_bytes(flax.serialization.msgpack_serialize(self.variables))
        return str(path)

    @staticmethod
    def of_port(plan: Plan, out: Path, dtype: str) -> Flax:
        namespace = executed(code_flax.code(plan.ported.model, weights=out.name, dtype=dtype))
        return Flax(namespace["Net"](), namespace["load"](out))

    def filled_live(self, path: str) -> Flax:
        weightwise.port(path, "flax", into=(self.module, self.variables))
        return self

    def filled(self, path: str, folder: Path) -> Flax:
        into, out = self.save(folder, "", ""), folder / "filled.msgpack"
        weightwise.port(path, "flax", into=into, out=out)
        return Flax(self.module, flax.serialization.msgpack_restore(out.read_bytes()), self.arguments)


@cache
def compiled(module: Any, arguments: Sequence[Any]) -> Callable[..., Any]:
    """Return what a module of linen computes as one program."""
    return jax.jit(lambda variables, *inputs: module.apply(variables, *inputs, *arguments))


def executed(text: str) -> dict[str, Any]:
    """Return what the code of a port defines."""
    namespace: dict[str, Any] = {}
    exec(compile(text, "<the code of a port>", "exec"), namespace)
    return namespace


def laid(arrays: Sequence[Array], layouts: Layouts) -> list[Array]:
    """Return arrays of the source as they lie in the target."""
    pairs = zip(arrays, layouts, strict=True)
    return [array if layout is None else array.transpose(layout) for array, layout in pairs]


def distance(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """Return the largest difference of the outputs of two frameworks, of their largest value."""
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    return max(
        float(numpy.abs(our - their).max() / numpy.abs(their).max()) for our, their in zip(ours, theirs, strict=True)
    )


TARGETS = {"pytorch": PyTorch, "keras": Keras, "flax": Flax}


@dataclass(frozen=True)
class Source:
    """A network with random weights as a file, and what it computes."""

    path: str
    inputs: list[Array]
    outputs: list[Array]


def made(framework: str, name: str, dtype: str, seed: str = "") -> Any:
    """Return a network in a framework, with random weights."""
    found = Flax.named(name, dtype) if framework == "flax" else TARGETS[framework].named(name)
    found.draw(generator(f"{framework} {name} {seed}"))
    return found


@cache
def source(framework: str, form: str, name: str, dtype: str, folder: Path) -> Source:
    """Return a network in a framework and a form of file; it is the same one for each direction."""
    real = made(framework, name, dtype)
    maker = Keras.named(name) if framework == "flax" else real
    inputs = maker.inputs(generator(name), dtype)
    own = folder / f"{framework}_{form}_{name}_{dtype}"
    own.mkdir()
    return Source(real.save(own, form, dtype), inputs, real.outputs(inputs))


@dataclass(frozen=True)
class Case:
    """A network that is to be carried somewhere."""

    name: str
    dtype: str
    folder: Path

    def source(self, framework: str, form: str) -> Source:
        return source(framework, form, self.name, self.dtype, self.folder)

    def made_of(self, framework: str, form: str, target: str) -> float:
        """Return how far the network that a port makes of a file is from the source."""
        found = self.source(framework, form)
        out = self.folder / f"ported{TARGETS[target].SUFFIX}"
        plan = weightwise.port(found.path, target, out=out)
        assert not [path for path in plan.left if "num_batches_tracked" not in path], plan.left
        other = TARGETS[target].of_port(plan, out, self.dtype)
        ours = other.outputs(laid(found.inputs, [placed.layout for placed in plan.ported.inputs]))
        return distance(ours, laid(found.outputs, [placed.layout for placed in plan.ported.outputs]))

    def into(self, framework: str, form: str, target: str, live: bool) -> float:
        """Return how far a network that somebody else has written is from the source, once it is filled from a file."""
        found, other = self.source(framework, form), made(target, self.name, self.dtype, "other values")
        given = laid(found.inputs, layouts(framework, target, found.inputs))
        theirs = laid(found.outputs, layouts(framework, target, found.outputs))
        assert distance(other.outputs(given), theirs) > 0.01
        other = other.filled_live(found.path) if live else other.filled(found.path, self.folder)
        return distance(other.outputs(given), theirs)


def layouts(source: str, target: str, arrays: Sequence[Array]) -> Layouts:
    """Return how images lie in a target that another person wrote, by their ranks; sequences lie alike."""
    if "pytorch" not in (source, target) or source == target:
        return [None] * len(arrays)
    table = LAST if source == "pytorch" else FIRST
    return [table[array.ndim] if array.ndim > 3 else None for array in arrays]


K, P, F = port_networks_keras.NETWORKS, port_networks_pytorch.NETWORKS, port_networks_flax.NETWORKS
BARE = ("cnn", "residual", "gru", "shared")
"""Networks between files of which neither tells a class."""
Proof = Callable[[Case], float]
DIRECTIONS: dict[str, tuple[Sequence[str], Proof]] = {
    "Keras .keras → PyTorch code": (tuple(K), lambda case: case.made_of("keras", "keras", "pytorch")),
    "Keras .keras → Flax code": (tuple(K), lambda case: case.made_of("keras", "keras", "flax")),
    "PyTorch .pt2 → Keras .keras": (tuple(P), lambda case: case.made_of("pytorch", "pt2", "keras")),
    "PyTorch TorchScript → Keras .keras": (tuple(P), lambda case: case.made_of("pytorch", "pt", "keras")),
    "PyTorch .pt2 → Flax code": (tuple(P), lambda case: case.made_of("pytorch", "pt2", "flax")),
    "Keras .keras → state dict": (tuple(F), lambda case: case.into("keras", "keras", "pytorch", False)),
    "Keras .keras → module": (tuple(F), lambda case: case.into("keras", "keras", "pytorch", True)),
    "Keras .keras → variables .msgpack": (tuple(F), lambda case: case.into("keras", "keras", "flax", False)),
    "Keras .keras → variables": (tuple(F), lambda case: case.into("keras", "keras", "flax", True)),
    "PyTorch .pt2 → Keras file": (tuple(F), lambda case: case.into("pytorch", "pt2", "keras", False)),
    "PyTorch .pt2 → Keras model": (tuple(F), lambda case: case.into("pytorch", "pt2", "keras", True)),
    "PyTorch state dict → Keras file": (tuple(F), lambda case: case.into("pytorch", "pth", "keras", False)),
    "PyTorch .pt2 → variables": (tuple(F), lambda case: case.into("pytorch", "pt2", "flax", True)),
    "PyTorch state dict → variables .msgpack": (BARE, lambda case: case.into("pytorch", "pth", "flax", False)),
    "Flax .msgpack → state dict": (BARE, lambda case: case.into("flax", "msgpack", "pytorch", False)),
    "Flax .msgpack → module": (tuple(F), lambda case: case.into("flax", "msgpack", "pytorch", True)),
    "Flax .msgpack → Keras file": (tuple(F), lambda case: case.into("flax", "msgpack", "keras", False)),
    "Flax .msgpack → Keras model": (tuple(F), lambda case: case.into("flax", "msgpack", "keras", True)),
}
"""Each direction with the networks that go it, and the proof."""


def proofs(dtype: str, wanted: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield how far each network is from its source, or why it was refused; `wanted` names networks and directions."""
    compute_in(dtype)
    for direction, (names, proof) in DIRECTIONS.items():
        for name in names:
            if wanted and name not in wanted and not any(word in direction for word in wanted):
                continue
            found: dict[str, Any] = {"direction": direction, "network": name, "dtype": dtype}
            began = time.monotonic()
            try:
                found["difference"] = proof(Case(name, dtype, folder))
            except UnsupportedError as error:
                found["refused"] = re.sub(rf"{folder}/(\w+/)?", "", str(error))
            yield found | {"seconds": round(time.monotonic() - began, 2)}


def main(dtype: str, *wanted: str) -> None:
    """Print each proof."""
    with tempfile.TemporaryDirectory() as folder:
        for found in proofs(dtype, wanted, Path(folder)):
            print(json.dumps(found, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
