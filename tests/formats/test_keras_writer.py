"""What is written as `.keras` and `.weights.h5` is read again as the same model, and in the order that Keras has."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.errors import UnsupportedError
from weightwise.formats import open_stored
from weightwise.formats.keras.graph_writer import in_order, is_functional, serialised
from weightwise.formats.keras.writer import write_keras, write_keras_weights
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

SAVED = sorted(path.name for path in SAMPLES.glob("keras3_*.keras"))
MOVED = {"keras3_custom.keras", "keras3_shared_across.keras"}
"""One has a class of the user's own that is registered nowhere, one a model in two models, written for each."""
WEIGHTS = sorted(path.name for path in SAMPLES.glob("keras3_*.weights.h5") if "_0" not in path.name)


def described(layer: StoredLayer):
    """Returns all that a file says of a layer, without its configuration, which is checked by Keras itself."""
    arrays = [(array.path, array.key, array.shape, array.dtype, array.read().tobytes()) for array in layer.arrays]
    shape = None if layer.build_shape and isinstance(layer.build_shape[0], tuple) else layer.build_shape
    own = (layer.name, layer.class_name, layer.package, shape, layer.configured, layer.calls)
    return own, arrays, (layer.inputs, layer.outputs), [described(inner) for inner in layer.layers]


def blurred(found):
    """Returns it without the packages of classes and the paths of arrays."""
    (name, class_name, _, *rest), arrays, ends, inner = found
    own = (name, class_name, *rest)
    return own, [array[1:] for array in arrays], ends, [blurred(layer) for layer in inner]


def filled(found):
    """Returns it without the layers that have no arrays, whose places nothing tells where no configuration is there."""
    own, arrays, ends, inner = found
    return own, arrays, ends, [kept for kept in map(filled, inner) if kept[1] or kept[3]]


def array(key: str, values) -> StoredArray:
    values = numpy.asarray(values)
    return StoredArray(key, key, values.shape, values.dtype.name, values.nbytes, lambda: values)


def layer(name: str, class_name: str = "Dense", *reads: str, arrays=(), **config) -> StoredLayer:
    return StoredLayer(name, class_name, config, arrays=arrays, calls=(Call(tuple(map(Tensor, reads))),))


def model(*layers: StoredLayer, inputs=("entry",), outputs=("head",)) -> StoredModel:
    root = StoredLayer(
        "model",
        "Functional",
        layers=layers,
        inputs=tuple(map(Tensor, inputs)),
        outputs=tuple(map(Tensor, outputs)),
    )
    return StoredModel("m", "Keras, ported", "Keras", "", root, Addressing.PATH)


ENTRY = layer("entry", "InputLayer", batch_shape=[None, 4])


@pytest.mark.parametrize("name", SAVED)
def test_a_sample_is_read_again_as_it_was(tmp_path, name):
    stored = open_stored(str(SAMPLES / name))
    write_keras(tmp_path / name, stored)
    again = open_stored(str(tmp_path / name))
    expected, found = described(stored.root), described(again.root)
    if name in MOVED:
        expected, found = blurred(expected), blurred(found)
    assert (found, again.problems, again.version) == (expected, (), stored.version)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_alone_are_read_again_as_they_were(tmp_path, name):
    stored = open_stored(str(SAMPLES / name))
    write_keras_weights(tmp_path / name, stored)
    assert filled(described(open_stored(str(tmp_path / name)).root)) == filled(described(stored.root))


@pytest.mark.parametrize("name", SAVED)
def test_layers_in_any_order_come_in_that_of_keras(name):
    root = open_stored(str(SAMPLES / name)).root
    for found in (root, *root.layers):
        if is_functional(found):
            turned = replace(found, layers=found.layers[::-1])
            assert [inner.name for inner in in_order(turned)] == [inner.name for inner in found.layers]


def test_the_same_model_is_the_same_bytes(tmp_path):
    stored = open_stored(str(SAMPLES / "keras3_residual.keras"))
    for name in ("one", "two"):
        write_keras(tmp_path / name, stored)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_weights_are_stored_as_they_are_in_the_archive(tmp_path):
    stored = open_stored(str(SAMPLES / "keras3_cnn.keras"))
    write_keras(tmp_path / "m", stored)
    with zipfile.ZipFile(tmp_path / "m") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert json.loads(archive.read("metadata.json")) == {"keras_version": stored.version}
        assert archive.testzip() is None


