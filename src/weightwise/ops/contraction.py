"""Dense layers over any axes of their input: every output is a weighted sum over all places of these axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Contraction(Operation):
    """`Σ x · kernel + bias`, the outputs behind the axes that stay."""

    outputs: tuple[int, ...]
    """The sizes of the axes that take the place of those that are summed over."""
    axes: tuple[int, ...] = (-1,)
    """The axes that are summed over, which the kernel has in ascending order; the batch is axis 0, the last is -1."""
    each: int = 0
    """The number of leading axes that have weights of their own at each place."""
    bias: bool = True

    @property
    def input_axis(self) -> str:
        """Return `in` where only the last axis is summed over."""
        return "in" if self.axes == (-1,) else ""

    def kernel_axes(self) -> str:
        """Return the axes of the kernel: those with weights of their own, those that are summed over, the outputs."""
        names = ("each", self.each), ("in", len(self.axes)), ("out", len(self.outputs))
        return " ".join(numbered(name, count) for name, count in names if count)

    def bias_axes(self) -> str:
        """Return the axes of the bias, which are the kernel's but those that are summed over."""
        return " ".join(name for name in self.kernel_axes().split() if name.split("_")[0] != "in")

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernel, and of the bias where there is one."""
        return {"kernel": self.kernel_axes(), **({"bias": self.bias_axes()} if self.bias else {})}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of the outputs, and of the input's axes that have weights."""
        names = self.kernel_axes().split()
        sizes = dict(zip(names[::-1], self.outputs[::-1], strict=False))
        for shape in inputs[:1]:
            _, places = self._places(len(shape))
            known = zip(names, (shape[place] for place in places), strict=False)
            sizes |= {name: size for name, size in known if size is not None}
        return sizes

    def _places(self, rank: int) -> tuple[list[int], list[int]]:
        """Return the input's axes that stay, and those that the kernel has, in its order; raises `ShapeError`."""
        summed = sorted(axis % rank for axis in self.axes if -rank <= axis < rank)
        if len(set(summed)) < len(self.axes) or min(summed) < self.each:
            raise ShapeError(f"it sums over the axes {self.axes}, which an input of {rank} axes does not have so")
        return [axis for axis in range(rank) if axis not in summed], [*range(self.each), *summed]

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes with the outputs as channels in place of the last; None for other forms."""
        axes = inputs[0]
        plain = self.axes == (-1,) and len(self.outputs) == 1
        return None if axes is None or not plain or "c" in axes[:-1] else (*axes[:-1], "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the sizes of the axes that stay, and the outputs."""
        shape = only(inputs, "a dense layer")
        staying, _ = self._places(len(shape))
        return ((*(shape[axis] for axis in staying), *self.outputs),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the sums with the bias added."""
        import numpy

        (x,) = inputs
        staying, places = self._places(x.ndim)
        outputs = [x.ndim + number for number in range(len(self.outputs))]
        kernel = weights["kernel"]
        y = numpy.einsum(x, list(range(x.ndim)), kernel, [*places, *outputs], [*staying, *outputs], optimize=True)
        if not self.bias:
            return (y,)
        bias = weights["bias"]
        ones = (1,) * (len(staying) - self.each)
        return (y + bias.reshape(*bias.shape[: self.each], *ones, *bias.shape[self.each :]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        count = " × ".join(f"{size:,}" for size in self.outputs)
        places = "all its inputs" if self.axes == (-1,) else f"its inputs along {len(self.axes)} axes"
        return f"computes {count} weighted sums of {places}"


def numbered(name: str, count: int) -> str:
    """Return the names of `count` axes: `in`, or `in_1 in_2`."""
    return name if count == 1 else " ".join(f"{name}_{number}" for number in range(1, count + 1))
