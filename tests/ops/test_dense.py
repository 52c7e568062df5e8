"""Dense layers: shapes, axes and what does not fit."""

import numpy
import pytest

from weightwise.ops.dense import Dense, QuantizedDense
from weightwise.ops.operation import ShapeError


def test_shapes_and_sizes():
    assert Dense(4).output_shapes([(None, None, 7)]) == ((None, None, 4),)
    assert Dense(4).sizes([(None, 7)]) == {"in": 7, "out": 4}
    assert Dense(4).sizes([(None, None)]) == Dense(4).sizes([]) == {"out": 4}
    with pytest.raises(ShapeError, match="needs a batch axis and an input axis"):
        Dense(4).output_shapes([(7,)])
    with pytest.raises(ShapeError, match="takes one input, found 2"):
        Dense(4).output_shapes([(None, 7), (None, 7)])


def test_the_outputs_are_channels():
    assert Dense(4).tensor_axes([("h", "w", "c")]) == ("h", "w", "c")
    assert Dense(4).tensor_axes([("h w c",)]) == ("c",)
    assert Dense(4).tensor_axes([("c", "h", "w")]) is None  # the channels of before would be called so too
    assert Dense(4).tensor_axes([None]) is None


def test_a_low_rank_pair_adds_its_product():
    generator = numpy.random.default_rng(0)
    kernel, a, b = (generator.uniform(-1, 1, shape) for shape in ((5, 3), (5, 2), (2, 3)))
    x = generator.uniform(-1, 1, (2, 5))
    layer = Dense(3, bias=False, adaptation=0.5)
    assert layer.roles() == {"kernel": "in out", "lora_a": "in rank", "lora_b": "rank out"}
    (y,) = layer.forward([x], {"kernel": kernel, "lora_a": a, "lora_b": b})
    assert numpy.allclose(y, x @ (kernel + 0.5 * a @ b))


def test_bytes_are_near_what_they_stand_for():
    generator = numpy.random.default_rng(0)
    x, kernel = generator.uniform(-1, 1, (4, 6)), generator.uniform(-1, 1, (6, 3))
    scale = 127 / numpy.abs(kernel).max(axis=0)
    (y,) = QuantizedDense(3, bias=False).forward([x], {"kernel": numpy.round(kernel * scale), "scale": scale})
    assert 0 < numpy.abs(y - x @ kernel).max() < 0.03


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Dense(1024), "computes 1,024 weighted sums of all its inputs"),
        (QuantizedDense(3), "computes 3 weighted sums of all its inputs, in whole numbers of one byte"),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
