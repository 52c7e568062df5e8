"""Cases of PyTorch's attention, whose last projection hands its input on here: it is a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from tests.oracles.case import Case, Input


def attending(
    text: str,
    *sizes: int,
    shapes: tuple[tuple[int, ...], ...] = ((3, 2, 6), (4, 2, 6), (4, 2, 6)),
    call: dict[str, Any] | None = None,
    symmetries: Sequence[str] = (),
    **options: Any,
) -> Case:
    """Return the case of an attention with these sizes and options, and with arguments of its call."""
    inputs = [Input(shape) for shape in shapes]
    name = f"MultiheadAttention{text}"
    swapped = {
        "in_proj_weight": [f"({axes}) in" for axes in symmetries],
        "in_proj_bias": [f"({axes})" for axes in symmetries],
    }
    return Case(
        name, lambda: nn.MultiheadAttention(*sizes, **options), inputs, arguments=call or {}, symmetries=swapped
    )


BATCH_FIRST = ((2, 3, 6), (2, 4, 6), (2, 4, 6))
SQUARE = ((3, 2, 4), (3, 2, 4), (3, 2, 4))
APART = ((3, 2, 6), (4, 2, 5), (4, 2, 3))

CASES = [
    attending("", 6, 2),
    attending(", square", 4, 2, shapes=SQUARE),
    attending(" of nine, square", 9, 3, shapes=((3, 2, 9),) * 3),
    attending(", batch first", 6, 2, batch_first=True, shapes=BATCH_FIRST),
    # An axis of one place can stand anywhere.
    attending(" of one head", 6, 1, symmetries=["heads part[q k v] head_dim", "part[q k v] head_dim heads"]),
    attending(" of as many heads as numbers", 6, 6, symmetries=["part[q k v] head_dim heads"]),
    attending(" without bias", 6, 3, bias=False),
    attending(" with dropout", 6, 2, dropout=0.5),
    attending(" with a learned key", 6, 2, add_bias_kv=True),
    attending(" with a learned key, square", 4, 2, add_bias_kv=True, shapes=SQUARE),
    attending(" with a key of zeros", 6, 2, add_zero_attn=True),
    attending(" with both", 6, 3, add_bias_kv=True, add_zero_attn=True, batch_first=True, shapes=BATCH_FIRST),
    attending(" apart", 6, 2, kdim=5, vdim=3, shapes=APART),
    attending(" apart without bias", 6, 2, kdim=5, vdim=3, bias=False, shapes=APART),
    attending(" apart with a learned key", 6, 2, kdim=5, vdim=3, add_bias_kv=True, shapes=APART),
    attending(" with other keys", 6, 3, kdim=4, shapes=((3, 2, 6), (4, 2, 4), (4, 2, 6))),
    attending(
        " with other values, batch first",
        4,
        2,
        vdim=3,
        batch_first=True,
        shapes=((2, 3, 4), (2, 5, 4), (2, 5, 3)),
    ),
    attending(" without weights", 6, 2, call={"need_weights": False}),
    attending(" with the weights of each head", 6, 3, call={"average_attn_weights": False}),
]
