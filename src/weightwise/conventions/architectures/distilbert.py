"""DistilBERT: the blocks of BERT under names of its own.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/distilbert/modeling_distilbert.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures import clauses
from weightwise.conventions.architectures.family import Family, Pattern, embedding, layer_norm, linear, tied

SOURCE = (
    "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/distilbert/modeling_distilbert.py"
)
SETTINGS = {"heads": "n_heads", "hidden": "dim", "inner": "hidden_dim", "vocab": "vocab_size"}
PURPOSES = {
    "embeddings.word_embeddings": clauses.TOKENS,
    "embeddings.position_embeddings": clauses.POSITIONS,
    "embeddings.LayerNorm": clauses.NORM.format("before the first block"),
    "transformer.layer.*.attention.q_lin": clauses.QUERIES,
    "transformer.layer.*.attention.k_lin": clauses.KEYS,
    "transformer.layer.*.attention.v_lin": clauses.VALUES,
    "transformer.layer.*.attention.out_lin": clauses.JOINS,
    "transformer.layer.*.sa_layer_norm": clauses.NORM.format("after the attention"),
    "transformer.layer.*.ffn.lin1": clauses.WIDENS,
    "transformer.layer.*.ffn.lin2": clauses.NARROWS,
    "transformer.layer.*.output_layer_norm": clauses.NORM.format("after the feed-forward part"),
    "vocab_transform": clauses.PREPARES,
    "vocab_layer_norm": clauses.NORM.format("before the scores are made"),
    "vocab_projector": clauses.MASKED,
    "pre_classifier": clauses.PREPARES,
    "classifier": clauses.CLASSES,
    "qa_outputs": clauses.ANSWERS,
}
MERGED = "(heads head_dim)"


def _trunk(prefix: str) -> Iterator[Pattern]:
    yield from embedding(f"{prefix}embeddings.word_embeddings", "vocab hidden")
    yield from embedding(f"{prefix}embeddings.position_embeddings", "context hidden", "position")
    yield from layer_norm(f"{prefix}embeddings.LayerNorm")
    block = f"{prefix}transformer.layer.*"
    for one in "qkv":
        yield from linear(f"{block}.attention.{one}_lin", MERGED, "hidden hidden")
    yield from linear(f"{block}.attention.out_lin", "out", "hidden hidden", MERGED)
    yield from layer_norm(f"{block}.sa_layer_norm")
    yield from linear(f"{block}.ffn.lin1", "out", "inner hidden")
    yield from linear(f"{block}.ffn.lin2", "out", "hidden inner")
    yield from layer_norm(f"{block}.output_layer_norm")


def _heads(prefix: str) -> Iterator[Pattern]:
    """Yield what models with a task have above the trunk."""
    yield from linear("vocab_transform", "out", "hidden hidden")
    yield from layer_norm("vocab_layer_norm")
    owner = f"{prefix}embeddings.word_embeddings.weight"
    yield from tied(linear("vocab_projector", "vocab", "vocab hidden"), owner)
    yield from linear("pre_classifier", "out", "hidden hidden")
    yield from linear("classifier", "out", "? hidden")
    yield from linear("qa_outputs", "out", "? hidden")


def _family(prefix: str) -> Family:
    block = f"{prefix}transformer.layer.*"
    dense = (*(f"attention.{one}_lin" for one in ("q", "k", "v", "out")), "ffn.lin1", "ffn.lin2")
    return Family(
        "DistilBERT",
        SOURCE,
        (*_trunk(prefix), *_heads(prefix)),
        required=tuple(f"{block}.{one}.weight" for one in dense),
        blocks=(f"{block}.",),
        model_types=("distilbert",),
        settings=SETTINGS,
        distinct=(("hidden", "inner"),),
        prefix=prefix,
        unsaid={"activation": "activation", "tied": "tie_word_embeddings"},
        purposes=PURPOSES,
    )


FAMILIES = (_family("distilbert."), _family(""))
