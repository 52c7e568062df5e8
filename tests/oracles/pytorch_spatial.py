"""Cases of PyTorch's padding and upsampling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from tests.oracles.case import Case, Input

SPATIAL = (3, 4, 5)
EDGES = (1, 2, 0, 3, 2, 1)


def padded(rank: int) -> Iterator[Case]:
    """Yield the cases of all paddings over `rank` spatial axes."""
    x = Input((1, 2 if rank < 3 else 1, *SPATIAL[-rank:]))
    for kind in ("Zero", "Reflection", "Replication", "Circular"):
        layer = getattr(nn, f"{kind}Pad{rank}d")
        yield Case(f"{kind}Pad{rank}d", lambda layer=layer: layer(EDGES[: 2 * rank]), [x])
        yield Case(f"{kind}Pad{rank}d of one size", lambda layer=layer: layer(1), [x])
    constant = getattr(nn, f"ConstantPad{rank}d")
    yield Case(f"ConstantPad{rank}d", lambda: constant(EDGES[: 2 * rank], 1.5), [x])


def enlarged(mode: str, shape: tuple[int, ...], **options: Any) -> Iterator[Case]:
    """Yield the cases of an upsampling in one mode."""
    x, rank = Input(shape), len(shape) - 2
    name = f"Upsample {mode} of {rank}{' aligned' if options else ''}"

    def case(text: str, **sizes: Any) -> Case:
        return Case(f"{name}{text}", lambda: nn.Upsample(mode=mode, **sizes, **options), [x])

    yield case("", scale_factor=2)
    yield case(" to a size", size=(3, 7, 4)[-rank:])
    yield case(" by a fraction", scale_factor=(1.5, 2.4, 1.7)[-rank:])
    yield case(" to less", scale_factor=0.6)
    yield case(" recomputed", scale_factor=1.7, recompute_scale_factor=True)


CASES = [
    *(case for rank in (1, 2, 3) for case in padded(rank)),
    *(
        case
        for mode in ("nearest", "nearest-exact")
        for shape in ((2, 2, 5), (1, 2, 3, 4), (1, 1, 2, 3, 2))
        for case in enlarged(mode, shape)
    ),
    *(
        case
        for mode, shape in (("linear", (2, 2, 5)), ("bilinear", (1, 2, 3, 4)), ("trilinear", (1, 1, 2, 3, 2)))
        for options in ({}, {"align_corners": True})
        for case in enlarged(mode, shape, **options)
    ),
    Case("Upsample to one place", lambda: nn.Upsample(1, mode="linear", align_corners=True), [Input((2, 2, 3))]),
    Case("UpsamplingNearest2d", lambda: nn.UpsamplingNearest2d(scale_factor=2), [Input((1, 2, 2, 3))]),
    Case("UpsamplingBilinear2d", lambda: nn.UpsamplingBilinear2d(size=(3, 5)), [Input((1, 2, 2, 3))]),
]
