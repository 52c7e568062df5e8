"""Padding, cropping, resizing and rescaling."""

import numpy as np
import pytest

from weightwise.ops.operation import ShapeError
from weightwise.ops.padding import Cropping, ZeroPadding
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling, resized

EDGES = ((1, 0), (2, 3))


def random(*shape):
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape)


def test_cropping_takes_off_what_padding_adds():
    x = random(2, 4, 5, 3)
    (padded,) = ZeroPadding(EDGES).forward([x], {})
    (back,) = Cropping(EDGES).forward([padded], {})
    assert padded.shape == (2, 5, 10, 3)
    assert np.array_equal(back, x)
    assert np.isclose(padded.sum(), x.sum())


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_an_image_of_the_wanted_size_stays_as_it_is(interpolation):
    x = random(2, 4, 5, 3)
    assert np.allclose(resized(x, (4, 5), interpolation), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("antialias", [False, True])
def test_a_slope_stays_a_slope(antialias):
    x = np.arange(12.0).reshape(1, 12, 1)
    y = resized(x, (4,), "bilinear", antialias).ravel()
    assert np.allclose(y[1:-1], [4, 7], rtol=0, atol=1e-12)


def test_repeating_is_the_nearest_value():
    x = random(2, 3, 4, 2)
    (y,) = UpSampling((3, 2)).forward([x], {})
    assert np.array_equal(y, x.repeat(3, 1).repeat(2, 2))


@pytest.mark.parametrize(
    ("operation", "shape", "expected"),
    [
        (ZeroPadding(EDGES), (None, None, 5, None), (None, None, 10, None)),
        (Cropping(EDGES), (None, 4, None, 3), (None, 3, None, 3)),
        (UpSampling((3, 2)), (None, None, 5, 3), (None, None, 10, 3)),
        (UpSampling((3, 2), channels_first=True), (2, 3, 5, None), (2, 3, 15, None)),
        (Resizing((6, 7)), (None, None, 5, 3), (None, 6, 7, 3)),
        (CenterCrop((6, 7), channels_first=True), (None, 3, None, 9), (None, 3, 6, 7)),
        (Rescaling(0.5), (None, None), (None, None)),
    ],
)
def test_open_sizes(operation, shape, expected):
    assert operation.output_shapes([shape]) == (expected,)


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3", "area"])
def test_an_interpolation_that_backends_do_not_agree_on_is_refused(interpolation):
    operation = UpSampling((2, 2), interpolation)
    assert operation.output_shapes([(None, 3, 4, 1)]) == ((None, 6, 8, 1),)
    with pytest.raises(ShapeError, match=f"{interpolation} interpolation is not computed here"):
        operation.forward([random(1, 3, 4, 1)], {})


def test_edges_that_leave_nothing_are_refused():
    with pytest.raises(ShapeError, match="nothing is left of an axis of 5 elements when 5 are cut off"):
        Cropping(EDGES).output_shapes([(None, 4, 5, 3)])
    with pytest.raises(ShapeError, match="an edge cannot have fewer than 0 elements"):
        ZeroPadding(((-1, 0),))


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (ZeroPadding(EDGES), "adds zeros around its input: 1 above, 0 below, 2 on the left, 3 on the right"),
        (Cropping(((1, 2),)), "cuts the edges of its input off: 1 before, 2 after"),
        (
            ZeroPadding(((1, 2), *EDGES)),
            "adds zeros around its input: 1 in front, 2 behind, 1 above, 0 below, 2 on the left, 3 on the right",
        ),
        (UpSampling((3, 2)), "repeats every value 3 × 2 times"),
        (UpSampling((3, 2), "bicubic"), "makes its input 3 × 2 times as large by bicubic interpolation"),
        (Resizing((6, 7)), "resizes its input to 6 × 7 by bilinear interpolation"),
        (
            Resizing((6, 7), "nearest", "crop"),
            "resizes its input to 6 × 7 by nearest interpolation, and cuts off what is left over",
        ),
        (CenterCrop((6, 7)), "cuts the middle 6 × 7 out of its input"),
        (Rescaling(1 / 255, -1.0), "multiplies every value by 0.00392157 and adds -1"),
        (Rescaling((0.5, 2.0), 0.0), "multiplies every value by 0.5 | 2 (one for each channel)"),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
