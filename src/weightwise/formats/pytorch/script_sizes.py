"""What the code of a TorchScript module computes of numbers, and of the sizes of tensors that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.formats.pytorch.functions import number
from weightwise.formats.pytorch.meanings import Meaning
from weightwise.records import dataclass
from weightwise.stored import SizeOf, Tensor


@dataclass(frozen=True)
class Size:
    """The size of one axis of a tensor, or `times · size ** power`; all of them where the axis is None."""

    of: Tensor
    axis: int | None
    times: float = 1.0
    power: float = 1.0
    single: bool = False
    """Whether the code computes with it as a tensor, which has single precision where it is no whole number."""


COMPARISONS: Mapping[str, Callable[..., Any]] = {
    "__contains__": lambda values, value: value in values,
    "__is__": lambda first, second: first is second,
    "__isnot__": lambda first, second: first is not second,
    "__not__": lambda value: not value,
    "eq": lambda first, second: first == second,
    "ge": lambda first, second: first >= second,
    "gt": lambda first, second: first > second,
    "le": lambda first, second: first <= second,
    "len": len,
    "lt": lambda first, second: first < second,
    "ne": lambda first, second: first != second,
}
"""Operators of which the condition of a branch is made, where all that they compare is constant."""
ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": lambda first, second: first + second,
    "floordiv": lambda first, second: first // second if second else None,
    "mul": lambda first, second: first * second,
    "sub": lambda first, second: first - second,
}
"""Operators of numbers that stand in the code."""
DIVISIONS = ("div", "floor_divide", "floordiv", "true_divide")
CASTS = ("annotate", "unchecked_cast")
NUMBERS = ("int", "float", "bool")


def flattening(given: Sequence[Any]) -> Meaning | None:
    """Returns a Flatten for a view that keeps the first axes of what it views and lays the others in one."""
    tensor, sizes = given if len(given) == 2 else (None, None)
    if not isinstance(tensor, Tensor) or not isinstance(sizes, (list, tuple)) or sizes[-1:] not in ([-1], (-1,)):
        return None
    kept = len(sizes) - 1
    if not kept or list(sizes[:-1]) != [Size(tensor, axis) for axis in range(kept)]:
        return None
    return Meaning("Flatten", {"start_dim": kept, "end_dim": -1}, inputs=(tensor,))


def viewed(given: Sequence[Any]) -> Meaning | None:
    """Returns what gives a tensor other sizes: numbers, sizes of tensors, and at most one that is computed."""
    tensor, sizes = given if len(given) == 2 else (None, None)
    if not isinstance(tensor, Tensor) or not isinstance(sizes, (list, tuple)) or not sizes:
        return None
    shape = [size_told(tensor, place, size) for place, size in enumerate(sizes)]
    if shape.count(-1) > 1 or (shape[0] == -1 and sizes[0] != -1):
        return None
    return Meaning("reshape", {"shape": tuple(shape)}, inputs=(tensor,))


def size_told(tensor: Tensor, place: int, size: Any) -> Any:
    """Returns a size as a configuration has it: None is that of the same axis before, and -1 what is left.

    The first axes of all tensors are the batch's; other axes of other tensors are told by them.
    """
    if type(size) is int:
        return size
    if not isinstance(size, Size) or size.axis is None or (size.times, size.power) != (1, 1):
        return -1
    if size.axis == place and (size.of == tensor or place == 0):
        return None
    return f"x.shape[{size.axis}]" if size.of == tensor else SizeOf(size.of, size.axis)


def scaled_size(name: str, given: Sequence[Any]) -> Size | None:
    """Returns a size that is multiplied or divided by a number, or raised to a power; None for anything else."""
    size, factor = (*given[:2], None, None)[:2]
    if not isinstance(size, Size) or size.axis is None:
        return None
    if name == "sqrt" and size.times == 1:
        return replace(size, power=size.power / 2)
    if not number(factor) or not factor:
        return None
    if name == "pow" and size.times == 1:
        return replace(size, power=size.power * factor)
    if name == "mul" or name in DIVISIONS:
        return replace(size, times=size.times * (factor if name == "mul" else 1 / factor))
    return None


def as_setting(value: Any) -> Any:
    """Returns the size of an axis as a setting that is told by the tensor, and any other value itself."""
    if isinstance(value, Size) and value.axis is not None:
        return SizeOf(value.of, value.axis, value.times, value.power, value.single)
    return value


def is_constant(value: Any) -> bool:
    """Returns whether a value is known."""
    if isinstance(value, (list, tuple)):
        return all(is_constant(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def is_plain(value: Any) -> bool:
    """Returns whether a value is a number, or the size of an axis."""
    return isinstance(value, (bool, int, float, Size))
