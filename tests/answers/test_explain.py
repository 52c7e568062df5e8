"""What explain says, as values: everything follows from the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import weightwise
from tests.answers.models import chain, counting
from weightwise.answers.explain import LayerExplanation, ModelExplanation, Training, WeightExplanation, explain

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
MNIST = weightwise.open(ROOT / "examples" / "mnist_cnn.keras")


def sample(name):
    return weightwise.open(SAMPLES / name)


def axes(explanation):
    return {axis.name: (axis.size, axis.meaning, axis.cause) for axis in explanation.axes}


def test_the_target_says_what_is_explained():
    assert isinstance(explain(MNIST), ModelExplanation)
    assert isinstance(explain(MNIST, "conv2d_2"), LayerExplanation)
    assert isinstance(explain(MNIST, 2), WeightExplanation)
    assert explain(MNIST, "[2]").weight is explain(MNIST, "conv2d_2/kernel").weight is MNIST.weights[2]


def test_each_axis_says_why_it_has_its_size():
    assert axes(explain(MNIST, 2)) == {
        "kh": (3, "the window is 3 rows high", "kernel_size is (3, 3)"),
        "kw": (3, "the window is 3 columns wide", "kernel_size is (3, 3)"),
        "in": (32, "one slice for each channel that arrives", "conv2d_1 makes 32"),
        "out": (64, "one for each filter, which makes one channel of the output", "filters is 64"),
    }
    assert axes(explain(MNIST, 0))["in"][2] == "the model's input has 1"
    assert axes(explain(MNIST, 6))["in"][2] == "dropout_2 hands on 128"


def test_a_setting_is_cited_only_where_it_has_the_size():
    config = {"units": 4, "use_bias": False}
    honest = chain((3,), ("layer", "Dense", config, {"0": counting(3, 4)}))
    assert axes(explain(honest, 0))["out"][2] == "units is 4"
    kernel = honest.weights[0]
    from weightwise.conventions.keras.settings import setting

    assert setting({"units": 5}, "out", kernel.shape[1]) == ""
    assert setting({"layer": {"config": {"units": 4}}}, "out", 4) == "units is 4"
    assert setting({"kernel_size": [3, 2]}, "kw", 2) == "kernel_size is (3, 2)"
    assert setting({}, "stripe", 2) == ""


def test_rows_after_flatten_are_those_of_the_layer_that_made_them():
    (merged,) = explain(MNIST, "dense_1/kernel").merged
    assert (merged.dimension, merged.size, merged.place) == (0, 9216, 1234)
    assert dict(merged.coordinates) == {"h": 1, "w": 7, "c": 18}
    assert merged.formula == "(1·12 + 7)·64 + 18"
    assert merged.source is MNIST["max_pooling2d_1"]


@pytest.mark.parametrize(
    "name", ["keras3_recurrent.keras", "keras3_convolutions.keras", "keras3_cnn.keras", "keras2_gated.h5"]
)
def test_every_formula_of_a_merged_place_gives_that_place(name):
    model = sample(name)
    formulas = [merged for weight in model.weights for merged in explain(model, weight.index).merged]
    assert formulas
    for merged in formulas:
        assert eval(merged.formula.replace("·", "*")) == merged.place
        assert 0 < merged.place < merged.size


def test_blocks_of_a_labelled_axis_are_explained_in_stored_order():
    model = sample("keras3_recurrent.keras")
    gate = next(axis for axis in explain(model, "both_ways/forward_lstm/kernel").axes if axis.name == "gate")
    assert gate.size == 4
    assert [label for label, _ in gate.labels] == ["i", "f", "g", "o"]
    assert [meaning.split(",")[0] for _, meaning in gate.labels] == [
        "input gate",
        "forget gate",
        "candidate",
        "output gate",
    ]


def test_the_part_of_a_layer_is_told():
    model = sample("keras3_recurrent.keras")
    assert "last position to the first" in explain(model, "both_ways/backward_lstm/bias").part
    assert explain(model, "simple/kernel").part == ""


@pytest.mark.parametrize(
    ("name", "target", "training"),
    [
        ("keras3_nested.keras", "middle/inner/frozen/kernel", Training.FROZEN),
        ("keras3_nested.keras", "middle/middle_head/kernel", Training.LEARNED),
        ("keras3_norms.keras", "no_beta/gamma", Training.LEARNED),
        ("keras3_norms.keras", "no_beta/moving_mean", Training.COLLECTED),
        ("keras3_norms.keras", "no_gamma/moving_variance", Training.COLLECTED),
        ("keras3_custom.keras", "[0]", Training.UNKNOWN),
    ],
)
def test_what_training_does(name, target, training):
    explanation = explain(sample(name), target)
    assert explanation.training is training
    assert bool(explanation.source) == (training is Training.COLLECTED)


def test_an_array_of_one_dimension_is_told_from_what_else_it_could_be():
    bias, gamma = explain(MNIST, 3), explain(sample("keras3_norms.keras"), "no_beta/gamma")
    assert bias.noun == "a bias"
    assert "a bias" not in bias.others
    assert {"a gamma", "a beta", "a mean", "a variance"} <= set(bias.others)
    assert gamma.noun == "a gamma"
    assert "a bias" in gamma.others
    assert explain(MNIST, 2).others == ()


@pytest.mark.parametrize(
    ("target", "share"),
    [
        ("conv2d_2", ("filter", 64, "3·3·32")),
        ("dense_1", ("output", 128, "12·12·64")),
        ("dense_2", ("output", 10, "128")),
    ],
)
def test_what_one_output_has(target, share):
    told = explain(MNIST, target).share
    assert (told.noun, told.count, told.factors) == share


def test_what_one_filter_of_a_group_has():
    share = explain(sample("keras3_convolutions.keras"), "grouped").share
    assert (share.noun, share.count, share.factors) == ("filter", 6, "3·2·2")


@pytest.mark.parametrize("target", ["max_pooling2d_1", "dropout_1"])
def test_a_layer_without_arrays(target):
    explanation = explain(MNIST, target)
    assert (explanation.weights, explanation.share, explanation.arithmetic.parameters) == ((), None, 0)


def test_the_graph_around_a_layer():
    explanation = explain(MNIST, "conv2d_2")
    assert (explanation.number, explanation.siblings, explanation.connected, explanation.ends) == ("2", 8, True, False)
    assert [arrival.layer.name for arrival in explanation.arrivals] == ["conv2d_1"]
    assert [layer.name for layer in explanation.readers] == ["max_pooling2d_1"]
    assert [str(size) for size in explanation.sizes] == ["26 - 3 + 1 = 24", "26 - 3 + 1 = 24", "64"]


def test_the_model_as_a_whole():
    explanation = explain(MNIST)
    place, layer, weight = explanation.mistaken
    assert (place, layer.name, weight.path) == (2, "max_pooling2d_1", "conv2d_2/kernel")
    assert explanation.flat == {"bias": 4}
    assert [layer.number for layer in explanation.layers] == [str(number) for number in range(1, 9)]


def test_layers_of_a_model_inside():
    explanation = explain(sample("keras3_nested.keras"))
    numbers = {inner.layer.name: inner.number for layer in explanation.layers for inner in layer.walk()}
    assert numbers["middle/inner/frozen"] == "2.1.2"
    middle = explain(sample("keras3_nested.keras"), "middle")
    assert [layer.number for layer in middle.walk()] == ["2", "2.1", "2.1.1", "2.1.2", "2.1.3", "2.1.4", "2.2"]
    assert middle.weights == ()


def test_unknown_arrays_keep_their_reason():
    explanation = explain(sample("keras3_custom.keras"), 0)
    assert explanation.axes == ()
    assert explanation.merged == ()
    assert explanation.weight.note == "weightwise does not know the class Gate"


def test_values_are_shown_as_their_text():
    assert repr(MNIST.explain(2)).startswith("[2] conv2d_2/kernel · 3 × 3 × 32 × 64 · float32\n")
    assert str(MNIST.explain("conv2d_2")).startswith("conv2d_2 (Conv2D), layer 2 of 8\n")
    assert str(MNIST.explain()).startswith("sequential_1 · mnist_cnn.keras\n")
    assert str(MNIST.locate("[3][17]")).startswith("[3][17] = ")
    assert str(MNIST.locate("[3]")).startswith("[3] · 64 of 64 · float32\n")
