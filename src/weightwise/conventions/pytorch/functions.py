"""Operators of PyTorch that are no modules, as layers of the table: what a network computes between its modules.

A class is called as the operator, and its configuration has the operator's arguments that are no tensors, by the names
of https://docs.pytorch.org/docs/stable/torch.html; what is not in it has PyTorch's default. Axes count the batch as 0.

    add sub mul div                   {}                           of two tensors of as many axes
    add sub                           {alpha: 0.2}                 of two tensors, the second multiplied by `alpha`
                                      {other: 2.0}                 of a tensor and a number; `alpha` multiplies `other`
                                      {parameters: ["other"],      of a tensor and an array of the layer, of this
                                       other_shape: (1, 7, 8)}     shape
    rsub                              {other: 1.0}                 number - tensor
    maximum minimum                   {}                           of two tensors
    matmul bmm                        {}                           products of matrices, which lie in the last two axes
    scaled_dot_product_attention      {scale: None, is_causal: False}   of query, key, value: `… position features`
    neg abs exp log sqrt rsqrt square reciprocal sin cos erf            {}
    pow                               {exponent: 2.0}
    clamp                             {min: 0.0, max: None}
    cat stack                         {dim: 1}                     of any number of tensors
    cat                               {dim: 1, parameters: ["other"], other_shape: (1, 1, 8), other_first: True}
                                                                   of a tensor and an array, the same for all examples
    permute                           {dims: (0, 2, 1)}
    transpose                         {dim0: 1, dim1: 2}
    reshape                           {shape: (-1, 4, 8)}          its first size is the batch's: -1, None (whatever it
                                                                   is; then another may be -1), or the number itself;
                                                                   others may be None, the size of the same axis of
                                                                   the input, or that of another: "x.shape[2]"
    unsqueeze squeeze                 {dim: 1}                     `squeeze` takes several, too
    select                            {dim: 1, index: -1}
    slice                             {dim: 1, start: 0, end: None, step: 1}
    flip                              {dim: (2,)}
    mean sum amax amin                {dim: (2, 3), keepdim: False}
    chunk                             {chunks: 2, dim: 1}          several outputs
    split                             {split_size_or_sections: (3, 5), dim: 1}   a size, or sizes; several outputs
    unbind                            {dim: 1}                     several outputs

Interpolation is `Upsample`, padding `ConstantPad2d` and its kin, `view` and `flatten` are `reshape` and `Flatten`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from weightwise.conventions.pytorch.settings import has, whole, wholes
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule, refuse
from weightwise.ops.activation import Activation
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack, Transpose
from weightwise.ops.functions import spelled
from weightwise.ops.merge import Concatenate, Merge, ScaledSum
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.pooling import GlobalPooling
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Permute, Regroup, Reshape
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.taking import Slice, Split, Take

Parts = Sequence[Description]
Build = Callable[[Config, Shapes, Parts], Operation]

OWN = re.compile(r"x\.shape\[(-?\d+)\]")
"""How a size of a `reshape` is spelled that is that of an axis of the input."""

_MERGES = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}
_FUNCTIONS = {
    "abs": "absolute",
    "cos": "cosine",
    "erf": "error_function",
    "exp": "exponential",
    "log": "logarithm",
    "reciprocal": "reciprocal",
    "rsqrt": "power(exponent=-0.5)",
    "sin": "sine",
    "sqrt": "square_root",
    "square": "power(exponent=2.0)",
}
"""Functions of one value without settings, and their neutral names."""
_REDUCTIONS = {"mean": "mean", "sum": "sum", "amax": "max", "amin": "min"}
_POOLINGS = {"mean": "average", "max": "max"}
"""The reductions that are a pooling where they run over all places of each channel."""


def _number(value: Any) -> float:
    """Return a number; raises `ShapeError` for anything else."""
    if type(value) not in (int, float):
        raise ShapeError(f"expected a number, found {value!r}")
    return float(value)


def _arithmetic(name: str, config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return a sum, a difference, a product or a quotient, of a tensor and a number where there is an `other`."""
    refuse(config, "rounding_mode")
    if "other" in config:
        return _with_number(name, _number(config["other"]) * _number(config.get("alpha", 1)))
    if has("other")(config):
        return Operand(_MERGES[name], wholes(config["other_shape"]))
    if config.get("alpha", 1) != 1:
        return ScaledSum(_number(config["alpha"]) * (-1 if name == "sub" else 1))
    return _merged(_MERGES[name], config, inputs, parts)


