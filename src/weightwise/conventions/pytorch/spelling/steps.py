"""The layers of a spelling: modules of PyTorch and its operators, with configurations as the table reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.spelling import Feed, Filled, Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.features import feature_names, varying
from weightwise.ops.operation import Shape

Feeds = Mapping[str, Feed]


def module(
    class_name: str,
    name: str = "",
    *,
    parameters: Sequence[str] = (),
    buffers: Sequence[str] = (),
    feeds: Feeds | None = None,
    **settings: Any,
) -> Step:
    """Return a module of `torch.nn` with the arrays that it has; a setting that is `...` is not known."""
    told = {name: value for name, value in settings.items() if value is not ...}
    return Step(class_name, {**told, "parameters": list(parameters), "buffers": list(buffers)}, feeds or {}, name)


def function(operator: str, name: str = "", **settings: Any) -> Step:
    """Return an operator of PyTorch, a layer without arrays."""
    return Step(operator, {**settings, "parameters": [], "buffers": []}, {}, name or operator)


def operand(operator: str, shape: Sequence[int], feed: Feed, name: str = "") -> Step:
    """Return `add`, `sub`, `mul` or `div` of a tensor and an array of this shape, which meets its last axes."""
    return module(operator, name or operator, parameters=["other"], other_shape=tuple(shape), feeds={"other": feed})


def along(operator: str, role: str, axes: Sequence[int], inputs: Sequence[Shape]) -> Step:
    """Return `add`, `sub`, `mul` or `div` of a tensor and the array of a role that runs along some of its axes."""
    refuse(
        "its weights run along axes whose sizes are not known", not inputs or None in [inputs[0][axis] for axis in axes]
    )
    rank = len(inputs[0])
    sizes = {axis % rank: inputs[0][axis] or 0 for axis in axes}
    refuse("its weights run along the batch", 0 in sizes)
    shape = [sizes.get(axis, 1) for axis in range(min(sizes), rank)]
    own = zip(axes, feature_names(axes), strict=True)
    long = [name for axis, name in own if inputs[0][axis] != 1]
    return operand(operator, shape, Same(role, dict(zip(feature_names(varying(shape)), long, strict=True))), role)


def constants(operator: str, values: float | tuple[float, ...], shape: Sequence[int]) -> Step:
    """Return `add`, `sub`, `mul` or `div` of a tensor and a number, or numbers that the source has as a setting."""
    if not isinstance(values, tuple):
        return function(operator, other=values)
    return operand(operator, shape, Filled(values, "it is a setting of the source", "float64"))


def size_or_open(size: int | None) -> Any:
    """Return a size as a setting that may not be known."""
    return ... if size is None else size


def axis_size(inputs: Sequence[Shape], axis: int) -> int | None:
    """Return the size of an axis of the first input; None where it is open or nothing is known."""
    return inputs[0][axis] if inputs else None


def alike(sizes: Sequence[int]) -> int | tuple[int, ...]:
    """Return one number for sizes that are all the same, as people write them."""
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def with_bias(bias: bool) -> tuple[str, ...]:
    """Return the names of the parameters of a module that has a kernel, and perhaps a bias."""
    return ("weight", "bias") if bias else ("weight",)


def chain(*steps: Step, notes: Sequence[str] = ()) -> Spelled:
    """Return the spelling of steps of which each reads the one before."""
    return Spelled(tuple(steps), notes=tuple(notes))


def refuse(reason: str, refused: object = True) -> None:
    """Raise `UnsupportedError` with a clause as the reason, where something is there that is refused."""
    if refused:
        raise UnsupportedError(reason)
