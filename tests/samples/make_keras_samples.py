"""Makes the Keras samples and `facts.json`, which says what the frameworks themselves know of each one.

    KERAS_BACKEND=jax python tests/samples/make_keras_samples.py

Needs the `oracles` extra. Sizes are asymmetric, so that an exchange of two of them cannot hide.
The facts of a sample:

    files                    the samples that hold this model
    framework, version       who wrote them
    summary, summary_nested  what `model.summary()` prints, also with `expand_nested=True`
    weights                  name, shape, dtype, sum and position-weighted sum of each, in the order of `get_weights()`
    parameters               trainable, non_trainable, optimizer
    states                   how many variables are no weights
    layers                   name, class, parameters, outputs per call, weights' names, inner layers
    inputs                   the shapes of the model's inputs
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy
import tf_keras
from keras.src.legacy.saving import legacy_h5_format
from tf_keras.src.saving.legacy import hdf5_format

SAMPLES = Path(__file__).parent


def cnn(k):
    """The small sibling of the question's network, with the question's names."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((9, 8, 2)),
            layers.Conv2D(3, (3, 2), activation="relu", name="conv2d_1"),
            layers.Conv2D(5, (2, 3), activation="relu", name="conv2d_2"),
            layers.MaxPooling2D((2, 2), name="max_pooling2d_1"),
            layers.Dropout(0.25, name="dropout_1"),
            layers.Flatten(name="flatten_1"),
            layers.Dense(7, activation="relu", name="dense_1"),
            layers.Dropout(0.5, name="dropout_2"),
            layers.Dense(4, activation="softmax", name="dense_2"),
        ],
        name="sequential_1",
    )


def compiled(k):
    """A network that was trained for a step with Adam, so that the file carries the optimizer's arrays."""
    model = k.Sequential([k.layers.Input((5,)), k.layers.Dense(3, name="first"), k.layers.Dense(2, name="second")])
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model


def residual(k):
    """A residual connection, and one Dense layer that is called three times."""
    layers = k.layers
    entry = layers.Input((6, 3), name="entry")
    shared = layers.Dense(4, name="shared")
    first = shared(entry)
    second = shared(layers.Dense(3, name="back")(first))
    added = layers.Add(name="added")([first, second])
    joined = layers.Concatenate(axis=-1, name="joined")([added, shared(entry), entry])
    output = layers.GlobalAveragePooling1D(name="pooled")(joined)
    return k.Model(entry, layers.Dense(2, name="head")(output), name="residual")


def inner_model(k, name: str, units: int):
    """A functional model with a frozen layer, whose inner names are the same wherever it is used."""
    entry = k.layers.Input((7,), name=f"{name}_entry")
    frozen = k.layers.Dense(3, name="frozen", trainable=False)(entry)
    normalized = k.layers.BatchNormalization(name="normalized")(frozen)
    return k.Model(entry, k.layers.Dense(units, name="inner_head")(normalized), name=name)


def nested(k):
    """A functional model in a sequential model in a functional model, beside another one with the same names."""
    middle = k.Sequential(
        [k.layers.Input((7,)), inner_model(k, "inner", 5), k.layers.Dense(7, name="middle_head")], name="middle"
    )
    entry = k.layers.Input((7,), name="entry")
    once = middle(entry)
    joined = k.layers.Concatenate(name="joined")([once, inner_model(k, "second", 4)(once)])
    return k.Model(entry, k.layers.Dense(2, name="head")(joined), name="outer")


def twice(k):
    """A model that is called twice, and whose calls are outputs of the model around it."""
    inner = inner_model(k, "inner", 7)
    entry = k.layers.Input((7,), name="entry")
    first = inner(entry)
    second = inner(first)
    sequential = k.Sequential([k.layers.Input((7,)), k.layers.Dense(2, name="tail")], name="sequence")
    added = k.layers.Add(name="added")([second, first])
    return k.Model(entry, [first, second, sequential(second), added], name="twice")


def shared_across(k):
    """One model used at two levels: the file holds it once, and Keras itself cannot load it."""
    inner = inner_model(k, "inner", 5)
    middle = k.Sequential([k.layers.Input((7,)), inner, k.layers.Dense(7, name="middle_head")], name="middle")
    entry = k.layers.Input((7,), name="entry")
    once = middle(entry)
    joined = k.layers.Concatenate(name="joined")([inner(once), inner_model(k, "other", 4)(once)])
    return k.Model(entry, k.layers.Dense(2, name="head")(joined), name="outer")


