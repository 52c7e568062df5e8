"""Normalizations as modules of PyTorch (https://docs.pytorch.org/docs/stable/nn.html#normalization-layers).

A module has both gamma and beta or neither, but for LayerNorm, which can leave beta away; where the source has one
alone, the other is filled with what changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.pytorch.spelling.steps import (
    Feeds,
    along,
    axis_size,
    chain,
    constants,
    function,
    module,
    refuse,
    size_or_open,
)
from weightwise.conventions.spelling import Feed, Filled, Same, Spelled
from weightwise.ops.features import feature_names
from weightwise.ops.norm import BatchNorm, Constant, GroupNorm, LayerNorm, Norm, RMSNorm, Standardization, UnitNorm
from weightwise.ops.operation import Shape

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def _filled(operation: Norm) -> dict[str, Feed]:
    """Return what fills gamma or beta where the source has only the other."""
    missing = {"gamma": (operation.scale, 1.0), "beta": (operation.center, 0.0)}
    reason = "the source's normalization has no {}"
    return {role: Filled(value, reason.format(role)) for role, (there, value) in missing.items() if not there}


def _affine(operation: Norm) -> bool:
    return operation.scale or operation.center


def _learned(operation: Norm) -> tuple[str, ...]:
    return ("weight", "bias") if _affine(operation) else ()


def spelled_batch_norm(operation: BatchNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the batch normalization of axis 1, of the class for the number of axes."""
    return chain(
        module(
            _batch_class(operation, inputs),
            num_features=size_or_open(axis_size(inputs, 1)),
            eps=operation.epsilon,
            momentum=0.1 if operation.momentum is None else round(1 - operation.momentum, 12),
            affine=_affine(operation),
            track_running_stats=operation.tracked,
            parameters=_learned(operation),
            buffers=_STATISTICS if operation.tracked else (),
            feeds=_filled(operation) if _affine(operation) else {},
        ),
        notes=["its momentum is PyTorch's own, 0.1, which only training reads"] * (operation.momentum is None),
    )


def _batch_class(operation: Norm, inputs: Sequence[Shape]) -> str:
    """Return the class, which depends on the number of axes; refuses channels that are not one axis."""
    refuse("PyTorch's BatchNorm has one axis of channels", len(operation.axes) != 1)
    if not inputs:
        return "BatchNorm2d"
    rank = len(inputs[0])
    refuse("PyTorch's BatchNorm has its channels behind the batch", operation.axes[0] % rank != 1)
    refuse(f"PyTorch has no BatchNorm for tensors of {rank} axes", rank > 5)
    return f"BatchNorm{max(rank - 2, 1)}d"


