"""Normalizations: values brought to a common scale, by statistics that are stored or that each example supplies.

The weights have one number for each place along the normalized axes; of a batch normalization these are the channels
(https://keras.io/api/layers/normalization_layers/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from weightwise.ops.features import along, check_axes, feature_names, feature_sizes, last, spoken
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

Constant = float | tuple["Constant", ...]
"""A number, or numbers nested as an array is."""


@dataclass(frozen=True)
class Norm(Operation):
    """What all normalizations share: weights along some axes of the input, `gamma` to scale and `beta` to move."""

    axes: tuple[int, ...] = (-1,)
    """The axes that the weights run along, ascending; the batch is axis 0, the last is -1."""
    epsilon: float = 1e-3
    """Added to a variance, so that it is never divided by zero."""
    scale: bool = True
    """Whether it has `gamma`."""
    center: bool = True
    """Whether it has `beta`."""

    @property
    def input_axis(self) -> str:
        """Return `features` where the weights run along the last axis."""
        return "features" if last(self.axes) else ""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of gamma and beta, where there are such."""
        given = {"gamma": self.scale, "beta": self.center}
        return self.along_axes(*(role for role, there in given.items() if there))

    def along_axes(self, *roles: str) -> Mapping[str, str]:
        """Return the roles with the names of the axes that the weights run along."""
        return dict.fromkeys(roles, " ".join(feature_names(self.axes))) if roles else {}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of the axes that the weights run along."""
        return feature_sizes(self.axes, inputs[0]) if inputs and self.roles() else {}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        shape = only(inputs, "a normalization")
        check_axes(self.axes, shape)
        return (shape,)

    def scaled(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return normalized values multiplied by gamma, and with beta added."""
        if self.scale:
            x = x * along(weights["gamma"], self.axes, x.ndim)
        if self.center:
            x = x + along(weights["beta"], self.axes, x.ndim)
        return x

    def learned(self) -> str:
        """Return what the layer does after it has normalized, as the end of its sentence."""
        ends = {
            (True, True): ", then scales them by gamma and adds beta, which it learned",
            (True, False): ", then scales them by gamma, which it learned",
            (False, True): ", then adds beta, which it learned",
        }
        return ends.get((self.scale, self.center), "")


@dataclass(frozen=True)
class BatchNorm(Norm):
    """`(x - mean) / √(variance + ε) · gamma + beta` for each channel, with the statistics of the training data."""

    tracked: bool = True
    """Whether it has those statistics; without them it takes those of the batch that it reads."""
    momentum: float | None = field(default=None, compare=False)
    """How much of its averages a step of training keeps, where that is told; it does not enter the output."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of gamma and beta and, where there are such, of the statistics."""
        return {**super().roles(), **(self.along_axes("mean", "variance") if self.tracked else {})}

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the normalized values."""
        import numpy

        (x,) = inputs
        mean, variance = self._statistics(x, weights)
        return (self.scaled((x - mean) / numpy.sqrt(variance + self.epsilon), weights),)

    def _statistics(self, x: Array, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        if self.tracked:
            return along(weights["mean"], self.axes, x.ndim), along(weights["variance"], self.axes, x.ndim)
        channels = {axis % x.ndim for axis in self.axes}
        others = tuple(axis for axis in range(x.ndim) if axis not in channels)
        return x.mean(others, keepdims=True), x.var(others, keepdims=True)

    def sentence(self) -> str:
        """Return what the layer does."""
        return (
            f"brings the values of each channel, along {spoken(self.axes)}, to mean 0 and variance 1"
            f" by the averages of {'its training data' if self.tracked else 'the batch'}{self.learned()}"
        )


@dataclass(frozen=True)
class LayerNorm(Norm):
    """`(x - mean) / √(variance + ε) · gamma + beta`, with the statistics of each example along the axes."""

    centered: bool = True
    """Whether the mean is taken off before the division; the variance is about the mean in any case."""
    over: tuple[int, ...] | None = None
    """The axes of the statistics where they are others than those of the weights."""

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the normalized values."""
        import numpy

        (x,) = inputs
        axes = self.axes if self.over is None else self.over
        mean, variance = (statistic(axis=axes, keepdims=True) for statistic in (x.mean, x.var))
        y = x - mean if self.centered else x
        return (self.scaled(y / numpy.sqrt(variance + self.epsilon), weights),)

    def sentence(self) -> str:
        """Return what the layer does."""
        done = (
            "brings its values to mean 0 and variance 1" if self.centered else "divides its values by their deviation"
        )
        return f"{done} along {spoken(self.axes if self.over is None else self.over)}{self.learned()}"


