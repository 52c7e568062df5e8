"""Depthwise and separable convolutions: filters that read one channel each.

A depthwise convolution makes `mult` channels of each input channel, which lie next to each other in its output:
channel `i·mult + m` is filter m of input channel i. A separable one mixes them afterwards, place by place
(https://arxiv.org/abs/1610.02357).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightwise.ops.conv import correlate
from weightwise.ops.operation import spatial_names
from weightwise.ops.spatial import Filtering, counted
from weightwise.ops.window import Window
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class DepthwiseConv(Filtering):
    """A convolution that makes `mult` channels of each channel."""

    mult: int = 1

    def kernels(self) -> Mapping[str, str]:
        """Return the kernel's axes."""
        return {"kernel": f"{spatial_names(self.rank)} in mult"}

    def bias_axes(self) -> str:
        """Return the axes of the bias."""
        return "(in mult)"

    def counts(self) -> Mapping[str, int]:
        """Return the multiplier."""
        return {"mult": self.mult}

    def channels(self, size: int | None) -> int | None:
        """Return `mult` channels for each channel."""
        return None if size is None else size * self.mult

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the sums of all windows, each of one channel."""
        return depthwise(x, weights["kernel"], self.window)

    def sentence(self) -> str:
        """Return what the layer does."""
        return _slides(self.mult, self.window)


@dataclass(frozen=True)
class SeparableConv(Filtering):
    """A depthwise convolution, and filters that mix its channels at each place."""

    filters: int
    mult: int = 1

    def kernels(self) -> Mapping[str, str]:
        """Return the axes of the depthwise kernel and of the mixing one."""
        return {"depthwise": f"{spatial_names(self.rank)} in mult", "pointwise": "(in mult) out"}

    def counts(self) -> Mapping[str, int]:
        """Return the multiplier and the filters."""
        return {"mult": self.mult, "out": self.filters}

    def channels(self, size: int | None) -> int:
        """Return one channel for each filter."""
        return self.filters

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the mixed sums."""
        return depthwise(x, weights["depthwise"], self.window) @ weights["pointwise"]

    def sentence(self) -> str:
        """Return what the layer does."""
        mixed = f"then mixes all channels with {counted(self.filters, 'filter')}"
        return f"{_slides(self.mult, self.window)}, {mixed}"


def _slides(mult: int, window: Window) -> str:
    each = "each " if mult > 1 else ""
    reading = f"{each}reading a {window.noun()}{window.manner()}"
    return f"slides {counted(mult, 'filter')} of its own over each channel, {reading}"


def depthwise(x: Array, kernel: Array, window: Window) -> Array:
    """Return the correlation of each channel: a grouped one with as many groups as channels.

    `x` is `batch, spatial…, in`; `kernel` is `k…, in, mult`; the result is `batch, spatial…, (in mult)`.
    """
    return correlate(x, kernel[..., None, :], window)
