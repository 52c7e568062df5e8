"""What every neutral operation states: its weights' roles, its output shape, its mathematics and its sentence.

An operation knows no framework. Its attributes have one spelling, its weights arrive in the axes that `roles` states,
and its tensors keep the batch axis first. The channels of a tensor are last unless `channels_first` says otherwise.
`forward` computes in the dtype that it is given: float64 separates a wrong layout from rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.errors import WeightwiseError
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Shape = tuple[int | None, ...]
"""The sizes of a tensor, batch first; None is a size that is open until the model runs."""


TensorAxes = tuple[str, ...] | None
"""The axes of a tensor without its batch axis, each an axes string: `h`, `w`, `c` or, flattened, `h w c`."""


class ShapeError(WeightwiseError, ValueError):
    """An operation cannot take a tensor of this shape, or its output shape cannot be told."""


@dataclass(frozen=True)
class Operation(ABC):
    """One operation with its attributes."""

    @property
    def input_axis(self) -> str:
        """The weights' axis that is the last axis of the input (`in` of a dense layer), where there is one."""
        return ""

    def roles(self) -> Mapping[str, str]:
        """Return the axes string in which `forward` takes each weight, by role, in the order of the mathematics."""
        return {}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of axes that the attributes and the input shapes fix, such as `groups`, `units` or `in`.

        `inputs` is empty when the input shapes are not known.
        """
        return {}

    def open_shape(self) -> Shape | None:
        """Return the shape of its one input with every size open; None where the number of its axes is not known."""
        return None

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of the first output, given those of the inputs; None for what cannot be told."""
        return None

    @abstractmethod
    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the outputs for inputs of these shapes; raises `ShapeError`."""

    @abstractmethod
    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the outputs at inference, from weights arranged as `roles` says."""

    def mask(self, inputs: Sequence[Array]) -> Array | None:
        """Return which positions of the output count, where the layer marks some as padding; None where all do.

        Layers that heed such marks, as recurrent ones do, compute something else for the rest.
        """
        return None

    @abstractmethod
    def sentence(self) -> str:
        """Return what the operation does, as a clause whose subject is the layer: `keeps the largest value of …`."""


def only(inputs: Sequence[Shape], operation: str) -> Shape:
    """Return the one shape of `inputs`; raises `ShapeError` when there are more or none."""
    if len(inputs) != 1:
        raise ShapeError(f"{operation} takes one input, found {len(inputs)}")
    return inputs[0]


def channels_last(x: Array, channels_first: bool) -> Array:
    """Return `x` with its channels last, as a view."""
    import numpy

    return numpy.moveaxis(x, 1, -1) if channels_first else x


def restore_channels(x: Array, channels_first: bool) -> Array:
    """Return `x`, whose channels are last, with its channels where the operation keeps them, as a view."""
    import numpy

    return numpy.moveaxis(x, -1, 1) if channels_first else x


def split_shape(shape: Shape, channels_first: bool) -> tuple[Shape, int | None]:
    """Return the spatial sizes and the number of channels of a tensor's shape."""
    if channels_first:
        return shape[2:], shape[1]
    return shape[1:-1], shape[-1]


def join_shape(batch: int | None, spatial: Sequence[int | None], channels: int | None, channels_first: bool) -> Shape:
    """Return a tensor's shape from its parts."""
    if channels_first:
        return (batch, channels, *spatial)
    return (batch, *spatial, channels)


def known(**sizes: int | None) -> dict[str, int]:
    """Return the sizes that are not None."""
    return {name: size for name, size in sizes.items() if size is not None}


def spatial_axes(rank: int, channels_first: bool) -> tuple[str, ...]:
    """Return the axes of a tensor with `rank` spatial axes: `h w c`, or `c h w` with the channels first."""
    names = ("position",) if rank == 1 else ("d", "h", "w")[3 - rank :]
    return ("c", *names) if channels_first else (*names, "c")


def spatial_names(rank: int) -> str:
    """Return the kernel axes of a window over `rank` spatial axes: `kw`, `kh kw` or `kd kh kw`."""
    return " ".join(("kd", "kh", "kw")[3 - rank :])
