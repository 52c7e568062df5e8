"""Cases of PyTorch's dense layers and embeddings."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from tests.oracles.case import Case, Input


def materialized() -> nn.Module:
    """Return a lazy module that has seen its first input, which makes it a Linear."""
    layer = nn.LazyLinear(5)
    layer(torch.zeros(1, 3))
    return layer


INDICES = Input((2, 5), below=7)

CASES = [
    Case("Linear", lambda: nn.Linear(3, 5), [Input((2, 3))]),
    Case("Linear, square", lambda: nn.Linear(4, 4), [Input((2, 4))]),
    Case("Linear without bias", lambda: nn.Linear(3, 5, bias=False), [Input((2, 3))]),
    Case("Linear without bias, square", lambda: nn.Linear(3, 3, bias=False), [Input((2, 3))]),
    Case("Linear of sequences", lambda: nn.Linear(3, 5), [Input((2, 4, 3))]),
    Case("Linear of images", lambda: nn.Linear(3, 5), [Input((2, 2, 4, 3))]),
    Case(
        "Linear, one to one", lambda: nn.Linear(1, 1), [Input((2, 1))], symmetries={"weight": ["in out"]}
    ),  # of 1 and 1
    Case("LazyLinear, materialized", materialized, [Input((2, 3))]),
    Case("NonDynamicallyQuantizableLinear", lambda: NonDynamicallyQuantizableLinear(3, 5), [Input((2, 3))]),
    Case("NonDynamicallyQuantizableLinear, square", lambda: NonDynamicallyQuantizableLinear(4, 4), [Input((2, 4))]),
    Case(
        "NonDynamicallyQuantizableLinear without bias",
        lambda: NonDynamicallyQuantizableLinear(3, 5, bias=False),
        [Input((2, 3))],
    ),
    Case("Bilinear", lambda: nn.Bilinear(3, 4, 5), [Input((2, 3)), Input((2, 4))]),
    Case("Bilinear, square", lambda: nn.Bilinear(3, 3, 3), [Input((2, 3)), Input((2, 3))]),
    Case("Bilinear without bias", lambda: nn.Bilinear(3, 4, 5, bias=False), [Input((2, 3)), Input((2, 4))]),
    Case("Bilinear of sequences", lambda: nn.Bilinear(2, 4, 3), [Input((2, 3, 2)), Input((2, 3, 4))]),
    Case("Embedding", lambda: nn.Embedding(7, 3), [INDICES]),
    Case("Embedding, square", lambda: nn.Embedding(7, 7), [INDICES]),
    Case("Embedding of padding", lambda: nn.Embedding(7, 3, padding_idx=2), [INDICES]),
    Case("Embedding of single indices", lambda: nn.Embedding(7, 3), [Input((4,), below=7)]),
    Case("Embedding of images", lambda: nn.Embedding(7, 3), [Input((2, 3, 2), below=7)]),
    Case("EmbeddingBag", lambda: nn.EmbeddingBag(7, 3), [INDICES]),
    Case("EmbeddingBag, square", lambda: nn.EmbeddingBag(7, 7), [INDICES]),
    *(
        Case(f"EmbeddingBag, {mode}", lambda mode=mode: nn.EmbeddingBag(7, 3, mode=mode), [INDICES])
        for mode in ("sum", "mean", "max")
    ),
    *(
        Case(
            f"EmbeddingBag of padding, {mode}",
            lambda mode=mode: nn.EmbeddingBag(3, 4, mode=mode, padding_idx=1),
            [Input((3, 6), below=3)],
        )
        for mode in ("sum", "mean", "max")
    ),
]
