"""BERT, and RoBERTa, whose blocks are the same.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/bert/modeling_bert.py
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from weightwise.conventions.architectures import clauses
from weightwise.conventions.architectures.family import Family, Pattern, embedding, layer_norm, linear, tied

SOURCE = "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/{0}/modeling_{0}.py"
SETTINGS = {
    "heads": "num_attention_heads",
    "hidden": "hidden_size",
    "inner": "intermediate_size",
    "vocab": "vocab_size",
}
UNSAID = {"norm epsilon": "layer_norm_eps", "activation": "hidden_act", "tied": "tie_word_embeddings"}
PURPOSES = {
    "embeddings": "keeps the numbers of the positions, 0 and up",
    "embeddings.word_embeddings": clauses.TOKENS,
    "embeddings.position_embeddings": clauses.POSITIONS,
    "embeddings.token_type_embeddings": clauses.SEGMENTS,
    "embeddings.LayerNorm": clauses.NORM.format("before the first block"),
    "encoder.layer.*.attention.self.query": clauses.QUERIES,
    "encoder.layer.*.attention.self.key": clauses.KEYS,
    "encoder.layer.*.attention.self.value": clauses.VALUES,
    "encoder.layer.*.attention.output.dense": clauses.JOINS,
    "encoder.layer.*.attention.output.LayerNorm": clauses.NORM.format("after the attention"),
    "encoder.layer.*.intermediate.dense": clauses.WIDENS,
    "encoder.layer.*.output.dense": clauses.NARROWS,
    "encoder.layer.*.output.LayerNorm": clauses.NORM.format("after the feed-forward part"),
    "pooler.dense": "makes one row of features for the whole text from that of its first position",
    "cls.predictions": "keeps the bias of the scores of the tokens",
    "cls.predictions.transform.dense": clauses.PREPARES,
    "cls.predictions.transform.LayerNorm": clauses.NORM.format("before the scores are made"),
    "cls.predictions.decoder": clauses.MASKED,
    "cls.seq_relationship": "gives two scores: whether the second text follows on the first, or not",
    "lm_head": "keeps the bias of the scores of the tokens",
    "lm_head.dense": clauses.PREPARES,
    "lm_head.layer_norm": clauses.NORM.format("before the scores are made"),
    "lm_head.decoder": clauses.MASKED,
    "classifier": clauses.CLASSES,
    "classifier.dense": clauses.PREPARES,
    "classifier.out_proj": clauses.CLASSES,
    "qa_outputs": clauses.ANSWERS,
}
MERGED = "(heads head_dim)"


def _norm(name: str) -> Iterator[Pattern]:
    """Yield the arrays of a norm, which the first files call gamma and beta."""
    yield from layer_norm(name)
    yield Pattern(f"{name}.gamma", "gamma", "features", "hidden", twin=f"{name}.weight")
    yield Pattern(f"{name}.beta", "beta", "features", "hidden", twin=f"{name}.bias")


def _trunk(prefix: str) -> Iterator[Pattern]:
    embeddings = f"{prefix}embeddings"
    yield from embedding(f"{embeddings}.word_embeddings", "vocab hidden")
    yield from embedding(f"{embeddings}.position_embeddings", "context hidden", "position")
    yield from embedding(f"{embeddings}.token_type_embeddings", "? hidden", "segment")
    yield Pattern(f"{embeddings}.position_ids", "-", "1 position", "1 context", trainable=False)
    yield from _norm(f"{embeddings}.LayerNorm")
    yield from _block(f"{prefix}encoder.layer.*")
    yield from linear(f"{prefix}pooler.dense", "out", "hidden hidden")


def _block(block: str) -> Iterator[Pattern]:
    for name in ("query", "key", "value"):
        yield from linear(f"{block}.attention.self.{name}", MERGED, "hidden hidden")
    yield from linear(f"{block}.attention.output.dense", "out", "hidden hidden", MERGED)
    yield from _norm(f"{block}.attention.output.LayerNorm")
    yield from linear(f"{block}.intermediate.dense", "out", "inner hidden")
    yield from linear(f"{block}.output.dense", "out", "hidden inner")
    yield from _norm(f"{block}.output.LayerNorm")


def _decoder(name: str, bias: str, prefix: str) -> Iterator[Pattern]:
    """Yield the layer that makes tokens, whose arrays may be those of the embedding and of what is around it."""
    yield from (
        replace(pattern, tied=bias) if pattern.role == "bias" else pattern
        for pattern in tied(linear(name, "vocab", "vocab hidden"), f"{prefix}embeddings.word_embeddings.weight")
    )


def _heads(prefix: str) -> Iterator[Pattern]:
    """Yield what models with a task have above the trunk."""
    yield Pattern("cls.predictions.bias", "bias", "vocab", "vocab")
    yield from linear("cls.predictions.transform.dense", "out", "hidden hidden")
    yield from _norm("cls.predictions.transform.LayerNorm")
    yield from _decoder("cls.predictions.decoder", "cls.predictions.bias", prefix)
    yield from linear("cls.seq_relationship", "out", "? hidden")
    yield Pattern("lm_head.bias", "bias", "vocab", "vocab")
    yield from linear("lm_head.dense", "out", "hidden hidden")
    yield from layer_norm("lm_head.layer_norm")
    yield from _decoder("lm_head.decoder", "lm_head.bias", prefix)
    yield from linear("classifier", "out", "? hidden")
    yield from linear("classifier.dense", "out", "hidden hidden")
    yield from linear("classifier.out_proj", "out", "? hidden")
    yield from linear("qa_outputs", "out", "? hidden")


def _family(name: str, module: str, prefix: str, types: str, by_names: bool = True) -> Family:
    block = f"{prefix}encoder.layer.*"
    dense = (*(f"attention.self.{one}" for one in ("query", "key", "value")), "attention.output.dense")
    return Family(
        name,
        SOURCE.format(module),
        (*_trunk(prefix), *_heads(prefix)),
        required=tuple(f"{block}.{one}.weight" for one in (*dense, "intermediate.dense", "output.dense")),
        blocks=(f"{block}.",),
        model_types=tuple(types.split()),
        by_names=by_names,
        settings=SETTINGS,
        distinct=(("hidden", "inner"),),
        prefix=prefix,
        unsaid=UNSAID,
        purposes=PURPOSES,
    )


FAMILIES = (
    _family("BERT", "bert", "bert.", "bert"),
    _family("RoBERTa", "roberta", "roberta.", "roberta xlm-roberta camembert"),
    _family("BERT", "bert", "", "bert"),
    _family("RoBERTa", "roberta", "", "roberta xlm-roberta camembert", by_names=False),
)
