"""Convolutions as layers of Keras (https://keras.io/api/layers/convolution_layers/).

Keras names its padding and takes no numbers: what is not `valid`, nor `same` for inputs of every size, is a layer that
pads before it. A convolution whose groups are its channels is a depthwise one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.keras.spelling.activations import activated
from weightwise.conventions.keras.spelling.edges import Edges, edges, padded
from weightwise.conventions.keras.spelling.steps import chain, channels, layer, refuse
from weightwise.conventions.spelling import Feed, Same, Spelled, Step
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.operation import Shape
from weightwise.ops.spatial import Filtering
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

_FROM_GROUPS: Mapping[str, Feed] = {
    "kernel": Same("kernel", {"in": "(groups in/groups)", "mult": "out/groups"}),
    "bias": Same("bias", {"in": "out", "mult": "1"}),
}
"""A grouped kernel whose groups have one channel each is a depthwise one."""


def spelled_conv(operation: Conv, inputs: Sequence[Shape]) -> Spelled:
    """Return the convolution, after what pads it and before an activation that no setting says."""
    window, groups = operation.window, operation.groups
    _refuse_adapted(operation)
    if groups > 1 and groups == channels(inputs) and operation.rank < 3 and len({*window.strides}) == 1:
        mult = operation.filters // groups
        return _filtering("DepthwiseConv", operation, inputs, _FROM_GROUPS, depth_multiplier=mult)
    return spelled_in_groups(operation, inputs)


def spelled_in_groups(operation: Conv, inputs: Sequence[Shape]) -> Spelled:
    """Return the convolution as one of groups, however many these are."""
    _refuse_adapted(operation)
    return _filtering("Conv", operation, inputs, filters=operation.filters, groups=operation.groups)


def _refuse_adapted(operation: Conv) -> None:
    refuse(operation.adaptation is not None, "its kernel is adapted by a low-rank pair, which would have to be merged")


def spelled_depthwise(operation: DepthwiseConv, inputs: Sequence[Shape]) -> Spelled:
    """Return the depthwise convolution."""
    refuse(operation.rank == 3, "Keras has no depthwise convolution over three axes")
    return _filtering("DepthwiseConv", operation, inputs, depth_multiplier=operation.mult)


def spelled_separable(operation: SeparableConv, inputs: Sequence[Shape]) -> Spelled:
    """Return the separable convolution."""
    refuse(operation.rank == 3, "Keras has no separable convolution over three axes")
    settings = {"filters": operation.filters, "depth_multiplier": operation.mult}
    return _filtering("SeparableConv", operation, inputs, None, **settings)


def _filtering(
    kind: str, operation: Filtering, inputs: Sequence[Shape], feeds: Mapping[str, Feed] | None = None, **own: Any
) -> Spelled:
    """Return a layer with kernels over a window, with what stands before and behind it."""
    before, padding = _padding(operation.window, inputs, causal=kind == "Conv")
    settings, after = _common(operation)
    return chain(*before, layer(f"{kind}{operation.rank}D", "", feeds, padding=padding, **settings, **own), *after)


def _common(operation: Filtering) -> tuple[dict[str, Any], tuple[Step, ...]]:
    """Return the settings that all convolutions have, and the activation behind the layer if none of them says it."""
    window = operation.window
    refuse(max(window.strides) > 1 and max(window.dilation) > 1, "Keras has no window with both strides and dilation")
    name, after = activated(operation.activation)
    settings = {
        "kernel_size": list(window.size),
        "strides": list(window.strides),
        "dilation_rate": list(window.dilation),
        "activation": name,
        "use_bias": operation.bias,
        "data_format": "channels_last",
    }
    return settings, after


def _padding(window: Window, inputs: Sequence[Shape], causal: bool) -> tuple[tuple[Step, ...], str]:
    """Return the layers that pad before a convolution, and the padding of its own."""
    own = ("valid", "same", "causal") if causal and window.rank == 1 else ("valid", "same")
    if window.beyond == "zeros" and window.padding in own:
        return (), str(window.padding)
    wanted = edges(window, inputs)
    if not any(map(any, wanted)):
        return (), "valid"
    if window.beyond == "zeros" and max(window.strides) == 1 and wanted == keeps_size(window):
        return (), "same"
    return padded(wanted, window.beyond, inputs), "valid"


def keeps_size(window: Window) -> Edges:
    """Return what `same` adds before and after each axis where a window moves one by one, whatever the size."""
    around = [window.extent(axis) - 1 for axis in range(window.rank)]
    return tuple((total // 2, total - total // 2) for total in around)


def spelled_transposed(operation: TransposedConv, inputs: Sequence[Shape]) -> Spelled:
    """Return the transposed convolution whole, and a layer that cuts its edges off."""
    window = operation.window
    refuse(operation.groups > 1, "Keras has no transposed convolution in groups")
    refuse(window.beyond == "wrap", "what it spreads over the edges wraps around, which Keras has not")
    cuts = tuple(window.around(axis, 1) for axis in range(window.rank))
    refuse(any(before < 0 for before, _ in cuts), "it adds zeros before its output, which Keras has not")
    settings, after = _common(operation)
    padding, added, left = _cut(window, cuts)
    more: dict[str, Any] = {"output_padding": list(added)} if any(added) else {}
    crop = (layer(f"Cropping{window.rank}D", "cropped", **crop_settings(left)),) if any(map(any, left)) else ()
    made = layer(f"Conv{window.rank}DTranspose", filters=operation.filters, padding=padding, **more, **settings)
    return chain(made, *crop, *after)


def crop_settings(around: Edges) -> dict[str, Any]:
    """Return the settings of a layer that cuts edges off."""
    pairs = [list(pair) for pair in around]
    settings: dict[str, Any] = {"cropping": pairs[0] if len(pairs) == 1 else pairs}
    return settings if len(pairs) == 1 else {**settings, "data_format": "channels_last"}


def _cut(window: Window, cuts: Edges) -> tuple[str, tuple[int, ...], Edges]:
    """Return the padding of a transposed convolution, what it adds to its output, and what is left to cut off.

    `same` cuts off `extent - stride`, and is used where that is so and halves; `valid` adds zeros up to a whole stride.
    """
    extents = [window.extent(axis) for axis in range(window.rank)]
    totals = [extent - stride for extent, stride in zip(extents, window.strides, strict=True)]
    if any(map(any, cuts)) and all(pair == (total // 2, total / 2) for pair, total in zip(cuts, totals, strict=True)):
        return "same", (), ()
    if all(after >= min(total, 0) for (_, after), total in zip(cuts, totals, strict=True)):
        return "valid", (), tuple((b, a - min(total, 0)) for (b, a), total in zip(cuts, totals, strict=True))
    added = tuple(max(-after, 0) for _, after in cuts)
    refuse(any(more >= stride for more, stride in zip(added, window.strides, strict=True)), _WHOLE)
    return "valid", added, tuple((before, max(after, 0)) for before, after in cuts)


_WHOLE = "it adds as much as a whole stride to its output, which Keras refuses"
