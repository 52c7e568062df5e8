"""How the sizes of an output follow from those of the input, as arithmetic that a person can redo: `28 - 3 + 1 = 26`.

A formula is written as Python writes it, with `·` for its `*`: `//` divides and rounds down, `ceil` rounds up. A size
that is open until the model runs is called by the name of its axis: `h - 3 + 1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.ops.depthwise import DepthwiseConv
from weightwise.ops.operation import Operation, Shape, spatial_axes, split_shape
from weightwise.ops.padding import Cropping, ZeroPadding
from weightwise.ops.pooling import Pooling
from weightwise.ops.reshaping import Flatten
from weightwise.ops.resizing import UpSampling
from weightwise.ops.spatial import Filtering, counted
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window
from weightwise.records import dataclass

NOUNS = {"d": "plane", "h": "row", "w": "column", "position": "position"}
"""What one element of a spatial axis is called."""


Resized = Filtering | Pooling | ZeroPadding | Cropping | UpSampling
"""Operations over spatial axes whose sizes follow by a formula."""


@dataclass(frozen=True)
class Reckoning:
    """How one size of the output comes about."""

    axis: str
    formula: str
    size: int | None
    """None while it is open."""
    reason: str
    """The formula in words."""

    def __str__(self) -> str:
        if self.size is None or self.formula == str(self.size):
            return self.formula
        return f"{self.formula} = {self.size}"


def reckonings(operation: Operation | None, inputs: Sequence[Shape | None]) -> tuple[Reckoning, ...]:
    """Return the arithmetic of each size of the output; nothing for an operation that keeps its input's sizes."""
    shapes = [shape for shape in inputs if shape is not None]
    if operation is None or len(shapes) != 1 or len(inputs) != 1:
        return ()
    if isinstance(operation, Flatten):
        return _flattened(operation, shapes[0])
    if isinstance(operation, Resized):
        return (*_spatial(operation, shapes[0]), _channels(operation, shapes[0]))
    return ()


def _flattened(operation: Flatten, shape: Shape) -> tuple[Reckoning, ...]:
    (output,) = operation.output_shapes([shape])
    formula = "·".join("?" if size is None else str(size) for size in shape[1:]) or "1"
    return (Reckoning("all", formula, output[1], "every value of the input takes one place"),)


def _spatial(operation: Resized, shape: Shape) -> Iterator[Reckoning]:
    sizes, _ = operation.split([shape])
    outputs = operation.spatial_sizes(sizes)
    axes = spatial_axes(operation.rank, False)[:-1]
    for number, (axis, size, output) in enumerate(zip(axes, sizes, outputs, strict=True)):
        formula, reason = _step(operation, number, axis, size)
        yield Reckoning(axis, formula, output, reason)


def _step(operation: Resized, number: int, axis: str, size: int | None) -> tuple[str, str]:
    """Return the formula and the words of one spatial axis."""
    text, noun = axis if size is None else str(size), NOUNS[axis]
    match operation:
        case TransposedConv(window=window):
            return _spread(window, number, size, text, noun)
        case Filtering(window=window) | Pooling(window=window):
            return _slid(window, number, size, text, noun)
        case ZeroPadding(around=around):
            before, after = around[number]
            return f"{text} + {before} + {after}", f"{counted(before, 'zero')} before and {after} after"
        case Cropping(around=around):
            before, after = around[number]
            return f"{text} - {before} - {after}", f"{before} cut off before and {after} after"
        case UpSampling(factors=factors):
            return f"{text}·{factors[number]}", f"each {noun} becomes {factors[number]}"


def _slid(window: Window, number: int, size: int | None, text: str, noun: str) -> tuple[str, str]:
    """Return the number of places of a window that slides, and why."""
    formula, rounding = _places(window, number, size, text)
    reasons = (*_manner(window, number, noun), rounding, *_padded(window, number, size, noun))
    return formula, "; ".join(reason for reason in reasons if reason)


def _places(window: Window, number: int, size: int | None, text: str) -> tuple[str, str]:
    """Return the formula, and how it rounds if it does."""
    stride = window.strides[number]
    if window.padding in ("same", "causal") and stride > 1:
        return f"ceil({text} / {stride})", "ceil rounds up"
    added = sum(window.around(number, size or 0))
    if not added and size is not None and stride == window.extent(number) > 1:
        return (f"{text} // {stride}", _ROUNDED) if size % stride else (f"{text} / {stride}", "")
    text = f"{text} + {added}" if added else text
    if stride == 1:
        return f"{text} - {_taken(window, number)}", ""
    return f"({text} - {_span(window, number)}) // {stride} + 1", _ROUNDED


_ROUNDED = "// divides and rounds down"


def _manner(window: Window, number: int, noun: str) -> Iterator[str]:
    """Yield how large the window is, and how it moves."""
    size, stride, dilation = window.size[number], window.strides[number], window.dilation[number]
    apart = f" that lie {dilation} apart, so it spans {window.extent(number)}" if dilation > 1 and size > 1 else ""
    yield f"the window has {counted(size, noun)}{apart}"
    if stride > 1:
        yield f"it moves {counted(stride, noun)} at a time"


def _taken(window: Window, number: int) -> str:
    """Return what a window takes off the number of its places: `3 + 1`, and `(3 - 1)·2` where it is dilated."""
    size, dilation = window.size[number], window.dilation[number]
    return f"{size} + 1" if dilation == 1 or size == 1 else f"({size} - 1)·{dilation}"


def _span(window: Window, number: int) -> str:
    size, dilation = window.size[number], window.dilation[number]
    return str(size) if dilation == 1 or size == 1 else f"({size} - 1)·{dilation} - 1"


def _padded(window: Window, number: int, size: int | None, noun: str) -> Iterator[str]:
    """Yield what the padding adds."""
    kind = f"padding '{window.padding}'" if isinstance(window.padding, str) else "padding"
    if window.padding == "same" and size is None and window.strides[number] > 1:  # how much depends on the size
        yield f"{kind} adds what the last place of the window lacks"
        return
    before, after = window.around(number, size or 0)
    if not before and not after:
        return
    reason = ", so that no position sees a later one" if window.padding == "causal" else ""
    yield f"{kind} adds {counted(before, noun)} before and {after or 'none'} after{reason}"


def _spread(window: Window, number: int, size: int | None, text: str, noun: str) -> tuple[str, str]:
    """Return the size that the windows of a transposed convolution cover, and why."""
    stride, extent = window.strides[number], window.extent(number)
    cut = sum(window.around(number, size or 0))
    reason = f"every {noun} spreads over {extent}, each {stride} after the one before"
    formula = f"({text} - 1)·{stride} + {extent}"
    if cut > 0:
        return f"{formula} - {cut}", f"{reason}; {counted(cut, noun)} at the edges are cut off"
    if cut < 0:
        return f"{formula} + {-cut}", f"{reason}; {counted(-cut, noun)} of zeros are added at the edges"
    return formula, reason


def _channels(operation: Resized, shape: Shape) -> Reckoning:
    size = split_shape(shape, operation.channels_first)[1]
    output = operation.channels(size)
    text = "c" if size is None else str(size)
    if isinstance(operation, DepthwiseConv):
        return Reckoning("c", f"{text}·{operation.mult}", output, "filters for each channel that arrives")
    if isinstance(operation, Filtering):
        return Reckoning("c", str(output), output, "one channel for each filter")
    return Reckoning("c", text, output, "every channel is treated by itself, and stays")
