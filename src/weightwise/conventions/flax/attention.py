"""Attention of Flax (https://github.com/google/flax/blob/v0.12.8/flax/linen/attention.py, flax/nnx/nn/attention.py)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.flax.settings import numbers, use_bias, without
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.uncomputed import Uncomputed


def _grouped(config: Config) -> bool:
    """Return whether several heads of queries share one of keys and values."""
    return config.get("num_kv_heads") not in (None, config.get("num_heads"))


def _grouped_bias(config: Config) -> bool:
    return _grouped(config) and use_bias(config)


def _bias(config: Config) -> bool:
    return not _grouped(config) and use_bias(config)


def _normalized(config: Config) -> bool:
    return bool(config.get("normalize_qk", False))


_LINEN = "linen.MultiHeadDotProductAttention linen.MultiHeadAttention linen.SelfAttention"
_ALL, _NNX = f"{_LINEN} nnx.MultiHeadAttention", "nnx.MultiHeadAttention"

ROWS = (
    Row(_ALL, "query/kernel", role="query/kernel", axes="in heads head_dim"),
    Row(_ALL, "query/bias", role="query/bias", axes="heads head_dim", when=use_bias),
    Row(_ALL, "key/kernel", role="key/kernel", axes="key_in heads head_dim", when=without(_grouped)),
    Row(_ALL, "key/bias", role="key/bias", axes="heads head_dim", when=_bias),
    Row(_ALL, "value/kernel", role="value/kernel", axes="value_in heads value_dim", when=without(_grouped)),
    Row(_ALL, "value/bias", role="value/bias", axes="heads value_dim", when=_bias),
    Row(_NNX, "key/kernel", role="key/kernel", axes="key_in kv_heads head_dim", when=_grouped),
    Row(_NNX, "key/bias", role="key/bias", axes="kv_heads head_dim", when=_grouped_bias),
    Row(_NNX, "value/kernel", role="value/kernel", axes="value_in kv_heads value_dim", when=_grouped),
    Row(_NNX, "value/bias", role="value/bias", axes="kv_heads value_dim", when=_grouped_bias),
    Row(_ALL, "query_ln/scale", role="query_norm/scale", axes="head_dim", when=_normalized),
    Row(_ALL, "key_ln/scale", role="key_norm/scale", axes="head_dim", when=_normalized),
    Row(_ALL, "out/kernel", role="output/kernel", axes="heads value_dim out"),
    Row(_ALL, "out/bias", role="output/bias", axes="out", when=use_bias),
)


def _attention(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    heads, width = config["num_heads"], config.get("qkv_features") or (inputs[0][-1] if inputs else 0) or 0
    if width % heads:
        raise ShapeError(f"{width} numbers cannot be split among its {heads} heads")
    outputs = config.get("out_features")
    rank = len(inputs[0]) if inputs else 3
    operation = MultiHeadAttention(
        heads,
        width // heads,
        width // heads,
        config["num_kv_heads"] if _grouped(config) else None,
        bias=use_bias(config),
        outputs=numbers(outputs) if outputs else None,
        axes=None if rank == 3 else (rank - 2,),
        normalized=1e-6 if _normalized(config) else None,
        arguments=_arguments(config, len(inputs)),
    )
    if config.get("decode"):
        return Uncomputed(operation, "it decodes: it attends to what it was given in the calls before")
    if config.get("attention_fn", _USUAL) != _USUAL:
        return Uncomputed(operation, f"it attends by a function of its own, {config['attention_fn']}")
    return operation


_USUAL = "dot_product_attention"


def _arguments(config: Config, count: int) -> tuple[str, ...]:
    """Return what the inputs are: query, key and value, of which each that is not given is the one before it."""
    mask = ("mask",) if "mask" in config else ()
    if count - len(mask) == 1:
        return ("all", *mask)
    return (*("query", "key", "value")[: count - len(mask) if count else None], *mask)


RULES = {name: Rule(_attention) for name in _ALL.split()}
