"""Locally connected layers: windows as in a convolution, with a kernel and a bias of their own at every place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, spatial_axes, spatial_names
from weightwise.ops.spatial import Filtering, counted
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class LocallyConnected(Filtering):
    """A convolution whose filters are others at every place of the output."""

    filters: int

    def places(self) -> str:
        """Return the output's spatial axes: `position`, or `h w`."""
        return " ".join(spatial_axes(self.rank, False)[:-1])

    def kernels(self) -> Mapping[str, str]:
        """Return the kernel's axes."""
        return {"kernel": f"{self.places()} {spatial_names(self.rank)} in out"}

    def bias_axes(self) -> str:
        """Return the axes of the bias."""
        return f"{self.places()} out"

    def counts(self) -> Mapping[str, int]:
        """Return the filters."""
        return {"out": self.filters}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the kernel's window, the filters, the input's channels and the output's places."""
        places = self.spatial_sizes(self.split(inputs)[0]) if inputs else ()
        known = {name: size for name, size in zip(self.places().split(), places, strict=False) if size is not None}
        return {**super().sizes(inputs), **known}

    def channels(self, size: int | None) -> int:
        """Return one channel for each filter."""
        return self.filters

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the sums of all windows, each place with its own kernel."""
        import numpy

        kernel, window = weights["kernel"], self.window
        positions = window.positions(x)
        padded = window.padded(x)
        result = numpy.zeros((x.shape[0], *positions, self.filters), numpy.result_type(x, kernel))
        kernels = numpy.moveaxis(kernel, range(self.rank), range(-self.rank - 2, -2))
        for element, slices in window.slices(positions):
            result += numpy.einsum("...i,...io->...o", padded[(slice(None), *slices)], kernels[element])
        return result

    def sentence(self) -> str:
        """Return what the layer does."""
        filters = counted(self.filters, "filter")
        return f"reads each {self.window.noun()} of its input{self.window.manner()} with {filters} of its own place"
