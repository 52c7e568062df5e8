"""Files without configuration whose layers somebody named: what their variables tell, and never more than is true."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import weightwise
from tests.naming.bare import without_configuration
from tests.samples import SAMPLES
from weightwise.conventions.choice import keras_convention
from weightwise.formats import open_stored
from weightwise.model import Evidence, Model
from weightwise.naming import named
from weightwise.naming.forms import Forms
from weightwise.naming.readings import opened
from weightwise.naming.recognise import recognised
from weightwise.stored import Addressing, StoredArray, StoredLayer

FILE = "keras2_renamed.h5"
FACTS = json.loads((SAMPLES / "naming.json").read_text())[FILE]["weights"]
FIRST, LATER = "2.2.4", "2.21.0"
"""Keras before it became a part of TensorFlow, and after."""
ALWAYS = {
    "each_channel": "kh kw in mult, (in mult)",
    "both_steps": "kh kw in mult, 1 1 (in mult) out, out",
    "statistics": "features, features, features, features",
    "no_gamma": "features, features, features",
    "words": "vocab features",
    "four_gates": "in (gate[i f g o] units), units' (gate[i f g o] units), (gate[i f g o] units)",
    "reset_after": "in (gate[z r h] units), units' (gate[z r h] units), side[input recurrent] (gate[z r h] units)",
    "reset_before": "in (gate[z r h] units), units' (gate[z r h] units), (gate[z r h] units)",
    "no_gates": "in units, units' units, units",
    "moving": "kh kw in (gate[i f g o] out), kh kw out' (gate[i f g o] out), (gate[i f g o] out)",
    "card": ("row (gate[i f g o] column), units (gate[i f g o] units'), (side[input recurrent] gate[i f g o] units)"),
    "lstm_3": "units (gate[i f g o] in), units (gate[i f g o] units'), (side[input recurrent] gate[i f g o] units)",
    "card_reset": "row (gate[z r h] column), units (gate[z r h] units'), (side[input recurrent] gate[z r h] units)",
    "measured_twice": "-, -",
    "both_ways": "-, -, -, -, -, -",
    "gate": "-, -",
}
"""The axes that are inferred, whatever the version."""
AT_FIRST = {
    "plain": "in out, out",
    "square": "in out",
    "look": "kh kw in/groups out, out",
    "same_channels": "-, out",
    "grow": "kh kw out in, out",
    "slide": "kw in/groups out, out",
    "local": "-, -",
    "each_step": "in out, out",
    "measured": "-, -",
}
LATER_ON = {
    "plain": "-, -",
    "square": "-",
    "look": "-, -",
    "same_channels": "-, -",
    "grow": "-, -",
    "slide": "-, -",
    "local": "-, -",
    "contracted": "-, -",
    "measured": "features, features",
    "attend": "in heads head_dim, heads head_dim, -, -, -, -, -, -",
}
"""EinsumDense has come, whose kernel and bias can have any shape, and norms of layers and of groups."""


def opened_as(version: str) -> Model:
    return named(replace(without_configuration(open_stored(SAMPLES / FILE)), version=version))


def notation(weight) -> str:
    return weight.bound.notation if weight.bound else "-"


@pytest.mark.parametrize(("version", "own"), [(FIRST, AT_FIRST), (LATER, LATER_ON)])
def test_what_the_variables_tell(version, own):
    model = opened_as(version)
    for layer, expected in {**ALWAYS, **own}.items():
        weights = model[layer].weights
        assert ", ".join(map(notation, weights)) == expected, layer
        assert all(weight.evidence is (Evidence.INFERRED if weight.bound else Evidence.UNKNOWN) for weight in weights)
        assert all(weight.note for weight in weights)


@pytest.mark.parametrize("version", [FIRST, LATER, "2.4.0", "2.3.0-tf"])
def test_nothing_is_told_that_the_configuration_does_not_declare(version):
    declared = weightwise.open(SAMPLES / FILE).weights
    found = opened_as(version).weights
    assert len(found) == len(declared) == len(FACTS)
    told = 0
    for weight, twin, fact in zip(found, declared, FACTS, strict=True):
        assert list(weight.shape) == fact["shape"]
        assert weight.layer == twin.layer
        newer = version == FIRST and weight.layer in ("contracted", "measured", "attend")  # it cannot have written them
        if weight.bound and not newer:
            told += 1
            assert notation(weight).replace("in/groups", "in") == notation(twin)
            assert (weight.name, weight.role) == (twin.name, twin.role)
    assert told > 40


def test_the_default_name_of_a_class_is_a_rule_and_its_arrays_are_stronger():
    model = opened_as(LATER)
    assert {weight.evidence for weight in model["lstm_2"].weights} == {Evidence.RECOGNISED}
    assert model["lstm_3"].weights[0].note == (
        "the layer is called after LSTM, which has other arrays, but of the framework's own with variables of these "
        "names only CuDNNLSTM calls for these shapes, and ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRU, LSTM, SimpleRNN and "
        "CuDNNGRU do not"
    )


def test_all_readings_are_listed_and_what_they_agree_on_is_told():
    kernel, bias = opened_as(FIRST)["same_channels"].weights
    assert kernel.readings == ("kh kw in/groups out", "kh kw out in")
    assert kernel.name == "kernel"
    assert kernel.note == (
        "the file has no configuration, and several readings are left: Conv2D with kernel: kh kw in/groups out, "
        "bias: out; or Conv2DTranspose with kernel: kh kw out in, bias: out"
    )
    assert bias.bound.text() == "out 4"
    assert opened_as(LATER)["plain"]["kernel"].readings == ("in out", "...kernel")


def test_a_class_whose_arrays_another_class_has_is_never_inferred():
    """Keras's MaxoutDense has a kernel and a bias with as many axes as those of LocallyConnected1D."""
    assert opened_as(FIRST)["local"]["bias"].readings == ("position out",)


