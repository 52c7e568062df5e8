"""Products of two tensors as of matrices, which lie in their last two axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Product(Operation):
    """`… rows inner` times `… inner columns`, for each place of the axes before them."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return `… rows columns`; raises `ShapeError` unless the other axes are alike, or of length one."""
        if len(inputs) != 2 or len({len(shape) for shape in inputs}) != 1 or len(inputs[0]) < 3:
            raise ShapeError(f"a product needs two tensors of as many axes, 3 or more, found {list(inputs)}")
        one, other = inputs
        if None not in (one[-1], other[-2]) and one[-1] != other[-2]:
            raise ShapeError(f"matrices of {one[-2:]} and {other[-2:]} cannot be multiplied")
        return ((*(_common(*sizes) for sizes in zip(one[:-2], other[:-2], strict=True)), one[-2], other[-1]),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the products."""
        self.output_shapes([x.shape for x in inputs])
        return (inputs[0] @ inputs[1],)

    def sentence(self) -> str:
        """Return what the layer does."""
        return "multiplies its first input by its second, as matrices in their last two axes"


def _common(one: int | None, other: int | None) -> int | None:
    if None not in (one, other) and one != other and 1 not in (one, other):
        raise ShapeError(f"expected tensors of one size before their last two axes, or of size 1: {one} and {other}")
    if one == 1 or (one is None and other != 1):
        return other
    return one