def recurrent(k):
    """Bidirectional, stacked cells and a simple recurrent layer."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((6, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both_ways"),
            layers.RNN([layers.LSTMCell(5), layers.GRUCell(2)], return_sequences=True, name="stacked"),
            layers.SimpleRNN(3, name="simple", use_bias=False),
        ],
        name="recurrent",
    )


def gated(k):
    """GRU in both arithmetics."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((None, 5)),
            layers.GRU(4, return_sequences=True, name="after"),
            layers.GRU(3, reset_after=False, go_backwards=True, name="before"),
        ],
        name="gated",
    )


def attention(k):
    """One block of a transformer, with tensors that are passed by keyword."""
    layers = k.layers
    entry = layers.Input((5, 6), name="entry")
    memory = layers.Input((7, 9), name="memory")
    attend = layers.MultiHeadAttention(num_heads=3, key_dim=2, value_dim=4, name="attend")
    attended = attend(entry, value=memory, key=memory)
    normalized = layers.LayerNormalization(name="normalized")(layers.Add(name="added")([entry, attended]))
    return k.Model([entry, memory], layers.Dense(8, name="head")(normalized), name="transformer")


def norms(k):
    """BatchNormalization without gamma or without beta, and the other norms."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((4, 6, 10)),
            layers.BatchNormalization(center=False, name="no_beta"),
            layers.BatchNormalization(scale=False, name="no_gamma"),
            layers.LayerNormalization(axis=[1, 3], name="over_height_and_channels"),
            layers.GroupNormalization(groups=5, name="in_groups"),
            layers.PReLU(shared_axes=[1], name="slopes"),
        ],
        name="norms",
    )


def convolutions(k):
    """Depthwise, separable, transposed and grouped convolutions."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((11, 9, 4)),
            layers.Conv2D(6, (3, 2), groups=2, name="grouped"),
            layers.DepthwiseConv2D((2, 3), depth_multiplier=2, name="depthwise"),
            layers.SeparableConv2D(5, (3, 2), depth_multiplier=3, name="separable"),
            layers.Conv2DTranspose(7, (2, 3), strides=(2, 1), name="transposed"),
        ],
        name="convolutions",
    )


def embedding(k):
    """Token identities that are masked, embedded, and read step by step."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Input((8,), dtype="int32"),
            layers.Embedding(13, 5, mask_zero=True, name="tokens"),
            layers.Masking(name="masked"),
            layers.TimeDistributed(layers.Dense(3), name="each_step"),
            layers.LSTM(2, name="memory"),
        ],
        name="embedding",
    )


def many_ends(k):
    """Two inputs and two outputs."""
    layers = k.layers
    image = layers.Input((6, 5, 2), name="image")
    number = layers.Input((3,), name="number")
    features = layers.Flatten(name="features")(layers.Conv2D(3, (2, 3), name="look")(image))
    joined = layers.Concatenate(name="joined")([features, number])
    outputs = [layers.Dense(4, name="classes")(joined), layers.Dense(1, name="score")(features)]
    return k.Model([image, number], outputs, name="many_ends")


def numbered(k):
    """Twelve Dense layers, so that `dense_10` comes before `dense_2` wherever names are sorted as text."""
    model = k.Sequential([k.layers.Input((2,))], name="numbered")
    for index in range(12):
        model.add(k.layers.Dense(3 + index, use_bias=False, name=f"step_{index}"))
    return model


def normalization(k):
    """Statistics that were learned from data before the training, and a rescaling without arrays."""
    layer = k.layers.Normalization(axis=-1, name="statistics")
    layer.adapt(numpy.random.default_rng(7).normal(3.0, 2.0, (20, 4)).astype("float32"))
    return k.Sequential([k.layers.Input((4,)), layer, k.layers.Dense(3, name="head")], name="normalization")


def bfloat16(k):
    """Arrays in bfloat16, which HDF5 does not have."""
    return k.Sequential([k.layers.Input((5,)), k.layers.Dense(3, dtype="bfloat16", name="short")], name="bfloat16")


def quantized(k):
    """A Dense layer in int8, whose arrays are stored in another order than `get_weights()` has."""
    model = k.Sequential([k.layers.Input((6,)), k.layers.Dense(4, name="whole"), k.layers.Dense(3, name="head")])
    fill(model)
    model.quantize("int8", filters=lambda layer: layer.name == "whole")
    return model


def empty(k):
    """Layers, and not one array."""
    return k.Sequential(
        [k.layers.Input((4, 3)), k.layers.Flatten(name="flat"), k.layers.ReLU(name="rectified")], name="empty"
    )


def custom(k):
    """Two classes that nobody else knows; one is registered under a package's name."""

    @k.saving.register_keras_serializable(package="my_package")
    class Gate(k.layers.Layer):
        def __init__(self, units=3, **rest):
            super().__init__(**rest)
            self.units = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.limit = self.add_weight(shape=(self.units,), name="limit", trainable=False)

        def call(self, inputs):
            return k.ops.minimum(inputs @ self.kernel, self.limit)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Block(k.layers.Layer):
        def __init__(self, **rest):
            super().__init__(**rest)
            self.project = k.layers.Dense(5)
            self.gates = [Gate(5), Gate(2)]

        def build(self, input_shape):
            self.project.build(input_shape)
            self.gates[0].build((None, 5))
            self.gates[1].build((None, 5))

        def call(self, inputs):
            return self.gates[1](self.gates[0](self.project(inputs)))

    layers = [k.layers.Input((4,)), Gate(6, name="gate"), Block(name="block"), k.layers.Dense(3, name="head")]
    return k.Sequential(layers, name="custom")


