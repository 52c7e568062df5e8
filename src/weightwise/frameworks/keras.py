"""What Keras computes: Keras itself loads the file, and a model over the same layers returns each of their outputs.

Keras 3 loads its own files, and `tf_keras` those of Keras 2 where it is installed. A file that would make Keras execute
or import anything of its own (a `Lambda`, a class or function of another module) is refused before Keras sees it.
https://keras.io/api/models/model_saving_apis/model_saving_and_loading/#load_model-function (`safe_mode`)

In another dtype the model is made anew from its configuration with that dtype in it, and given the same weights.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightwise.conventions.keras.wings import WINGS
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.stored import Addressing, StoredLayer, Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

BACKENDS = ("torch", "jax", "tensorflow")
"""What computes for Keras where nobody chose: on TensorFlow it rounds some constants to 32 bits also in float64."""
FLOATS = {"float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"}
PROGRAMS = {"Lambda", "__lambda__", "__typespec__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"}
"""Classes whose configuration holds code, or names it."""
PACKAGES = ("keras", "tf_keras")
MODELS = ("engine.functional", "engine.sequential")
"""Where Keras 2 has its models."""
ROOMS = (
    "",
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "models",
    "ops",
    "quantizers",
    "regularizers",
)
"""The modules of Keras whose classes and functions a configuration may name: others read and write files."""
ARCHITECTURES = frozenset(WINGS.classes["applications"].split())
"""Layers of single architectures; the functions beside them fetch files."""


def package(model: Model) -> str:
    """Return the package that loads the file: `keras`, or `tf_keras` for what Keras 2 wrote."""
    old = model.stored.version[:1] in ("", "1", "2")
    return "tf_keras" if find_spec("keras") is None or (old and find_spec("tf_keras") is not None) else "keras"


def outputs(model: Model, inputs: Sequence[Array], dtype: str) -> Iterator[tuple[Tensor, Array]]:
    """Yield what each layer of the file returns, for inputs with the batch first, computed in `dtype`."""
    _check(model.stored.root)
    keras = _imported(package(model))
    with _computing_in(keras, dtype), _file(model) as path:
        with _silenced():
            loaded = keras.models.load_model(path, compile=False, safe_mode=True)
            loaded = _recast(keras, loaded, dtype)
        yield from _network_outputs(keras, loaded, inputs, dtype, "", 0)


@contextmanager
def _file(model: Model) -> Iterator[str]:
    """Give the file of a model, which for one whose arrays come from elsewhere, as a port's, is written now."""
    stored = model.stored
    elsewhere = any(not weight.stored.file and not weight.stored.made for weight in model.weights)
    if not elsewhere and Path(stored.path).is_file():
        yield stored.path
        return
    if stored.addressing is not Addressing.PATH:
        raise UnsupportedError("Keras is asked about files, and this model is none")
    from weightwise.formats.keras.writer import write_keras

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        write_keras(path, stored)
        yield path


