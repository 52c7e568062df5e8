"""How Flax spells what slides over spatial axes: convolutions, poolings, padding and images of other sizes.

The channels are last. `SAME` is TensorFlow's, the odd element of padding at the end; other padding is in numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from weightwise.conventions.flax.spelling.values import (
    Shapes,
    Spelling,
    activated,
    one,
    only_shape,
    sizes_known,
)
from weightwise.conventions.spelling import Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.operation import Operation, spatial_names
from weightwise.ops.padding import Cropping, Padding, ZeroPadding
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.resampling import Resampling
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling
from weightwise.ops.shuffling import PixelShuffle, PixelUnshuffle
from weightwise.ops.spatial import Filtering
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

Pairs = tuple[tuple[int, int], ...]


def _steps_of(window: Window) -> dict[str, Any]:
    """Return the strides and the dilation of a window where they are not 1."""
    strides = {"strides": window.strides} if max(window.strides) > 1 else {}
    return strides | ({"kernel_dilation": window.dilation} if max(window.dilation) > 1 else {})


def _padding(window: Window) -> str | Pairs:
    return window.padding.upper() if isinstance(window.padding, str) else window.padding


def _slid(window: Window, inputs: Shapes) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """Return the padding that is a step of its own, and the settings of the window that reads what it returns.

    linen has paddings `REFLECT` and `CIRCULAR`, but always as much of them as keeps the size.
    """
    settings = {"kernel_size": window.size, **_steps_of(window)}
    if window.beyond == "zeros":
        return (), {**settings, "padding": _padding(window)}
    sizes = sizes_known(only_shape(inputs))
    around = tuple(window.around(axis, size) for axis, size in enumerate(sizes[: window.rank]))
    padding = Step("pad", {"pad_width": around, "mode": window.beyond}, name="padding")
    return (padding,), {**settings, "padding": "VALID"}


def _channels(inputs: Shapes) -> int:
    size = only_shape(inputs)[-1]
    if size is None:
        raise UnsupportedError("the number of its input's channels is open")
    return size


def _bias(operation: Filtering) -> dict[str, Any]:
    return {} if operation.bias else {"use_bias": False}


def _conv(operation: Conv, inputs: Shapes) -> Spelled:
    if operation.adaptation is not None:
        raise UnsupportedError("linen has no low-rank pair beside a kernel; merge it into the kernel first")
    padding, window = _slid(operation.window, inputs)
    groups = {"feature_group_count": operation.groups} if operation.groups > 1 else {}
    config = {"features": operation.filters, **window, **groups, **_bias(operation)}
    return activated((*padding, Step("linen.Conv", config)), operation.activation)


def _depthwise_step(
    operation: DepthwiseConv | SeparableConv, inputs: Shapes, role: str, bias: bool
) -> tuple[Step, ...]:
    """Return a convolution with a group for each channel."""
    channels = _channels(inputs)
    padding, window = _slid(operation.window, inputs)
    config = {"features": channels * operation.mult, **window, "feature_group_count": channels}
    kernel = Same(role, {"groups": "in", "in/groups": "1", "out/groups": "mult"})
    if bias:
        return (*padding, Step("linen.Conv", config, {"kernel": kernel, "bias": Same("bias", {"out": "(in mult)"})}))
    return (*padding, Step("linen.Conv", {**config, "use_bias": False}, {"kernel": kernel}))


def _depthwise(operation: DepthwiseConv, inputs: Shapes) -> Spelled:
    return activated(_depthwise_step(operation, inputs, "kernel", operation.bias), operation.activation)


def _separable(operation: SeparableConv, inputs: Shapes) -> Spelled:
    *padding, slides = _depthwise_step(operation, inputs, "depthwise", False)
    ones = (1,) * operation.rank
    config = {"features": operation.filters, "kernel_size": ones, **_bias(operation)}
    names = dict.fromkeys(spatial_names(operation.rank).split(), "1")
    kernel = Same("pointwise", {**names, "groups": "1", "in/groups": "(in mult)", "out/groups": "out"})
    mixes = Step("linen.Conv", config, {"kernel": kernel}, name="pointwise")
    return activated((*padding, replace(slides, name="depthwise"), mixes), operation.activation)


def _transposed(operation: TransposedConv, inputs: Shapes) -> Spelled:
    """Return linen's transposed convolution; JAX pads the spread input, where the operation cuts its output."""
    window = operation.window
    if window.beyond != "zeros" or isinstance(window.padding, str):
        raise UnsupportedError("linen cannot cut the output of a transposed convolution so")
    extents = [window.extent(axis) - 1 for axis in range(window.rank)]
    padding = tuple((extent - one, extent - two) for extent, (one, two) in zip(extents, window.padding, strict=True))
    config = {"features": operation.filters, "kernel_size": window.size, "padding": padding, **_bias(operation)}
    if operation.groups == 1:
        config |= {**_steps_of(window), "transpose_kernel": True}
        return activated((Step("linen.ConvTranspose", config),), operation.activation)
    # linen's transposed convolution has no groups: this is what it is by definition, a convolution of the spread input.
    config |= {**_steps_of(replace(window, strides=(1,) * window.rank)), "feature_group_count": operation.groups}
    if max(window.strides) > 1:
        config["input_dilation"] = window.strides
        return activated((Step("linen.Conv", config),), operation.activation)
    turned = {name: f"-{name}" for name in spatial_names(window.rank).split()}
    return activated((Step("linen.Conv", config, {"kernel": Same("kernel", turned)}),), operation.activation)


