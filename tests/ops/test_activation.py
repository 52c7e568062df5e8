"""Activations against their definitions, and how they are spelled."""

import math

import numpy
import pytest

from weightwise.ops.activation import Activation, PReLU, Softmax
from weightwise.ops.functions import FUNCTIONS, activate, spelled
from weightwise.ops.operation import ShapeError

X = numpy.linspace(-8, 8, 33)


def test_keras_2_and_3_have_two_functions_of_one_name():
    assert numpy.allclose(activate("hard_sigmoid_5", X), [min(max(0.2 * x + 0.5, 0), 1) for x in X])
    assert numpy.allclose(activate("hard_sigmoid", X), [min(max(x / 6 + 0.5, 0), 1) for x in X])


def test_a_gated_linear_unit_halves_its_last_axis():
    x = numpy.random.default_rng(0).uniform(-1, 1, (2, 3, 6))
    (y,) = Activation("glu").forward([x], {})
    assert numpy.allclose(y, x[..., :3] / (1 + numpy.exp(-x[..., 3:])))
    assert Activation("glu").output_shapes([(None, 3, 6)]) == ((None, 3, 3),)
    assert Activation("glu").output_shapes([(None, 3, None)]) == ((None, 3, None),)
    assert Activation("glu").tensor_axes([("h", "c")]) is None
    with pytest.raises(ShapeError, match="an even number of values in its last axis, found 5"):
        Activation("glu").output_shapes([(None, 5)])


def test_a_threshold_replaces_what_is_not_above_it():
    assert numpy.array_equal(
        activate("threshold(threshold=1.0, default_value=-2.0)", X), [x if x > 1 else -2 for x in X]
    )


def test_the_approximation_of_gelu_is_near_it_but_another():
    difference = numpy.abs(activate("gelu", X) - activate("gelu_tanh", X)).max()
    assert 1e-5 < difference < 1e-3


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_dtype_stays(name):
    assert activate(name, X[:32].astype("float32")).dtype == "float32"


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"exponential", "logarithm", "square_root"}))
def test_large_values_do_not_overflow(name):
    assert numpy.isfinite(activate(name, numpy.array([[-1000.0, 1000.0]]))).all()


def test_what_has_no_value_is_no_number():
    x = numpy.array([-2.0, 0.0])
    assert numpy.isnan(activate("square_root", x)[0])
    assert numpy.isnan(activate("power(exponent=-0.5)", x)[0])
    assert numpy.array_equal(activate("reciprocal", x), [-0.5, numpy.inf])
    assert activate("logarithm", x)[1] == -numpy.inf


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh", "softmax", "gelu", "silu", "leaky_relu"])
def test_what_is_no_number_stays_so(name):
    assert numpy.isnan(activate(name, numpy.array([math.nan, 1.0]))[0])


def test_settings_are_read_as_they_are_spelled():
    function = spelled("relu", max_value=3.0, negative_slope=0.5, threshold=None)
    assert function == "relu(max_value=3.0, negative_slope=0.5)"
    assert numpy.allclose(activate(function, X), [min(x, 3) if x > 0 else 0.5 * x for x in X])
    assert spelled("relu") == "relu"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("snake", "no activation is called 'snake' here; known are absolute, celu"),
        ("relu(slope=1)", "has a setting that relu does not know"),
        ("relu(max_value=six)", "expected numbers as the settings"),
        ("relu(max_value=6", "expected an activation such as relu"),
    ],
)
def test_an_unknown_function_is_refused(function, message):
    with pytest.raises(ShapeError, match=message.replace("(", r"\(")):
        activate(function, X)


def test_a_softmax_sums_to_one_along_its_axes():
    x = numpy.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    (y,) = Softmax((1, 2)).forward([x], {})
    assert numpy.allclose(y.sum(axis=(1, 2)), 1)
    with pytest.raises(ShapeError, match="no axis 3 in a tensor of shape"):
        Softmax((3,)).output_shapes([(None, 3, 4)])


def test_the_slopes_of_a_prelu_run_along_its_axes():
    x = numpy.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    slopes = numpy.array([1.0, 10.0, 100.0])
    (y,) = PReLU((1,)).forward([x], {"slope": slopes})
    assert numpy.allclose(y[:, 2], numpy.where(x[:, 2] > 0, x[:, 2], 100 * x[:, 2]))
    assert PReLU((1, 2)).roles() == {"slope": "axis_1 axis_2"}
    assert PReLU((1, 2)).sizes([(None, 3, 4)]) == {"axis_1": 3, "axis_2": 4}
    assert (PReLU((-1,)).input_axis, PReLU((1,)).input_axis) == ("features", "")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Activation("relu(max_value=6.0)"), "applies relu(max_value=6.0) to every value"),
        (Activation("softmax"), "applies softmax along its last axis"),
        (Softmax(), "turns the values along its last axis into shares that are positive and sum to 1"),
        (Softmax((1, 2)), "turns the values along its axes 1 and 2 into shares that are positive and sum to 1"),
        (PReLU(()), "passes positive values on and multiplies negative ones by slopes that it learned"),
        (
            PReLU((1,)),
            "passes positive values on and multiplies negative ones by slopes that it learned,"
            " one for each place along its axis 1",
        ),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