def _imported(name: str) -> Any:
    """Return Keras, on the backend that is chosen or else on the first that is installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", next(one for one in (*filter(find_spec, BACKENDS), BACKENDS[-1])))
    with _silenced():
        return import_module(name)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what TensorFlow's own library says while it is loaded, of processors and its settings, off the terminal."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _check(layer: StoredLayer) -> None:
    """Raise `UnsupportedError` where a layer or a value in its configuration is not one of Keras's own."""
    for inner in layer.layers:
        _check(inner)
    _check_named(layer.name, layer.class_name, layer.package)
    _check_value(layer.name, layer.config)


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        if isinstance(value.get("class_name"), str):
            _check_named(name, value["class_name"], value.get("module") or "")
        for item in value.values():
            _check_value(name, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_value(name, item)


def _check_named(name: str, class_name: str, module: str) -> None:
    if class_name in PROGRAMS or not _is_own(module, class_name):
        kind = f"{module}.{class_name}".strip(".")
        raise UnsupportedError(f"{name}: it names {kind}, which is or may be a program, so Keras is not asked")


def _is_own(module: str, class_name: str) -> bool:
    """Return whether a class or a function is one of Keras's that only compute."""
    if not module or (module, class_name) == ("builtins", "function"):  # Keras looks such names up among its own
        return True
    if f"{module}.{class_name}" in ARCHITECTURES:
        return True
    package, *parts = (part for part in module.split(".") if part != "src")
    return package in PACKAGES and ((parts[0] if parts else "") in ROOMS or ".".join(parts) in MODELS)


@contextmanager
def _computing_in(keras: Any, dtype: str) -> Iterator[None]:
    """Let Keras compute in 64 bits where that is asked for; outside TensorFlow it takes float64 for float32."""
    before = keras.backend.floatx()
    keras.backend.set_floatx(dtype)
    backend = keras.backend.backend() if hasattr(keras.backend, "backend") else "tensorflow"
    with _wide(backend) if dtype == "float64" and backend != "tensorflow" else _same():
        try:
            yield
        finally:
            keras.backend.set_floatx(before)


@contextmanager
def _wide(backend: str) -> Iterator[None]:
    narrowed = import_module("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE
    before = narrowed["float64"]
    narrowed["float64"] = "float64"
    jax = import_module("jax") if backend == "jax" else None
    bits = jax.config.jax_enable_x64 if jax else None
    if jax:
        jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        narrowed["float64"] = before
        if jax:
            jax.config.update("jax_enable_x64", bits)


@contextmanager
def _same() -> Iterator[None]:
    yield


def _recast(keras: Any, model: Any, dtype: str) -> Any:
    """Return the same model with all that it computes in `dtype`."""
    made = keras.models.model_from_json(json.dumps(_with_dtype(json.loads(model.to_json()), dtype)))
    weights = model.get_weights()
    if len(made.weights) != len(weights):
        made.build(model.input_shape)
    made.set_weights([array if array.dtype.kind in "iub" else array.astype(dtype) for array in weights])
    for layer in made._flatten_layers():
        if hasattr(layer, "finalize_state"):  # a Normalization computes from what it makes of its weights here
            layer.finalize_state()
    return made


def _with_dtype(value: Any, dtype: str) -> Any:
    """Return a configuration with every float dtype replaced."""
    if isinstance(value, list):
        return [_with_dtype(item, dtype) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: dtype if key in ("dtype", "name") and _is_float(key, item, value) else _with_dtype(item, dtype)
        for key, item in value.items()
    }


def _is_float(key: str, item: Any, around: Mapping[str, Any]) -> bool:
    """Return whether an item is a dtype, or the name of a policy, which is all that the configuration of one has."""
    return isinstance(item, str) and item in FLOATS and (key == "dtype" or set(around) <= {"name", "source_name"})


def _network_outputs(
    keras: Any, model: Any, inputs: Sequence[Array], dtype: str, prefix: str, run: int
) -> Iterator[tuple[Tensor, Array]]:
    """Yield the outputs of the layers of a model, and of the models in it."""
    network = _network(keras, model, inputs)
    nodes = list(_nodes(network))
    models = [(layer, number, node) for layer, number, node in nodes if _is_model(keras, layer)]
    rest = [(layer, number, node) for layer, number, node in nodes if not _is_model(keras, layer)]
    wanted = [tensor for _, _, node in models for tensor in _flat(keras, node.input_tensors)]
    wanted += [tensor for _, _, node in rest for tensor in _flat(keras, node.outputs)]
    values = iter(_computed(keras, network, wanted, inputs, dtype))
    entering = [[next(values) for _ in _flat(keras, node.input_tensors)] for _, _, node in models]
    counts = {layer.name: sum(other is layer for other, _, _ in nodes) for layer, _, _ in nodes}
    for layer, number, node in rest:
        for index, _ in enumerate(_flat(keras, node.outputs)):
            yield Tensor(prefix + layer.name, run * counts[layer.name] + number, index), next(values)
    for (layer, number, _), arriving in zip(models, entering, strict=True):
        inner = run * counts[layer.name] + number
        yield from _network_outputs(keras, layer, arriving, dtype, f"{prefix}{layer.name}/", inner)


def _network(keras: Any, model: Any, inputs: Sequence[Array]) -> Any:
    """Return the graph of a model, which a Sequential without an input shape has when it has been called."""
    network = getattr(model, "_functional", model)
    if network is None or not getattr(model, "inputs", None):
        model(_tensors(keras, inputs))
        network = getattr(model, "_functional", model)
    if network is None or not hasattr(network, "_nodes" if _is_new(keras) else "_network_nodes"):
        raise UnsupportedError(f"{model.name}: it has no graph of layers")
    return network


def _is_new(keras: Any) -> bool:
    return not str(keras.__version__).startswith("2")


def _is_model(keras: Any, layer: Any) -> bool:
    return isinstance(layer, keras.Model)


def _nodes(network: Any) -> Iterator[tuple[Any, int, Any]]:
    """Yield each call of each layer in the network, with its number among the layer's calls there."""
    for layer in getattr(network, "operations", None) or network.layers:
        inside = [node for place, node in enumerate(layer._inbound_nodes) if _is_inside(network, layer, place)]
        yield from ((layer, number, node) for number, node in enumerate(inside) if not node.is_input)


def _is_inside(network: Any, layer: Any, place: int) -> bool:
    """Return whether a call of a layer belongs to the network, by the keys that Keras gives calls."""
    if hasattr(network, "_network_nodes"):
        return f"{layer.name}_ib-{place}" in network._network_nodes
    return f"{id(layer)}_ib-{place}" in network._nodes


def _flat(keras: Any, structure: Any) -> list[Any]:
    if _is_new(keras):
        return list(keras.tree.flatten(structure))
    return list(import_module("tensorflow").nest.flatten(structure))


def _computed(keras: Any, network: Any, wanted: Sequence[Any], inputs: Sequence[Array], dtype: str) -> list[Array]:
    """Return the values of tensors of a network at inference."""
    if not wanted:
        return []
    given = [
        array.astype(dtype) if array.dtype.kind == "f" else array.astype(_dtype_name(tensor), copy=False)
        for array, tensor in zip(inputs, _flat(keras, network.inputs), strict=True)
    ]
    whole = keras.Model(_flat(keras, network.inputs), list(wanted))
    found = _flat(keras, whole(_tensors(keras, given), training=False))
    return [_numbers(keras, value) for value in found]


def _dtype_name(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _tensors(keras: Any, arrays: Sequence[Array]) -> Any:
    convert = keras.ops.convert_to_tensor if _is_new(keras) else import_module("tensorflow").convert_to_tensor
    found = [convert(array) for array in arrays]
    return found if len(found) > 1 else found[0]


def _numbers(keras: Any, value: Any) -> Array:
    found: Array = keras.ops.convert_to_numpy(value) if _is_new(keras) else value.numpy()
    return found