@dataclass(frozen=True)
class RMSNorm(Norm):
    """`x / √(mean(x²) + ε) · gamma`, along the axes of each example."""

    epsilon: float = 1e-6
    center: bool = False
    over: tuple[int, ...] | None = None
    """The axes of the mean square where they are others than those of the weights."""
    least: bool = False
    """Whether ε is instead the least number that the input's dtype adds to 1."""

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the normalized values."""
        import numpy

        (x,) = inputs
        squares = (x * x).mean(axis=self.axes if self.over is None else self.over, keepdims=True)
        epsilon = numpy.finfo(x.dtype).eps if self.least else self.epsilon
        return (self.scaled(x / numpy.sqrt(squares + epsilon), weights),)

    def sentence(self) -> str:
        """Return what the layer does."""
        axes = spoken(self.axes if self.over is None else self.over)
        return f"divides its values along {axes} by the root of their mean square{self.learned()}"


@dataclass(frozen=True)
class GroupNorm(Norm):
    """`(x - mean) / √(variance + ε) · gamma + beta`, with the statistics of each group of channels of each example.

    Group g has the channels `g·features/groups …`; the statistics are over all other axes but the batch
    (https://arxiv.org/abs/1803.08494).
    """

    groups: int | None = None
    """None makes every channel a group of its own, which is an instance normalization."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        (shape,) = super().output_shapes(inputs)
        features = shape[self.axes[0]]
        if features is not None and self.groups and features % self.groups:
            raise ShapeError(f"{features} channels cannot be split in {self.groups} groups")
        return (shape,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the normalized values."""
        import numpy

        (x,) = inputs
        features = numpy.moveaxis(x, self.axes[0], 1)
        grouped = features.reshape(len(x), self.groups or features.shape[1], -1)
        mean, variance = (statistic(axis=-1, keepdims=True) for statistic in (grouped.mean, grouped.var))
        y = ((grouped - mean) / numpy.sqrt(variance + self.epsilon)).reshape(features.shape)
        return (self.scaled(numpy.moveaxis(y, 1, self.axes[0]), weights),)

    def sentence(self) -> str:
        """Return what the layer does."""
        group = "each channel" if self.groups is None else f"each of {self.groups} groups of channels"
        return (
            f"brings the values of {group} of each example, along {spoken(self.axes)},"
            f" to mean 0 and variance 1{self.learned()}"
        )


@dataclass(frozen=True)
class UnitNorm(Norm):
    """`x / |x|` along the axes of each example; a vector of zeros stays one."""

    epsilon: float = 1e-12
    scale: bool = False
    center: bool = False

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the vectors of length 1."""
        import numpy

        (x,) = inputs
        lengths = numpy.sqrt((x * x).sum(axis=self.axes, keepdims=True))
        return (x / numpy.maximum(lengths, self.epsilon),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"scales its values along {spoken(self.axes)} to length 1"


@dataclass(frozen=True)
class Standardization(Norm):
    """`(x - mean) / √variance`, or back again, with statistics that were measured before the training or given."""

    epsilon: float = 1e-7
    """The least deviation that is divided by."""
    scale: bool = False
    center: bool = False
    invert: bool = False
    given: tuple[Constant, Constant] | None = None
    """Mean and variance where they are settings and no weights: numbers, or nested tuples for the last of the axes."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the statistics that are weights."""
        return {} if self.given else self.along_axes("mean", "variance")

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the standardized values."""
        import numpy

        (x,) = inputs
        mean, variance = (along(values, self.axes, x.ndim) for values in self._statistics(x, weights))
        deviation = numpy.maximum(numpy.sqrt(variance), self.epsilon)
        return (x * deviation + mean if self.invert else (x - mean) / deviation,)

    def _statistics(self, x: Array, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return mean and variance with one dimension for each of the axes."""
        import numpy

        if self.given is None:
            return weights["mean"], weights["variance"]
        sizes = tuple(x.shape[axis] for axis in self.axes)
        mean, variance = (numpy.broadcast_to(numpy.asarray(values, x.dtype), sizes) for values in self.given)
        return mean, variance

    def sentence(self) -> str:
        """Return what the layer does."""
        each = f" for each place along {spoken(self.axes)}" if self.axes else ""
        if self.invert:
            return f"multiplies by a deviation and adds a mean that were measured{each}, which undoes a normalization"
        return f"takes off a mean and divides by a deviation that were measured{each}"
