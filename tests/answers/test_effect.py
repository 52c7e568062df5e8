"""What locate says a number does, computed: a layer of which one number is 1 and the others are 0 does just that."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy
import pytest

import weightwise
from tests.answers.models import chain, counting
from weightwise.answers.effect import sides
from weightwise.answers.forward import layer_outputs

SAMPLES = Path(__file__).parents[1] / "samples"
PRODUCT = re.compile(
    r"multiplies channel (?P<read>\d+) of the model's input at (?P<there>[^,(]+(?:, [^,(]+)*?)"
    r"(?P<outside> \(a zero of the padding where that lies outside\))?(?P<each_read>, each of its [\d ×]+ places)?"
    r", and the product is added to channel (?P<made>\d+) of (?:the output|what the depthwise step makes)"
    r" at (?P<here>.+?)(?P<each_made>, each of its [\d ×]+ places)?"
)
VARIABLES = {"row": "y", "column": "x", "plane": "z", "position": "t"}


def places(text):
    """Return the expression of each axis: `2·y - 1` of `row 2·y - 1, column x`."""
    return [place.split(" ", 1) for place in text.split(", ")]


def reached(text, at):
    """Return the place that the text gives where the free place is `at`."""
    variables = {VARIABLES[noun]: number for (noun, _), number in zip(places(text), at, strict=True)}
    return tuple(eval(formula.replace("·", "*"), {}, variables) for _, formula in places(text))


def inside(place, sizes):
    return all(0 <= number < size for number, size in zip(place, sizes, strict=True))


def as_told(effect, x, shape):
    """Return the output that the sentence describes, and whether it reaches outside of the input."""
    told = PRODUCT.fullmatch(effect)
    assert told is not None, effect
    free = x.shape[1:-1] if told["each_read"] else shape[1:-1]
    count = (told["each_read"] or told["each_made"]).removeprefix(", each of its ").removesuffix(" places")
    assert count == " × ".join(map(str, free))
    y, outside = numpy.zeros(shape), False
    for at in product(*map(range, free)):
        there, here = reached(told["there"], at), reached(told["here"], at)
        if not inside(there, x.shape[1:-1]):
            outside = True
        elif inside(here, shape[1:-1]):
            y[(slice(None), *here, int(told["made"]))] += x[(slice(None), *there, int(told["read"]))]
    assert outside == bool(told["outside"])
    return y


def config(kernel_size, **others):
    return {"kernel_size": kernel_size, "filters": 6, "use_bias": False, **others}


CASES = {
    "Conv2D": ("Conv2D", config([3, 2]), (6, 5, 3), (3, 2, 3, 6)),
    "strides": ("Conv2D", config([3, 2], strides=[2, 3]), (8, 9, 3), (3, 2, 3, 6)),
    "dilation": ("Conv2D", config([3, 2], dilation_rate=[2, 3]), (8, 7, 3), (3, 2, 3, 6)),
    "same": ("Conv2D", config([3, 4], padding="same"), (5, 6, 3), (3, 4, 3, 6)),
    "same strides": ("Conv2D", config([4, 3], padding="same", strides=[2, 3]), (7, 6, 3), (4, 3, 3, 6)),
    "groups": ("Conv2D", config([3, 2], groups=3), (6, 5, 9), (3, 2, 3, 6)),
    "causal": ("Conv1D", config([3], padding="causal", dilation_rate=[2]), (7, 3), (3, 3, 6)),
    "Conv1D": ("Conv1D", config([4], strides=[2]), (9, 3), (4, 3, 6)),
    "Conv3D": ("Conv3D", config([2, 3, 1]), (3, 5, 4, 2), (2, 3, 1, 2, 6)),
    "transposed": ("Conv2DTranspose", config([3, 2], strides=[2, 1]), (4, 5, 3), (3, 2, 6, 3)),
    "transposed same": ("Conv2DTranspose", config([3, 4], strides=[2, 1], padding="same"), (4, 5, 3), (3, 4, 6, 3)),
    "depthwise": (
        "DepthwiseConv2D",
        {"kernel_size": [2, 3], "depth_multiplier": 2, "use_bias": False, "padding": "same"},
        (5, 6, 4),
        (2, 3, 4, 2),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_factor_of_a_window_does_what_is_said(case):
    class_name, settings, shape, kernel_shape = case
    generator = numpy.random.default_rng(7)
    x = generator.standard_normal((2, *shape))
    for number in generator.permutation(int(numpy.prod(kernel_shape)))[:25]:
        index = tuple(int(place) for place in numpy.unravel_index(number, kernel_shape))
        kernel = numpy.zeros(kernel_shape)
        kernel[index] = 1
        model = chain(shape, ("layer", class_name, settings, {"0": kernel}))
        (y,) = layer_outputs(model["layer"], [x])
        numpy.testing.assert_allclose(y, as_told(model.locate(f"[0]{list(index)}").effect, x, y.shape), atol=1e-12)


def test_a_depthwise_factor_of_a_separable_layer_makes_a_channel_in_between():
    shape, generator = (5, 4, 3), numpy.random.default_rng(8)
    x, settings = generator.standard_normal((2, *shape)), config([2, 3], depth_multiplier=2)
    for index in [(0, 1, 2, 1), (1, 2, 0, 1), (1, 0, 1, 0)]:
        kernel = numpy.zeros((2, 3, 3, 2))
        kernel[index] = 1
        arrays = {"0": kernel, "1": numpy.eye(6).reshape(1, 1, 6, 6)}  # hands on what is in between
        model = chain(shape, ("layer", "SeparableConv2D", settings, arrays))
        (y,) = layer_outputs(model["layer"], [x])
        numpy.testing.assert_allclose(y, as_told(model.locate(f"[0]{list(index)}").effect, x, y.shape), atol=1e-12)
    mixing = model.locate("layer/pointwise_kernel[in=2, mult=1, out=4]").effect
    assert mixing == (
        "multiplies channel 5 of what the depthwise step makes, "
        "and the product is added to channel 4 of the output, at each of its 4 × 2 places"
    )


def test_a_factor_after_flatten_says_which_value_it_multiplies():
    shape, generator = (4, 5, 3), numpy.random.default_rng(9)
    x = generator.standard_normal((2, *shape))
    kernel = counting(60, 7)
    model = chain(
        shape,
        ("pool", "MaxPooling2D", {"pool_size": [1, 1]}, {}),
        ("drop", "Dropout", {"rate": 0.5}, {}),
        ("flat", "Flatten", {}, {}),
        ("dense", "Dense", {"units": 7, "use_bias": False}, {"0": kernel}),
    )
    (flat,) = layer_outputs(model["flat"], layer_outputs(model["pool"], [x]))
    for row in range(60):
        effect = model.locate(f"[0][{row}, 3]").effect
        told = re.fullmatch(
            r"multiplies value (\d+) of what arrives, which is row (\d+), column (\d+), channel (\d+) of the output of "
            r"pool, and the product is added to output 3",
            effect,
        )
        value, h, w, c = map(int, told.groups())
        assert value == row
        numpy.testing.assert_array_equal(flat[:, row], x[:, h, w, c])


def test_an_input_of_unknown_size_leaves_the_padding_open():
    settings = config([3], strides=[2], padding="same")
    model = chain((None, 2), ("layer", "Conv1D", settings, {"0": counting(3, 2, 6)}))
    assert model.locate("[0][1, 0, 4]").effect == (
        "multiplies channel 0 of the model's input at position 2·t + 1 - the padding before "
        "(a zero of the padding where that lies outside), "
        "and the product is added to channel 4 of the output at position t, each of its places"
    )


LSTM = {"units": 2, "activation": "tanh", "recurrent_activation": "sigmoid"}
NORM = {"axis": -1, "epsilon": 0.001}


def lstm():
    return "LSTM", LSTM, {"cell/0": counting(5, 8), "cell/1": counting(2, 8), "cell/2": counting(8)}


@pytest.mark.parametrize(
    ("given", "shape", "selector", "effect"),
    [
        (
            ("Dense", {"units": 7}, {"0": counting(5, 7), "1": counting(7)}),
            (5,),
            "layer/kernel[in=4, out=6]",
            "multiplies value 4 of the model's input, and the product is added to output 6",
        ),
        (
            ("Dense", {"units": 7}, {"0": counting(5, 7), "1": counting(7)}),
            (5,),
            "layer/bias[out=6]",
            "multiplies nothing; it is added to output 6",
        ),
        (
            ("Conv2D", {"kernel_size": [2, 3], "filters": 7}, {"0": counting(2, 3, 5, 7), "1": counting(7)}),
            (6, 6, 5),
            "layer/bias[out=6]",
            "multiplies nothing; it is added to channel 6 of the output, at each of its 5 × 4 places",
        ),
        (
            lstm(),
            (9, 5),
            "layer/kernel[in=4, gate=f, units=1]",
            "multiplies value 4 of the model's input at each step, and the product is added to the forget gate, unit 1",
        ),
        (
            lstm(),
            (9, 5),
            "layer/recurrent_kernel[units'=0, gate=o, units=1]",
            "multiplies the output of unit 0 at the step before, and the product is added to the output gate, unit 1",
        ),
        (
            lstm(),
            (9, 5),
            "layer/bias[gate=g, units=1]",
            "multiplies nothing; it is added to the candidate, unit 1",
        ),
        (
            ("BatchNormalization", NORM, {str(key): counting(5) for key in range(4)}),
            (5,),
            "layer/gamma[features=3]",
            "multiplies the normalised value of feature 3",
        ),
        (
            ("BatchNormalization", NORM, {str(key): counting(5) for key in range(4)}),
            (5,),
            "layer/moving_variance[features=3]",
            "multiplies nothing; feature 3, less its mean, is divided by the square root of it plus a small epsilon",
        ),
        (
            ("Embedding", {"input_dim": 7, "output_dim": 5}, {"0": counting(7, 5)}),
            (9,),
            "layer/embeddings[vocab=6, features=3]",
            "multiplies nothing: wherever token 6 arrives, it becomes feature 3 of the output",
        ),
    ],
)
def test_what_other_arrays_do(given, shape, selector, effect):
    class_name, settings, arrays = given
    assert chain(shape, ("layer", class_name, settings, arrays)).locate(selector).effect == effect


def test_the_second_cell_of_a_stack_reads_the_first():
    model = weightwise.open(SAMPLES / "keras3_recurrent.keras")
    assert model.locate("stacked/lstm_cell/kernel[in=7, gate=i, units=2]").effect == (
        "multiplies value 7 of the output of both_ways at each step, "
        "and the product is added to the input gate, unit 2, for cell 0 of the stack"
    )
    assert model.locate("stacked/gru_cell/kernel[in=4, gate=z, units=1]").effect == (
        "multiplies value 4 of the output of cell 0 at each step, "
        "and the product is added to the update gate, unit 1, for cell 1 of the stack"
    )


def test_a_layer_that_is_used_more_than_once_reads_what_arrives():
    model = weightwise.open(SAMPLES / "keras3_residual.keras")
    effect = "multiplies value 2 of what arrives, and the product is added to output 3"
    assert model.locate("shared/kernel[in=2, out=3]").effect == effect


def test_attention_tells_what_arrives_from_what_the_heads_hand_on():
    model = weightwise.open(SAMPLES / "keras3_attention.keras")
    assert model.locate("attend/key/kernel[key_in=8, heads=2, head_dim=1]").effect == (
        "multiplies value 8 of each key that arrives, and the product is added to head 2, number 1, for the keys"
    )
    assert model.locate("attend/attention_output/kernel[heads=2, value_dim=3, out=5]").effect == (
        "multiplies head 2, number 3 of what the heads hand on, and the product is added to output 5"
    )


def test_shares_of_groups_count_as_the_whole():
    position = {"kh": 0, "in/groups": 1, "groups": 2, "out/groups": 0, "in": 9, "out": 4}
    assert sides(position) == ({"kh": 0, "in": 9}, {"out": 4})


def test_gates_tell_apart_what_is_made_also_beside_filters():
    read, made = sides({"kh": 0, "in": 2, "gate": "f", "out": 1})
    assert (read, made) == ({"kh": 0, "in": 2}, {"gate": "f", "out": 1})
