"""GPT-2 as transformers has it: its layers are of a class Conv1D, whose weight has the inputs first.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/pytorch_utils.py says the class. Other
programs have the same names with the outputs first; there a shape contradicts.
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures import clauses
from weightwise.conventions.architectures.family import Family, Pattern, embedding, layer_norm, linear, tied

SOURCE = "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/gpt2/modeling_gpt2.py"
UNSAID = {
    "norm epsilon": "layer_norm_epsilon",
    "activation": "activation_function",
    "scale": "scale_attn_weights",
    "scale by layer": "scale_attn_by_inverse_layer_idx",
    "tied": "tie_word_embeddings",
}
PURPOSES = {
    "wte": clauses.TOKENS,
    "wpe": clauses.POSITIONS,
    "h.*.ln_1": clauses.NORM.format("before the attention"),
    "h.*.attn.c_attn": "makes the queries, the keys and the values of the attention at once",
    "h.*.attn.c_proj": clauses.JOINS,
    "h.*.attn": "keeps which positions each one may look at: itself and those before it",
    "h.*.ln_2": clauses.NORM.format("before the feed-forward part"),
    "h.*.mlp.c_fc": clauses.WIDENS,
    "h.*.mlp.c_proj": clauses.NARROWS,
    "ln_f": clauses.NORM.format("after the last block"),
    "lm_head": clauses.NEXT,
}
FUSED, MERGED = "(part[q k v] heads head_dim)", "(heads head_dim)"


def _reading_first(name: str, reads: str, out: str, sizes: str) -> Iterator[Pattern]:
    """Yield the arrays of a `Conv1D`; `sizes` are those of `reads` and `out`."""
    yield Pattern(f"{name}.weight", "kernel", f"{reads} {out}", sizes)
    yield Pattern(f"{name}.bias", "bias", out, sizes.split()[1])


def _family(prefix: str) -> Family:
    block = f"{prefix}h.*"
    return Family(
        "GPT-2",
        SOURCE,
        (
            *embedding(f"{prefix}wte", "vocab hidden"),
            *embedding(f"{prefix}wpe", "context hidden", "position"),
            *layer_norm(f"{block}.ln_1"),
            *_reading_first(f"{block}.attn.c_attn", "in", FUSED, "hidden fused"),
            *_reading_first(f"{block}.attn.c_proj", MERGED, "out", "hidden hidden"),
            Pattern(f"{block}.attn.bias", "-", "1 1 position position'", "1 1 context context", trainable=False),
            Pattern(f"{block}.attn.masked_bias", "-", "", "", trainable=False),
            *layer_norm(f"{block}.ln_2"),
            *_reading_first(f"{block}.mlp.c_fc", "in", "out", "hidden inner"),
            *_reading_first(f"{block}.mlp.c_proj", "in", "out", "inner hidden"),
            *layer_norm(f"{prefix}ln_f"),
            *tied(linear("lm_head", "vocab", "vocab hidden"), f"{prefix}wte.weight"),
        ),
        required=tuple(
            f"{block}.{name}.{array}"
            for name in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
            for array in ("weight", "bias")
        ),
        blocks=(f"{block}.",),
        model_types=("gpt2",),
        settings={"heads": "n_head", "hidden": "n_embd", "context": "n_positions"},
        distinct=(("hidden", "fused"), ("hidden", "inner")),
        prefix=prefix,
        unsaid=UNSAID,
        purposes=PURPOSES,
    )


FAMILIES = (_family("transformer."), _family(""))
