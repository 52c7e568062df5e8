"""Poolings as modules of PyTorch (https://docs.pytorch.org/docs/stable/nn.html#pooling-layers).

A module pads both ends of an axis alike. Where TensorFlow's `same` has one element more at the end, a last window that
begins in the input counts (`ceil_mode`), or the first ones of a wider padding are cut off: either way no window reads
a number in the padding that would count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

from weightwise.conventions.pytorch.spelling.convolution import Edges, around, crop, pad
from weightwise.conventions.pytorch.spelling.steps import alike, chain, function, module, refuse
from weightwise.conventions.spelling import Spelled, Step
from weightwise.ops.operation import Shape
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.window import Window

_KINDS = {"max": "Max", "average": "Avg"}


def spelled_pooling(operation: Pooling, inputs: Sequence[Shape]) -> Spelled:
    """Return the pooling, with what its padding needs before or after it."""
    window = operation.window
    refuse("PyTorch's average pooling reads elements that lie side by side", _apart(operation))
    if operation.padding_counts and window.ceil:
        return chain(_pooled(operation, window))
    edges = around(window, inputs)
    fixed = replace(window, padding=edges)
    if all(before == after and 2 * before <= size for (before, after), size in zip(edges, window.size, strict=True)):
        return chain(_pooled(operation, fixed))
    if operation.padding_counts or window.ceil:
        return _padded_before(operation, edges)
    if (rounded := _rounded_up(fixed, inputs)) is not None:
        return chain(_pooled(operation, rounded))
    if max(window.strides) == 1 and _fits(window, edges):
        wider = replace(window, padding=tuple((max(pair), max(pair)) for pair in edges))
        return chain(_pooled(operation, wider), *crop(tuple((max(a, b) - a, max(a, b) - b) for a, b in edges)))
    return _padded_before(operation, edges)


def _apart(operation: Pooling) -> bool:
    return operation.reduce == "average" and max(operation.window.dilation) > 1


def _fits(window: Window, edges: Edges) -> bool:
    """Return whether PyTorch takes so much padding, which is half a window at most."""
    return all(2 * max(pair) <= size for pair, size in zip(edges, window.size, strict=True))


def _rounded_up(window: Window, inputs: Sequence[Shape]) -> Window | None:
    """Return a window with equal padding whose last position counts although it ends beyond; None if that differs."""
    if not inputs or not isinstance(window.padding, tuple) or None in inputs[0][2:]:
        return None
    least = tuple((min(pair), min(pair)) for pair in window.padding)
    rounded = replace(window, padding=least, ceil=True)
    same = rounded.output_sizes(inputs[0][2:]) == window.output_sizes(inputs[0][2:])
    reached = (rounded.reached(axis, size or 1) for axis, size in enumerate(inputs[0][2:]))
    starts = all(pair[0] == own[0] for pair, own in zip(window.padding, reached, strict=True))
    return rounded if same and starts and _fits(rounded, least) else None


def _padded_before(operation: Pooling, edges: Edges) -> Spelled:
    """Return a pooling of what was padded before: with what no maximum keeps, or with zeros that count."""
    refuse("its padding does not count, which PyTorch has for equal edges alone", _uncounted(operation))
    values: dict[str, Any] = {"value": -inf} if operation.reduce == "max" else {}
    none = replace(operation.window, padding=((0, 0),) * operation.rank)
    return chain(pad(edges, **values), _pooled(operation, none))


def _uncounted(operation: Pooling) -> bool:
    return operation.reduce == "average" and not operation.padding_counts


def _pooled(operation: Pooling, window: Window) -> Step:
    """Return the module of a window whose padding is as large before an axis as after it."""
    edges = [window.around(axis, 1)[0] for axis in range(window.rank)]
    settings: dict[str, Any] = {
        "kernel_size": alike(window.size),
        "stride": alike(window.strides),
        "padding": alike(edges),
    }
    if operation.reduce == "max":
        settings |= {"dilation": alike(window.dilation), "ceil_mode": window.ceil, "return_indices": False}
    else:
        settings |= {"ceil_mode": window.ceil, "count_include_pad": operation.padding_counts}
        refuse("PyTorch's AvgPool1d has no divisor", operation.rank == 1 and operation.divisor is not None)
        settings |= {"divisor_override": operation.divisor} if operation.rank > 1 else {}
    return module(f"{_KINDS[operation.reduce]}Pool{window.rank}d", **settings)


def spelled_global_pooling(operation: GlobalPooling, inputs: Sequence[Shape]) -> Spelled:
    """Return the mean or the maximum of the spatial axes."""
    name = "mean" if operation.reduce == "average" else "amax"
    return chain(function(name, "", dim=tuple(range(2, 2 + operation.rank)), keepdim=operation.keep))


def spelled_adaptive_pooling(operation: AdaptivePooling, inputs: Sequence[Shape]) -> Spelled:
    """Return the adaptive pooling."""
    sizes = operation.output
    output = sizes[0] if len(set(sizes)) == 1 else sizes
    return chain(module(f"Adaptive{_KINDS[operation.reduce]}Pool{operation.rank}d", output_size=output))