def _with_number(name: str, number: float) -> Rescaling:
    match name:
        case "add" | "sub":
            return Rescaling(1.0, number if name == "add" else -number)
        case "mul":
            return Rescaling(number)
        case _:
            if number == 0:
                raise ShapeError("it divides by zero")
            return Rescaling(1 / number)


def _merged(how: str, config: Config, inputs: Shapes, parts: Parts) -> Merge:
    """Return what merges two tensors of as many axes: of others PyTorch would meet the batch of one with no batch."""
    if len({len(shape) for shape in inputs}) > 1:
        raise ShapeError(f"it computes with tensors of different numbers of axes, {' and '.join(map(str, inputs))}")
    return Merge(how, equal=not inputs)


def _from_number(config: Config, inputs: Shapes, parts: Parts) -> Rescaling:
    return Rescaling(-_number(config.get("alpha", 1)), _number(config["other"]))


def _power(config: Config, inputs: Shapes, parts: Parts) -> Activation:
    return Activation(spelled("power", exponent=_number(config["exponent"])))


def _clamp(config: Config, inputs: Shapes, parts: Parts) -> Activation:
    low, high = (config.get(key) for key in ("min", "max"))
    bounds = {"min_value": float("-inf") if low is None else _number(low)}
    return Activation(spelled("hard_tanh", **bounds, max_value=float("inf") if high is None else _number(high)))


def _function(name: str, config: Config, inputs: Shapes, parts: Parts) -> Activation:
    return Activation(_FUNCTIONS[name])


