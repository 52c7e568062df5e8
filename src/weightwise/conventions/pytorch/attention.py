"""Attention of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/activation.py).

The projection that joins the heads again is a module inside, `out_proj`, and so a layer of its own here, whose rows are
the results that this layer returns: `(heads head_dim)`.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.pytorch.rows import extra, packed, packed_bias
from weightwise.conventions.pytorch.settings import count
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule, refuse
from weightwise.ops.operation import ShapeError
from weightwise.ops.packed_attention import PackedAttention

_LAYER = "MultiheadAttention"


def _attention(config: Config, inputs: Shapes, parts: Sequence[Description]) -> PackedAttention:
    refuse(config, "attn_mask", "key_padding_mask", "is_causal")
    heads, size = count(config, "num_heads"), count(config, "embed_dim")
    if size % heads:
        raise ShapeError(f"{size} numbers cannot be split in {heads} equal heads")
    return PackedAttention(
        heads,
        size // heads,
        size // heads,
        bias=packed_bias(config),
        scores=bool(config.get("need_weights", True)),
        packed=packed(config),
        extra=extra(config),
        zero=bool(config["add_zero_attn"]),
        averaged=bool(config.get("average_attn_weights", True)),
        positions_first=not config.get("batch_first", False),
    )


RULES = {_LAYER: Rule(_attention)}
