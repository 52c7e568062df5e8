"""What is written as `.keras` and `.weights.h5` is what Keras itself loads: the same layers, weights and outputs.

Each model is written as its file has it, and as a port would have it: in another order, without what Keras knows by
itself, so that only settings that matter are in the configurations.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.formats import open_stored
from weightwise.formats.keras.writer import write_keras, write_keras_weights
from weightwise.stored import Addressing

# Frameworks warn of one another, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

KNOWN_WITHOUT = ("name", "trainable", "dtype", "seed")
"""What a port's configurations do not say, beside initializers, regularizers and constraints."""


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="Keras is an extra (oracles)")


def convolutions(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((9, 8, 4)),
            layers.Conv2D(6, (3, 2), groups=2, strides=2, padding="same", activation="relu", name="first"),
            layers.BatchNormalization(axis=-1, momentum=0.8, name="normalized"),
            layers.DepthwiseConv2D((2, 3), name="apart"),
            layers.SeparableConv2D(5, 2, dilation_rate=2, padding="same", name="separable"),
            layers.Conv2DTranspose(7, (2, 3), strides=(2, 1), name="transposed"),
            layers.MaxPooling2D(2, name="largest"),
            layers.Dropout(0.3, name="dropped"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="convolutions",
    )


def residual(keras):
    """Branches of different lengths, whose order is not that in which they were made."""
    layers = keras.layers
    entry = layers.Input((6, 5, 3), name="entry")
    unused = layers.Input((2,), name="unused")
    far = entry
    for number in range(11):
        far = layers.Conv2D(3 + number % 2, 1, name=f"far_{10 - number}")(far)
    near = layers.Conv2D(4, 3, padding="same", name="near")(entry)
    side = layers.Conv2D(4, 1, name="side")(near)
    joined = layers.Concatenate(axis=-1, name="joined")([side, layers.Conv2D(4, 1, name="last")(far), near])
    added = layers.Add(name="added")([side, near])
    product = layers.Multiply(name="product")([added, side])
    return keras.Model([entry, unused], [layers.Dense(2, name="head")(joined), product], name="residual")


def shared(keras):
    """A layer called three times, at different depths."""
    layers = keras.layers
    first, second = layers.Input((4,), name="first"), layers.Input((4,), name="second")
    tower = layers.Dense(4, activation="tanh", name="tower")
    once, again = tower(first), tower(layers.Dense(4, name="before")(tower(second)))
    return keras.Model([first, second], layers.Subtract(name="difference")([once, again]), name="shared")


def recurrent(keras):
    layers = keras.layers
    tokens = layers.Input((7,), dtype="int32", name="tokens")
    embedded = layers.Embedding(11, 5, name="embedded")(tokens)
    sequence, hidden, cell = layers.LSTM(3, return_sequences=True, return_state=True, name="reader")(embedded)
    both = layers.Bidirectional(layers.GRU(2, reset_after=True, return_sequences=True), name="both")(sequence)
    told = layers.LSTM(3, name="told")(both, initial_state=[hidden, cell])
    each = layers.TimeDistributed(layers.Dense(4), name="each")(both)
    return keras.Model(tokens, {"told": told, "each": each}, name="recurrent")


def attention(keras):
    layers = keras.layers
    entry, memory = layers.Input((5, 6), name="entry"), layers.Input((7, 9), name="memory")
    attend = layers.MultiHeadAttention(num_heads=3, key_dim=2, name="attend")
    by_place, by_word = attend(entry, memory, memory), attend(entry, value=memory, key=memory)
    listed = layers.Attention(use_scale=True, name="listed")([by_place, by_word])
    normalized = layers.LayerNormalization(name="normalized")(layers.Add(name="added")([entry, listed]))
    return keras.Model([entry, memory], layers.Dense(8, name="head")(normalized), name="attention")


def functions(keras):
    """Steps that are functions of `keras.ops`, with numbers among their arguments."""
    layers, ops = keras.layers, keras.ops
    entry = layers.Input((6, 3), name="entry")
    dense = layers.Dense(3, name="dense")(entry)
    turned = ops.transpose(ops.stack([dense + entry, 2.0 * dense], axis=1), (0, 2, 1, 3))
    whole = ops.concatenate([turned, ops.pad(turned, [[0, 0], [0, 0], [1, 1], [0, 0]], constant_values=0.5)], axis=2)
    return keras.Model(entry, layers.Dense(2, name="head")(whole - 1.0), name="functions")


def nested(keras):
    layers = keras.layers
    entry = layers.Input((4,), name="inner_entry")
    inner = keras.Model(entry, [layers.Dense(4, name="a")(entry), layers.Dense(2, name="b")(entry)], name="inner")
    pair = [layers.Input((4,), name="left"), layers.Input((2,), name="right")]
    merged = keras.Model(pair, layers.Concatenate(name="merged")(pair), name="merging")
    tail = keras.Sequential([layers.Input((6,)), layers.Dense(3, name="a")], name="tail")
    outer = layers.Input((4,), name="outer_entry")
    first, _ = inner(outer)
    again = inner(first)
    return keras.Model(outer, [tail(merged(again)), *again], name="nested")


def doubled(keras):
    """Everything in 64 bits."""
    layers, found = keras.layers, {"dtype": "float64"}
    rows = layers.Bidirectional(layers.LSTM(2, return_sequences=True, **found), name="rows", **found)
    flat, head = layers.Flatten(name="flat", **found), layers.Dense(3, name="head", **found)
    return keras.Sequential([layers.Input((5, 3), dtype="float64"), rows, flat, head], name="doubled")


MODELS = (convolutions, residual, shared, recurrent, attention, functions, nested, doubled)
SAVED = sorted(path.name for path in SAMPLES.glob("keras3_*.keras"))
OWN_CLASSES = {"keras3_custom.keras", "keras3_subclassed.keras"}
UNLOADABLE = {"keras3_shared_across.keras"}
"""Keras cannot load what it saved."""


def filled(model):
    drawn = numpy.random.default_rng(3)
    model.set_weights([drawn.uniform(0.1, 1, value.shape).astype(value.dtype) for value in model.get_weights()])
    return model


def inputs(model):
    drawn = numpy.random.default_rng(5)
    shapes = [[2, *(size or 6 for size in tensor.shape[1:])] for tensor in model.inputs]
    return [
        drawn.integers(0, 9, shape) if "int" in tensor.dtype else drawn.normal(size=shape).astype(tensor.dtype)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]


def outputs(keras, model):
    given = inputs(model)
    found = model(given if len(given) > 1 else given[0], training=False)
    return [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(found)]


def assert_same_arrays(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def plain(config):
    """Returns a configuration without what says which objects were one in the memory of a process."""
    if isinstance(config, dict):
        return {name: plain(value) for name, value in config.items() if name != "shared_object_id"}
    return [plain(item) for item in config] if isinstance(config, list | tuple) else config


def as_a_port(layer):
    """Returns a model with its layers in another order, and with nothing in their configurations that is not needed."""
    config = {
        name: bare(value)
        for name, value in layer.config.items()
        if name not in KNOWN_WITHOUT and not name.endswith(("initializer", "regularizer", "constraint"))
    }
    if layer.class_name == "InputLayer":
        config |= {"dtype": layer.config["dtype"]}
    inner = tuple(map(as_a_port, layer.layers))
    inner = inner if layer.class_name == "Sequential" else inner[::-1]
    package = layer.package if ".ops." in layer.package else ""
    return replace(layer, config=config, layers=inner, package=package, build_shape=None)


def bare(value):
    if isinstance(value, dict) and "config" in value:
        return {**value, "config": {name: bare(item) for name, item in value["config"].items() if name != "dtype"}}
    return value


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_model_is_loaded_as_it_was(keras, tmp_path, make):
    model = filled(make(keras))
    model.save(tmp_path / "theirs.keras")
    stored = open_stored(str(tmp_path / "theirs.keras"))
    write_keras(tmp_path / "ours.keras", stored)
    loaded = keras.saving.load_model(tmp_path / "ours.keras")
    assert plain(loaded.get_config()) == plain(model.get_config())
    assert_same_arrays(loaded.get_weights(), model.get_weights())
    assert_same_arrays(outputs(keras, loaded), outputs(keras, model))


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_port_is_loaded_with_the_same_outputs(keras, tmp_path, make):
    model = filled(make(keras))
    model.save(tmp_path / "theirs.keras")
    stored = open_stored(str(tmp_path / "theirs.keras"))
    ported = replace(stored, root=as_a_port(stored.root), version="")
    write_keras(tmp_path / "ours.keras", ported)
    loaded = keras.saving.load_model(tmp_path / "ours.keras")
    assert {layer.name for layer in loaded.layers} == {layer.name for layer in model.layers}
    assert_same_arrays(outputs(keras, loaded), outputs(keras, model))


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_weights_alone_are_loaded(keras, tmp_path, make):
    model = filled(make(keras))
    model.save(tmp_path / "theirs.keras")
    stored = open_stored(str(tmp_path / "theirs.keras"))
    write_keras_weights(tmp_path / "ours.weights.h5", replace(stored, root=as_a_port(stored.root)))
    other = make(keras)
    other.load_weights(tmp_path / "ours.weights.h5")
    assert_same_arrays(other.get_weights(), model.get_weights())


def random_graph(keras, chosen):
    """Returns a model of branches that join and of layers that are called again, in any order."""
    layers = keras.layers
    entries = [layers.Input((3,), name=f"entry_{number}") for number in range(chosen.randint(1, 3))]
    shared, found = [layers.Dense(3, name=f"shared_{number}") for number in range(2)], list(entries)
    for number in range(chosen.randint(3, 25)):
        made = chosen.choice(["dense", "shared", "added", "joined"])
        if made in ("dense", "shared"):
            layer = layers.Dense(3, name=f"dense_{number}") if made == "dense" else chosen.choice(shared)
            found.append(layer(chosen.choice(found)))
        else:
            merge = layers.Add if made == "added" else layers.Concatenate
            joined = merge(name=f"{made}_{number}")([chosen.choice(found), chosen.choice(found)])
            found.append(layers.Dense(3, name=f"after_{number}")(joined))
    outputs = chosen.sample(found[len(entries) :], chosen.randint(1, 3))
    return filled(keras.Model(entries, outputs, name="random"))


@pytest.mark.parametrize("seed", range(20))
def test_layers_in_any_order_get_their_weights(keras, tmp_path, seed):
    chosen = random.Random(seed)
    model = random_graph(keras, chosen)
    model.save(tmp_path / "theirs.keras")
    stored = open_stored(str(tmp_path / "theirs.keras"))
    layers = tuple(chosen.sample(stored.root.layers, len(stored.root.layers)))
    write_keras(tmp_path / "ours.keras", replace(stored, root=replace(stored.root, layers=layers)))
    loaded = keras.saving.load_model(tmp_path / "ours.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert_same_arrays(loaded.get_weights(), model.get_weights())


@pytest.mark.parametrize("name", [name for name in SAVED if name not in OWN_CLASSES | UNLOADABLE])
def test_a_sample_is_loaded_as_it_was(keras, tmp_path, name):
    theirs = keras.saving.load_model(SAMPLES / name, compile=False)
    write_keras(tmp_path / name, open_stored(str(SAMPLES / name)))
    ours = keras.saving.load_model(tmp_path / name)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    assert_same_arrays(ours.get_weights(), theirs.get_weights())
    assert_same_arrays(outputs(keras, ours), outputs(keras, theirs))


def test_the_example_is_loaded_as_it_was(keras, tmp_path):
    example = SAMPLES.parents[1] / "examples" / "mnist_cnn.keras"
    theirs = keras.saving.load_model(example)
    write_keras(tmp_path / "again.keras", open_stored(str(example)))
    ours = keras.saving.load_model(tmp_path / "again.keras")
    assert plain(ours.get_config()) == plain(theirs.get_config())
    assert_same_arrays(ours.get_weights(), theirs.get_weights())


@pytest.mark.parametrize("name", ["keras3_cnn.weights.h5", "keras3_nested.weights.h5", "keras3_numbered.weights.h5"])
def test_weights_that_only_paths_tell_of_are_what_keras_finds(tmp_path, name):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    write_keras_weights(tmp_path / name, open_stored(str(SAMPLES / name)))
    with h5py.File(SAMPLES / name) as theirs, h5py.File(tmp_path / name) as ours:
        expected, found = everything(theirs), everything(ours)
        assert {path for path in found if not path.endswith("vars")} <= set(expected)
        assert {path: value for path, value in expected.items() if isinstance(value, tuple)} == {
            path: value for path, value in found.items() if isinstance(value, tuple)
        }


def everything(file):
    found = {}
    file.visititems(
        lambda path, item: found.update(
            {path: (item.dtype, item.shape, item[()].tobytes()) if hasattr(item, "dtype") else dict(item.attrs)}
        )
    )
    return found


def test_classes_of_the_users_own_are_found_again(keras, tmp_path):
    @keras.saving.register_keras_serializable(package="our_package")
    class Gate(keras.layers.Layer):
        def build(self, input_shape):
            self.limit = self.add_weight(shape=(input_shape[-1],), name="limit")

        def call(self, inputs):
            return keras.ops.minimum(inputs, self.limit)

    class Block(keras.layers.Layer):
        def __init__(self, **rest):
            super().__init__(**rest)
            self.gate, self.rows = Gate(), [keras.layers.Dense(5), keras.layers.Dense(2)]

        def build(self, input_shape):
            self.gate.build(input_shape)
            self.rows[0].build(input_shape)
            self.rows[1].build((None, 5))

        def call(self, inputs):
            return self.rows[1](self.rows[0](self.gate(inputs)))

    model = filled(keras.Sequential([keras.layers.Input((4,)), Gate(name="gate"), Block(name="block")], name="own"))
    model.save(tmp_path / "theirs.keras")
    write_keras(tmp_path / "ours.keras", open_stored(str(tmp_path / "theirs.keras")))
    loaded = keras.saving.load_model(tmp_path / "ours.keras", custom_objects={"Block": Block})
    assert_same_arrays(loaded.get_weights(), model.get_weights())
    assert_same_arrays(outputs(keras, loaded), outputs(keras, model))


def test_a_model_of_the_users_own_class_is_found_again(keras, tmp_path):
    @keras.saving.register_keras_serializable(package="our_package")
    class Classifier(keras.Model):
        def __init__(self, **rest):
            super().__init__(**rest)
            self.look = keras.layers.Conv1D(3, 2, name="look")
            self.blocks = [keras.layers.Dense(4, name="wide"), keras.layers.Dense(5, name="wider")]

        def call(self, inputs):
            return self.blocks[1](self.blocks[0](self.look(inputs)))

    model = Classifier(name="classifier")
    values = numpy.random.default_rng(2).normal(size=(2, 6, 3)).astype("float32")
    model(values)
    filled(model).save(tmp_path / "theirs.keras")
    write_keras(tmp_path / "ours.keras", open_stored(str(tmp_path / "theirs.keras")))
    loaded = keras.saving.load_model(tmp_path / "ours.keras")
    theirs, ours = (keras.ops.convert_to_numpy(found(values)) for found in (model, loaded))
    assert_same_arrays([ours], [theirs])


def test_every_stored_model_is_told_by_keys(keras):
    assert {open_stored(str(SAMPLES / name)).addressing for name in SAVED} == {Addressing.PATH}