def subclassed(k):
    """A model whose graph is Python code, so that only paths tell of its layers."""

    @k.saving.register_keras_serializable(package="my_package")
    class Classifier(k.Model):
        def __init__(self, **rest):
            super().__init__(**rest)
            self.look = k.layers.Conv1D(3, 2, name="look")
            self.blocks = [k.layers.Dense(4, name="wide"), k.layers.Dense(5, name="wider")]
            self.head = k.layers.Dense(2, name="head")

        def call(self, inputs):
            hidden = self.look(inputs)
            for block in self.blocks:
                hidden = block(hidden)
            return self.head(hidden)

    model = Classifier(name="classifier")
    model(numpy.zeros((1, 6, 3), "float32"))
    return model


def fill(model: Any) -> None:
    """Gives every weight values of its own; variances stay positive, whole numbers stay as they are."""
    random = numpy.random.default_rng(3)
    values = []
    for variable, value in zip(model.weights, model.get_weights(), strict=True):
        drawn = random.uniform(-1, 1, value.shape)
        positive = "variance" in variable.name or "gamma" in variable.name
        whole = numpy.issubdtype(value.dtype, numpy.integer)
        values.append(value if whole else (abs(drawn) + 0.5 if positive else drawn).astype(value.dtype))
    model.set_weights(values)


def train_one_step(model: Any) -> None:
    """Runs one step of training, which creates and fills the optimizer's arrays."""
    random = numpy.random.default_rng(5)
    model.fit(random.normal(size=(4, 5)), random.normal(size=(4, 2)), epochs=1, verbose=0)


def weight_fact(variable: Any, value: numpy.ndarray) -> dict[str, Any]:
    """Returns what tells one array from another."""
    flat = value.astype("float64").ravel()
    return {
        "name": getattr(variable, "path", variable.name),
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "sum": float(flat.sum()),
        "weighted_sum": float((flat * numpy.arange(1, flat.size + 1)).sum()),
    }


def shapes(tensors: Any) -> list[Any]:
    """Returns the shapes of one tensor or of several."""
    tensors = tensors if isinstance(tensors, list | tuple) else [tensors]
    return [list(tensor.shape) for tensor in tensors]


def graph_nodes(model: Any) -> set[int]:
    """Returns the identities of the calls that belong to a model's own graph."""
    graph = getattr(model, "_functional", None) or model
    return {id(node) for nodes in getattr(graph, "_nodes_by_depth", {}).values() for node in nodes}


def call_shapes(layer: Any, nodes: set[int]) -> list[Any] | None:
    """Returns the output shapes of each call of a layer, or None where Keras itself does not know them."""
    calls = [node for node in getattr(layer, "_inbound_nodes", []) if id(node) in nodes]
    return [shapes(getattr(node, "output_tensors", getattr(node, "outputs", None))) for node in calls] or None


def layer_facts(model: Any) -> list[dict[str, Any]]:
    """Returns what the framework says of each layer of a model, and of the layers in it."""
    nodes = graph_nodes(model)
    return [
        {
            "name": layer.name,
            "class_name": type(layer).__name__,
            "trainable": layer.trainable,
            "parameters": layer.count_params(),
            "outputs": call_shapes(layer, nodes),
            "weights": [getattr(variable, "path", variable.name) for variable in layer.weights],
            "layers": layer_facts(layer),
        }
        for layer in getattr(model, "layers", [])
    ]


def parameters(variables: list[Any]) -> int:
    """Returns the number of values in all variables."""
    return int(sum(numpy.prod(tuple(variable.shape), dtype=int) for variable in variables))


def printed(model: Any, **options: Any) -> str:
    """Returns what `summary()` prints."""
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line), **options)
    return "\n".join(lines)


