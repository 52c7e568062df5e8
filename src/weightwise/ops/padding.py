"""Layers that add zeros, or other elements, around their input, or cut its edges off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError
from weightwise.ops.spatial import Spatial
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_FLAT = ("above", "below", "on the left", "on the right")
_EDGES = {1: ("before", "after"), 2: _FLAT, 3: ("in front", "behind", *_FLAT)}


@dataclass(frozen=True)
class _Edges(Spatial):
    around: tuple[tuple[int, int], ...]
    """The number of elements at the beginning and at the end of each spatial axis."""

    def __post_init__(self) -> None:
        if any(number < 0 for pair in self.around for number in pair):
            raise ShapeError(f"an edge cannot have fewer than 0 elements, found {_listed(self.around)}")

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.around)

    def open_shape(self) -> None:
        """Return nothing: PyTorch pads what has no channels, too, so that an unknown input may have fewer axes."""
        return


@dataclass(frozen=True)
class ZeroPadding(_Edges):
    """Adds zeros before and after each spatial axis."""

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes with the zeros."""
        return tuple(None if size is None else size + sum(pair) for size, pair in zip(sizes, self.around, strict=True))

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the input with zeros around it."""
        import numpy

        return numpy.pad(x, [(0, 0), *self.around, (0, 0)])

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"adds zeros around its input: {_listed(self.around)}"


_BEYOND = {
    "constant": "{value:g}",
    "reflect": "its own values, turned back at the edges,",
    "edge": "its outermost values, repeated,",
    "wrap": "its own values of the other end",
}


@dataclass(frozen=True)
class Padding(_Edges):
    """Adds elements before and after each spatial axis: one number, or what the input has."""

    beyond: str = "constant"
    """`constant`; or `reflect`, which turns back at the last element, `edge`, which repeats it, or `wrap`, which goes
    on at the other end."""
    value: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beyond not in _BEYOND:
            raise ShapeError(f"what is added around an input is {', '.join(_BEYOND)}, found {self.beyond!r}")

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes with what is added; raises `ShapeError` where the input has too little to add."""
        room = {"reflect": -1, "wrap": 0}.get(self.beyond)
        for size, pair in zip(sizes, self.around, strict=True):
            if size is not None and room is not None and max(pair) > size + room:
                raise ShapeError(f"an axis of {size} elements does not have {max(pair)} to add at its edge")
        return ZeroPadding(self.around).spatial_sizes(sizes)

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the input with the elements around it."""
        import numpy

        around = [(0, 0), *self.around, (0, 0)]
        match self.beyond:
            case "reflect" | "edge" | "wrap" as mode:
                return numpy.pad(x, around, mode)
            case _:
                return numpy.pad(x, around, constant_values=self.value)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"adds {_BEYOND[self.beyond].format(value=self.value)} around its input: {_listed(self.around)}"


@dataclass(frozen=True)
class Cropping(_Edges):
    """Cuts elements off before and after each spatial axis."""

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are left; raises `ShapeError` where nothing is."""
        return tuple(
            None if size is None else _left(size, sum(pair)) for size, pair in zip(sizes, self.around, strict=True)
        )

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the input without its edges."""
        sizes = x.shape[1:-1]
        inner = (slice(before, size - after) for (before, after), size in zip(self.around, sizes, strict=True))
        return x[(slice(None), *inner)]

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"cuts the edges of its input off: {_listed(self.around)}"


def _left(size: int, cut: int) -> int:
    if cut >= size:
        raise ShapeError(f"nothing is left of an axis of {size} elements when {cut} are cut off")
    return size - cut


def _listed(around: tuple[tuple[int, int], ...]) -> str:
    """Return the edges as people read them: `1 above, 2 below, 3 on the left, 4 on the right`."""
    named = zip(_EDGES[len(around)], (number for pair in around for number in pair), strict=True)
    return ", ".join(f"{number} {name}" for name, number in named)
