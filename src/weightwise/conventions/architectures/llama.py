"""The Llama family: decoders with rotary positions, grouped queries and a gated MLP.

Mistral, Qwen 2 and 3 have the same names, with biases or norms of queries and keys more. Gemma has them too, and its
norms store w where they scale by 1 + w.

Rotary positions turn pairs of numbers of a head. The code of these models takes the first half of a head with the
second, `half[re im] pairs`; others with the same names take neighbours, as Cohere does. Names alone do not tell it, so
`head_dim` is one axis where no configuration does.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/llama/modeling_llama.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from weightwise.conventions.architectures import clauses
from weightwise.conventions.architectures.family import Family, Pattern, embedding, linear, tied

SOURCE = "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/{0}/modeling_{0}.py"
SETTINGS = {
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "hidden": "hidden_size",
    "inner": "intermediate_size",
}
UNSAID = {
    "norm epsilon": "rms_norm_eps",
    "rotary base": "rope_theta rope_parameters.rope_theta",
    "rotary scaling": "rope_parameters.rope_type rope_scaling.rope_type rope_scaling.type",
    "rotary factor": "rope_parameters.factor rope_scaling.factor",
    "activation": "hidden_act",
    "tied": "tie_word_embeddings",
    "window": "sliding_window",
}
OPEN = "whether it scales by w, or by 1 + w as Gemma does, the names do not tell"
OPEN_PAIRS = "which numbers of a head the rotary positions turn together, only the config.json of the model tells"
PARTIAL = (
    "which numbers of a head the rotary positions turn together is open, for the configuration says an unusual kind"
)
ONE_MORE = "it scales by 1 + w, where w is what is stored"
NORMS = ("input_layernorm", "post_attention_layernorm")
AROUND = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
PAIRS = "half[re im] pairs"
ROTARY = "keeps the frequencies of the rotary positions, which follow from the configuration"
GATES = "makes the gate of the feed-forward part: its activation says how much of each number goes on"
PURPOSES = {
    "embed_tokens": clauses.TOKENS,
    "layers.*.input_layernorm": clauses.RMS.format("before the attention"),
    "layers.*.self_attn.q_proj": clauses.QUERIES,
    "layers.*.self_attn.k_proj": clauses.KEYS,
    "layers.*.self_attn.v_proj": clauses.VALUES,
    "layers.*.self_attn.o_proj": clauses.JOINS,
    "layers.*.self_attn.q_norm": "divides each query by the root of its mean square, and scales its numbers",
    "layers.*.self_attn.k_norm": "divides each key by the root of its mean square, and scales its numbers",
    "layers.*.self_attn.rotary_emb": ROTARY,
    "layers.*.post_attention_layernorm": clauses.RMS.format("after the attention"),
    "layers.*.pre_feedforward_layernorm": clauses.RMS.format("before the feed-forward part"),
    "layers.*.mlp.gate_proj": GATES,
    "layers.*.mlp.up_proj": "makes the numbers of the feed-forward part that the gate multiplies",
    "layers.*.mlp.down_proj": "makes the output of the feed-forward part from the numbers that the gate let go on",
    "layers.*.post_feedforward_layernorm": clauses.RMS.format("after the feed-forward part"),
    "norm": clauses.RMS.format("after the last block"),
    "lm_head": clauses.NEXT,
}
SCALINGS = {"default", "linear", "dynamic", "yarn", "longrope", "llama3"}
"""Kinds of rotary positions that turn all pairs of a head, each by angles of its own: where they lie is the same."""


def _block(block: str, role: str, note: str, head: str, open_pairs: str) -> Iterator[Pattern]:
    attention, mlp = f"{block}.self_attn", f"{block}.mlp"
    for one, heads, sizes in (("q", "heads", "queries hidden"), ("k", "kv_heads", "keys hidden")):
        for pattern in linear(f"{attention}.{one}_proj", f"({heads} {head})", sizes):
            yield pattern if not open_pairs else replace(pattern, note=open_pairs)
    yield from linear(f"{attention}.v_proj", "(kv_heads head_dim)", "keys hidden")
    yield from linear(f"{attention}.o_proj", "out", "hidden queries", "(heads head_dim)")
    norm = f"({head})" if " " in head else head
    yield from (Pattern(f"{attention}.{one}_norm.weight", role, norm, "head_dim", note=note) for one in "qk")
    yield Pattern(f"{attention}.rotary_emb.inv_freq", "-", "pairs", "?", trainable=False)
    yield from linear(f"{mlp}.gate_proj", "out", "inner hidden")
    yield from linear(f"{mlp}.up_proj", "out", "inner hidden")
    yield from linear(f"{mlp}.down_proj", "out", "hidden inner")
    yield from (Pattern(f"{block}.{name}.weight", role, "features", "hidden", note=note) for name in (*NORMS, *AROUND))


def _patterns(prefix: str, role: str, note: str, head: str, open_pairs: str) -> tuple[Pattern, ...]:
    return (
        *embedding(f"{prefix}embed_tokens", "vocab hidden"),
        *_block(f"{prefix}layers.*", role, note, head, open_pairs),
        Pattern(f"{prefix}norm.weight", role, "features", "hidden", note=note),
        *tied(linear("lm_head", "vocab", "vocab hidden"), f"{prefix}embed_tokens.weight"),
    )


def turns_all(config: Mapping[str, Any]) -> bool:
    """Return whether nothing in a configuration says that rotary positions turn a part of a head, or other pairs of it.

    >>> turns_all({"rope_theta": 1e4}), turns_all({"rope_parameters": {"partial_rotary_factor": 0.5}})
    (True, False)
    """
    return all(_usual(key, value) for key, value in _entries(config))


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a configuration, of what it says of rotary positions also those inside."""
    for key, value in config.items():
        if isinstance(value, dict) and "rope" in key:
            parts = [value, *(inner for inner in value.values() if isinstance(inner, dict))]
            for part in parts:
                yield from ((name if name != "type" else "rope_type", inner) for name, inner in part.items())
        yield key, value


