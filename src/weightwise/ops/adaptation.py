"""Low-rank adaptation: a matrix that training leaves alone, plus the product of two narrow ones that it changes.

`kernel + factor · a b`, where a has the kernel's axes but the last, then `rank`, and b has `rank` and the last
(https://arxiv.org/abs/2106.09685).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def adaptation_roles(axes: str, factor: float | None) -> dict[str, str]:
    """Return the axes of the pair that adapts an array with these axes; none where there is no factor."""
    if factor is None:
        return {}
    *others, last = axes.split()
    return {"lora_a": " ".join((*others, "rank")), "lora_b": f"rank {last}"}


def adapted(array: Array, weights: Mapping[str, Array], factor: float | None) -> Array:
    """Return the array with the product of its pair added."""
    return array if factor is None else array + factor * (weights["lora_a"] @ weights["lora_b"])
