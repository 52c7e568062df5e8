"""Flax's linen as the target of a port: the modules and the functions that compute an operation.

Modules of linen have their channels last and keep `batch position …`, as TensorFlow does, so that most operations are
one module each; an activation is a function behind it
(https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.flax.spelling import attention, layers, learned, positions, recurrent, spatial, values
from weightwise.conventions.flax.spelling.values import Spelling
from weightwise.conventions.layout import as_it_is, moved_to, spatial_layout
from weightwise.conventions.spelling import Layout, Spelled, Speller, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, PReLU, Softmax
from weightwise.ops.functions import ALONG
from weightwise.ops.merge import Concatenate, Merge, ScaledSum
from weightwise.ops.norm import BatchNorm, GroupNorm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.reparametrised import Reparametrised
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Identity
from weightwise.ops.spatial import Spatial
from weightwise.ops.stacked import StackedRecurrent
from weightwise.ops.uncomputed import Uncomputed

SPELLINGS: Mapping[type[Operation], Spelling] = {
    kind: spelling
    for family in (attention, layers, learned, recurrent, spatial, values)
    for kind, spelling in family.SPELLINGS.items()
}
ANYHOW = (BatchNorm, Concatenate, Identity, Merge, ScaledSum, Softmax)
"""Operations whose inputs may lie anyhow."""


class FlaxSpeller(Speller):
    """What modules and functions compute an operation in linen."""

    framework = "Flax"

    def layout(self, operation: Operation, rank: int) -> Layout | None:
        """Return channels last for what needs them so, and the source's own order for what may need it."""
        if isinstance(operation, Spatial):
            return spatial_layout(operation, rank, first=False)
        if isinstance(operation, GroupNorm):
            return moved_to(operation.axes[0], rank - 1, rank)
        if isinstance(operation, (PackedAttention, StackedRecurrent)) and operation.positions_first and rank == 3:
            return (1, 0, 2)
        if isinstance(operation, ANYHOW):
            return None
        if isinstance(operation, Activation):
            return as_it_is(rank) if operation.function in ALONG else None
        if isinstance(operation, Rescaling):
            factors = (operation.scale, operation.offset)
            return as_it_is(rank) if any(isinstance(factor, tuple) for factor in factors) else None
        if isinstance(operation, PReLU) and len(operation.axes) < 2:
            return None
        return as_it_is(rank)

    def spelled(self, operation: Operation, inputs: Sequence[Shape]) -> Spelled:
        """Return the modules and functions; raises `UnsupportedError` where linen has none."""
        if isinstance(operation, Uncomputed):
            raise UnsupportedError(operation.why)
        if isinstance(operation, Reparametrised):
            raise UnsupportedError("its weights are computed from others, which would have to be done before")
        spelling = {**SPELLINGS, **positions.spellings(self.spelled)}.get(type(operation))
        if spelling is None:
            raise UnsupportedError(f"linen has nothing that {operation.sentence()}")
        return spelling(operation, inputs)

    def permutation(self, order: Layout) -> Step:
        """Return a transposition."""
        return Step("transpose", {"axes": tuple(order)})


SPELLER = FlaxSpeller()
