"""Attention: what its definition demands, whatever a framework computes."""

from __future__ import annotations

import numpy
import pytest

from weightwise.ops.attention import Attention
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import ShapeError

TWO_HEADS = MultiHeadAttention(2, 3, 4)


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape)


def weights_of(operation, query=5, key=6, value=7):
    sizes = operation.sizes([(None, None, query), (None, None, key), (None, None, value)])
    return {
        role: values(*(sizes[name] for name in axes.split()), seed=len(role))
        for role, axes in operation.roles().items()
    }


@pytest.mark.parametrize("score", ["dot", "concat", "additive"])
def test_of_one_value_every_query_takes_all(score):
    query, value = values(2, 3, 5), values(2, 1, 5)
    (output,) = Attention(score).forward([query, value], {"score_scale": numpy.array(2.0)})
    assert numpy.allclose(output, numpy.broadcast_to(value, output.shape))


def test_scores_are_averages_and_a_causal_query_sees_nothing_later():
    query, value = values(2, 3, 5), values(2, 4, 5)
    output, scores = Attention(causal=True, scores=True).forward([query, value], {})
    assert numpy.allclose(scores.sum(-1), 1)
    assert not scores[:, 0, 1:].any()
    assert numpy.allclose(output[:, 0], value[:, 0])


def test_of_one_key_every_head_takes_its_value():
    query, key, value = values(2, 3, 5), values(2, 1, 6), values(2, 1, 7)
    weights = weights_of(TWO_HEADS)
    (output,) = TWO_HEADS.forward([query, key, value], weights)
    heads = numpy.einsum("bki,ihd->bkhd", value, weights["value/kernel"]) + weights["value/bias"]
    expected = numpy.einsum("bkhd,hdo->bko", heads, weights["output/kernel"]) + weights["output/bias"]
    assert numpy.allclose(output, numpy.broadcast_to(expected, output.shape))


def test_the_order_of_arguments_changes_nothing_else():
    query, key, value = values(2, 3, 5), values(2, 4, 6), values(2, 4, 7)
    weights = weights_of(TWO_HEADS)
    other = MultiHeadAttention(2, 3, 4, arguments=("query", "value", "key"))
    expected = TWO_HEADS.forward([query, key, value], weights)
    assert numpy.array_equal(other.forward([query, value, key], weights), expected)


def test_shared_heads_are_heads_that_repeat():
    shared = MultiHeadAttention(4, 3, 3, kv_heads=2)
    weights = weights_of(shared)
    repeated = {
        role: array.repeat(2, -2) if role.startswith(("key", "value")) else array for role, array in weights.items()
    }
    inputs = [values(2, 3, 5), values(2, 4, 6), values(2, 4, 7)]
    assert numpy.allclose(shared.forward(inputs, weights), MultiHeadAttention(4, 3, 3).forward(inputs, repeated))


def test_a_window_of_one_is_a_mask_of_the_diagonal():
    inputs = [values(2, 4, 5), values(2, 4, 6), values(2, 4, 7)]
    weights = weights_of(TWO_HEADS)
    narrow = MultiHeadAttention(2, 3, 4, window=1)
    masked = MultiHeadAttention(2, 3, 4, arguments=("query", "key", "value", "mask"))
    (expected,) = masked.forward([*inputs, numpy.eye(4)[None]], weights)
    assert numpy.allclose(narrow.forward(inputs, weights), expected)
    assert not numpy.allclose(TWO_HEADS.forward(inputs, weights), expected)


def test_scores_of_all_heads_are_averages():
    inputs = [values(2, 3, 5), values(2, 4, 6), values(2, 4, 7)]
    operation = MultiHeadAttention(2, 3, 4, scores=True)
    _, scores = operation.forward(inputs, weights_of(operation))
    assert scores.shape == (2, 2, 3, 4)
    assert numpy.allclose(scores.sum(-1), 1)


