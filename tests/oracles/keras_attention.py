"""Cases of Keras's attention layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from tests.oracles.case import Case, Input

QUERY, VALUE, KEY = Input((2, 3, 5)), Input((2, 4, 6)), Input((2, 4, 7))
SAME = Input((2, 3, 3))
KEY_BIAS = {"key/bias": ["head_dim heads"]}
"""A bias of the keys adds the same to all scores of one query, which a softmax does not see."""


def listed(layer: Any, arrays: Sequence[Any]) -> Any:
    """Call a layer on the list of its inputs."""
    return layer(list(arrays))


def keyed(layer: Any, arrays: Sequence[Any]) -> Any:
    """Call a layer with the key before the value."""
    query, key, value = arrays
    return layer(query, key=key, value=value)


def masked(layer: Any, arrays: Sequence[Any]) -> Any:
    """Call a layer with an attention mask."""
    query, value, mask = arrays
    return layer(query, value, attention_mask=mask)


def many(name: str, *inputs: Input, heads: int = 2, key_dim: int = 3, **options: Any) -> Case:
    """Return a case of MultiHeadAttention."""
    return Case(f"MultiHeadAttention{name}", lambda: layers.MultiHeadAttention(heads, key_dim, **options), inputs)


def called(name: str, inputs: Sequence[Input], call: Any = None, layer: Any = None, **arguments: Any) -> Case:
    """Return a case of a call with arguments; a tensor among them is an input too."""
    build = layer or (lambda: layers.MultiHeadAttention(2, 3))
    return Case(name, build, inputs, call, arguments=arguments)


def square(name: str, size: int = 3, **options: Any) -> Case:
    """Return a case of MultiHeadAttention of which every axis has the same size."""
    inputs = [Input((2, size, size))] * 3
    build = lambda: layers.MultiHeadAttention(size, size, **options)  # noqa: E731  a case builds its layer later
    return Case(f"MultiHeadAttention{name}, square", build, inputs, symmetries=KEY_BIAS)


def grouped(name: str, *inputs: Input, heads: int = 4, shared: int = 2, **options: Any) -> Case:
    """Return a case of GroupQueryAttention."""
    return Case(f"GroupQueryAttention{name}", lambda: layers.GroupQueryAttention(3, heads, shared, **options), inputs)


CASES = [
    many("", QUERY, VALUE),
    many(" with keys", QUERY, VALUE, KEY),
    many(" without bias", QUERY, VALUE, KEY, use_bias=False),
    many(" value_dim", QUERY, VALUE, KEY, value_dim=4),
    many(" output_shape", QUERY, VALUE, KEY, value_dim=4, output_shape=8),
    many(" of two output axes", QUERY, VALUE, KEY, value_dim=4, output_shape=(2, 3)),
    many(" of two output axes without bias", QUERY, VALUE, KEY, output_shape=(2, 3), use_bias=False),
    many(" of one head", QUERY, VALUE, heads=1),
    many(" with dropout", QUERY, VALUE, dropout=0.5),
    many(" with a gate", QUERY, VALUE, KEY, value_dim=4, use_gate=True),
    many(" with a gate, without bias", QUERY, VALUE, value_dim=4, use_gate=True, use_bias=False),
    many(" with a window", Input((2, 5, 4)), Input((2, 5, 3)), sliding_window=2),
    many(" over two axes", Input((2, 2, 3, 5)), Input((2, 3, 1, 6))),
    many(" over the first axis", Input((2, 2, 3, 5)), Input((2, 4, 3, 6)), attention_axes=1, value_dim=4),
    many(" over the last axis", Input((2, 2, 3, 5)), Input((2, 2, 4, 6)), attention_axes=-2, value_dim=4),
    many(" over axes 3 and 1", Input((1, 2, 3, 2, 4)), Input((1, 3, 3, 2, 3)), attention_axes=(3, 1)),
    called("MultiHeadAttention, causal", [Input((2, 4, 5)), Input((2, 4, 6))], use_causal_mask=True),
    called("MultiHeadAttention, causal, of two lengths", [Input((2, 5, 4)), Input((2, 3, 6))], use_causal_mask=True),
    called("MultiHeadAttention, scores", [Input((2, 4, 5)), Input((2, 4, 6))], return_attention_scores=True),
    called(
        "MultiHeadAttention with a window, causal, scores",
        [Input((2, 4, 5)), Input((2, 4, 6))],
        layer=lambda: layers.MultiHeadAttention(2, 3, sliding_window=2),
        use_causal_mask=True,
        return_attention_scores=True,
    ),
    called("MultiHeadAttention with the key first", [QUERY, KEY, VALUE], keyed, key="a tensor", value="a tensor"),
    called("MultiHeadAttention with a mask", [QUERY, VALUE, Input((2, 3, 4), 2)], masked, attention_mask="a tensor"),
    called(
        "MultiHeadAttention, masked heads", [QUERY, VALUE, Input((2, 2, 3, 4), 4)], masked, attention_mask="a tensor"
    ),
    called(
        "MultiHeadAttention with a mask over the first axis",
        [Input((2, 3, 2, 5)), Input((2, 4, 2, 6)), Input((2, 3, 4), 2)],
        masked,
        lambda: layers.MultiHeadAttention(2, 3, attention_axes=1),
        attention_mask="a tensor",
    ),
    square(""),
    square(" value_dim", value_dim=3, output_shape=3),
    square(" with a gate", 2, use_gate=True),
    square(" of two output axes", 2, output_shape=(2, 2)),
    grouped("", QUERY, Input((2, 4, 5))),
    grouped(" with keys", QUERY, Input((2, 4, 5)), KEY),
    grouped(" without bias", QUERY, Input((2, 4, 5)), KEY, use_bias=False),
    grouped(" of one shared head", QUERY, Input((2, 4, 5)), shared=1),
    grouped(" of as many heads", QUERY, Input((2, 4, 5)), shared=4),
    grouped(" with a gate", QUERY, Input((2, 4, 5)), KEY, use_gate=True),
    grouped(" with a gate, without bias", QUERY, Input((2, 4, 5)), use_gate=True, use_bias=False),
    grouped(" with a window", Input((2, 5, 4)), Input((2, 5, 4)), sliding_window=3),
    Case(
        "GroupQueryAttention, square",
        lambda: layers.GroupQueryAttention(3, 3, 3, use_gate=True),
        [SAME, SAME, SAME],
        symmetries={"key/bias": ["head_dim kv_heads"]},
    ),
    Case(
        "GroupQueryAttention, square but for its heads",
        lambda: layers.GroupQueryAttention(2, 4, 2),
        [Input((2, 3, 2)), Input((2, 3, 2)), Input((2, 3, 2))],
        symmetries={"key/bias": ["head_dim kv_heads"]},
    ),
    called(
        "GroupQueryAttention, causal, scores",
        [Input((2, 4, 5)), Input((2, 4, 5))],
        layer=lambda: layers.GroupQueryAttention(3, 4, 2),
        use_causal_mask=True,
        return_attention_scores=True,
    ),
    called(
        "GroupQueryAttention with a mask",
        [QUERY, Input((2, 4, 5)), Input((2, 3, 4), 2)],
        masked,
        lambda: layers.GroupQueryAttention(3, 4, 2),
        attention_mask="a tensor",
    ),
    called(
        "Attention, causal, scores",
        [QUERY, Input((2, 4, 5))],
        lambda layer, arrays: layer(list(arrays), use_causal_mask=True, return_attention_scores=True),
        lambda: layers.Attention(use_scale=True),
        use_causal_mask=True,
        return_attention_scores=True,
    ),
    called(
        "AdditiveAttention, causal",
        [Input((2, 5, 3)), Input((2, 4, 3))],
        lambda layer, arrays: layer(list(arrays), use_causal_mask=True),
        lambda: layers.AdditiveAttention(),
        use_causal_mask=True,
    ),
    Case("Attention", lambda: layers.Attention(), [QUERY, Input((2, 4, 5))], listed),
    Case("Attention with keys", lambda: layers.Attention(), [QUERY, VALUE, Input((2, 4, 5))], listed),
    Case("Attention use_scale", lambda: layers.Attention(use_scale=True), [QUERY, Input((2, 4, 5))], listed),
    Case("Attention concat", lambda: layers.Attention(score_mode="concat"), [QUERY, Input((2, 4, 5))], listed),
    Case(
        "Attention concat use_scale",
        lambda: layers.Attention(score_mode="concat", use_scale=True, dropout=0.5),
        [QUERY, VALUE, Input((2, 4, 5))],
        listed,
    ),
    Case("Attention of rank 4", lambda: layers.Attention(), [Input((2, 2, 3, 5)), Input((2, 2, 4, 5))], listed),
    Case("AdditiveAttention", lambda: layers.AdditiveAttention(), [QUERY, Input((2, 4, 5))], listed),
    Case("AdditiveAttention with keys", lambda: layers.AdditiveAttention(), [QUERY, VALUE, Input((2, 4, 5))], listed),
    Case(
        "AdditiveAttention without scale",
        lambda: layers.AdditiveAttention(use_scale=False),
        [QUERY, Input((2, 4, 5))],
        listed,
    ),
]
