"""What the call of a layer says beside its configuration, and which classes a table may know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import pytest

from weightwise.answers.forward import forward
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

EMBEDDING = {"input_dim": 7, "output_dim": 3}
INDICES = numpy.array([[1, 2, 5, 6], [3, 3, 0, 1]])


def array(key: str, *shape: int) -> StoredArray:
    values = numpy.random.default_rng(len(shape)).uniform(-1, 1, shape)
    return StoredArray(key, key, shape, "float64", values.nbytes, lambda: values)


def call(*names: str, number: int = 0, **arguments: Any) -> Call:
    return Call(tuple(Tensor(name, number) for name in names), arguments)


def layer(
    name: str,
    class_name: str,
    config: Mapping[str, Any],
    *calls: Call,
    arrays: tuple[StoredArray, ...] = (),
    package: str = "keras.layers",
) -> StoredLayer:
    return StoredLayer(name, class_name, config, package, arrays, calls=calls)


def opened(*layers: StoredLayer, shape: tuple[int | None, ...] = (None, 4)) -> Model:
    entry = StoredLayer("entry", "InputLayer", {"batch_shape": shape}, calls=(Call(()),))
    last = layers[-1]
    ends = (Tensor(last.name, len(last.calls) - 1),)
    root = StoredLayer("model", "Functional", {}, layers=(entry, *layers), inputs=(Tensor("entry"),), outputs=ends)
    return named(StoredModel("model.keras", "Keras", "Keras", "3.15.1", root, Addressing.PATH))


def embedding(*calls: Call, **config: Any) -> StoredLayer:
    return layer("words", "Embedding", {**EMBEDDING, **config}, *calls, arrays=(array("0", 7, 3),))


def lstm(*calls: Call) -> StoredLayer:
    arrays = (array("cell/0", 3, 8), array("cell/1", 2, 8), array("cell/2", 8))
    config = {"units": 2, "activation": "tanh", "recurrent_activation": "sigmoid"}
    return layer("memory", "LSTM", config, *calls, arrays=arrays)


def test_an_embedding_that_is_called_in_reverse_has_the_words_as_its_output():
    calls = call("entry"), call("words", reverse=True)
    words = layer("words", "ReversibleEmbedding", EMBEDDING, *calls, arrays=(array("0", 7, 3),))
    model = opened(words)
    assert model["words"].call_outputs == (((None, 4, 3),), ((None, 4, 7),))
    with pytest.raises(UnsupportedError, match=r"words: its calls differ in \{'reverse': True\} and \{\}"):
        forward(model, [INDICES])


def test_a_mask_changes_no_shape_and_no_name_but_what_is_computed():
    masked = lstm(call("words", "entry", mask=Tensor("entry")))
    model = opened(embedding(call("entry")), masked)
    assert model["memory"].outputs == ((None, 2),)
    assert [str(weight.bound.axes) for weight in model["memory"].weights] == [
        "in (gate[i f g o] units)",
        "units' (gate[i f g o] units)",
        "(gate[i f g o] units)",
    ]
    with pytest.raises(UnsupportedError, match="memory: it is called with a mask"):
        forward(model, [INDICES])


def test_padding_is_refused_where_there_is_some():
    model = opened(embedding(call("entry"), mask_zero=True), lstm(call("words")))
    assert forward(model, [INDICES[:1]])[0].shape == (1, 2)
    with pytest.raises(UnsupportedError, match="words: it marks padding in these inputs"):
        forward(model, [INDICES])


def test_training_is_refused():
    model = opened(embedding(call("entry")), layer("drop", "Dropout", {"rate": 0.5}, call("words", training=True)))
    with pytest.raises(UnsupportedError, match="drop: it is called as in training"):
        forward(model, [INDICES])


def test_arguments_beyond_the_table_leave_the_arrays_named():
    states = lstm(call("words", mask=["two", "tensors"]))
    model = opened(embedding(call("entry")), states)
    assert model["memory"].operation is None
    assert model["memory"].note == "its mask is set, and weightwise cannot compute that yet"
    assert all(weight.bound for weight in model["memory"].weights)


@pytest.mark.parametrize("package", ["", "keras.layers", "keras", "tf_keras.layers", "tensorflow.keras.layers"])
def test_classes_of_the_framework_are_known(package):
    model = opened(layer("sums", "Dense", {"units": 5}, call("entry"), arrays=(array("0", 4, 5),), package=package))
    assert model["sums"].outputs == ((None, 5),)


@pytest.mark.parametrize("package", ["my_package>Dense", "__main__", "keras_hub.src.layers", "keras.src.ops.numpy"])
def test_a_class_of_the_same_name_is_not_known(package):
    model = opened(layer("sums", "Dense", {"units": 5}, call("entry"), arrays=(array("0", 4, 5),), package=package))
    assert model["sums"].operation is None
    assert model["sums"].note == "weightwise does not know the class Dense"
    assert model.weights[0].bound is None


@pytest.mark.parametrize(
    ("package", "axes"),
    [("keras.src.applications.convnext", "features 4"), ("", None), ("keras.layers", None), ("my_package", None)],
)
def test_a_class_of_an_architecture_is_known_by_its_module_alone(package, axes):
    config = {"projection_dim": 4, "init_values": 1e-6}
    model = opened(layer("scale", "LayerScale", config, call("entry"), arrays=(array("0", 4),), package=package))
    (weight,) = model.weights
    assert (weight.bound and weight.bound.text()) == axes


def test_the_dense_layer_after_a_flattened_sequence_reads_its_positions():
    flat = layer("flat", "Flatten", {}, call("words"))
    sums = layer("sums", "Dense", {"units": 5}, call("flat"), arrays=(array("0", 12, 5),))
    model = opened(embedding(call("entry")), flat, sums)
    assert model["sums"].weights[0].bound.text() == "(position 4 · c 3) · out 5"


def test_merged_axes_of_other_sizes_do_not_become_one():
    rows = [layer(name, "RepeatVector", {"n": n}, call(f"{name}_in")) for name, n in (("a", 4), ("b", 3))]
    starts = [layer(f"{name}_in", "Dense", {"units": n}, call("words_flat")) for name, n in (("a", 3), ("b", 4))]
    flats = [layer(f"{name}_flat", "Flatten", {}, call(name)) for name in "ab"]
    total = layer("total", "Add", {}, call("a_flat", "b_flat"))
    sums = layer("sums", "Dense", {"units": 5}, call("total"), arrays=(array("0", 12, 5),))
    flat = layer("words_flat", "Flatten", {}, call("words"))
    model = opened(embedding(call("entry")), flat, *starts, *rows, *flats, total, sums)
    assert model["sums"].weights[0].bound.text() == "position·c 12 · out 5"


def test_an_array_that_the_file_has_twice_counts_once():
    inner = {"class_name": "Dense", "config": {"units": 5, "activation": "linear"}}
    arrays = array("0", 4, 5), array("1", 1, 5), array("layer/0", 4, 5), array("layer/1", 5)
    model = opened(layer("spectral", "SpectralNormalization", {"layer": inner}, call("entry"), arrays=arrays))
    assert [(weight.name, weight.stored.key) for weight in model.weights] == [
        ("kernel", "0"),
        ("vector_u", "1"),
        ("bias", "layer/1"),
    ]
    assert model.problems == ()
