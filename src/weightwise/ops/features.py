"""The axes of a tensor that a layer's weights run along: the features of a normalization, the slopes of a PReLU.

An axis is counted with the batch as 0, or from the end with the last as -1. One alone is called `features`; of several
each is called by its place, `axis_1 axis_3`, or from the end `last_2 last_1`, because nothing says what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def feature_names(axes: Sequence[int]) -> tuple[str, ...]:
    """Return the names of a tensor's axes; raises `ShapeError` for several that are counted from both ends."""
    if len(axes) == 1:
        return ("features",)
    if axes and all(axis < 0 for axis in axes):
        return tuple(f"last_{-axis}" for axis in axes)
    if any(axis < 0 for axis in axes):
        raise ShapeError(f"the axes {list(axes)} can be named only where the number of the input's axes is known")
    return tuple(f"axis_{axis}" for axis in axes)


def feature_sizes(axes: Sequence[int], shape: Shape) -> dict[str, int]:
    """Return the sizes of the named axes that are known of a tensor of this shape; raises `ShapeError`."""
    check_axes(axes, shape)
    sizes = zip(feature_names(axes), (shape[axis] for axis in axes), strict=True)
    return {name: size for name, size in sizes if size is not None}


def varying(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the axes of an array that are longer than one, counted from the end."""
    return tuple(place - len(shape) for place, size in enumerate(shape) if size != 1)


def array_axes(shape: Sequence[int]) -> str:
    """Return the axes of an array that meets the last axes of a tensor; `1` is one along which it does not vary."""
    axes = varying(shape)
    names = dict(zip(axes, feature_names(axes), strict=True))
    return " ".join(names.get(place, "1") for place in range(-len(shape), 0))


def check_axes(axes: Sequence[int], shape: Shape) -> None:
    """Raise `ShapeError` unless a tensor of this shape has all of the axes."""
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"there is no axis {axis} in a tensor of shape {shape}")


def along(values: Array, axes: Sequence[int], rank: int) -> Array:
    """Return `values`, which have the given axes of a tensor in ascending order, shaped to meet it by broadcasting."""
    sizes = [1] * rank
    for axis, size in zip(axes, values.shape, strict=True):
        sizes[axis] = size
    return values.reshape(sizes)


def last(axes: Sequence[int]) -> bool:
    """Return whether the only axis is the last one, which is known only of -1."""
    return tuple(axes) == (-1,)


def spoken(axes: Sequence[int]) -> str:
    """Return the axes in words: `its last axis`, `its axes 1 and 3`."""
    if last(axes):
        return "its last axis"
    if len(axes) > 1 and tuple(axes) == tuple(range(-len(axes), 0)):
        return f"its last {len(axes)} axes"
    if len(axes) == 1:
        return f"its axis {axes[0]}"
    return f"its axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"
