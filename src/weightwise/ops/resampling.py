"""Images, sequences and volumes brought to other sizes, place by place as PyTorch does.

An output place i of m lies at `(i + 1/2)·s - 1/2` among the n places of the input, where s is `n/m` or the reciprocal
of a factor that is given; with the corners aligned it lies at `i·(n - 1)/(m - 1)`. The nearest place is the one at
`floor(i·s)`, and `nearest-exact` the one at `floor((i + 1/2)·s)`
(https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError
from weightwise.ops.spatial import Spatial
from weightwise.ops.window import times
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_KINDS = ("nearest", "nearest-exact", "linear")


@dataclass(frozen=True)
class Resampling(Spatial):
    """Every spatial axis brought to a size, or made larger by a factor."""

    dimensions: int
    size: tuple[int, ...] | None = None
    """The sizes that are wanted; None where factors are given."""
    factors: tuple[float, ...] | None = None
    interpolation: str = "nearest"
    """`nearest`, `nearest-exact`, or `linear` along each axis."""
    corners: bool = False
    """Whether the first and the last places of the output lie on those of the input."""
    whole: bool = False
    """Whether the distance of the places follows from the sizes although a factor is given."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for an unknown interpolation, or where it is not told how large the output is."""
        if self.interpolation not in _KINDS:
            raise ShapeError(f"an interpolation is {', '.join(_KINDS)} here, found {self.interpolation!r}")
        if (self.size is None) == (self.factors is None):
            raise ShapeError("its output has either sizes or factors")

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.dimensions

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are wanted, or the input's times their factors, rounded down."""
        if self.factors is None:
            return self.size or ()
        return tuple(
            None if size is None else floor(size * factor) for size, factor in zip(sizes, self.factors, strict=True)
        )

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the values at the places of the output, one axis after another."""
        for axis, wanted in enumerate(self.spatial_sizes(x.shape[1:-1]), start=1):
            x = self._along(x, axis, wanted or 0)
        return x

    def _along(self, x: Array, axis: int, wanted: int) -> Array:
        import numpy

        size = x.shape[axis]
        if self.interpolation == "nearest" and wanted == 2 * size and self._distance(axis, size, wanted) != 0.5:
            # Of small images PyTorch then repeats every place, of others it does not.
            raise ShapeError("which places are the nearest, by this factor, depends on the size of the whole input")
        if self.interpolation != "linear":
            shift = 0.5 if self.interpolation == "nearest-exact" else 0.0
            places = numpy.floor((numpy.arange(wanted) + shift) * self._distance(axis, size, wanted)).astype(int)
            nearest: Array = numpy.take(x, numpy.minimum(places, size - 1), axis)
            return nearest
        places = self._places(axis, size, wanted)
        before = numpy.minimum(places.astype(int), size - 1)
        share = (places - before).reshape(-1, *[1] * (x.ndim - 1 - axis))
        after = numpy.minimum(before + 1, size - 1)
        result: Array = numpy.take(x, before, axis) * (1 - share) + numpy.take(x, after, axis) * share
        return result

    def _places(self, axis: int, size: int, wanted: int) -> Array:
        """Return where the places of the output lie among those of the input."""
        import numpy

        numbers = numpy.arange(wanted)
        if self.corners:
            places: Array = numbers * ((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
        else:
            places = numpy.maximum((numbers + 0.5) * self._distance(axis, size, wanted) - 0.5, 0)
        return places

    def _distance(self, axis: int, size: int, wanted: int) -> float:
        """Return how far apart two places of the output are, in places of the input."""
        return size / wanted if self.factors is None or self.whole else 1 / self.factors[axis - 1]

    def sentence(self) -> str:
        """Return what the layer does."""
        target = (
            f"brings its input to {times(self.size)}" if self.size else f"makes its input {self._spoken()} as large"
        )
        return f"{target} by {self.interpolation} interpolation"

    def _spoken(self) -> str:
        return " × ".join(f"{factor:g}" for factor in self.factors or ()) + " times"
