"""Images made larger or smaller, by repeating values, by taking the nearest ones, or by weighing them.

Pixels are areas: the middle of pixel i of m lies at `(i + 1/2)·n/m` of the n pixels that are resized
(https://www.tensorflow.org/api_docs/python/tf/image/resize). Bicubic and Lanczos interpolation are not computed: the
backends of one framework do not agree on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError
from weightwise.ops.spatial import Spatial
from weightwise.ops.window import times
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class UpSampling(Spatial):
    """Every spatial axis made larger by a whole factor."""

    factors: tuple[int, ...]
    interpolation: str = "nearest"

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.factors)

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes times their factors."""
        return tuple(None if size is None else size * factor for size, factor in zip(sizes, self.factors, strict=True))

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the enlarged input."""
        sizes = [size * factor for size, factor in zip(x.shape[1:-1], self.factors, strict=True)]
        return resized(x, sizes, self.interpolation)

    def sentence(self) -> str:
        """Return what the layer does."""
        if self.interpolation == "nearest":
            return f"repeats every value {times(self.factors)} times"
        return f"makes its input {times(self.factors)} times as large by {self.interpolation} interpolation"


@dataclass(frozen=True)
class Resizing(Spatial):
    """Images brought to one height and width."""

    size: tuple[int, int]
    interpolation: str = "bilinear"
    fit: str = "stretch"
    """`stretch`; or `crop` or `pad`, which keep the proportions by cutting the edges off or filling them up."""
    fill: float = 0.0
    antialias: bool = False

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are wanted."""
        return self.size

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the resized images; those of whole numbers are rounded."""
        import numpy

        if self.fit == "crop":
            x = _of_proportions(x, self.size)
        elif self.fit == "pad":
            x = _filled_up(x, self.size, self.fill)
        y = resized(x, self.size, self.interpolation, self.antialias)
        return y if numpy.issubdtype(x.dtype, numpy.floating) else numpy.rint(y).astype(x.dtype)

    def sentence(self) -> str:
        """Return what the layer does."""
        fit = {"crop": ", and cuts off what is left over", "pad": ", and fills up what is missing"}.get(self.fit, "")
        return f"resizes its input to {times(self.size)} by {self.interpolation} interpolation{fit}"


@dataclass(frozen=True)
class CenterCrop(Spatial):
    """The middle of each image; one that is too small is resized."""

    size: tuple[int, int]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are wanted."""
        return self.size

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the middle."""
        if any(size < wanted for size, wanted in zip(x.shape[1:-1], self.size, strict=True)):
            return resized(_of_proportions(x, self.size), self.size, "bilinear")
        return _middle(x, self.size)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"cuts the middle {times(self.size)} out of its input"


def resized(x: Array, sizes: Sequence[int], interpolation: str, antialias: bool = False) -> Array:
    """Return `x` with its spatial axes, which follow the batch axis, brought to the sizes; raises `ShapeError`."""
    import numpy

    for axis, wanted in enumerate(sizes, start=1):
        size = x.shape[axis]
        if interpolation == "nearest":
            x = numpy.take(x, [(2 * place + 1) * size // (2 * wanted) for place in range(wanted)], axis)
        elif interpolation == "bilinear":
            weights = _weights(size, wanted, max(size / wanted, 1.0) if antialias else 1.0)
            x = numpy.moveaxis(numpy.tensordot(x, weights, (axis, 1)), -1, axis)
        else:
            raise ShapeError(f"{interpolation} interpolation is not computed here, only nearest and bilinear are")
    return x


def _weights(size: int, wanted: int, reach: float) -> Array:
    """Return how much each of `size` pixels counts for each wanted one, by how near it is: wanted × size."""
    import numpy

    middles = (numpy.arange(wanted) + 0.5) * size / wanted - 0.5
    nearness = numpy.maximum(1 - numpy.abs(middles[:, None] - numpy.arange(size)) / reach, 0)
    weights: Array = nearness / nearness.sum(axis=1, keepdims=True)
    return weights


def _proportional(x: Array, size: tuple[int, int]) -> tuple[int, int]:
    """Return the height that the proportions of `size` give for the width of `x`, and the width for its height."""
    height, width = x.shape[1:3]
    return width * size[0] // size[1], height * size[1] // size[0]


def _of_proportions(x: Array, size: tuple[int, int]) -> Array:
    """Return the largest part in the middle of `x` that has the proportions of `size`."""
    wanted = (max(min(own, other), 1) for own, other in zip(x.shape[1:3], _proportional(x, size), strict=True))
    return _middle(x, tuple(wanted))


def _filled_up(x: Array, size: tuple[int, int], fill: float) -> Array:
    """Return `x` with equal edges around it, so that it has the proportions of `size` or nearly so."""
    import numpy

    edges = (max(wanted - own, 0) // 2 for own, wanted in zip(x.shape[1:3], _proportional(x, size), strict=True))
    return numpy.pad(x, [(0, 0), *((edge, edge) for edge in edges), (0, 0)], constant_values=fill)


def _middle(x: Array, size: Sequence[int]) -> Array:
    """Return the part of the size in the middle of `x`; the odd element stays at the end outside."""
    starts = [(own - wanted) // 2 for own, wanted in zip(x.shape[1:-1], size, strict=True)]
    return x[(slice(None), *(slice(start, start + wanted) for start, wanted in zip(starts, size, strict=True)))]
