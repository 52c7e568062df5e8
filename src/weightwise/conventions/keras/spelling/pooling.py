"""Poolings as layers of Keras (https://keras.io/api/layers/pooling_layers/).

Their padding is `valid` or `same`. A maximum over other padding stands behind a function that pads with the least
number; an average that counts its padding, behind zeros, and one that does not is divided by the average of ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from weightwise.conventions.keras.spelling.convolution import keeps_size
from weightwise.conventions.keras.spelling.edges import Edges, edges, padded
from weightwise.conventions.keras.spelling.steps import chain, function, layer, refuse, spatial_sizes
from weightwise.conventions.program import Program
from weightwise.conventions.spelling import Spelled, Step
from weightwise.ops.operation import Shape
from weightwise.ops.pooling import AdaptivePooling, GlobalPooling, Pooling
from weightwise.ops.window import Window

LEAST = -3.4028234663852886e38
"""The least number of 32 bits, over which every value of a tensor is a maximum."""
_WORDS = {"max": "Max", "average": "Average"}


def spelled_pooling(operation: Pooling, inputs: Sequence[Shape]) -> Spelled:
    """Return the pooling, after what pads it."""
    window = operation.window
    refuse(max(window.dilation) > 1, "Keras has no pooling with a dilated window")
    if _as_named(operation):
        return chain(_pool(operation, str(window.padding)))
    wanted = edges(window, inputs)
    if not any(map(any, wanted)) and operation.divisor is None:
        return chain(_pool(operation, "valid"))
    if operation.reduce == "max":
        if max(window.strides) == 1 and wanted == keeps_size(window):
            return chain(_pool(operation, "same"))
        return chain(*padded(wanted, "constant", inputs, LEAST), _pool(operation, "valid"))
    return _average(operation, window, inputs)


def _as_named(operation: Pooling) -> bool:
    """Return whether a pooling is one of Keras's as it is."""
    plain = operation.reduce == "max" or operation.window.padding == "valid" or not operation.padding_counts
    named = operation.window.padding in ("valid", "same") and not operation.window.ceil
    return plain and named and operation.divisor is None


def _average(operation: Pooling, window: Window, inputs: Sequence[Shape]) -> Spelled:
    """Return an average of what lies between zeros, where need be divided by the share of it that counts."""
    wanted = edges(window, inputs)
    pool = _pool(operation, "valid")
    if operation.divisor is not None:
        rescaled = layer("Rescaling", "rescaled", scale=prod(window.size) / operation.divisor, offset=0.0)
        return chain(*padded(wanted, "zeros", inputs), pool, rescaled)
    counted = edges(replace(window, ceil=False), inputs) if operation.padding_counts else ((0, 0),) * window.rank
    if wanted == counted:
        return chain(*padded(wanted, "zeros", inputs), pool)
    if max(window.strides) == 1 and wanted == keeps_size(window) and all(one == two for one, two in wanted):
        return chain(_pool(operation, "same"))
    return _shared(pool, wanted, counted, inputs)


def _shared(pool: Step, wanted: Edges, counted: Edges, inputs: Sequence[Shape]) -> Spelled:
    """Return an average of zeros too, divided by that of ones, which lie wherever something counts."""
    beyond = tuple((w[0] - c[0], w[1] - c[1]) for w, c in zip(wanted, counted, strict=True))
    ones = [layer("Rescaling", "ones", scale=0.0, offset=1.0)]
    ones += [replace(step, name="ones_counted") for step in padded(counted, "constant", inputs, 1.0)]
    ones += [replace(step, name="ones_padding") for step in padded(beyond, "zeros", inputs)]
    program = Program()
    values = program.follow([*padded(wanted, "zeros", inputs), replace(pool, name="values")])
    shares = program.follow([*ones, replace(pool, name="shares")])
    return program.spelled(program.add(function("numpy.TrueDivide", ""), values, shares))


def _pool(operation: Pooling, padding: str) -> Step:
    window = operation.window
    return layer(
        f"{_WORDS[operation.reduce]}Pooling{window.rank}D",
        pool_size=list(window.size),
        strides=list(window.strides),
        padding=padding,
        data_format="channels_last",
    )


def spelled_global(operation: GlobalPooling, inputs: Sequence[Shape]) -> Spelled:
    """Return the pooling of each whole channel."""
    class_name = f"Global{_WORDS[operation.reduce]}Pooling{operation.rank}D"
    return chain(layer(class_name, data_format="channels_last", keepdims=operation.keep))


def spelled_adaptive(operation: AdaptivePooling, inputs: Sequence[Shape]) -> Spelled:
    """Return a pooling of each whole channel, or over windows that divide each axis, where it is one of these."""
    if set(operation.output) == {1}:
        return spelled_global(GlobalPooling(operation.reduce, operation.rank, keep=True), inputs)
    sizes = spatial_sizes(inputs, operation.rank)
    wanted = operation.spatial_sizes(sizes)
    refuse(None in wanted, "its output has a size of the input, which is open")
    known = [(size, count or 1) for size, count in zip(sizes, wanted, strict=True)]
    if all(size is not None and size % count == 0 for size, count in known):
        window = tuple((size or 1) // count for size, count in known)
        plain = Window(window, window, (1,) * len(window), "valid")
        return chain(_pool(Pooling(operation.reduce, plain), "valid"))
    class_name = f"Adaptive{_WORDS[operation.reduce]}Pooling{operation.rank}D"
    return chain(layer(class_name, output_size=list(wanted), data_format="channels_last"))