def _usual(key: str, value: Any) -> bool:
    if value is None:
        return True
    if key in ("partial_rotary_factor", "rotary_pct", "rope_pct"):
        return bool(value == 1)
    if key == "rope_type":
        return value in SCALINGS
    return not ("interleave" in key and value) and key != "rotary_dim"


def _families(name: str, module: str, types: str, role: str, note: str) -> Iterator[Family]:
    """Yield the family with a head, and its trunk alone, each with and without pairs where a configuration tells."""
    readings = [("head_dim", OPEN_PAIRS)] if not types else [(PAIRS, ""), ("head_dim", PARTIAL)]
    for prefix in ("model.", ""):
        for head, open_pairs in readings:
            yield _family(name, module, types, _patterns(prefix, role, note, head, open_pairs), prefix)


def _family(name: str, module: str, types: str, patterns: tuple[Pattern, ...], prefix: str) -> Family:
    block = f"{prefix}layers.*"
    paired = any(PAIRS in pattern.axes for pattern in patterns)
    return Family(
        name,
        SOURCE.format(module),
        patterns,
        required=(
            *(f"{block}.self_attn.{one}_proj.weight" for one in "qkvo"),
            *(f"{block}.mlp.{one}_proj.weight" for one in ("gate", "up", "down")),
            *(f"{block}.{norm}.weight" for norm in NORMS),
        ),
        blocks=(f"{block}.",),
        model_types=tuple(types.split()),
        by_names=not types,
        settings=SETTINGS,
        distinct=(("hidden", "inner"), ("queries", "head_dim")),
        admits=lambda config: not types or turns_all(config) is paired,
        prefix=prefix,
        unsaid=UNSAID,
        purposes=PURPOSES,
        values={"rotary scaling": {"default": None}},
    )


FAMILIES = (
    *_families("the Llama family", "llama", "", "", OPEN),
    *_families("the Llama family", "llama", "llama mistral qwen2 qwen3", "gamma", ""),
    *_families("Gemma", "gemma", "gemma gemma2 gemma3_text", "", ONE_MORE),
)