def _pooling(operation: Pooling, inputs: Shapes) -> Spelled:
    window = operation.window
    if max(window.dilation) > 1:
        raise UnsupportedError("linen's poolings have windows without gaps")
    config: dict[str, Any] = {"window_shape": window.size}
    if max(window.strides) > 1:
        config["strides"] = window.strides
    padding, beyond = _pooled_padding(window, inputs)
    if operation.reduce == "max":
        return one("max_pool", **config, **_given(_summed(padding, beyond)))
    before: tuple[Step, ...] = ()
    counts = operation.padding_counts or operation.divisor is not None
    if counts and beyond and operation.divisor is None:
        # What lies beyond the padding does not count although the padding does.
        before, padding = (Step("pad", {"pad_width": padding}, name="padding"),), None
        counts = False
    padded = _summed(padding, beyond)
    include = {} if counts or padded == "VALID" else {"count_include_pad": False}
    pool = Step("avg_pool", {**config, **_given(padded), **include})
    if operation.divisor is None:
        return Spelled((*before, pool))
    scaling = Step("rescale", {"scale": prod(window.size) / operation.divisor}, name="scale")
    return Spelled((*before, pool, scaling))


def _pooled_padding(window: Window, inputs: Shapes) -> tuple[str | Pairs | None, Pairs]:
    """Return a window's padding, and what its last positions meet beyond it."""
    if isinstance(window.padding, str) and not window.ceil:
        return window.padding.upper(), ()
    if not window.ceil:
        return _padding(window), ()
    sizes = sizes_known(only_shape(inputs))[: window.rank]
    around = tuple(window.around(axis, size) for axis, size in enumerate(sizes))
    reached = (window.reached(axis, size)[1] for axis, size in enumerate(sizes))
    beyond = tuple((0, after - pair[1]) for pair, after in zip(around, reached, strict=True))
    return around, beyond if any(map(any, beyond)) else ()


def _summed(padding: str | Pairs | None, beyond: Pairs) -> str | Pairs:
    if isinstance(padding, str):
        return padding
    if padding is None:
        return beyond
    more = beyond or ((0, 0),) * len(padding)
    pairs = tuple((one + two, three + four) for (one, three), (two, four) in zip(padding, more, strict=True))
    return pairs if any(map(any, pairs)) else "VALID"


def _given(padding: str | Pairs) -> dict[str, Any]:
    return {} if padding == "VALID" else {"padding": padding}


_REDUCED = {"max": "max", "average": "mean"}


def _global(operation: GlobalPooling, inputs: Shapes) -> Spelled:
    axes = tuple(range(1, operation.dimensions + 1))
    keep = {"keepdims": True} if operation.keep else {}
    return one(_REDUCED[operation.reduce], axis=axes if len(axes) > 1 else axes[0], **keep)


