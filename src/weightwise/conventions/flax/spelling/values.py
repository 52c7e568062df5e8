"""How Flax spells what is done value by value or along an axis: activations, merges, shapes, and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from weightwise.conventions.flax.functions import SETTINGS
from weightwise.conventions.flax.settings import FUNCTIONS
from weightwise.conventions.spelling import INPUT, Output, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, Softmax
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack
from weightwise.ops.functions import function_name, function_settings
from weightwise.ops.merge import Concatenate, Merge, ScaledSum
from weightwise.ops.norm import Constant, Standardization, UnitNorm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Permute, Repeat, Reshape, Unflatten
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.shuffling import ChannelShuffle
from weightwise.ops.taking import Slice, Split, Take

Shapes = Sequence[Shape]
Spelling = Callable[[Any, Shapes], Spelled]

ENTERING = Output(INPUT)
"""The first input of the layer."""

_NAMED: Mapping[str, str] = {neutral: name for name, neutral in reversed(list(FUNCTIONS.items())) if "(" not in neutral}
_SETTABLE: Mapping[str, str] = {neutral: name for name, (neutral, _) in SETTINGS.items()}


def one(class_name: str, **config: Any) -> Spelled:
    """Return a single layer."""
    return Spelled((Step(class_name, config),))


def sizes_known(shape: Shape) -> tuple[int, ...]:
    """Return the sizes of a tensor without its batch; raises `UnsupportedError` where one is open."""
    sizes = tuple(size for size in shape[1:] if size is not None)
    if len(sizes) < len(shape) - 1:
        raise UnsupportedError(f"the sizes of its input are open: {shape}")
    return sizes


def only_shape(inputs: Shapes) -> Shape:
    """Return the shape of the one input; raises `UnsupportedError` where it is not known."""
    if not inputs:
        raise UnsupportedError("the shape of its input is not known")
    return inputs[0]


def activation_steps(function: str, name: str = "activation") -> tuple[Step, ...]:
    """Return the functions that compute an activation, the last of which is called `name`; none for `linear`."""
    if function == "linear":
        return ()
    neutral, settings = function_name(function), function_settings(function)
    if neutral == "relu" and settings:
        return (_relu(settings, name),)
    if neutral == "hard_sigmoid_5":
        line = Step("rescale", {"scale": 0.2, "offset": 0.5}, name=f"{name}_line")
        return (line, Step("clip", {"min_value": 0.0, "max_value": 1.0}, name=name))
    if neutral in ("gelu", "gelu_tanh"):
        return (Step("gelu", {"approximate": neutral == "gelu_tanh"}, name=name),)
    if neutral in ("softmax", "log_softmax", "glu"):
        return (Step(neutral, {"axis": -1}, name=name),)
    if neutral == "hard_tanh" and settings:
        return (Step("clip", {"min_value": -1.0, "max_value": 1.0, **settings}, name=name),)
    if neutral == "softplus" and settings:
        return (Step("scaled_softplus", settings, name=name),)
    if neutral == "leaky_relu":
        return (Step("leaky_relu", {"negative_slope": settings.get("negative_slope", 0.2)}, name=name),)
    if neutral in _NAMED and not settings:
        return (Step(_NAMED[neutral], {}, name=name),)
    if neutral in _SETTABLE:
        return (Step(_SETTABLE[neutral], settings, name=name),)
    raise UnsupportedError(f"Flax has no {function}")


def _relu(settings: Mapping[str, float], name: str) -> Step:
    given = {"negative_slope": 0.0, "max_value": inf, "threshold": 0.0, **settings}
    if given["threshold"] == 0 and given["negative_slope"] == 0:
        return Step("clip", {"min_value": 0.0, "max_value": given["max_value"]}, name=name)
    if given["threshold"] == 0 and given["max_value"] == inf:
        return Step("leaky_relu", {"negative_slope": given["negative_slope"]}, name=name)
    return Step("thresholded_relu", {key: value for key, value in given.items() if value not in (0, inf)}, name=name)


def activated(steps: Sequence[Step], function: str, notes: tuple[str, ...] = ()) -> Spelled:
    """Return steps with the activation that follows them."""
    return Spelled((*steps, *activation_steps(function)), notes=notes)


def _activation(operation: Activation, inputs: Shapes) -> Spelled:
    steps = activation_steps(operation.function, "") or (Step("identity", {}),)
    return Spelled(steps)


def _softmax(operation: Softmax, inputs: Shapes) -> Spelled:
    axis = operation.axes[0] if len(operation.axes) == 1 else operation.axes
    return one("log_softmax" if operation.logarithm else "softmax", axis=axis)


def _gated(operation: GatedLinear, inputs: Shapes) -> Spelled:
    return one("glu", axis=operation.axis)


def _merge(operation: Merge, inputs: Shapes) -> Spelled:
    """Return the function; inputs of fewer axes get axes of length one behind the batch before."""
    rank = max((len(shape) for shape in inputs), default=0)
    if all(len(shape) == rank for shape in inputs):
        return one(operation.how)
    steps = [
        Step(
            "reshape",
            {"shape": (*[1] * (rank - len(shape)), *sizes_known(shape))},
            name=f"spread_{place}",
            inputs=(Output(INPUT, place),),
        )
        for place, shape in enumerate(inputs)
        if len(shape) < rank
    ]
    made = iter(range(len(steps)))
    reads = tuple(
        Output(INPUT, place) if len(shape) == rank else Output(next(made)) for place, shape in enumerate(inputs)
    )
    return Spelled((*steps, Step(operation.how, {}, inputs=reads)))


def _scaled_sum(operation: ScaledSum, inputs: Shapes) -> Spelled:
    """Return the sum of the first input and the rescaled second."""
    scaled = Step("rescale", {"scale": operation.scale, "offset": 0.0}, name="scaled", inputs=(Output(INPUT, 1),))
    return Spelled((scaled, Step("add", {}, inputs=(ENTERING, Output(0)))))


def _concatenate(operation: Concatenate, inputs: Shapes) -> Spelled:
    return one("concatenate", axis=operation.axis)


def _rescaling(operation: Rescaling, inputs: Shapes) -> Spelled:
    return one("rescale", scale=operation.scale, offset=operation.offset)


def _unit(operation: UnitNorm, inputs: Shapes) -> Spelled:
    return one("unit_norm", axis=operation.axes, epsilon=operation.epsilon)


def _identity(operation: Identity, inputs: Shapes) -> Spelled:
    """Return a dropout that is off, or what passes its input on."""
    if operation.rate:
        notes = ("linen's dropout drops single values, and the source's whole channels",) if operation.channels else ()
        return replace(one("linen.Dropout", rate=operation.rate, deterministic=True), notes=notes)
    notes = () if operation == Identity() else (f"what it does while training is left out: it {operation.action}",)
    return replace(one("identity"), notes=notes)


def _flatten(operation: Flatten, inputs: Shapes) -> Spelled:
    rank = len(inputs[0]) if inputs else 0
    whole = (operation.start, operation.end) == (1, -1)
    config = {} if whole else {"start": operation.start, "end": operation.end}
    if not operation.channels_first or (inputs and rank < 3):
        return one("flatten", **config)
    only_shape(inputs)
    order = (0, *range(2, rank), 1)
    return Spelled((Step("transpose", {"axes": order}, name="channels_last"), Step("flatten", config)))


def _reshape(operation: Reshape, inputs: Shapes) -> Spelled:
    sizes = [-1 if size is None else size for size in operation.target]
    if sizes.count(-1) > 1:
        raise UnsupportedError(f"more than one size of its output is open: {operation.target}")
    return one("reshape", shape=tuple(sizes))


def _to_shape(operation: Operation, inputs: Shapes) -> Spelled:
    (shape,) = operation.output_shapes([only_shape(inputs)])
    return one("reshape", shape=sizes_known(shape))


def _permute(operation: Permute, inputs: Shapes) -> Spelled:
    return one("transpose", axes=(0, *operation.order))


def _repeat(operation: Repeat, inputs: Shapes) -> Spelled:
    return one("repeat_vector", repeats=operation.count)


def _shuffle(operation: ChannelShuffle, inputs: Shapes) -> Spelled:
    channels, *places = sizes_known(only_shape(inputs))
    groups = operation.groups
    order = (0, 2, 1, *range(3, 3 + len(places)))
    steps = (
        Step("reshape", {"shape": (groups, channels // groups, *places)}, name="groups"),
        Step("transpose", {"axes": order}, name="dealt"),
        Step("reshape", {"shape": (channels, *places)}),
    )
    return Spelled(steps)


def _standardization(operation: Standardization, inputs: Shapes) -> Spelled:
    """Return a rescaling for statistics that are settings, and a BatchNorm for those that are arrays."""
    if operation.given is None:
        return _measured(operation)
    if len(operation.axes) > 1:
        raise UnsupportedError("Flax has no function for statistics along several axes")
    if operation.axes not in ((), (-1,)) and inputs and operation.axes[0] != len(inputs[0]) - 1:
        raise UnsupportedError("Flax has no function for statistics along another axis than the last")
    mean, variance = (_numbers(value) for value in operation.given)
    count = max(len(mean), len(variance))
    pairs = zip(mean * (count // len(mean)), variance * (count // len(variance)), strict=True)
    lines = [_line(m, max(v**0.5, operation.epsilon), operation.invert) for m, v in pairs]
    scales, offsets = (tuple(line[place] for line in lines) for place in (0, 1))
    return one("rescale", scale=scales if count > 1 else scales[0], offset=offsets if count > 1 else offsets[0])


def _measured(operation: Standardization) -> Spelled:
    """Return a BatchNorm with the square of the least deviation as its epsilon, which is the same for no variance."""
    if operation.invert or len(operation.axes) != 1:
        raise UnsupportedError("linen normalizes along one axis, and does not undo it")
    epsilon = operation.epsilon**2
    axis = {} if operation.axes == (-1,) else {"axis": operation.axes[0]}
    settings = {"use_running_average": True, **axis, "epsilon": epsilon, "use_scale": False, "use_bias": False}
    note = f"{epsilon:g} is added to its variances, where the source divides by {operation.epsilon:g} at least"
    return Spelled((Step("linen.BatchNorm", settings),), notes=(note,))


def _line(mean: float, deviation: float, invert: bool) -> tuple[float, float]:
    return (deviation, mean) if invert else (1 / deviation, -mean / deviation)


def _numbers(value: Constant) -> tuple[float, ...]:
    """Return one number, or one for each place of an axis; raises `UnsupportedError` for those of several axes."""
    found = value if isinstance(value, tuple) else (value,)
    flat = tuple(float(number) for number in found if not isinstance(number, tuple))
    if len(flat) < len(found):
        raise UnsupportedError("Flax has no function for statistics along several axes")
    return flat


def _reduction(operation: Reduction, inputs: Shapes) -> Spelled:
    keep = {"keepdims": True} if operation.keep else {}
    return one(operation.how, axis=operation.axes if len(operation.axes) > 1 else operation.axes[0], **keep)


def _take(operation: Take, inputs: Shapes) -> Spelled:
    return one("take", axis=operation.axis, index=operation.index)


def _slice(operation: Slice, inputs: Shapes) -> Spelled:
    return one("slice", axis=operation.axis, start=operation.start, end=operation.end, step=operation.step)


def _split(operation: Split, inputs: Shapes) -> Spelled:
    keep = {} if operation.keep else {"keepdims": False}
    spelled = one("split", axis=operation.axis, lengths=operation.lengths, **keep)
    return replace(spelled, outputs=tuple(Output(0, index) for index in range(len(operation.lengths))))


def _expand(operation: InsertAxis, inputs: Shapes) -> Spelled:
    return one("expand_dims", axis=operation.axis)


def _squeeze(operation: DropAxes, inputs: Shapes) -> Spelled:
    return one("squeeze", axis=operation.axes)


def _swap(operation: Exchange, inputs: Shapes) -> Spelled:
    return one("swapaxes", axis1=operation.axes[0], axis2=operation.axes[1])


def _stack(operation: Stack, inputs: Shapes) -> Spelled:
    return one("stack", axis=operation.axis)


def _product(operation: Product, inputs: Shapes) -> Spelled:
    return one("matmul")


def _attend(operation: ScaledAttention, inputs: Shapes) -> Spelled:
    scale = {} if operation.scale is None else {"scale": operation.scale}
    return one("scaled_attention", **scale, **({"is_causal": True} if operation.causal else {}))


SPELLINGS: Mapping[type[Operation], Spelling] = {
    Activation: _activation,
    ChannelShuffle: _shuffle,
    Concatenate: _concatenate,
    DropAxes: _squeeze,
    Exchange: _swap,
    Flatten: _flatten,
    GatedLinear: _gated,
    Identity: _identity,
    InsertAxis: _expand,
    Merge: _merge,
    Permute: _permute,
    Product: _product,
    Reduction: _reduction,
    Repeat: _repeat,
    Rescaling: _rescaling,
    Reshape: _reshape,
    ScaledAttention: _attend,
    ScaledSum: _scaled_sum,
    Slice: _slice,
    Softmax: _softmax,
    Split: _split,
    Stack: _stack,
    Standardization: _standardization,
    Take: _take,
    Unflatten: _to_shape,
    UnitNorm: _unit,
}
