"""Attention and its last projection, two layers in PyTorch, are one in Keras and Flax."""

from __future__ import annotations

import numpy
import pytest

from weightwise.answers.forward import forward
from weightwise.naming import named
from weightwise.porting.porting import lowered, speller
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

SIZE, HEADS = 12, 3
FOUR = {
    "keras": ["attention.query/kernel", "attention.attention_output/kernel"],
    "flax": ["attention.query/kernel", "attention.out/kernel"],
}


def layer(name, class_name, config, shapes, *inputs, outputs=1):
    """Return a layer of random arrays that is called once."""
    random = numpy.random.default_rng(len(name))
    arrays = []
    for key, shape in shapes.items():
        values = random.normal(size=shape)
        read = (lambda kept: lambda: kept)(values)
        arrays.append(StoredArray(f"{name}.{key}", key, shape, "float64", values.nbytes, read, name=key))
    config = {**config, "parameters": list(shapes), "buffers": []}
    shapes = tuple((None, 7, SIZE) for _ in inputs)
    return StoredLayer(name, class_name, config, arrays=tuple(arrays), calls=(Call(inputs, {}, shapes),))


def model(packed: bool, read_between: bool = False):
    """Return a network of PyTorch with attention to three inputs, whose projections are one array or three."""
    given = tuple(Tensor("(input)", 0, index) for index in range(3))
    sizes = {"in_proj_weight": (3 * SIZE, SIZE)}
    if not packed:
        sizes = {f"{name}_proj_weight": (SIZE, SIZE) for name in "qkv"}
    config = {"embed_dim": SIZE, "num_heads": HEADS, "dropout": 0.0, "batch_first": True}
    config |= {"_qkv_same_embed_dim": packed, "kdim": SIZE, "vdim": SIZE, "add_zero_attn": False}
    attention = layer("attention", "MultiheadAttention", config, {**sizes, "in_proj_bias": (3 * SIZE,)}, *given)
    linear = {"in_features": SIZE, "out_features": SIZE}
    shapes = {"weight": (SIZE, SIZE), "bias": (SIZE,)}
    last = layer("attention.out_proj", "NonDynamicallyQuantizableLinear", linear, shapes, Tensor("attention"))
    outputs = (Tensor("attention.out_proj"), *([Tensor("attention")] if read_between else []))
    root = StoredLayer("net", "Module", layers=(attention, last), inputs=given, outputs=outputs)
    return named(StoredModel("net", "test", "PyTorch", "", root, Addressing.PATH))


@pytest.mark.parametrize("framework", ["keras", "flax"])
@pytest.mark.parametrize("packed", [True, False])
def test_attention_is_one_layer_with_four_projections(framework, packed):
    source = model(packed)
    inputs = [numpy.random.default_rng(place).normal(size=(2, 7, SIZE)) for place in range(3)]
    ported = lowered(source, speller(framework))
    holding = [layer.name for layer in ported.model.walk() if layer.weights and not layer.is_model]
    assert holding == ["attention"]
    assert set(FOUR[framework]) <= {transfer.path for transfer in ported.transfers}
    assert not ported.left
    assert ported.placed["attention.out_proj", 0, 0] == ported.outputs[0]
    expected, found = forward(source, inputs)[0], forward(ported.model, inputs)[0]
    assert numpy.abs(expected).max() > 1
    numpy.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_what_lies_between_is_kept_where_it_is_read():
    ported = lowered(model(True, read_between=True), speller("keras"))
    assert len([layer for layer in ported.model.walk() if layer.weights and not layer.is_model]) > 1


def test_pytorch_keeps_both():
    ported = lowered(model(True), speller("pytorch"))
    holding = [layer.name for layer in ported.model.walk() if layer.weights and not layer.is_model]
    assert len(holding) == 2
