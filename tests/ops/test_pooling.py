"""Poolings against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightwise.ops.operation import ShapeError
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.window import Window

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SMALL = st.integers(1, 4)
REDUCED = {"max": np.max, "average": np.mean}
reduced = st.sampled_from(sorted(REDUCED))


def random(*shape):
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape)


@given(SMALL, SMALL, reduced, st.sampled_from(["valid", "same"]))
def test_a_window_is_reduced_over_its_real_elements_alone(size, stride, reduce, padding):
    window, x = Window((size,), (stride,), (1,), padding), -1 - random(2, 9, 3) ** 2
    before, after = window.around(0, 9)
    begins = range(-before, 9 + after - size + 1, stride)
    expected = [REDUCED[reduce](x[:, max(begin, 0) : begin + size], axis=1) for begin in begins]
    (ours,) = Pooling(reduce, window).forward([x], {})
    assert np.allclose(ours, np.stack(expected, 1), rtol=0, atol=1e-12)


@given(st.integers(1, 9), st.integers(1, 9), reduced)
def test_the_runs_of_an_adaptive_pooling_cover_the_axis(size, count, reduce):
    x = random(2, size, 3)
    runs = [(int(np.floor(i * size / count)), int(np.ceil((i + 1) * size / count))) for i in range(count)]
    expected = [REDUCED[reduce](x[:, begin:end], axis=1) for begin, end in runs]
    (ours,) = AdaptivePooling(reduce, (count,)).forward([x], {})
    assert (runs[0][0], runs[-1][1]) == (0, size)
    assert np.allclose(ours, np.stack(expected, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("reduce", sorted(REDUCED))
def test_an_adaptive_pooling_to_one_element_is_a_global_one(reduce):
    x = random(2, 4, 5, 3)
    (ours,) = GlobalPooling(reduce, 2, keep=True).forward([x], {})
    (theirs,) = AdaptivePooling(reduce, (1, 1)).forward([x], {})
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("operation", "shape", "expected", "axes"),
    [
        (Pooling("max", Window((2, 3), (2, 3), (1, 1), "valid")), (None, None, 7, 3), (None, None, 2, 3), "h w c"),
        (GlobalPooling("max", 2), (None, None, None, 3), (None, 3), "c"),
        (GlobalPooling("max", 2, channels_first=True), (None, 3, None, None), (None, 3), "c"),
        (GlobalPooling("max", 1, keep=True), (None, None, 3), (None, 1, 3), "position c"),
        (GlobalPooling("max", 2, keep=True, channels_first=True), (2, 3, None, 4), (2, 3, 1, 1), "c h w"),
        (AdaptivePooling("max", (2, 3)), (None, None, 7, None), (None, 2, 3, None), "h w c"),
    ],
)
def test_open_sizes_and_axes(operation, shape, expected, axes):
    assert operation.output_shapes([shape]) == (expected,)
    assert operation.tensor_axes([None]) == tuple(axes.split())


def test_another_reduction_is_refused():
    with pytest.raises(ShapeError, match="keeps the max or the average, found 'sum'"):
        GlobalPooling("sum", 2)


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Pooling("max", Window((2, 2), (2, 2), (1, 1), "valid")), "keeps the largest value of each 2 × 2 window"),
        (
            Pooling("average", Window((2, 2), (1, 2), (1, 1), "valid")),
            "averages the values of each 2 × 2 window, in steps of 1 × 2",
        ),
        (GlobalPooling("average", 2), "averages the values of each channel, over all its positions"),
        (
            AdaptivePooling("max", (7, 7)),
            "keeps the largest value of each window, of which it lays 7 × 7 over its input",
        ),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
