"""Dense layers over any axes, as one line of Einstein's notation says: `abc,cd->abd`.

A letter of the kernel that only the input has is summed over and called `in_c`; one that only the output has is
`out_d`; one that both have is kept, with weights of its own for each place, and called `each_b`. `...` stands for axes
that the kernel does not touch (https://numpy.org/doc/stable/reference/generated/numpy.einsum.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.activation import activate
from weightwise.ops.adaptation import adaptation_roles, adapted
from weightwise.ops.operation import Operation, Shape, ShapeError, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@dataclass(frozen=True)
class Einsum(Operation):
    """`activation(einsum(equation, x, kernel) + bias)`."""

    equation: str
    """The input's letters, the kernel's, and the output's; `...` at the same end of the first and the last."""
    output: tuple[int | None, ...]
    """The sizes of the output's lettered axes without the batch; None is open."""
    bias: str = ""
    """The output's letters along which there is a bias; none for no bias."""
    activation: str = "linear"
    adaptation: float | None = None
    """What the product of a low-rank pair is multiplied by before it is added to the kernel, where there is a pair."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for an equation of another form."""
        found = _FORM.fullmatch(self.equation)
        if found is None or found.group(1, 3) != found.group(5, 7) or (found[1] and found[3]):
            raise ShapeError(f"expected an equation such as 'abc,cd->abd' or '...b,bc->...c', found {self.equation!r}")
        if set(self._kernel) - set(self._in) - set(self._out):
            raise ShapeError(f"the kernel of {self.equation!r} has a letter that neither input nor output has")
        if set(self.bias) - set(self._out):
            raise ShapeError(f"the bias along {self.bias!r} has a letter that the output of {self.equation!r} lacks")
        if len(self.output) not in (len(self._out) - 1, len(self._out) - (not self._leading)):
            raise ShapeError(
                f"the output of {self.equation!r} does not have the {len(self.output)} sizes {self.output}"
            )

    @property
    def _letters(self) -> tuple[str, str, str]:
        entering, kernel, leaving = re.split(",|->", self.equation.replace("...", ""))
        return entering, kernel, leaving

    @property
    def _in(self) -> str:
        return self._letters[0]

    @property
    def _kernel(self) -> str:
        return self._letters[1]

    @property
    def _out(self) -> str:
        return self._letters[2]

    @property
    def _leading(self) -> bool:
        return self.equation.startswith("...")

    def name(self, letter: str) -> str:
        """Return what an axis is called: `in_c`, `out_d` or `each_b`."""
        if letter not in self._out:
            return f"in_{letter}"
        return f"each_{letter}" if letter in self._in else f"out_{letter}"

    def kernel_axes(self) -> str:
        """Return the kernel's axes."""
        return " ".join(map(self.name, self._kernel))

    def bias_axes(self, rank: int | None) -> str:
        """Return the bias's axes, from its first letter to the output's last axis; `1` where it does not vary.

        `rank` is the number of the input's axes with the batch, which matters only for an equation that ends in `...`.
        """
        letters = self._out[min(map(self._out.index, self.bias)) :]
        names = [self.name(letter) if letter in self.bias else "1" for letter in letters]
        return " ".join(names + ["1"] * self._trailing(rank))

    def _trailing(self, rank: int | None) -> int:
        """Return how many axes stand behind the output's letters."""
        if not self.equation.endswith("..."):
            return 0
        if rank is None:
            raise ShapeError(f"the axes of {self.equation!r} can be told only where those of its input are known")
        return rank - len(self._in)

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernel, those along which the bias varies, and those of a low-rank pair."""
        bias = {"bias": " ".join(self.name(letter) for letter in self._out if letter in self.bias)} if self.bias else {}
        axes = self.kernel_axes()
        return {"kernel": axes, **bias, **adaptation_roles(axes, self.adaptation)}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of the axes that the settings and the input fix."""
        outputs = zip(reversed(self._out), reversed(self.output), strict=False)
        sizes = {letter: size for letter, size in outputs if size is not None}
        for shape in inputs[:1]:
            sizes |= {letter: size for letter, size in self._entering(shape).items() if size is not None}
        weighted = dict.fromkeys(self._kernel + self.bias)
        return {self.name(letter): sizes[letter] for letter in weighted if letter in sizes}

    def _entering(self, shape: Shape) -> dict[str, int | None]:
        """Return the size of each of the input's letters; raises `ShapeError` for another number of axes."""
        rest = len(shape) - len(self._in)
        if rest < 0 or (rest and "..." not in self.equation):
            raise ShapeError(f"an input of shape {shape} does not have the axes of {self.equation!r}")
        start = rest if self._leading else 0
        return dict(zip(self._in, shape[start : start + len(self._in)], strict=True))

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the sizes of the output's letters, and the input's own for `...`.

        Keras 3.15 itself tells several axes of a leading `...` in the reverse order, although it computes them in order
        (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/core/einsum_dense.py, _analyze_split_string).
        """
        shape = only(inputs, "an einsum")
        self._entering(shape)
        rest = len(shape) - len(self._in)
        batch_is_lettered = len(self.output) < len(self._out)
        if self._leading and batch_is_lettered != (rest == 0):
            raise ShapeError(f"an input of shape {shape} does not give {self.equation!r} the output {self.output}")
        if self._leading:
            return ((*shape[: max(rest, 1)], *self.output),)
        return ((shape[0], *self.output, *(shape[-rest:] if rest else ())),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums."""
        import numpy

        kernel = adapted(weights["kernel"], weights, self.adaptation)
        y = numpy.einsum(self.equation, inputs[0], kernel, optimize=True)
        if self.bias:
            y = y + self._spread(weights["bias"], inputs[0].ndim)
        return (activate(self.activation, y),)

    def _spread(self, bias: Array, rank: int) -> Array:
        """Return the bias with an axis of length one wherever it does not vary."""
        sizes = iter(bias.shape)
        return bias.reshape([1 if name == "1" else next(sizes) for name in self.bias_axes(rank).split()])

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"computes weighted sums as {self.equation} says: input, kernel, output"
