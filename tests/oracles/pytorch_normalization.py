"""Cases of PyTorch's normalizations."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from tests.oracles.case import Case, Input

SPATIAL = (2, 3, 4)


def channelled(kind: str, rank: int) -> Iterator[Case]:
    """Yield the cases of a batch or instance normalization over `rank` spatial axes."""
    name = f"{kind}{rank}d"
    layer = getattr(nn, name)
    x = Input((2, 3, *SPATIAL[-rank:]))
    yield Case(name, lambda: layer(3), [x])
    yield Case(f"{name}, square", lambda: layer(3, affine=True), [Input((2, 3, *(3,) * rank))])
    yield Case(f"{name} affine", lambda: layer(3, affine=True), [x])
    yield Case(f"{name} not affine", lambda: layer(3, affine=False), [x])
    yield Case(f"{name} tracked", lambda: layer(3, affine=True, track_running_stats=True), [x])
    yield Case(f"{name} tracked, not affine", lambda: layer(3, affine=False, track_running_stats=True), [x])
    yield Case(f"{name} untracked", lambda: layer(3, affine=True, track_running_stats=False), [x])
    yield Case(f"{name} epsilon", lambda: layer(3, eps=0.1, momentum=None), [x])


CASES = [
    *(case for kind in ("BatchNorm", "InstanceNorm") for rank in (1, 2, 3) for case in channelled(kind, rank)),
    Case("BatchNorm1d of features", lambda: nn.BatchNorm1d(3), [Input((2, 3))]),
    Case("BatchNorm1d of features, untracked", lambda: nn.BatchNorm1d(3, track_running_stats=False), [Input((4, 3))]),
    Case("SyncBatchNorm", lambda: nn.SyncBatchNorm(3), [Input((2, 3, 4))]),
    Case("SyncBatchNorm of images", lambda: nn.SyncBatchNorm(3, eps=0.1), [Input((2, 3, 3, 3))]),
    Case("SyncBatchNorm not affine", lambda: nn.SyncBatchNorm(3, affine=False), [Input((2, 3, 4))]),
    Case("GroupNorm", lambda: nn.GroupNorm(2, 4), [Input((2, 4, 3, 2))]),
    Case("GroupNorm, square", lambda: nn.GroupNorm(2, 4), [Input((2, 4, 4, 4))]),
    Case("GroupNorm of one group", lambda: nn.GroupNorm(1, 3), [Input((2, 3, 4))]),
    Case("GroupNorm of each channel", lambda: nn.GroupNorm(3, 3), [Input((2, 3, 4))]),
    Case("GroupNorm of features", lambda: nn.GroupNorm(3, 6, eps=0.1), [Input((2, 6))]),
    Case("GroupNorm not affine", lambda: nn.GroupNorm(2, 4, affine=False), [Input((2, 4, 3))]),
    Case("LayerNorm", lambda: nn.LayerNorm(4), [Input((2, 3, 4))]),
    Case("LayerNorm, square", lambda: nn.LayerNorm(3), [Input((2, 3, 3))]),
    Case("LayerNorm of features", lambda: nn.LayerNorm(4), [Input((2, 4))]),
    Case("LayerNorm of two axes", lambda: nn.LayerNorm((3, 4)), [Input((2, 3, 4))]),
    Case("LayerNorm of two axes, square", lambda: nn.LayerNorm((3, 3)), [Input((2, 4, 3, 3))]),
    Case("LayerNorm of three axes", lambda: nn.LayerNorm((2, 3, 4)), [Input((2, 2, 3, 4))]),
    Case("LayerNorm epsilon", lambda: nn.LayerNorm(4, eps=0.1), [Input((2, 3, 4))]),
    Case("LayerNorm without bias", lambda: nn.LayerNorm((3, 3), bias=False), [Input((2, 3, 3))]),
    Case("LayerNorm not affine", lambda: nn.LayerNorm((3, 4), elementwise_affine=False), [Input((2, 3, 4))]),
    Case("RMSNorm", lambda: nn.RMSNorm(4), [Input((2, 3, 4))]),
    Case("RMSNorm, square", lambda: nn.RMSNorm(3), [Input((2, 3, 3))]),
    Case("RMSNorm of two axes", lambda: nn.RMSNorm((3, 3)), [Input((2, 3, 3))]),
    Case("RMSNorm epsilon", lambda: nn.RMSNorm(4, eps=0.1), [Input((2, 3, 4))]),
    Case("RMSNorm not affine", lambda: nn.RMSNorm(4, elementwise_affine=False), [Input((2, 3, 4))]),
]
