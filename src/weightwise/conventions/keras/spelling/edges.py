"""What is added around a tensor whose channels are last: zeros, a number, or more of the tensor itself.

Keras has a layer for zeros alone; its function `pad` knows a number and `reflect`. The rest is put together from slices
(https://keras.io/api/ops/numpy/#pad-function).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from weightwise.conventions.keras.spelling.steps import function, layer, refuse, spatial_sizes
from weightwise.conventions.spelling import Step
from weightwise.errors import UnsupportedError
from weightwise.ops.operation import Shape
from weightwise.ops.window import Window

Edges = tuple[tuple[int, int], ...]


def edges(window: Window, inputs: Sequence[Shape]) -> Edges:
    """Return what a window needs before and after each axis; refuses what depends on a size that is open."""
    moving = window.ceil or (window.padding == "same" and max(window.strides) > 1)
    sizes = spatial_sizes(inputs, window.rank)
    refuse(moving and None in sizes, "what is added around its input depends on the size of that, which is open")
    return tuple(window.reached(axis, size or window.extent(axis)) for axis, size in enumerate(sizes))


def padded(around: Edges, beyond: str, inputs: Sequence[Shape], value: float = 0.0) -> tuple[Step, ...]:
    """Return the layers that add elements around each spatial axis."""
    if not any(map(any, around)):
        return ()
    if beyond == "zeros" or (beyond == "constant" and value == 0):
        pairs = [list(pair) for pair in around]
        if len(pairs) == 1:
            return (layer("ZeroPadding1D", "padding", padding=pairs[0]),)
        return (layer(f"ZeroPadding{len(pairs)}D", "padding", padding=pairs, data_format="channels_last"),)
    width = [[0, 0], *(list(pair) for pair in around), [0, 0]]
    if beyond == "constant":
        return (function("numpy.Pad", "padding", {"constant_values": value}, pad_width=width, mode="constant"),)
    if beyond == "reflect":
        return (function("numpy.Pad", "padding", pad_width=width, mode="reflect"),)
    raise UnsupportedError(f"Keras has nothing that adds {_NAMES[beyond]} around its input")


_NAMES = {"edge": "copies of the outermost values", "wrap": "values of the other end"}


def named_again(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """Return steps of which the last is the layer itself."""
    return (*steps[:-1], *(replace(step, name=name) for step in steps[-1:]))
