"""The Llama family: decoders with rotary positions, grouped queries and a gated MLP.

Mistral, Qwen 2 and 3 have the same names, with biases or norms of queries and keys more. Gemma has them too, and its
norms store w where they scale by 1 + w. The order in which a head keeps what the rotary positions turn together is not
told by the names, so `head_dim` is one axis.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/llama/modeling_llama.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.family import Family, Pattern, embedding, linear

SOURCE = "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/{0}/modeling_{0}.py"
SETTINGS = {
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "hidden": "hidden_size",
    "inner": "intermediate_size",
}
OPEN = "whether it scales by w, or by 1 + w as Gemma does, the names do not tell"
ONE_MORE = "it scales by 1 + w, where w is what is stored"
NORMS = ("input_layernorm", "post_attention_layernorm")
AROUND = ("pre_feedforward_layernorm", "post_feedforward_layernorm")


def _block(block: str, role: str, note: str) -> Iterator[Pattern]:
    attention, mlp = f"{block}.self_attn", f"{block}.mlp"
    yield from linear(f"{attention}.q_proj", "(heads head_dim)", "queries hidden")
    yield from linear(f"{attention}.k_proj", "(kv_heads head_dim)", "keys hidden")
    yield from linear(f"{attention}.v_proj", "(kv_heads head_dim)", "keys hidden")
    yield from linear(f"{attention}.o_proj", "out", "hidden queries", "(heads head_dim)")
    yield from (Pattern(f"{attention}.{one}_norm.weight", role, "head_dim", "head_dim", note=note) for one in "qk")
    yield Pattern(f"{attention}.rotary_emb.inv_freq", "-", "position", "?", trainable=False)
    yield from linear(f"{mlp}.gate_proj", "out", "inner hidden")
    yield from linear(f"{mlp}.up_proj", "out", "inner hidden")
    yield from linear(f"{mlp}.down_proj", "out", "hidden inner")
    yield from (Pattern(f"{block}.{name}.weight", role, "features", "hidden", note=note) for name in (*NORMS, *AROUND))


def _patterns(prefix: str, role: str, note: str) -> tuple[Pattern, ...]:
    return (
        *embedding(f"{prefix}embed_tokens", "vocab hidden"),
        *_block(f"{prefix}layers.*", role, note),
        Pattern(f"{prefix}norm.weight", role, "features", "hidden", note=note),
        *linear("lm_head", "vocab", "vocab hidden"),
    )


def _families(name: str, module: str, types: str, role: str, note: str) -> Iterator[Family]:
    """Yield the family with a head, and its trunk alone."""
    for prefix in ("model.", ""):
        block = f"{prefix}layers.*"
        yield Family(
            name,
            SOURCE.format(module),
            _patterns(prefix, role, note),
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
        )


FAMILIES = (
    *_families("the Llama family", "llama", "", "", OPEN),
    *_families("the Llama family", "llama", "llama mistral qwen2 qwen3", "gamma", ""),
    *_families("Gemma", "gemma", "gemma gemma2 gemma3_text", "", ONE_MORE),
)