def optimizer_variables(model: Any) -> list[Any]:
    """Returns the optimizer's variables: a property in Keras 3, a method in Keras 2."""
    optimizer = getattr(model, "optimizer", None)
    variables = getattr(optimizer, "variables", [])
    return variables() if callable(variables) else variables


def model_facts(k: Any, model: Any) -> dict[str, Any]:
    """Returns everything that the framework says of a model."""
    inputs = getattr(model, "inputs", None)
    return {
        "framework": k.__name__,
        "version": k.__version__,
        "name": model.name,
        "class_name": type(model).__name__,
        "inputs": shapes(inputs) if inputs else None,
        "parameters": {
            "trainable": parameters(model.trainable_weights),
            "non_trainable": parameters(model.non_trainable_weights),
            "optimizer": parameters(optimizer_variables(model)),
        },
        "states": len(model.variables) - len(model.weights),
        "weights": [weight_fact(*pair) for pair in zip(model.weights, model.get_weights(), strict=True)],
        "layers": layer_facts(model),
        "summary": printed(model),
        "summary_nested": printed(model, expand_nested=True),
    }


KERAS_3: dict[Callable[[Any], Any], tuple[str, ...]] = {
    cnn: (".keras", ".h5", ".weights.h5"),
    compiled: (".keras", ".h5", ".weights.json"),
    residual: (".keras", ".h5"),
    nested: (".keras", ".h5", ".weights.h5"),
    shared_across: (".keras",),
    twice: (".keras", ".h5"),
    recurrent: (".keras", ".h5"),
    gated: (".keras",),
    attention: (".keras",),
    norms: (".keras",),
    convolutions: (".keras",),
    embedding: (".keras",),
    many_ends: (".keras",),
    numbered: (".weights.h5",),
    normalization: (".keras",),
    bfloat16: (".keras",),
    quantized: (".keras",),
    empty: (".keras", ".h5"),
    custom: (".keras",),
    subclassed: (".keras",),
}

KERAS_2: dict[Callable[[Any], Any], tuple[str, ...]] = {
    cnn: (".keras", ".h5", "_weights.h5"),
    compiled: (".h5",),
    residual: (".h5",),
    nested: (".keras", ".h5"),
    twice: (".keras", ".h5"),
    recurrent: (".h5",),
    gated: (".h5",),
    attention: (".h5",),
    norms: (".h5",),
    convolutions: (".h5",),
    embedding: (".h5",),
    many_ends: (".h5",),
    normalization: (".h5",),
    bfloat16: (".h5",),
}


def write(k: Any, model: Any, path: Path) -> None:
    """Writes the model in the format that the ending asks for."""
    if path.name.endswith(".weights.json"):
        model.save_weights(path, max_shard_size=2e-7)
    elif path.name.endswith("eights.h5"):
        model.save_weights(path)
    elif path.suffix == ".keras" and k is tf_keras:
        model.save(path, save_format="keras")
    else:
        model.save(path)


def make(k: Any, prefix: str, builder: Callable[[Any], Any], endings: tuple[str, ...], split: bool) -> dict[str, Any]:
    """Writes all samples of one model, and returns its facts under the stem of their names."""
    k.backend.clear_session()
    model = builder(k)
    if builder is not quantized:
        fill(model)
    if builder is compiled:
        train_one_step(model)
    facts = model_facts(k, model)
    stem = f"{prefix}_{builder.__name__}{'_split' if split else ''}"
    paths = [SAMPLES / f"{stem}{ending}" for ending in endings]
    for path in paths:
        write(k, model, path)
    return {stem: {"files": [path.name for path in paths], **facts}}


def make_all() -> dict[str, Any]:
    """Writes every sample, and returns the facts of all."""
    facts: dict[str, Any] = {}
    for builder, endings in KERAS_3.items():
        facts |= make(keras, "keras3", builder, endings, split=False)
    for builder, endings in KERAS_2.items():
        facts |= make(tf_keras, "keras2", builder, endings, split=False)
    # Lists of names longer than 64,512 bytes are split into name0, name1 …; a lower limit splits short ones.
    legacy_h5_format.HDF5_OBJECT_HEADER_LIMIT = hdf5_format.HDF5_OBJECT_HEADER_LIMIT = 60
    facts |= make(keras, "keras3", cnn, (".h5",), split=True)
    facts |= make(tf_keras, "keras2", nested, (".h5",), split=True)
    return facts


if __name__ == "__main__":
    (SAMPLES / "facts.json").write_text(json.dumps(make_all(), indent=1) + "\n")
