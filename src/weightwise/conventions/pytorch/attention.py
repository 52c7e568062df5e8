"""Attention of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/activation.py).

The projection that joins the heads again is a module inside, `out_proj`, and so a layer of its own here, whose rows are
the results that this layer returns: `(heads head_dim)`.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.pytorch.settings import count, has
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, refuse
from weightwise.ops.operation import ShapeError
from weightwise.ops.packed_attention import PackedAttention

_LAYER = "MultiheadAttention"
_packed, _apart, _bias, _extra = map(has, ("in_proj_weight", "q_proj_weight", "in_proj_bias", "bias_k"))

ROWS = (
    Row(_LAYER, "in_proj_weight", "projection/kernel", "(part[q k v] heads head_dim) in", when=_packed),
    Row(_LAYER, "q_proj_weight", "query/kernel", "(heads head_dim) in", when=_apart),
    Row(_LAYER, "k_proj_weight", "key/kernel", "(heads head_dim) key_in", when=_apart),
    Row(_LAYER, "v_proj_weight", "value/kernel", "(heads head_dim) value_in", when=_apart),
    Row(_LAYER, "in_proj_bias", "projection/bias", "(part[q k v] heads head_dim)", when=_bias),
    Row(_LAYER, "bias_k", "key/extra", "1 1 (heads head_dim)", when=_extra),
    Row(_LAYER, "bias_v", "value/extra", "1 1 (heads head_dim)", when=_extra),
)


def _attention(config: Config, inputs: Shapes, parts: Sequence[Description]) -> PackedAttention:
    refuse(config, "attn_mask", "key_padding_mask", "is_causal")
    heads, size = count(config, "num_heads"), count(config, "embed_dim")
    if size % heads:
        raise ShapeError(f"{size} numbers cannot be split in {heads} equal heads")
    return PackedAttention(
        heads,
        size // heads,
        size // heads,
        bias=_bias(config),
        scores=bool(config.get("need_weights", True)),
        packed=_packed(config),
        extra=_extra(config),
        zero=bool(config["add_zero_attn"]),
        averaged=bool(config.get("average_attn_weights", True)),
        positions_first=not config.get("batch_first", False),
    )


RULES = {_LAYER: Rule(_attention)}