def arrays(scope: str, **shapes: tuple[int, ...]) -> tuple[StoredArray, ...]:
    items = enumerate(shapes.items())
    return tuple(
        StoredArray(name, str(place), shape, "float32", 0, lambda: None, f"{scope}/{name.replace('__', '/')}:0")
        for place, (name, shape) in items
    )


def inferred(*stored: StoredArray, version: str = FIRST, backend: str = "") -> list[str]:
    table = keras_convention(version, backend).bare
    layer = StoredLayer("mine", "", arrays=stored, configured=False)
    return [item.bound.notation if item.bound else "-" for item in recognised(layer, table, Addressing.ORDER)]


def test_variables_of_different_layers_are_not_those_of_one():
    assert inferred(*arrays("mine", kernel=(5, 4), bias=(4,))) == ["in out", "out"]
    assert inferred(*arrays("mine/deep", kernel=(5, 4), bias=(4,))) == ["in out", "out"]
    assert inferred(*arrays("mine", one__kernel=(5, 4), two__bias=(4,))) == ["-", "-"]


def test_shapes_that_no_class_calls_for_are_unknown():
    assert inferred(*arrays("mine", kernel=(5, 4), bias=(5,))) == ["-", "-"]
    assert inferred(*arrays("mine", kernel=(5, 12), recurrent_kernel=(3, 12), bias=(36,))) == ["-"] * 3


def test_kernels_are_turned_on_theano():
    stored = arrays("mine", kernel=(2, 3, 3, 4), bias=(4,))
    assert inferred(*stored, backend="theano") == ["-kh -kw in/groups out", "out"]


def test_the_forms_of_a_class_are_few():
    forms = Forms(keras_convention(LATER).bare)
    assert [form.names for form in forms.of("BatchNormalization")] == [
        ("beta", "gamma", "moving_mean", "moving_variance"),
        ("beta", "moving_mean", "moving_variance"),
        ("gamma", "moving_mean", "moving_variance"),
        ("moving_mean", "moving_variance"),
    ]
    assert max(len(forms.of(name)) for name in forms.classes) <= 8
    assert "LSTMCell" not in forms.classes


@pytest.mark.parametrize(
    ("axes", "rank", "expected"),
    [
        ("...others rank", 3, "others_0 others_1 rank"),
        ("rank ...last", 2, "rank last_0"),
        ("(h w) (...window) out", 3, "(h w) (window_0) out"),
        ("in out", 2, "in out"),
    ],
)
def test_axes_without_names_take_the_places_that_are_left(axes, rank, expected):
    assert opened(axes, rank) == expected
