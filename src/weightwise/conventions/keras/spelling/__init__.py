"""Keras 3 as the target of a port: the layers that compute each operation (https://keras.io/api/layers/).

steps           how layers and functions of Keras are written down
activations, convolution, edges, pooling, normalization, dense, arranging, spatial, recurrent, attention
                the operations of a family -> the layers that compute them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.conventions.keras.spelling import (
    activations,
    arranging,
    attention,
    convolution,
    dense,
    normalization,
    pooling,
    recurrent,
    spatial,
)
from weightwise.conventions.layout import as_it_is, spatial_layout
from weightwise.conventions.spelling import Layout, Spelled, Speller, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack, Transpose
from weightwise.ops.attention import Attention
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.cells import GruCell, LstmCell, SimpleCell
from weightwise.ops.contraction import Contraction
from weightwise.ops.conv import Conv
from weightwise.ops.conv_cell import ConvLstmCell
from weightwise.ops.dense import Dense
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding
from weightwise.ops.merge import Concatenate, Dot, Merge, ScaledSum
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm, Standardization, UnitNorm
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.padding import Cropping, Padding, ZeroPadding
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.product import Product
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.reduction import Reduction
from weightwise.ops.reparametrised import Reparametrised
from weightwise.ops.resampling import Resampling
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Input, Masking, Permute, Regroup, Repeat, Reshape, Unflatten
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle
from weightwise.ops.spatial import Spatial
from weightwise.ops.stacked import StackedRecurrent, Stepping
from weightwise.ops.taking import Slice, Split, Take
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.uncomputed import Uncomputed
from weightwise.ops.wrappers import Chain, TimeDistributed
from weightwise.records import dataclass

_SPELLED: Mapping[type[Operation], Callable[[Any, Sequence[Shape]], Spelled]] = {
    Activation: activations.spelled_activation,
    AdaptivePooling: pooling.spelled_adaptive,
    Attention: attention.spelled_attention,
    BatchNorm: normalization.spelled_batch,
    Beside: dense.spelled_beside,
    Bidirectional: recurrent.spelled_bidirectional,
    CenterCrop: spatial.spelled_center,
    ChannelShuffle: arranging.spelled_channels,
    Concatenate: arranging.spelled_concatenation,
    Contraction: dense.spelled_contraction,
    Conv: convolution.spelled_conv,
    ConvLstmCell: recurrent.spelled_cell,
    Cropping: spatial.spelled_cropping,
    Dense: dense.spelled_dense,
    DepthwiseConv: convolution.spelled_depthwise,
    Dot: arranging.spelled_dot,
    DropAxes: arranging.spelled_dropping,
    Einsum: dense.spelled_einsum,
    Embedding: dense.spelled_embedding,
    EmbeddingBag: dense.spelled_bag,
    Exchange: arranging.spelled_exchange,
    Flatten: arranging.spelled_flatten,
    GatedLinear: activations.spelled_gate,
    GlobalPooling: pooling.spelled_global,
    GroupNorm: normalization.spelled_group,
    GruCell: recurrent.spelled_cell,
    Identity: arranging.spelled_identity,
    Input: arranging.spelled_input,
    InsertAxis: arranging.spelled_insertion,
    LayerNorm: normalization.spelled_layer,
    LstmCell: recurrent.spelled_cell,
    Masking: arranging.spelled_masking,
    Merge: arranging.spelled_merge,
    MultiHeadAttention: attention.spelled_heads,
    Operand: dense.spelled_operand,
    PReLU: activations.spelled_prelu,
    PackedAttention: attention.spelled_packed,
    Padding: spatial.spelled_padding,
    Permute: arranging.spelled_permute,
    PixelShuffle: arranging.spelled_pixels,
    PixelUnshuffle: arranging.spelled_pixels_back,
    Pooling: pooling.spelled_pooling,
    Product: arranging.spelled_product,
    RMSNorm: normalization.spelled_rms,
    Recurrent: recurrent.spelled_recurrent,
    Reduction: arranging.spelled_reduction,
    Regroup: arranging.spelled_regrouping,
    Repeat: arranging.spelled_repeat,
    Resampling: spatial.spelled_resampling,
    Rescaling: arranging.spelled_rescaling,
    Reshape: arranging.spelled_reshape,
    Resizing: spatial.spelled_resizing,
    ScaledAttention: attention.spelled_scaled,
    ScaledSum: arranging.spelled_scaled_sum,
    SeparableConv: convolution.spelled_separable,
    SimpleCell: recurrent.spelled_cell,
    Slice: arranging.spelled_slice,
    Softmax: activations.spelled_softmax,
    Split: arranging.spelled_split,
    Stack: arranging.spelled_stack,
    StackedRecurrent: recurrent.spelled_stacked,
    Standardization: normalization.spelled_standardization,
    Stepping: recurrent.spelled_stepping,
    Take: arranging.spelled_take,
    Transpose: arranging.spelled_transpose,
    TransposedConv: convolution.spelled_transposed,
    Unflatten: arranging.spelled_unflatten,
    UnitNorm: normalization.spelled_unit,
    UpSampling: spatial.spelled_upsampling,
    ZeroPadding: spatial.spelled_zeros,
}

_ANYHOW = (Activation, Concatenate, GatedLinear, Identity, Merge, Norm, PReLU, Rescaling, ScaledSum, Softmax)
"""Operations that read a tensor however its axes lie."""


@dataclass(frozen=True)
class KerasSpeller(Speller):
    """Keras 3, with the channels last."""

    framework = "Keras"
    grouped: bool = False
    """Whether a convolution with a group for each channel stays a Conv2D, and is no DepthwiseConv2D."""
    scaled: bool = False
    """Whether scales along the last axis are ConvNeXt's LayerScale, and no EinsumDense."""

    def like(self, operations: Sequence[Operation]) -> KerasSpeller:
        """Return the speller that keeps groups, or scales, where the target has some, and no depthwise convolution."""
        groups = any(isinstance(operation, Conv) and operation.groups > 1 for operation in operations)
        depthwise = any(isinstance(operation, DepthwiseConv) for operation in operations)
        return KerasSpeller(groups and not depthwise, any(isinstance(operation, Operand) for operation in operations))

    def layout(self, operation: Operation, rank: int) -> Layout | None:
        """Return channels last for images; None for what is told by its axes, and else the order of the source."""
        if isinstance(operation, Spatial):
            return spatial_layout(operation, rank, first=False)
        if isinstance(operation, (PackedAttention, StackedRecurrent)) and operation.positions_first and rank == 3:
            return (1, 0, 2)
        return None if isinstance(operation, _ANYHOW) else as_it_is(rank)

    def spelled(self, operation: Operation, inputs: Sequence[Shape]) -> Spelled:
        """Return the layers of Keras that compute an operation; raises `UnsupportedError`."""
        if isinstance(operation, TimeDistributed):
            return self._at_every_position(operation, inputs)
        if isinstance(operation, Chain):
            return self._one_after_another(operation, inputs)
        if isinstance(operation, Reparametrised):
            raise UnsupportedError("its weights are computed from others, which would have to be done before")
        if isinstance(operation, Uncomputed):
            raise UnsupportedError(operation.why)
        if isinstance(operation, Conv) and self.grouped:
            return convolution.spelled_in_groups(operation, inputs)
        if isinstance(operation, Operand) and self.scaled:
            return dense.spelled_scale(operation, inputs)
        spelled = _SPELLED.get(type(operation))
        if spelled is None:
            raise UnsupportedError(f"Keras has nothing that {operation.sentence()}")
        return spelled(operation, inputs)

    def permutation(self, order: Layout) -> Step:
        """Return the layer that moves axes."""
        return arranging.permutation(order)

    def entry(self, shape: Shape) -> Step:
        """Return the layer that stands for an input of the model."""
        return arranging.entry(shape)

    def _one_after_another(self, operation: Chain, inputs: Sequence[Shape]) -> Spelled:
        """Return the layers of operations of which each reads the one before."""
        if operation.roles():
            raise UnsupportedError("it is several layers in one")
        spelled = []
        for each in operation.operations:
            spelled.append(self.spelled(each, inputs))
            inputs = each.output_shapes(inputs) if inputs else ()
        return arranging.spelled_chain(spelled)

    def _at_every_position(self, operation: TimeDistributed, inputs: Sequence[Shape]) -> Spelled:
        """Return a layer around another; raises `UnsupportedError` where what is inside is not one layer."""
        inside = self.spelled(operation.inner, [(shape[0], *shape[2:]) for shape in inputs])
        if len(inside.steps) != 1 or inside.steps[0].class_name.startswith("keras."):
            raise UnsupportedError("what it does at every position is more than one layer of Keras")
        (step,) = inside.steps
        wrapped = {"module": "keras.layers", "class_name": step.class_name, "config": dict(step.config)}
        made = Step("TimeDistributed", {"layer": {**wrapped, "registered_name": None}}, step.feeds)
        return Spelled((made,), notes=inside.notes)


SPELLER = KerasSpeller()
"""Keras 3."""

__all__ = ["SPELLER", "KerasSpeller"]
