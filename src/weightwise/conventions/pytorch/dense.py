"""Dense layers and embeddings of PyTorch (https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.pytorch.rows import LINEAR
from weightwise.conventions.pytorch.settings import bias, count
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.bilinear import Bilinear
from weightwise.ops.dense import Dense
from weightwise.ops.embedding import Embedding
from weightwise.ops.operation import Operation
from weightwise.ops.uncomputed import Uncomputed

Parts = Sequence[Description]


def _linear(config: Config, inputs: Shapes, parts: Parts) -> Dense:
    return Dense(count(config, "out_features"), bias(config))


def _bilinear(config: Config, inputs: Shapes, parts: Parts) -> Bilinear:
    units, first, second = (count(config, f"{name}_features") for name in ("out", "in1", "in2"))
    return Bilinear(units, first, second, bias(config))


def _embedding(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    table = Embedding(count(config, "num_embeddings"), count(config, "embedding_dim"))
    return _normed(config, table)


def _embedding_bag(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    vocabulary, features = count(config, "num_embeddings"), count(config, "embedding_dim")
    closed = bool(config.get("include_last_offset"))
    return _normed(config, EmbeddingBag(vocabulary, features, config["mode"], config.get("padding_idx"), closed))


def _normed(config: Config, operation: Operation) -> Operation:
    """Return the operation, which cannot be computed where it shortens the vectors that it looks up."""
    if config.get("max_norm") is None:
        return operation
    return Uncomputed(operation, "it shortens the rows of its table that are longer than its max_norm")


RULES = {
    **dict.fromkeys(LINEAR.split(), Rule(_linear)),
    "Bilinear": Rule(_bilinear),
    "Embedding": Rule(_embedding),
    "EmbeddingBag": Rule(_embedding_bag),
}
