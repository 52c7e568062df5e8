"""Layers that change the sizes of images, as PyTorch has them (https://docs.pytorch.org/docs/stable/nn.html#vision-layers)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.pytorch.spelling.convolution import crop, pad
from weightwise.conventions.pytorch.spelling.steps import alike, chain, module, refuse
from weightwise.conventions.spelling import Spelled
from weightwise.ops.operation import Shape
from weightwise.ops.padding import Cropping, Padding, ZeroPadding
from weightwise.ops.resampling import Resampling
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def spelled_padding(operation: ZeroPadding | Padding, inputs: Sequence[Shape]) -> Spelled:
    """Return the padding."""
    if isinstance(operation, Padding) and operation.beyond == "constant":
        return chain(pad(operation.around, name="", value=operation.value))
    return chain(pad(operation.around, getattr(operation, "beyond", "zeros"), ""))


def spelled_cropping(operation: Cropping, inputs: Sequence[Shape]) -> Spelled:
    """Return the runs of places that stay."""
    return chain(*(crop(operation.around) or (module("Identity"),)))


def spelled_upsampling(operation: UpSampling, inputs: Sequence[Shape]) -> Spelled:
    """Return the Upsample by factors."""
    kind = operation.interpolation
    refuse(f"its interpolation is {kind}, which PyTorch computes otherwise", kind not in ("nearest", "bilinear"))
    return chain(
        module(
            "Upsample",
            size=None,
            scale_factor=alike_numbers(operation.factors),
            mode="nearest" if kind == "nearest" else _LINEAR[operation.rank],
            align_corners=None if kind == "nearest" else False,
        )
    )


def alike_numbers(factors: Sequence[float]) -> float | tuple[float, ...]:
    """Return one factor for those that are all the same."""
    return float(factors[0]) if len(set(factors)) == 1 else tuple(map(float, factors))


def spelled_resizing(operation: Resizing, inputs: Sequence[Shape]) -> Spelled:
    """Return the Upsample to sizes; PyTorch calls `nearest-exact` what others call the nearest."""
    kinds = {"nearest": ("nearest-exact", None), "bilinear": ("bilinear", False)}
    refuse(f"its interpolation is {operation.interpolation}", operation.interpolation not in kinds)
    refuse("it keeps the proportions of its images", operation.fit != "stretch")
    refuse("it smooths what it makes smaller, which no module of PyTorch does", operation.antialias)
    mode, corners = kinds[operation.interpolation]
    return chain(module("Upsample", size=alike(operation.size), scale_factor=None, mode=mode, align_corners=corners))


def spelled_resampling(operation: Resampling, inputs: Sequence[Shape]) -> Spelled:
    """Return the Upsample, which is PyTorch's own."""
    linear = operation.interpolation == "linear"
    return chain(
        module(
            "Upsample",
            size=None if operation.size is None else alike(operation.size),
            scale_factor=None if operation.factors is None else alike_numbers(operation.factors),
            mode=_LINEAR[operation.rank] if linear else operation.interpolation,
            align_corners=operation.corners if linear else None,
            recompute_scale_factor=operation.whole,
        )
    )


def spelled_center_crop(operation: CenterCrop, inputs: Sequence[Shape]) -> Spelled:
    """Return the runs of places in the middle."""
    sizes = [size for size in inputs[0][2:] if size is not None] if inputs else []
    refuse("where its middle lies depends on the size of its input, which is open", len(sizes) < operation.rank)
    left = [(own - wanted, (own - wanted) // 2) for own, wanted in zip(sizes, operation.size, strict=True)]
    refuse("it enlarges images that are too small, by their proportions", any(more < 0 for more, _ in left))
    return chain(*(crop(tuple((before, more - before) for more, before in left)) or (module("Identity"),)))
