"""Llama as Meta's own code has it: `consolidated.00.pth`, with `params.json` beside it.

It reads neighbouring numbers of a head as one complex number and turns that, so rows of queries and keys are
`(heads pairs half[re im])`. Of the feed-forward part w1 makes the gate and w3 what it scales; w2 goes back. A model
that was split for several processes has a piece in each of its files, whose sizes contradict each other.

https://github.com/meta-llama/llama3/blob/0a3d7172e92f0bb293c297634a8ae0cb320c8d52/llama/model.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.family import Family, Pattern, called, embedding
from weightwise.conventions.architectures.llama import PURPOSES, ROTARY

SOURCE = "https://github.com/meta-llama/llama3/blob/0a3d7172e92f0bb293c297634a8ae0cb320c8d52/llama/model.py"
BLOCK = "layers.*"
SETTINGS = {
    "heads": "n_heads",
    "kv_heads": "n_kv_heads",
    "head_dim": "dim/n_heads",
    "hidden": "dim",
    "vocab": "vocab_size",
}
UNSAID = {"norm epsilon": "norm_eps", "rotary base": "rope_theta", "rotary scaling": "use_scaled_rope"}


BLOCKS = {
    "attention.wq": ("self_attn.q_proj", "(heads pairs half[re im]) in", "hidden hidden"),
    "attention.wk": ("self_attn.k_proj", "(kv_heads pairs half[re im]) in", "keys hidden"),
    "attention.wv": ("self_attn.v_proj", "(kv_heads head_dim) in", "keys hidden"),
    "attention.wo": ("self_attn.o_proj", "out (heads head_dim)", "hidden hidden"),
    "feed_forward.w1": ("mlp.gate_proj", "out in", "inner hidden"),
    "feed_forward.w2": ("mlp.down_proj", "out in", "hidden inner"),
    "feed_forward.w3": ("mlp.up_proj", "out in", "inner hidden"),
    "attention_norm": ("input_layernorm", "features", "hidden"),
    "ffn_norm": ("post_attention_layernorm", "features", "hidden"),
}
"""The arrays of a block: what transformers calls each, its axes and its sizes."""


def _block() -> Iterator[Pattern]:
    for name, (twin, axes, sizes) in BLOCKS.items():
        role = "gamma" if axes == "features" else "kernel"
        yield Pattern(f"{BLOCK}.{name}.weight", role, axes, sizes, twin=f"{BLOCK}.{twin}.weight")


PATTERNS = (
    *called(embedding("tok_embeddings", "vocab hidden"), "tok_embeddings", "embed_tokens"),
    *_block(),
    Pattern("norm.weight", "gamma", "features", "hidden"),
    Pattern("output.weight", "kernel", "vocab in", "vocab hidden", twin="lm_head.weight", tied="tok_embeddings.weight"),
    Pattern("rope.freqs", "-", "pairs", "?", trainable=False),
)

FAMILIES = (
    Family(
        "the Llama family",
        SOURCE,
        PATTERNS,
        required=tuple(pattern.name for pattern in PATTERNS if pattern.name.startswith(BLOCK)),
        blocks=(f"{BLOCK}.",),
        settings=SETTINGS,
        distinct=(("hidden", "inner"),),
        unsaid=UNSAID,
        purposes={**PURPOSES, "rope": ROTARY},
        fixed={"activation": "silu", "window": None, "rotary factor": None},
        values={"rotary scaling": {"True": "llama3", "False": None}},
    ),
)
