"""Embeddings: shapes, padding and what does not fit."""

import numpy
import pytest

from weightwise.ops.embedding import Embedding, Unembedding
from weightwise.ops.operation import ShapeError

TABLE = numpy.arange(12.0).reshape(4, 3)


def test_each_index_is_a_row():
    (y,) = Embedding(4, 3).forward([numpy.array([[3, 0]])], {"table": TABLE})
    assert numpy.array_equal(y, [[[9, 10, 11], [0, 1, 2]]])
    assert Embedding(4, 3).output_shapes([(None, None)]) == ((None, None, 3),)


def test_the_features_are_channels():
    assert Embedding(4, 3).tensor_axes([("position",)]) == ("position", "c")
    assert Embedding(4, 3).tensor_axes([None]) is None
    assert Embedding(4, 3, sequence=True).tensor_axes([None]) == ("position", "c")


def test_index_0_is_padding_where_the_layer_says_so():
    x = numpy.array([[2, 0, 1]])
    assert numpy.array_equal(Embedding(4, 3, mask_zero=True).mask([x]), [[True, False, True]])
    assert Embedding(4, 3).mask([x]) is None


@pytest.mark.parametrize("indices", [[4], [-1], [2, 7]])
def test_an_index_outside_the_vocabulary_is_refused(indices):
    with pytest.raises(ShapeError, match="expected indices from 0 to 3, found"):
        Embedding(4, 3).forward([numpy.array([indices])], {"table": TABLE})


def test_no_indices_are_none():
    (y,) = Embedding(4, 3).forward([numpy.zeros((2, 0), int)], {"table": TABLE})
    assert y.shape == (2, 0, 3)


def test_the_way_back_takes_vectors_of_the_tables_size():
    assert Unembedding(4, 3).output_shapes([(None, None, 3)]) == ((None, None, 4),)
    with pytest.raises(ShapeError, match="takes vectors of 3, found shape"):
        Unembedding(4, 3).output_shapes([(None, 4)])


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (
            Embedding(10000, 16),
            "replaces each of its 10,000 possible indices by a vector of 16 numbers, one row of its table",
        ),
        (
            Embedding(4, 3, mask_zero=True),
            "replaces each of its 4 possible indices by a vector of 3 numbers, one row of its table;"
            " index 0 is padding, which the layers after it skip",
        ),
        (Unembedding(4, 3), "compares each vector with those of all 4 indices"),
    ],
)
def test_the_sentence_says_what_the_layer_does(operation, sentence):
    assert operation.sentence() == sentence