def spelled_layer_norm(operation: LayerNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer normalization of the last axes."""
    if not (operation.centered and _is_last(operation, operation.over, inputs)):
        return _measured(operation, inputs, operation.over, operation.centered)
    parameters = (["weight"] if _affine(operation) else []) + (["bias"] if operation.center else [])
    filled = _filled(operation) if operation.center else {}
    return chain(
        module(
            "LayerNorm",
            normalized_shape=_sizes(operation, inputs),
            eps=operation.epsilon,
            elementwise_affine=_affine(operation),
            parameters=parameters,
            feeds={**_along(operation, inputs), **filled},
        )
    )


def spelled_rms_norm(operation: RMSNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the normalization by the mean square of the last axes."""
    if operation.center or not _is_last(operation, operation.over, inputs):
        refuse("its epsilon is that of its dtype, and it does not normalize the last axes", operation.least)
        return _measured(operation, inputs, operation.over, None)
    return chain(
        module(
            "RMSNorm",
            normalized_shape=_sizes(operation, inputs),
            eps=None if operation.least else operation.epsilon,
            elementwise_affine=operation.scale,
            parameters=["weight"] if operation.scale else [],
            feeds=_along(operation, inputs),
        )
    )


def _is_last(operation: Norm, over: tuple[int, ...] | None, inputs: Sequence[Shape]) -> bool:
    """Return whether statistics and weights are along the last axes, as those of PyTorch's modules."""
    if over is not None and over != operation.axes:
        return False
    rank = len(inputs[0]) if inputs else 0
    places = [axis % rank if rank else axis for axis in operation.axes]
    return places == list(range(rank - len(places), rank))


def _measured(operation: Norm, inputs: Sequence[Shape], over: tuple[int, ...] | None, centered: bool | None) -> Spelled:
    """Return operators that divide by the deviation along any axes, or where `centered` is None by the mean square."""
    axes = operation.axes if over is None else over
    program = Program()
    off = SOURCE
    if centered is not None:
        mean = program.add(function("mean", dim=axes, keepdim=True), SOURCE)
        off = program.add(function("sub"), SOURCE, mean)
    squares = function("square"), function("mean", "variance", dim=axes, keepdim=True)
    root = [*squares, function("add", "epsilon", other=operation.epsilon), function("sqrt")]
    deviation = program.follow(root, off)
    normal = program.add(function("div"), SOURCE if centered is False else off, deviation)
    gamma = [along("mul", "gamma", operation.axes, inputs)] if operation.scale else []
    beta = [along("add", "beta", operation.axes, inputs)] if operation.center else []
    return program.spelled(program.follow([*gamma, *beta], normal))


def _sizes(operation: Norm, inputs: Sequence[Shape]) -> tuple[int, ...]:
    """Return the sizes of the axes; refuses open ones."""
    found = [size for axis in operation.axes if (size := axis_size(inputs, axis)) is not None]
    if not inputs and len(operation.axes) == 1:
        return (0,)
    refuse("PyTorch needs the sizes of the axes that it normalizes, and one is open", len(found) < len(operation.axes))
    return tuple(found)


def _along(operation: Norm, inputs: Sequence[Shape]) -> Feeds:
    """Return the feeds of gamma and beta where several axes are called by other numbers in the target."""
    count = len(operation.axes)
    if count == 1 or not inputs:
        return {}
    rank = len(inputs[0])
    renamed = dict(zip(feature_names(range(rank - count, rank)), feature_names(operation.axes), strict=True))
    given = {"gamma": operation.scale, "beta": operation.center}
    return {role: Same(role, renamed) for role, there in given.items() if there}


def spelled_group_norm(operation: GroupNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the group normalization of axis 1; where every channel is a group, there are as many."""
    size = axis_size(inputs, 1)
    refuse(
        "PyTorch needs the number of channels that it normalizes, which is open", operation.groups is None and not size
    )
    return chain(
        module(
            "GroupNorm",
            num_groups=operation.groups or size,
            num_channels=size_or_open(size),
            eps=operation.epsilon,
            affine=_affine(operation),
            parameters=_learned(operation),
            feeds=_filled(operation) if _affine(operation) else {},
        )
    )


def spelled_unit_norm(operation: UnitNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return `x / max(|x|, ε)` from operators."""
    refuse("PyTorch has no module that scales vectors to a length that it learned", bool(operation.roles()))
    program = Program()
    squares = [function("square"), function("sum", dim=operation.axes, keepdim=True), function("sqrt")]
    length = program.follow([*squares, function("clamp", min=operation.epsilon, max=None)], SOURCE)
    return program.spelled(program.add(function("div"), SOURCE, length))


def spelled_standardization(operation: Standardization, inputs: Sequence[Shape]) -> Spelled:
    """Return operators where the statistics are two numbers, and otherwise a BatchNorm that learns nothing."""
    if operation.given is not None:
        return _standardized(operation, inputs, *operation.given)
    refuse("PyTorch has no module that undoes a normalization by statistics that it holds", operation.invert)
    refuse("its statistics are single numbers, which PyTorch has no module for", not operation.axes)
    return chain(
        module(
            _batch_class(operation, inputs),
            num_features=size_or_open(axis_size(inputs, 1)),
            eps=0.0,
            momentum=0.0,
            affine=False,
            track_running_stats=True,
            buffers=_STATISTICS,
        ),
        notes=[f"a deviation below {operation.epsilon:g} is divided by as it is, and not by {operation.epsilon:g}"],
    )


def _standardized(operation: Standardization, inputs: Sequence[Shape], mean: Constant, variance: Constant) -> Spelled:
    """Return operators with the statistics, which are numbers, or one for each place along an axis."""
    rank = len(inputs[0]) if inputs else 0
    shape = _meeting(operation, inputs[0]) if inputs else ()
    refuse("its statistics differ from place to place, and the places are not known", not rank and _several(operation))
    means, variances = (_numbers(statistic, shape) for statistic in (mean, variance))
    if isinstance(variances, tuple):
        deviation: Numbers = tuple(max(number**0.5, operation.epsilon) for number in variances)
    else:
        deviation = max(variances**0.5, operation.epsilon)
    if operation.invert:
        return chain(constants("mul", deviation, shape), constants("add", means, shape))
    return chain(constants("sub", means, shape), constants("div", deviation, shape))


Numbers = float | tuple[float, ...]


def _several(operation: Standardization) -> bool:
    return any(isinstance(statistic, tuple) for statistic in operation.given or ())


def _meeting(operation: Standardization, shape: Shape) -> tuple[int, ...]:
    """Return the shape of an array that meets a tensor with the statistics along its one axis."""
    if not _several(operation):
        return ()
    refuse("its statistics run along several axes", len(operation.axes) != 1)
    axis = operation.axes[0] % len(shape)
    refuse("its statistics run along an axis whose size is open", shape[axis] is None)
    return (shape[axis] or 0, *[1] * (len(shape) - 1 - axis))


def _numbers(statistic: Constant, shape: Sequence[int]) -> Numbers:
    """Return a number, or as many as the shape has places, of numbers nested in tuples."""
    if not isinstance(statistic, tuple):
        return statistic
    flat = [number for part in statistic for number in _flat(part)]
    return tuple(flat * (shape[0] if len(flat) == 1 else 1))


def _flat(statistic: Constant) -> list[float]:
    """Return the numbers that are nested in tuples."""
    if not isinstance(statistic, tuple):
        return [statistic]
    return [number for part in statistic for number in _flat(part)]
