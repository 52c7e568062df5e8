"""Cases of Keras's dense layers and embeddings."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tests.oracles.case import Case, Input

SINGLE = 1e-5
"""The tolerance of a case that Keras computes in float32, as it does low-rank pairs."""


def quantized(layer: Any, *shape: int | None) -> Any:
    """Return the layer built for inputs of a shape, and quantised to bytes."""
    layer.build(shape)
    layer.quantize("int8")
    return layer


def einsum(equation: str, output: Any, bias: str | None = None, **settings: Any) -> Any:
    """Return what builds an EinsumDense."""
    return lambda: layers.EinsumDense(equation, output_shape=output, bias_axes=bias, **settings)


DENSE = [
    Case("Dense", lambda: layers.Dense(5), [Input((2, 7))]),
    Case("Dense without bias", lambda: layers.Dense(5, use_bias=False), [Input((2, 7))]),
    Case("Dense without bias, square", lambda: layers.Dense(3, use_bias=False), [Input((2, 3))]),
    Case("Dense over sequences", lambda: layers.Dense(4, activation="tanh"), [Input((2, 3, 5))]),
    Case("Dense over images", lambda: layers.Dense(2, activation="relu"), [Input((2, 3, 4, 5))]),
    Case("Dense, square", lambda: layers.Dense(4), [Input((3, 4))]),
    Case("Dense of one unit", lambda: layers.Dense(1, activation="sigmoid"), [Input((3, 4))]),
    Case("Dense with softmax", lambda: layers.Dense(4, activation="softmax"), [Input((3, 5))]),
    Case("Dense with a layer", lambda: layers.Dense(4, activation=layers.LeakyReLU(0.1)), [Input((3, 5))]),
    Case("Dense with a function", lambda: layers.Dense(4, activation=keras.activations.swish), [Input((3, 5))]),
    Case("Dense adapted", lambda: layers.Dense(5, lora_rank=2), [Input((2, 7))], tolerance=SINGLE),
    Case(
        "Dense adapted by a factor",
        lambda: layers.Dense(5, lora_rank=2, lora_alpha=3),
        [Input((2, 3, 7))],
        tolerance=SINGLE,
    ),
    Case(
        "Dense adapted without bias, square",
        lambda: layers.Dense(3, lora_rank=3, use_bias=False),
        [Input((2, 3))],
        tolerance=SINGLE,
    ),
    Case("Dense of bytes", lambda: quantized(layers.Dense(5), None, 7), [Input((2, 7))]),
    Case(
        "Dense of bytes, square",
        lambda: quantized(layers.Dense(4, activation="relu"), None, 3, 4),
        [Input((2, 3, 4))],
    ),
    Case(
        "Dense of bytes without bias",
        lambda: quantized(layers.Dense(5, use_bias=False), None, 7),
        [Input((2, 7))],
    ),
]

EINSUM = [
    Case("EinsumDense", einsum("abc,cd->abd", (None, 5), "d"), [Input((2, 3, 4))]),
    Case("EinsumDense without bias", einsum("ab,bc->ac", 5), [Input((2, 4))]),
    Case("EinsumDense, square", einsum("abc,cd->abd", (None, 4), "d"), [Input((2, 3, 4))]),
    Case("EinsumDense stored the other way", einsum("abc,dc->abd", (3, 4), "d"), [Input((2, 3, 4))]),
    Case("EinsumDense with an open output", einsum("abc,cd->abd", (None, 5)), [Input((2, 3, 4))]),
    Case("EinsumDense over heads", einsum("abc,cde->abde", (None, 3, 5), "de"), [Input((2, 3, 4))]),
    Case("EinsumDense over heads, square", einsum("abc,cde->abde", (None, 3, 3), "de"), [Input((2, 3, 3))]),
    Case("EinsumDense of heads", einsum("abde,dec->abc", (None, 3), "c"), [Input((2, 3, 2, 5))]),
    Case("EinsumDense of heads, square", einsum("abde,dec->abc", (None, 2), "c"), [Input((2, 3, 2, 2))]),
    Case("EinsumDense for each", einsum("abc,bcd->abd", (3, 5), "d"), [Input((2, 3, 4))]),
    Case("EinsumDense for each, square", einsum("abc,bcd->abd", (4, 4), "bd"), [Input((2, 4, 4))]),
    Case("EinsumDense with a bias for each", einsum("abc,cd->abd", (3, 5), "bd"), [Input((2, 3, 4))]),
    Case("EinsumDense with a bias at each", einsum("abc,cd->abd", (3, 5), "b"), [Input((2, 3, 4))]),
    Case("EinsumDense with a bias twice, square", einsum("abc,cd->abd", (4, 4), "db"), [Input((2, 4, 4))]),
    Case("EinsumDense with a bias around", einsum("abc,cde->abde", (3, 2, 5), "be"), [Input((2, 3, 4))]),
    Case("EinsumDense leading", einsum("...b,bc->...c", 5, "c"), [Input((2, 4))]),
    Case("EinsumDense leading over sequences", einsum("...b,bc->...c", 4, "c"), [Input((2, 3, 4))]),
    Case("EinsumDense leading over images", einsum("...b,bc->...c", 4), [Input((2, 3, 3, 5))]),
    Case("EinsumDense leading with positions", einsum("...ab,bc->...ac", (3, 5), "ac"), [Input((2, 3, 4))]),
    Case("EinsumDense leading with batch", einsum("...ab,bc->...ac", (5,), "c"), [Input((2, 4))]),
    Case("EinsumDense trailing", einsum("ab...,bc->ac...", 5), [Input((2, 3, 4))]),
    Case("EinsumDense trailing with bias", einsum("ab...,bc->ac...", 5, "c"), [Input((2, 3, 4, 2))]),
    Case("EinsumDense trailing, square", einsum("ab...,bc->ac...", 3, "c"), [Input((2, 3, 3))]),
    Case("EinsumDense in capitals", einsum("aBC,CD->aBD", (3, 5), "D", activation="relu"), [Input((2, 3, 4))]),
    Case(
        "EinsumDense adapted",
        einsum("abc,cde->abde", (None, 3, 5), "de", lora_rank=2),
        [Input((2, 3, 4))],
        tolerance=SINGLE,
    ),
    Case(
        "EinsumDense adapted, square",
        einsum("abc,cde->abde", (None, 3, 3), "de", lora_rank=3),
        [Input((2, 3, 3))],
        tolerance=SINGLE,
    ),
    Case(
        "EinsumDense adapted by a factor",
        einsum("abc,cd->abd", (None, 5), lora_rank=2, lora_alpha=3),
        [Input((2, 3, 4))],
        tolerance=SINGLE,
    ),
]

BACK = {"reverse": True}

EMBEDDINGS = [
    Case("Embedding", lambda: layers.Embedding(7, 3), [Input((2, 5), below=7)]),
    Case("Embedding, square", lambda: layers.Embedding(5, 5), [Input((2, 4), below=5)]),
    Case("Embedding with padding", lambda: layers.Embedding(4, 3, mask_zero=True), [Input((2, 5), below=4)]),
    Case("Embedding of single indices", lambda: layers.Embedding(7, 3), [Input((4,), below=7)]),
    Case("Embedding of images", lambda: layers.Embedding(7, 2), [Input((2, 3, 4), below=7)]),
    Case(
        "Embedding adapted",
        lambda: layers.Embedding(7, 3, lora_rank=2, lora_alpha=5),
        [Input((2, 5), below=7)],
        tolerance=SINGLE,
    ),
    Case(
        "Embedding adapted, square",
        lambda: layers.Embedding(4, 4, lora_rank=4),
        [Input((2, 5), below=4)],
        tolerance=SINGLE,
    ),
    Case("Embedding of bytes", lambda: quantized(layers.Embedding(7, 3)), [Input((2, 5), below=7)]),
    Case(
        "Embedding of bytes, square",
        lambda: quantized(layers.Embedding(4, 4)),
        [Input((2, 5), below=4)],
    ),
    Case("ReversibleEmbedding", lambda: layers.ReversibleEmbedding(7, 3), [Input((2, 5), below=7)]),
    Case("ReversibleEmbedding, square", lambda: layers.ReversibleEmbedding(4, 4), [Input((2, 5), below=4)]),
    Case("ReversibleEmbedding back", lambda: layers.ReversibleEmbedding(7, 3), [Input((2, 5, 3))], arguments=BACK),
    Case(
        "ReversibleEmbedding back, square",
        lambda: layers.ReversibleEmbedding(4, 4),
        [Input((2, 5, 4))],
        arguments=BACK,
    ),
    Case(
        "ReversibleEmbedding back, capped",
        lambda: layers.ReversibleEmbedding(7, 3, logit_soft_cap=2.0),
        [Input((2, 5, 3))],
        arguments=BACK,
    ),
    Case(
        "ReversibleEmbedding untied",
        lambda: layers.ReversibleEmbedding(7, 3, tie_weights=False),
        [Input((2, 5), below=7)],
    ),
    Case(
        "ReversibleEmbedding untied, back",
        lambda: layers.ReversibleEmbedding(7, 3, tie_weights=False),
        [Input((2, 5, 3))],
        arguments=BACK,
    ),
    Case(
        "ReversibleEmbedding untied, back, square",
        lambda: layers.ReversibleEmbedding(4, 4, tie_weights=False),
        [Input((2, 5, 4))],
        arguments=BACK,
        symmetries={"embeddings": ["features vocab"]},  # the way back does not read it
    ),
]

CASES = [*DENSE, *EINSUM, *EMBEDDINGS]
