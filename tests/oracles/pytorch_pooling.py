"""Cases of PyTorch's poolings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from tests.oracles.case import Case, Input

SPATIAL = (4, 5, 7)
SIZE = (2, 3, 2)


def pooled(kind: str, rank: int) -> Iterator[Case]:
    """Yield the cases that both poolings have, over `rank` spatial axes."""
    name = f"{kind}Pool{rank}d"
    size, x = SIZE[-rank:], Input((1 if rank == 3 else 2, 2, *SPATIAL[-rank:]))

    def case(text: str, *arguments: Any, **options: Any) -> Case:
        return Case(f"{name}{text}", lambda: getattr(nn, name)(*arguments, **options), [x])

    yield case("", 2)
    yield case(" of each axis", size)
    yield case(" strides", size, 1)
    yield case(" larger strides", 2, stride=3)
    yield case(" padding", 3, 2, padding=1)
    yield case(" rounded up", 2, ceil_mode=True)
    yield case(" rounded up, padding", 3, 2, padding=1, ceil_mode=True)
    yield case(" rounded up, larger strides", 2, 3, padding=1, ceil_mode=True)
    if kind == "Max":
        yield case(" dilation", 2, 1, dilation=2)
        yield case(" dilation, rounded up", 2, 2, padding=1, dilation=2, ceil_mode=True)
    else:
        yield case(" padding apart", 3, 2, padding=1, count_include_pad=False)
        yield case(" padding apart, rounded up", 3, 2, padding=1, ceil_mode=True, count_include_pad=False)
    if kind == "Avg" and rank > 1:
        yield case(" divisor", 3, 2, padding=1, divisor_override=5)


def adaptive(kind: str, rank: int) -> Iterator[Case]:
    """Yield the cases of an adaptive pooling over `rank` spatial axes."""
    name = f"Adaptive{kind}Pool{rank}d"
    layer, x = getattr(nn, name), Input((1 if rank == 3 else 2, 2, *SPATIAL[-rank:]))
    yield Case(name, lambda: layer((3, 2, 3)[-rank:]), [x])
    yield Case(f"{name} of one size", lambda: layer(2), [x])
    yield Case(f"{name} of everything", lambda: layer(1), [x])
    if rank > 1:
        yield Case(f"{name} of some axes", lambda: layer((None, *(2, 3)[-rank + 1 :])), [x])


CASES = [
    case for rank in (1, 2, 3) for kind in ("Max", "Avg") for cases in (pooled, adaptive) for case in cases(kind, rank)
]
