"""What is added around a tensor whose channels are last: zeros, a number, or more of the tensor itself.

Keras has a layer for zeros alone; its function `pad` knows a number and `reflect`. The rest is put together from slices
(https://keras.io/api/ops/numpy/#pad-function).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.keras.spelling.steps import function, layer, refuse, run, spatial_sizes, taken
from weightwise.conventions.program import SOURCE
from weightwise.conventions.spelling import Output, Step
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
    return tuple(_extended(around, beyond))


def _extended(around: Edges, beyond: str) -> Iterator[Step]:
    """Yield the layers that lay slices of each axis at its ends: its own values of the other end, or its outermost."""
    read, number = SOURCE, 0
    for axis, (before, after) in enumerate(around, start=1):
        slices = list(_slices(before, after, beyond))
        if not slices:
            continue
        laid = []
        for place, found in enumerate(slices):
            if found is None:
                laid.append(read)
            else:
                yield replace(taken(axis, found, f"padding_{axis}_{place}"), inputs=(read,))
                laid.append(Output(number))
                number += 1
        yield replace(layer("Concatenate", f"padding_{axis}", axis=axis), inputs=tuple(laid))
        read, number = Output(number), number + 1


def _slices(before: int, after: int, beyond: str) -> Iterator[Mapping[str, Any] | None]:
    """Yield what lies along an axis in order, None for the tensor itself; nothing where that is all."""
    if not before and not after:
        return
    first, last = ((-before, None), (0, after)) if beyond == "wrap" else ((0, 1), (-1, None))
    one = beyond == "wrap"
    yield from [run(*first)] * (min(before, 1) if one else before)
    yield None
    yield from [run(*last)] * (min(after, 1) if one else after)


def named_again(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """Return steps of which the last is the layer itself."""
    return (*steps[:-1], *(replace(step, name=name) for step in steps[-1:]))
