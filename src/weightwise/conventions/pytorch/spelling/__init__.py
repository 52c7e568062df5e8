"""PyTorch as the target of a port: which modules and operators compute a neutral operation.

Modules of images want their channels behind the batch, as `Conv2d` and `BatchNorm2d` do; `LayerNorm` wants its axes
last; and what treats every value alike takes them as they lie. An activation is a module behind its layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from weightwise.conventions.layout import as_it_is, moved_to, spatial_layout
from weightwise.conventions.pytorch.spelling.steps import function
from weightwise.conventions.spelling import Layout, Spelled, Speller, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.functions import ALONG, function_name
from weightwise.ops.merge import Concatenate, Merge, ScaledSum
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm, Standardization
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Input
from weightwise.ops.spatial import Spatial

SPELLINGS = {
    "activations": {
        "Activation": "activation",
        "GatedLinear": "gate",
        "PReLU": "prelu",
        "Softmax": "softmax",
    },
    "attention": {
        "Attention": "dot_attention",
        "MultiHeadAttention": "attention",
        "PackedAttention": "packed",
        "ScaledAttention": "scaled",
    },
    "convolution": {
        "Conv": "conv",
        "DepthwiseConv": "depthwise",
        "SeparableConv": "separable",
        "TransposedConv": "transposed",
    },
    "dense": {
        "Bilinear": "bilinear",
        "Contraction": "contraction",
        "Dense": "dense",
        "Einsum": "einsum",
        "Embedding": "embedding",
        "EmbeddingBag": "bags",
        "Unembedding": "unembedding",
    },
    "normalization": {
        "BatchNorm": "batch_norm",
        "GroupNorm": "group_norm",
        "LayerNorm": "layer_norm",
        "RMSNorm": "rms_norm",
        "Standardization": "standardization",
        "UnitNorm": "unit_norm",
    },
    "pooling": {
        "AdaptivePooling": "adaptive_pooling",
        "GlobalPooling": "global_pooling",
        "Pooling": "pooling",
    },
    "recurrent": {
        "Bidirectional": "bidirectional",
        "GruCell": "cell",
        "LstmCell": "cell",
        "Recurrent": "recurrent",
        "SimpleCell": "cell",
        "StackedCells": "cell",
        "StackedRecurrent": "stacked",
        "Stepping": "stepping",
    },
    "reshaping": {
        "ChannelShuffle": "shuffle",
        "Concatenate": "concatenate",
        "Dot": "dot",
        "Flatten": "flatten",
        "Identity": "identity",
        "Merge": "merge",
        "Permute": "permute",
        "PixelShuffle": "shuffle",
        "PixelUnshuffle": "shuffle",
        "Repeat": "repeat",
        "Rescaling": "rescaling",
        "Reshape": "reshape",
        "ScaledSum": "scaled_sum",
        "Unflatten": "unflatten",
    },
    "spatial": {
        "CenterCrop": "center_crop",
        "Cropping": "cropping",
        "Padding": "padding",
        "Resampling": "resampling",
        "Resizing": "resizing",
        "UpSampling": "upsampling",
        "ZeroPadding": "padding",
    },
    "taking": {
        "Beside": "beside",
        "DropAxes": "dropping",
        "Exchange": "exchange",
        "InsertAxis": "insertion",
        "Operand": "operand",
        "Product": "product",
        "Reduction": "reduction",
        "Slice": "slice",
        "Split": "split",
        "Stack": "stack",
        "Take": "take",
        "Transpose": "transpose",
    },
}
"""By module: the operations that it spells, and what the function is called behind `spelled_`."""

_ANYHOW = (Activation, Concatenate, Flatten, GatedLinear, Identity, Input, Merge, Rescaling, ScaledSum, Softmax)
"""Operations that compute the same however their inputs lie."""


class TorchSpeller(Speller):
    """PyTorch as the target of a port."""

    framework = "PyTorch"

    def layout(self, operation: Operation, rank: int) -> Layout | None:
        """Return how the inputs must lie for an operation: channels first, the axes of a LayerNorm last."""
        if isinstance(operation, Spatial):
            return spatial_layout(operation, rank, True)
        if isinstance(operation, (LayerNorm, RMSNorm)) and len(operation.axes) == 1 and operation.over is None:
            return moved_to(operation.axes[0], rank - 1, rank)
        if isinstance(operation, (Norm, PReLU)) and len(operation.axes) == 1 and _has_channels(operation):
            return moved_to(operation.axes[0], 1, rank)
        if isinstance(operation, Activation) and function_name(operation.function) in ALONG:
            return as_it_is(rank)
        return None if isinstance(operation, _ANYHOW) else as_it_is(rank)

    def spelled(self, operation: Operation, inputs: Sequence[Shape]) -> Spelled:
        """Return the modules and operators that compute an operation; raises `UnsupportedError` with the reason."""
        name = type(operation).__name__
        if name == "TimeDistributed":
            return _spelling("distribution", "distributed")(operation, inputs, self.spelled)
        for room, operations in SPELLINGS.items():
            if name in operations:
                return _spelling(room, operations[name])(operation, inputs)
        raise UnsupportedError(f"PyTorch has nothing that computes a {name}")

    def permutation(self, order: Layout) -> Step:
        """Return the operator that moves axes."""
        return function("permute", "", dims=tuple(order))


def _has_channels(operation: Norm | PReLU) -> bool:
    """Return whether PyTorch's module has one axis of channels, behind the batch."""
    if isinstance(operation, Standardization):
        return operation.given is None or any(isinstance(statistic, tuple) for statistic in operation.given)
    return isinstance(operation, (BatchNorm, GroupNorm, PReLU))


def _spelling(room: str, name: str) -> Callable[..., Spelled]:
    """Return the function that spells an operation, from a module that is loaded when it is needed."""
    found: Callable[..., Spelled] = getattr(import_module(f"{__name__}.{room}"), f"spelled_{name}")
    return found


SPELLER = TorchSpeller()

__all__ = ["SPELLER", "SPELLINGS", "TorchSpeller"]