@pytest.mark.parametrize(
    ("operation", "inputs", "outputs"),
    [
        (Attention(), [(None, None, 5), (None, 4, 7), (None, 4, 5)], [(None, None, 7)]),
        (Attention(scores=True), [(None, 3, 5), (None, None, 5)], [(None, 3, 5), (None, 3, None)]),
        (TWO_HEADS, [(None, None, 5), (None, 4, 6)], [(None, None, 5)]),
        (MultiHeadAttention(2, 3, 4, outputs=(7, 8)), [(None, 3, 5), (None, 4, 6)], [(None, 3, 7, 8)]),
        (MultiHeadAttention(2, 3, 4, scores=True), [(2, 3, 5), (2, None, 6)], [(2, 3, 5), (2, 2, 3, None)]),
        (
            MultiHeadAttention(2, 3, 4, axes=(2,), scores=True),
            [(None, 9, 3, 5), (None, 9, 4, 6)],
            [(None, 9, 3, 5), (None, 9, 2, 3, 4)],
        ),
    ],
)
def test_shapes_with_open_sizes(operation, inputs, outputs):
    assert operation.output_shapes(inputs) == tuple(outputs)


@pytest.mark.parametrize(
    ("operation", "inputs", "message"),
    [
        (Attention(), [(None, 3, 5)], "attention takes a query, values and perhaps keys, found 1 inputs"),
        (Attention(), [(None, 5), (None, 5)], "attention needs tensors of one rank, at least 3"),
        (TWO_HEADS, [(None, 3, 5)], "attention takes query, key, value, found 1 inputs"),
        (TWO_HEADS, [(None, 3, 5)] * 4, "attention takes query, key, value, found 4 inputs"),
        (TWO_HEADS, [(None, 3, 5), (None, 2, 4, 6)], "attention needs tensors of one rank, at least 3"),
        (MultiHeadAttention(2, 3, 4, window=2), [(None, 2, 3, 5)] * 2, "over the first axis only"),
        (MultiHeadAttention(2, 3, 4, axes=(2,), causal=True), [(None, 2, 3, 5)] * 2, "over the first axis only"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(operation, inputs, message):
    with pytest.raises(ShapeError, match=message):
        operation.output_shapes(inputs)


def test_a_query_without_keys_is_refused():
    operation = MultiHeadAttention(2, 3, 4, window=1)
    with pytest.raises(ShapeError, match="a query is left without any key"):
        operation.forward([values(2, 5, 5), values(2, 4, 6), values(2, 4, 7)], weights_of(operation))


def test_attributes_that_cannot_be_are_refused():
    with pytest.raises(ShapeError, match="4 heads cannot share 3 heads of keys and values"):
        MultiHeadAttention(4, 3, 3, kv_heads=3)
    with pytest.raises(ShapeError, match="no attention score is called 'cosine' here; known are dot, concat, additive"):
        Attention("cosine")


def test_axes_of_the_output():
    query = ("position", "c")
    assert TWO_HEADS.tensor_axes([query, None]) == query
    assert TWO_HEADS.tensor_axes([None, None]) is None
    assert MultiHeadAttention(2, 3, 4, outputs=(7, 8)).tensor_axes([query, None]) is None
    assert Attention().tensor_axes([("h", "w", "features"), None]) == ("h", "w", "c")
    assert Attention().tensor_axes([None, None]) is None


def test_sizes_that_are_not_known_are_left_out():
    assert TWO_HEADS.sizes([]) == {"heads": 2, "head_dim": 3, "value_dim": 4}
    assert Attention("additive", scale=True).sizes([]) == {}


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Attention(), "averages the values for each query, weighted by the dot product of the query with their keys"),
        (
            MultiHeadAttention(4, 3, 3, kv_heads=1),
            "lets every position gather what it looks for from others, with 4 heads of 3 numbers, which share 1 head "
            "of keys and values",
        ),
        (
            MultiHeadAttention(1, 3, 3),
            "lets every position gather what it looks for from others, with 1 head of 3 numbers",
        ),
    ],
)
def test_sentences(operation, sentence):
    assert operation.sentence() == sentence
