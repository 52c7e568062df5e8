"""Layers that rearrange values, or pass them on, without weights and without arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, channels_last, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Identity(Operation):
    """Passes its input on at inference."""

    action: str = "passes its input on unchanged"
    rate: float = 0.0
    """The share of values that are set to zero while training."""
    channels: bool = False
    """Whether whole channels are set to zero, and not single values."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        return (only(inputs, "this layer"),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the input."""
        return (inputs[0],)

    def sentence(self) -> str:
        """Return what the layer does."""
        return self.action


def dropping(rate: float, channels: bool = False) -> Identity:
    """Return what sets a share of values, or of whole channels, to zero while training."""
    what = "channels" if channels else "inputs"
    action = f"sets {rate:.0%} of its {what} to zero while training, and passes them on afterwards"
    return Identity(action, float(rate), channels)


@dataclass(frozen=True)
class Input(Operation):
    """Where the data enters; it takes no tensor."""

    shape: Shape

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the declared shape."""
        return (self.shape,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the data as it was given."""
        return (inputs[0],)

    def sentence(self) -> str:
        """Return what the layer does."""
        return "is where the data enters"


@dataclass(frozen=True)
class Flatten(Operation):
    """Lays all values of an example in one row, the channels varying fastest, or merges some axes next to each other.

    Keras moves the channels last first, so that the rows of the next Dense are always `(h w c)`
    (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/reshaping/flatten.py).
    """

    channels_first: bool = False
    start: int = 1
    """The first axis that is merged, the batch being 0."""
    end: int = -1
    """The last axis that is merged."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` where the batch is merged too."""
        if self.start == 0:
            raise ShapeError("it would lay the examples of a batch in one row too")

    def _span(self, rank: int) -> tuple[int, int]:
        """Return the first of the axes that are merged, and the one behind the last."""
        return self.start % rank if self.start < 0 else self.start, self.end % rank + 1

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return one axis with the product of the sizes in place of those that are merged."""
        shape = only(inputs, "Flatten")
        first, behind = self._span(len(shape))
        return ((*shape[:first], _volume(shape[first:behind]), *shape[behind:]),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return one axis that merges those of the input, its channels fastest under `channels_first`."""
        axes = inputs[0]
        if axes is None:
            return None
        first, behind = self._span(len(axes) + 1)
        merged = axes[first - 1 : behind - 1]
        one = " ".join((*merged[1:], merged[0]) if self.channels_first and len(merged) > 1 else merged)
        return (*axes[: first - 1], one, *axes[behind - 1 :])

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values in one row per example."""
        x = channels_last(inputs[0], self.channels_first and inputs[0].ndim > 2)
        first, behind = self._span(x.ndim)
        return (x.reshape(*x.shape[:first], -1, *x.shape[behind:]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        if (self.start, self.end) != (1, -1):
            return f"merges the axes {self.start} to {self.end} of its input in one"
        return "lays all values of one example in a single row"


@dataclass(frozen=True)
class Unflatten(Operation):
    """One axis of its input in several, whose product it is."""

    axis: int
    """The axis that is split, the batch being 0."""
    target: tuple[int, ...]
    """The sizes that it gets; -1 is what is left."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with the sizes in place of the axis; raises `ShapeError` where they do not fit."""
        shape = only(inputs, "a layer that splits an axis")
        axis = self.axis % len(shape)
        (split,) = Reshape(self.target).output_shapes([(None, shape[axis])])
        return ((*shape[:axis], *split[1:], *shape[axis + 1 :]),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values under the other sizes."""
        (shape,) = self.output_shapes([inputs[0].shape])
        return (inputs[0].reshape([size or 0 for size in shape]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        sizes = " × ".join("the rest" if size == -1 else str(size) for size in self.target)
        return f"splits axis {self.axis} of its input into {sizes}"


@dataclass(frozen=True)
class Reshape(Operation):
    """The same values in the same order, under other sizes."""

    target: tuple[int | None, ...]
    """The sizes without the batch; -1 is what is left, and None is open."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the target's sizes; -1 stays open where a size of the input is."""
        batch, *sizes = only(inputs, "a reshape")
        volume = _volume(sizes)
        given = _volume([size for size in self.target if size != -1])
        if volume is None or given is None:
            return ((batch, *(None if size == -1 else size for size in self.target)),)
        if volume != given and (-1 not in self.target or not given or volume % given):
            raise ShapeError(f"{volume:,} values cannot be given the shape {self.target}")
        return ((batch, *(volume // given if size == -1 else size for size in self.target)),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the reshaped values."""
        (shape,) = self.output_shapes([inputs[0].shape])
        return (inputs[0].reshape([-1 if size is None else size for size in shape]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        sizes = " × ".join("?" if size in (-1, None) else str(size) for size in self.target)
        return f"gives the values of each example the shape {sizes or 'of a single number'}, in the same order"


@dataclass(frozen=True)
class Regroup(Operation):
    """The same values in the same order, under other sizes, of which some are those of the input's own axes."""

    target: tuple[int, ...]
    """The sizes without the batch; -1 is what is left."""
    axes: tuple[int | None, ...]
    """For each of them the axis of the input, the batch being 0, whose size stands in its place; None for none."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the sizes, as far as those of the input are known; raises `ShapeError`."""
        shape = only(inputs, "a reshape")
        if any(axis is not None and not -len(shape) <= axis < len(shape) for axis in self.axes):
            raise ShapeError(f"a tensor of shape {shape} does not have the axes {self.axes}")
        pairs = zip(self.target, self.axes, strict=True)
        sizes = tuple(size if axis is None else shape[axis] for size, axis in pairs)
        if None in sizes or None in shape[1:]:
            return ((shape[0], *(None if size == -1 else size for size in sizes)),)
        return Reshape(sizes).output_shapes(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the reshaped values."""
        (shape,) = self.output_shapes([inputs[0].shape])
        return (inputs[0].reshape([size or 0 for size in shape]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        numbers = ("?" if size == -1 else str(size) for size in self.target)
        sizes = (
            said if axis is None else f"that of axis {axis}" for said, axis in zip(numbers, self.axes, strict=True)
        )
        return f"gives the values of each example the shape {' × '.join(sizes)}, in the same order"


@dataclass(frozen=True)
class Permute(Operation):
    """The same values with their axes in another order."""

    order: tuple[int, ...]
    """For each axis of the output behind the batch, which axis of the input it is, the first being 1."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` unless every axis is there once."""
        if sorted(self.order) != list(range(1, len(self.order) + 1)):
            raise ShapeError(f"expected each axis from 1 to {len(self.order)} once, found {self.order}")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the permuted sizes."""
        shape = only(inputs, "a permutation")
        if len(shape) != len(self.order) + 1:
            raise ShapeError(f"a permutation of {len(self.order)} axes cannot take a tensor of shape {shape}")
        return ((shape[0], *(shape[axis] for axis in self.order)),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the permuted axes."""
        axes = inputs[0]
        return None if axes is None else tuple(axes[axis - 1] for axis in self.order)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the permuted values."""
        return (inputs[0].transpose(0, *self.order),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"puts the axes of each example in the order {', '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Repeat(Operation):
    """One vector, at every position of a sequence."""

    count: int

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape with the positions behind the batch."""
        shape = only(inputs, "a repetition")
        if len(shape) != 2:
            raise ShapeError(f"a repetition takes one vector per example, found shape {shape}")
        return ((shape[0], self.count, shape[1]),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the position and the input's axis."""
        axes = inputs[0]
        return None if axes is None or "position" in axes[0].split() else ("position", *axes)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the repeated vectors."""
        return (inputs[0][:, None].repeat(self.count, axis=1),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"repeats its input {self.count:,} times, as a sequence"


@dataclass(frozen=True)
class Masking(Operation):
    """Marks positions as padding where all values are one number, and sets those to zero."""

    padding: float = 0.0

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        return (only(inputs, "a masking layer"),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values with zeros at the padding."""
        return (inputs[0] * self.mask(inputs)[..., None],)

    def mask(self, inputs: Sequence[Array]) -> Array:
        """Return where any value is not the padding's."""
        marked: Array = (inputs[0] != self.padding).any(axis=-1)
        return marked

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"marks the positions that hold only {self.padding:g}: the layers after it skip them"


def _volume(sizes: Sequence[int | None]) -> int | None:
    """Return the number of values, or None while a size is open."""
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None
