"""Convolutions, by the definition of correlation: `out[i] = Σ x[s·i + d·k] · w[k]`.

The kernel is `kh kw groups in/groups out/groups` in the reference: a grouped convolution is `groups` convolutions side
by side, group g reads the input channels `g·in/groups …` and writes the output channels `g·out/groups …`
(https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightwise.ops.adaptation import adapted
from weightwise.ops.operation import ShapeError, spatial_names
from weightwise.ops.spatial import Filtering, counted
from weightwise.ops.window import Window
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Conv(Filtering):
    """A convolution over one, two or three spatial axes."""

    filters: int
    groups: int = 1
    adaptation: float | None = None
    """What the product of a low-rank pair is multiplied by before it is added to the kernel, where there is a pair."""

    def kernels(self) -> Mapping[str, str]:
        """Return the axes of the kernel, and of a low-rank pair."""
        names = spatial_names(self.rank)
        pair = {"lora_a": f"{names} 1 in/groups rank", "lora_b": "groups rank out/groups"}
        return {"kernel": f"{names} groups in/groups out/groups", **({} if self.adaptation is None else pair)}

    def counts(self) -> Mapping[str, int]:
        """Return the groups and the filters."""
        return {"groups": self.groups, "out": self.filters}

    def channels(self, size: int | None) -> int:
        """Return one channel for each filter."""
        check_groups(self.groups, size, self.filters)
        return self.filters

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the sums of all windows."""
        return correlate(x, adapted(weights["kernel"], weights, self.adaptation), self.window)

    def sentence(self) -> str:
        """Return what the layer does."""
        if self.groups == 1:
            reads = "all channels of"
        else:
            reads = f"the channels of one of {self.groups} groups in"
        window = f"a {self.window.noun()}, over its input{self.window.manner()}"
        return f"slides {counted(self.filters, 'filter')}, each reading {reads} {window}"


def check_groups(groups: int, channels: int | None, filters: int) -> None:
    """Raise `ShapeError` unless the channels and the filters can be split in equal groups."""
    for count, noun in ((channels, "channel"), (filters, "filter")):
        if count is not None and (groups < 1 or count % groups):
            raise ShapeError(f"{counted(count, noun)} cannot be split in {groups} equal groups")


def correlate(x: Array, kernel: Array, window: Window) -> Array:
    """Return the grouped correlation.

    `x` is `batch, spatial…, in`; `kernel` is `k…, groups, in/groups, out/groups`; the result is `batch, spatial…, out`.
    """
    import numpy

    groups, size_in, size_out = kernel.shape[window.rank :]
    positions = window.positions(x)
    padded = window.padded(x)
    padded = padded.reshape(*padded.shape[:-1], groups, size_in)
    result = numpy.zeros((x.shape[0], *positions, groups, size_out), numpy.result_type(x, kernel))
    for element, slices in window.slices(positions):
        result += numpy.einsum("...gi,gio->...go", padded[(slice(None), *slices)], kernel[element], optimize=True)
    return result.reshape(*result.shape[:-2], groups * size_out)