def test_a_layer_computes_in_the_dtype_of_the_model_and_so_do_those_in_it():
    inner = {"class_name": "LSTM", "config": {"units": 2}}
    rows = layer("rows", "Bidirectional", "entry", layer=inner)
    stacked = layer("head", "RNN", "rows", cell={"class_name": "StackedRNNCells", "config": {"cells": [inner]}})
    own = layer("own", "Dense", "entry", dtype="float16")
    found = serialised(model(ENTRY, rows, stacked, own, outputs=("head", "own")).root, "float64")["config"]["layers"]
    configs = {entry["name"]: entry["config"] for entry in found}
    assert configs["own"]["dtype"] == "float16"
    assert configs["rows"]["dtype"] == configs["rows"]["layer"]["config"]["dtype"] == "float64"
    assert configs["head"]["cell"]["config"]["cells"][0]["config"]["dtype"] == "float64"


def test_the_dtype_of_most_values_is_that_of_the_model(tmp_path):
    wide, narrow = array("0", numpy.ones((4, 3))), array("1", numpy.ones(3, "float32"))
    write_keras(tmp_path / "m", model(ENTRY, layer("head", "Dense", "entry", arrays=(wide, narrow), units=3)))
    head = open_stored(str(tmp_path / "m")).root.layers[1]
    assert (head.config["dtype"], [found.dtype for found in head.arrays]) == ("float64", ["float64", "float32"])


def test_a_shape_that_nobody_knows_is_not_told(tmp_path):
    write_keras(tmp_path / "m", model(ENTRY, layer("head", "Dense", "entry", units=3)))
    (call,) = open_stored(str(tmp_path / "m")).root.layers[1].calls
    assert (call.inputs, call.shapes) == ((Tensor("entry"),), (None,))


def test_inputs_and_outputs_in_dictionaries_stay_so():
    stored = open_stored(str(SAMPLES / "keras3_many_ends.keras"))
    named = {"input_layers": {"b": 0, "a": 0}, "output_layers": [0]}
    layers = tuple(found for found in stored.root.layers if found.name != "score")
    root = replace(stored.root, config=named, layers=layers, outputs=stored.root.outputs[:1])
    config = serialised(root, "float32")["config"]
    assert config["input_layers"] == {"a": ["image", 0, 0], "b": ["number", 0, 0]}
    assert config["output_layers"] == [["classes", 0, 0]]


REFUSED = {
    "its output is not there: no output of the model needs it": (
        model(ENTRY, layer("lost", "Dense", "entry", arrays=(array("0", [1.0]),)), layer("head", "Dense", "entry")),
        "lost: no output of the model needs it, and Keras keeps no such layer.",
    ),
    "a cycle": (
        model(ENTRY, layer("one", "Dense", "head"), layer("head", "Add", "entry", "one")),
        "head: it reads what it computes itself, and Keras has no such models.",
    ),
    "no input layer": (
        model(layer("head", "Dense", "entry")),
        "model: the shape of its input is not known, and a .keras file has to say it; "
        "write a .weights.h5 file instead.",
    ),
    "no graph": (
        model(StoredLayer("head", "Dense", arrays=(array("0", [1.0]),))),
        "m: a .keras file says how the layers are connected, and only their weights are known; "
        "write a .weights.h5 file instead.",
    ),
    "Keras 2": (
        replace(model(ENTRY, layer("head", "Dense", "entry")), version="2.21.0"),
        "m: Keras 2.21.0 spells its layers in another way than Keras 3; port the model to Keras.",
    ),
    "told by order": (
        replace(model(ENTRY, layer("head", "Dense", "entry")), addressing=Addressing.ORDER),
        "m: its arrays are told by their order, and Keras 3 writes them by keys; port the model to Keras.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_keras_cannot_have_is_refused(tmp_path, case):
    stored, message = REFUSED[case]
    (tmp_path / "m").write_text("before")
    with pytest.raises(UnsupportedError) as error:
        write_keras(tmp_path / "m", stored)
    assert str(error.value) == message
    assert (tmp_path / "m").read_text() == "before"


def test_weights_without_an_input_layer_or_a_graph_are_written(tmp_path):
    head = layer("head", "Dense", "entry", arrays=(array("0", [1.0]),))
    write_keras_weights(tmp_path / "one", model(head))
    write_keras_weights(tmp_path / "two", model(replace(head, calls=()), replace(head, name="other", calls=())))
    for name, expected in (("one", {"head": "layers/dense/vars/0"}), ("two", {"other": "layers/dense_1/vars/0"})):
        found = open_stored(str(tmp_path / name)).root.layers
        assert expected.items() <= {layer.name: layer.arrays[0].path for layer in found}.items()
