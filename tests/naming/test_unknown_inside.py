"""Models inside models in the older HDF5 format, with layers of a class that nobody knows: names tell the others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import weightwise
from tests.samples import SAMPLES
from weightwise.formats import open_stored
from weightwise.naming import named
from weightwise.naming.slots import told_owner

FACTS = json.loads((SAMPLES / "naming.json").read_text())
FILES = ["keras2_custom_inside.h5", "keras3_custom_inside.h5"]
GATES = [f"middle/inner/{gate}/{name}" for gate in ("gate", "last_gate") for name in ("kernel", "limit")]


def content(values) -> tuple:
    return tuple(values.shape), round(float(values.astype("float64").sum()), 9)


@pytest.mark.parametrize("file", FILES)
def test_every_array_has_the_index_and_the_name_that_keras_gives_it(file):
    weights = weightwise.open(SAMPLES / file).weights
    facts = FACTS[file]["weights"]
    assert [weight.index for weight in weights] == list(range(len(facts)))
    for weight, fact in zip(weights, facts, strict=True):
        assert content(weight.values()) == (tuple(fact["shape"]), round(fact["sum"], 9))
        layer, variable = weight.layer.rpartition("/")[2], weight.name.rpartition("/")[2]
        assert layer in fact["name"].split("/")
        assert fact["name"].split(":")[0].endswith(f"/{variable}")


@pytest.mark.parametrize("file", FILES)
def test_only_the_arrays_of_the_unknown_class_are_unknown(file):
    model = weightwise.open(SAMPLES / file)
    assert [weight.path for weight in model.weights if weight.bound is None] == GATES
    assert {weight.note for weight in model.weights if weight.bound is None} == {
        "weightwise does not know the class Gate"
    }
    assert model.problems == ()
    assert model["middle/inner/again"]["kernel"].bound.text() == "kh 2 · kw 2 · in 5 · out 4"
    assert [weight.trainable for weight in model["middle/inner/frozen"].weights] == [False, False]


def test_keras_before_it_was_part_of_tensorflow_lists_them_as_its_file_does():
    stored = replace(open_stored(SAMPLES / FILES[0]), version="2.3.1")
    inside = [weight for weight in named(stored).weights if weight.layer.startswith("middle/")]
    assert [weight.stored.key for weight in inside] == [str(place) for place in range(len(inside))]
    assert inside[-1].path == "middle/inner/last_gate/limit"


def test_a_version_that_its_format_contradicts_changes_no_order():
    stored = open_stored(SAMPLES / "keras3_nested.keras")
    paths = [weight.path for weight in named(stored).weights]
    assert [weight.path for weight in named(replace(stored, version="2.2.4")).weights] == paths


def test_a_name_that_leads_through_several_layers_is_nobodys():
    model = weightwise.open(SAMPLES / "keras3_ambiguous_inside.h5")
    unknown = [weight for weight in model.weights if weight.bound is None]
    assert [(weight.layer, weight.stored.name) for weight in unknown] == [
        ("inner", "around/same/kernel"),
        ("inner", "around/same/bias"),
    ]
    assert unknown[0].note == (
        "its name in the file, around/same/kernel, does not tell which of the layers in inner has it"
    )
    assert model.problems == (
        "inner: the names of 2 of its arrays do not tell which layer has them, so that their places in get_weights() "
        "are not known",
    )


def test_layers_that_are_called_alike_are_told_by_their_models():
    model = weightwise.open(SAMPLES / "keras3_ambiguous_inside.h5")
    assert model["inner/one/same"]["kernel"].bound.text() == "in 4 · out 4"
    assert model["inner/two/same"]["kernel"].bound.text() == "in 5 · out 5"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gate/kernel:0", 1),
        ("inner/dense/kernel", 0),
        ("gate/dense/kernel", None),  # of a layer inside the gate, or of the dense layer in a scope
        ("kernel:0", None),
        ("gate_W", 1),
        ("dense_b_W", None),  # of dense or of dense_b
        ("dense_b/W", 2),
    ],
)
def test_the_layer_that_a_name_leads_through(name, expected):
    assert told_owner(name, ["dense", "inner/gate", "dense_b"]) == expected
