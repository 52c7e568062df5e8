"""A low-rank adaptation as a layer of its own: the product of two narrow matrices, beside the layer that it adapts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.cells import prefixed, within
from weightwise.ops.dense import OverLastAxis
from weightwise.ops.operation import Operation, Shape, ShapeError, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class LowRank(OverLastAxis):
    """`x · lora_a · lora_b` over the last axis, added to what another layer returns where there is one."""

    adapted: Operation | None = None
    """The layer that is adapted, which reads the same input."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the pair, and of the layer that is adapted."""
        return {
            "lora_a": "in rank",
            "lora_b": "rank out",
            **prefixed("adapted", self.adapted.roles() if self.adapted else {}),
        }

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with `units` values in the last axis; raises `ShapeError`."""
        shape = (*only(inputs, "a low-rank layer")[:-1], self.units)
        if self.adapted and self.adapted.output_shapes(inputs) != (shape,):
            raise ShapeError(f"outputs of shape {shape} cannot be added to those of the layer that is adapted")
        return (shape,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the sums."""
        y = inputs[0] @ weights["lora_a"] @ weights["lora_b"]
        return (y + self.adapted.forward(inputs, within(weights, "adapted"))[0] if self.adapted else y,)

    def sentence(self) -> str:
        """Return what the layer does."""
        own = f"computes {self.units:,} weighted sums of all its inputs through a narrow layer"
        return f"{own}, and adds what the layer inside {self.adapted.sentence()}" if self.adapted else own