def _joined(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    axis = whole(config.get("dim", 0))
    if has("other")(config):
        return Beside(axis, wholes(config["other_shape"]), bool(config["other_first"]))
    return Concatenate(axis)


def _attention(config: Config, inputs: Shapes, parts: Parts) -> ScaledAttention:
    refuse(config, "dropout_p", "enable_gqa")
    scale = config.get("scale")
    return ScaledAttention(None if scale is None else _number(scale), bool(config.get("is_causal", False)))


def _permute(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    dims = wholes(config["dims"])
    return _ordered([dim % len(dims) for dim in dims])


def _ordered(order: Sequence[int]) -> Operation:
    """Return what brings the axes of a tensor, the batch being 0, to an order."""
    return Transpose(tuple(order)) if order[0] else Permute(tuple(order[1:]))


def _transpose(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    axes = (whole(config["dim0"]), whole(config["dim1"]))
    if not inputs:
        return Exchange(axes)
    Exchange(axes).output_shapes(inputs)
    order = list(range(len(inputs[0])))
    one, other = (axis % len(order) for axis in axes)
    order[one], order[other] = other, one
    return _ordered(order)


def _reshape(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return what gives each example another shape; raises `ShapeError` where the first size is not the batch's."""
    first, *sizes = config["shape"]
    batch = inputs[0][0] if inputs else None
    if first is not None and whole(first) != -1 and batch not in (None, first):
        raise ShapeError(f"it lays out {batch} examples as {first}")
    axes = [_own(size, place) for place, size in enumerate(sizes, start=1)]
    known = [size if axis is None else _size_of(axis, inputs) for size, axis in zip(sizes, axes, strict=True)]
    if [*known, first].count(-1) > 1:
        raise ShapeError(f"only one size of {config['shape']} can be -1")
    if known.count(None) == 1 and -1 not in known:
        known[known.index(None)] = -1
    if None not in known:
        return Reshape(tuple(map(whole, known)))
    numbers = tuple(-1 if size is None else whole(size) for size in known)
    return Regroup(numbers, tuple(axis if size is None else None for size, axis in zip(known, axes, strict=True)))


def _own(size: Any, place: int) -> int | None:
    """Return the axis of the input whose size a setting is; None for a number."""
    if isinstance(size, str) and (found := OWN.fullmatch(size)):
        return int(found[1])
    return place if size is None else None


def _size_of(axis: int, inputs: Shapes) -> int | None:
    return inputs[0][axis] if inputs and -len(inputs[0]) <= axis < len(inputs[0]) else None


def _slice(config: Config, inputs: Shapes, parts: Parts) -> Slice:
    start, end = (None if config.get(key) is None else whole(config[key]) for key in ("start", "end"))
    return Slice(whole(config["dim"]), start, end, whole(config.get("step", 1)))


def _flip(config: Config, inputs: Shapes, parts: Parts) -> Slice:
    axes = wholes(config["dim"])
    if len(axes) != 1:
        raise ShapeError("it turns several axes round, and weightwise cannot compute that yet")
    return Slice(axes[0], step=-1)


def _reduce(how: str, config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return a reduction, which is a pooling where it runs over all places of each channel."""
    axes, keep = wholes(config["dim"]), bool(config.get("keepdim", False))
    rank = len(inputs[0]) if inputs else 0
    if how not in _POOLINGS or not 2 < rank < 6:
        return Reduction(how, axes, keep)
    places = sorted(axis % rank for axis in axes)
    for channels_first, spatial in ((True, range(2, rank)), (False, range(1, rank - 1))):
        if places == [*spatial]:
            return GlobalPooling(_POOLINGS[how], rank - 2, keep, channels_first=channels_first)
    return Reduction(how, axes, keep)


def _sizes(config: Config, inputs: Shapes) -> int:
    """Return the size of the axis that is split; raises `ShapeError` where it is not known."""
    axis = whole(config.get("dim", 0))
    if not inputs or not -len(inputs[0]) <= axis < len(inputs[0]) or inputs[0][axis] is None:
        raise ShapeError("how many parts it returns follows from the shape of its input, which is not known")
    return inputs[0][axis] or 0


def _split(config: Config, inputs: Shapes, parts: Parts) -> Split:
    axis, given = whole(config.get("dim", 0)), config["split_size_or_sections"]
    if isinstance(given, (list, tuple)):
        return Split(axis, wholes(given))
    return Split(axis, _pieces(_sizes(config, inputs), whole(given)))


def _chunk(config: Config, inputs: Shapes, parts: Parts) -> Split:
    size, count = _sizes(config, inputs), whole(config["chunks"])
    if count < 1:
        raise ShapeError(f"an axis cannot be split in {count} parts")
    return Split(whole(config.get("dim", 0)), _pieces(size, max(-(-size // count), 1)))


def _pieces(size: int, each: int) -> tuple[int, ...]:
    """Return the sizes of the parts of an axis, of which the last may be smaller."""
    if each < 1:
        raise ShapeError(f"an axis cannot be split in parts of {each}")
    return tuple(min(each, size - start) for start in range(0, size, each))


def _unbind(config: Config, inputs: Shapes, parts: Parts) -> Split:
    return Split(whole(config.get("dim", 0)), (1,) * _sizes(config, inputs), keep=False)


def _checked(build: Build) -> Rule:
    """Return the rule of a class whose operation must be able to take its inputs."""

    def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
        found = build(config, inputs, parts)
        if inputs:
            found.output_shapes(inputs)
        return found

    return Rule(operation)


RULES = {
    **{name: _checked(partial(_arithmetic, name)) for name in _MERGES},
    **{name: _checked(partial(_merged, name)) for name in ("maximum", "minimum")},
    **{name: _checked(partial(_function, name)) for name in _FUNCTIONS},
    **{name: _checked(partial(_reduce, how)) for name, how in _REDUCTIONS.items()},
    **{name: _checked(lambda config, inputs, parts: Product()) for name in ("bmm", "matmul")},
    "cat": _checked(_joined),
    "chunk": _checked(_chunk),
    "clamp": _checked(_clamp),
    "flip": _checked(_flip),
    "neg": _checked(lambda config, inputs, parts: Rescaling(-1.0)),
    "permute": _checked(_permute),
    "pow": _checked(_power),
    "reshape": _checked(_reshape),
    "rsub": _checked(_from_number),
    "scaled_dot_product_attention": _checked(_attention),
    "select": _checked(lambda config, inputs, parts: Take(whole(config["dim"]), whole(config["index"]))),
    "slice": _checked(_slice),
    "split": _checked(_split),
    "squeeze": _checked(lambda config, inputs, parts: DropAxes(wholes(config["dim"]))),
    "stack": _checked(lambda config, inputs, parts: Stack(whole(config.get("dim", 0)))),
    "transpose": _checked(_transpose),
    "unbind": _checked(_unbind),
    "unsqueeze": _checked(lambda config, inputs, parts: InsertAxis(whole(config["dim"]))),
}