def _adaptive(operation: AdaptivePooling, inputs: Shapes) -> Spelled:
    """Return the pooling whose windows are those, where they are all of one size and do not overlap."""
    if set(operation.output) == {1}:
        return _global(GlobalPooling(operation.reduce, operation.rank, keep=True), inputs)
    sizes = sizes_known(only_shape(inputs))[: operation.rank]
    counts = [size if count is None else count for size, count in zip(sizes, operation.output, strict=True)]
    if any(size % count for size, count in zip(sizes, counts, strict=True)):
        raise UnsupportedError(f"its windows are not all of one size: {sizes} places, of which it makes {counts}")
    window = tuple(size // count for size, count in zip(sizes, counts, strict=True))
    return one("max_pool" if operation.reduce == "max" else "avg_pool", window_shape=window, strides=window)


def _zeros(operation: ZeroPadding, inputs: Shapes) -> Spelled:
    return one("pad", pad_width=operation.around)


def _pad(operation: Padding, inputs: Shapes) -> Spelled:
    if operation.beyond == "constant":
        return one("pad", pad_width=operation.around, constant_values=operation.value)
    return one("pad", pad_width=operation.around, mode=operation.beyond)


def _crop(operation: Cropping, inputs: Shapes) -> Spelled:
    return one("crop", around=operation.around)


def _center(operation: CenterCrop, inputs: Shapes) -> Spelled:
    sizes = sizes_known(only_shape(inputs))[:2]
    if any(size < wanted for size, wanted in zip(sizes, operation.size, strict=True)):
        raise UnsupportedError("its input is smaller than what is cut out, so that it is resized")
    before = [(size - wanted) // 2 for size, wanted in zip(sizes, operation.size, strict=True)]
    around = tuple(
        (first, size - wanted - first) for first, size, wanted in zip(before, sizes, operation.size, strict=True)
    )
    return one("crop", around=around)


def _resized(sizes: Sequence[int], interpolation: str, antialias: bool = False) -> Spelled:
    if interpolation not in ("nearest", "bilinear"):
        raise UnsupportedError(f"frameworks do not agree on {interpolation} interpolation")
    method = "nearest" if interpolation == "nearest" else "linear"
    return one("resize", shape=tuple(sizes), method=method, antialias=antialias)


def _resizing(operation: Resizing, inputs: Shapes) -> Spelled:
    if operation.fit != "stretch":
        raise UnsupportedError("jax.image.resize does not keep the proportions of an image")
    return _resized(operation.size, operation.interpolation, operation.antialias)


def _enlarged(operation: UpSampling, inputs: Shapes) -> Spelled:
    sizes = sizes_known(only_shape(inputs))[: operation.rank]
    larger = [size * factor for size, factor in zip(sizes, operation.factors, strict=True)]
    return _resized(larger, operation.interpolation)


def _resampled(operation: Resampling, inputs: Shapes) -> Spelled:
    """Return JAX's interpolation, whose places lie in the middle of their pixels unless they are told otherwise."""
    sizes = sizes_known(only_shape(inputs))[: operation.rank]
    wanted = sizes_known((None, *operation.spatial_sizes(sizes)))
    quotients = [places / size for size, places in zip(sizes, wanted, strict=True)]
    given = operation.factors if operation.factors is not None and not operation.whole else quotients
    if operation.interpolation == "linear" and operation.corners and wanted != sizes:
        return _cornered(sizes, wanted)
    if operation.interpolation == "linear" and any(
        abs(one - other) > 1e-12 for one, other in zip(given, quotients, strict=True)
    ):
        zeros = (0.0,) * len(wanted)
        return one("scale_and_translate", shape=wanted, scale=tuple(given), translation=zeros)
    if operation.interpolation != "linear":
        _check_nearest(operation, sizes, wanted, list(given) == quotients)
    return _resized(wanted, "bilinear" if operation.interpolation == "linear" else "nearest")


def _check_nearest(operation: Resampling, sizes: Sequence[int], wanted: Sequence[int], by_sizes: bool) -> None:
    """Raise `UnsupportedError` where the nearest places are others than JAX's, which are nearest to the middle."""
    whole = all(places % size == 0 for size, places in zip(sizes, wanted, strict=True))
    if not whole and not (operation.interpolation == "nearest-exact" and by_sizes):
        raise UnsupportedError(
            "jax.image.resize takes the place nearest to the middle of a pixel, not to its beginning"
        )


def _cornered(sizes: Sequence[int], wanted: Sequence[int]) -> Spelled:
    """Return an interpolation that lays the first and the last places on those of the input."""
    if 1 in wanted or 1 in sizes:
        raise UnsupportedError("the corners of a single place cannot be aligned by jax.image")
    scale = tuple((places - 1) / (size - 1) for size, places in zip(sizes, wanted, strict=True))
    translation = tuple((1 - factor) / 2 for factor in scale)
    return one("scale_and_translate", shape=tuple(wanted), scale=scale, translation=translation)


def _shuffle(operation: PixelShuffle, inputs: Shapes) -> Spelled:
    height, width, channels = sizes_known(only_shape(inputs))
    factor = operation.factor
    left = channels // factor**2
    steps = (
        Step("reshape", {"shape": (height, width, left, factor, factor)}, name="squares"),
        Step("transpose", {"axes": (0, 1, 4, 2, 5, 3)}, name="laid"),
        Step("reshape", {"shape": (height * factor, width * factor, left)}),
    )
    return Spelled(steps)


def _unshuffle(operation: PixelUnshuffle, inputs: Shapes) -> Spelled:
    height, width, channels = sizes_known(only_shape(inputs))
    factor = operation.factor
    rows, columns = height // factor, width // factor
    steps = (
        Step("reshape", {"shape": (rows, factor, columns, factor, channels)}, name="squares"),
        Step("transpose", {"axes": (0, 1, 3, 5, 2, 4)}, name="laid"),
        Step("reshape", {"shape": (rows, columns, channels * factor**2)}),
    )
    return Spelled(steps)


SPELLINGS: Mapping[type[Operation], Spelling] = {
    AdaptivePooling: _adaptive,
    CenterCrop: _center,
    Conv: _conv,
    Cropping: _crop,
    DepthwiseConv: _depthwise,
    GlobalPooling: _global,
    Padding: _pad,
    PixelShuffle: _shuffle,
    PixelUnshuffle: _unshuffle,
    Pooling: _pooling,
    Resampling: _resampled,
    Resizing: _resizing,
    SeparableConv: _separable,
    TransposedConv: _transposed,
    UpSampling: _enlarged,
    ZeroPadding: _zeros,
}
