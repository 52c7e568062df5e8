"""Normalizations: what they leave behind, their axes and what does not fit."""

import numpy
import pytest

from weightwise.ops.features import along, feature_names, spoken
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, RMSNorm, Standardization, UnitNorm
from weightwise.ops.operation import ShapeError

BARE = {"scale": False, "center": False, "epsilon": 0.0}


def random(*shape):
    return numpy.random.default_rng(len(shape)).uniform(-1, 3, shape)


@pytest.mark.parametrize(
    ("operation", "over"),
    [
        (LayerNorm(**BARE), (3,)),
        (LayerNorm((1, 3), **BARE), (1, 3)),
        (GroupNorm(**BARE), (1, 2)),
        (GroupNorm((1,), **BARE), (2, 3)),
        (GroupNorm(**BARE, groups=1), (1, 2, 3)),
    ],
)
def test_mean_and_variance_are_0_and_1_over_the_right_axes(operation, over):
    (y,) = operation.forward([random(2, 3, 4, 6)], {})
    assert numpy.allclose(y.mean(axis=over), 0)
    assert numpy.allclose(y.var(axis=over), 1)


def test_a_group_is_a_run_of_channels():
    (y,) = GroupNorm(**BARE, groups=2).forward([random(2, 3, 6)], {})
    assert numpy.allclose(y[..., :3].mean(axis=(1, 2)), 0)
    assert not numpy.allclose(y[..., ::2].mean(axis=(1, 2)), 0)


def test_the_mean_square_is_1():
    (y,) = RMSNorm(epsilon=0.0, scale=False).forward([random(2, 3, 4)], {})
    assert numpy.allclose((y * y).mean(axis=-1), 1)


def test_a_length_is_1_and_that_of_zeros_0():
    x = random(2, 3, 4)
    x[0, 1] = 0
    (y,) = UnitNorm().forward([x], {})
    assert numpy.allclose(numpy.linalg.norm(y, axis=-1), [[1, 0, 1], [1, 1, 1]])


def test_a_standardization_can_be_undone():
    x, given = random(2, 3, 4), ((0.5, 1.0, 2.0, 3.0), 2.0)
    (y,) = Standardization(given=given).forward([x], {})
    (back,) = Standardization(given=given, invert=True).forward([y], {})
    assert numpy.allclose(back, x)
    assert not numpy.allclose(y, x)


def test_the_weights_run_along_the_axes():
    assert LayerNorm((1, 3)).roles() == {"gamma": "axis_1 axis_3", "beta": "axis_1 axis_3"}
    assert LayerNorm((1, 3)).sizes([(None, 3, None, 5)]) == {"axis_1": 3, "axis_3": 5}
    assert BatchNorm((1,), center=False).roles() == dict.fromkeys(("gamma", "mean", "variance"), "features")
    assert BatchNorm((1,)).sizes([]) == UnitNorm().sizes([(None, 3)]) == {}
    assert Standardization(()).roles() == {"mean": "", "variance": ""}
    assert UnitNorm((-2, -1)).roles() == {}
    assert (BatchNorm((1,)).input_axis, BatchNorm().input_axis) == ("", "features")
    assert BatchNorm().tensor_axes([("h", "w", "c")]) == ("h", "w", "c")


def test_features_meet_their_axes():
    assert along(numpy.zeros((3, 5)), (1, 3), 4).shape == (1, 3, 1, 5)
    assert feature_names((2,)) == feature_names((-1,)) == ("features",)
    assert [spoken(axes) for axes in ((-1,), (2,), (1, 2, 3))] == [
        "its last axis",
        "its axis 2",
        "its axes 1, 2 and 3",
    ]
    assert spoken((-2, -1)) == "its last 2 axes"


@pytest.mark.parametrize(
    ("operation", "shape", "message"),
    [
        (BatchNorm((3,)), (None, 4), "there is no axis 3 in a tensor of shape"),
        (GroupNorm(groups=3), (None, 4), "4 channels cannot be split in 3 groups"),
    ],
)
def test_what_does_not_fit_is_refused(operation, shape, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes([shape])


def test_several_axes_from_the_end_are_named_from_there():
    assert LayerNorm((-2, -1)).roles() == {"gamma": "last_2 last_1", "beta": "last_2 last_1"}
    assert LayerNorm((-2, -1)).sizes([(None, 4, 3, 5)]) == {"last_2": 3, "last_1": 5}


def test_axes_from_both_ends_have_no_names():
    with pytest.raises(ShapeError, match="can be named only where the number of the input's axes is known"):
        LayerNorm((1, -1)).roles()


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (
            BatchNorm(),
            "brings the values of each channel, along its last axis, to mean 0 and variance 1 by the averages of its"
            " training data, then scales them by gamma and adds beta, which it learned",
        ),
        (
            LayerNorm((1, 2), scale=False),
            "brings its values to mean 0 and variance 1 along its axes 1 and 2, then adds beta, which it learned",
        ),
        (LayerNorm(**BARE, centered=False), "divides its values by their deviation along its last axis"),
        (
            RMSNorm(),
            "divides its values along its last axis by the root of their mean square, then scales them by gamma, which"
            " it learned",
        ),
        (
            GroupNorm(groups=4, **BARE),
            "brings the values of each of 4 groups of channels of each example, along its last axis, to mean 0 and"
            " variance 1",
        ),
        (
            GroupNorm((1,), **BARE),
            "brings the values of each channel of each example, along its axis 1, to mean 0 and variance 1",
        ),
        (UnitNorm(), "scales its values along its last axis to length 1"),
        (
            Standardization(),
            "takes off a mean and divides by a deviation that were measured for each place along its last axis",
        ),
        (
            Standardization((), invert=True),
            "multiplies by a deviation and adds a mean that were measured, which undoes a normalization",
        ),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
