"""What one number of an array does when the model runs: what it multiplies, and what it or its product is added to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from weightwise.answers.explain import flattened_source, layer_axes
from weightwise.answers.meaning import WINDOW, axis_meaning, label_name
from weightwise.answers.neighbours import arrivals
from weightwise.answers.roles import part_name, role_meaning
from weightwise.axes import Coordinate
from weightwise.model import Layer, Model, Weight
from weightwise.ops.operation import Shape, spatial_axes, spatial_names, split_shape
from weightwise.ops.reckoning import NOUNS
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.spatial import Filtering
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window, times
from weightwise.records import dataclass

Coordinates = Mapping[str, Coordinate]

VARIABLES = {"d": "z", "h": "y", "w": "x", "position": "t"}
"""What a place along a spatial axis is called where every place is meant."""
MAKES = frozenset({"gate", "side", "part", "direction"})
"""Labelled axes that tell apart what is made, also where there is an `out` beside them."""
_BETWEEN = "what the depthwise step makes"


def effect(model: Model, layer: Layer, weight: Weight, index: Sequence[int]) -> str:
    """Return what the number at `index` does, as a clause whose subject it is; empty where its axes are unknown."""
    if weight.bound is None:
        return ""
    read, made = sides({**_block(weight), **weight.bound.position(index)})
    window = {name: at for name, at in read.items() if name in WINDOW}
    values = {name: at for name, at in read.items() if name not in WINDOW}
    read_at, made_at = _whereabouts(layer, window)
    return role_meaning(weight.role, layer.operation).effect.format(
        read=_read(model, layer, weight, index, values) + read_at,
        made=_made(layer, weight, made) + made_at,
    )


def _block(weight: Weight) -> dict[str, Coordinate]:
    """Return the place along the axis of which the array is one block: `gate` `f`."""
    axis, _, label = weight.at.partition("=")
    return {axis: label} if label else {}


def sides(position: Coordinates) -> tuple[dict[str, Coordinate], dict[str, Coordinate]]:
    """Return the coordinates of what is read, and of what is made; shares of groups count as the whole that they are.

    A depthwise kernel reads a channel and makes some of that channel's own, so `in` is on both sides.
    """
    whole = {name: at for name, at in position.items() if name != "groups" and not name.endswith("/groups")}
    made = _makers(whole)
    return {name: at for name, at in whole.items() if name not in made or name == "in"}, {
        name: at for name, at in whole.items() if name in made
    }


def _makers(names: Coordinates) -> set[str]:
    outputs = {name for name in names if name == "out" or name.startswith(("out_", "each_"))}
    if "vocab" in names and names.keys() <= {"vocab", "in"}:  # scores of tokens, and no table of them
        outputs.add("vocab")
    if outputs:
        return outputs | (MAKES & names.keys())
    if "mult" in names:
        return {"in", "mult"}
    return {name for name in names if not axis_meaning(name).reads}


def _read(model: Model, layer: Layer, weight: Weight, index: Sequence[int], read: Coordinates) -> str:
    flattened = flattened_source(model, layer, weight)
    if flattened is not None:
        return f"value {index[0]} of what arrives, which is {_listed(layer, read)} of the output of {flattened.name}"
    if "mult" in read:
        return f"channel {_multiplied(weight, read)} of {_BETWEEN}"
    if "heads" in read:
        return f"{_listed(layer, read)} of what the heads hand on"
    source = f" of {_source(model, layer, weight)}" if "in" in read else ""
    step = " at each step" if "in" in read and isinstance(layer.operation, Recurrent | Bidirectional) else ""
    return _listed(layer, read) + source + step


def _source(model: Model, layer: Layer, weight: Weight) -> str:
    cell = re.search(r"(\d+)/", weight.role)
    if cell and int(cell[1]):
        return f"the output of cell {int(cell[1]) - 1}"
    arriving = arrivals(model, layer)
    if len(arriving) != 1 or len(layer.calls) != 1:
        return "what arrives"
    return f"the output of {arriving[0].layer.name}" if arriving[0].layer else "the model's input"


def _made(layer: Layer, weight: Weight, made: Coordinates) -> str:
    text = f"channel {_multiplied(weight, made)}" if "mult" in made else _listed(layer, made)
    if weight.role == "depthwise":
        return f"{text} of {_BETWEEN}"
    part = part_name(weight.role)
    if part:
        return f"{text}, for {part}"
    windowed = not WINDOW.isdisjoint(layer_axes(layer))
    return f"{text} of the output" if windowed or any(name.startswith(("out_", "each_")) for name in made) else text


def _multiplied(weight: Weight, position: Coordinates) -> int:
    """Return the channel that filter `mult` of channel `in` makes: the filters of one channel lie side by side."""
    sizes = {axis.name: axis.size for axis in weight.axes}
    return int(position["in"]) * sizes["mult"] + int(position["mult"])


def _listed(layer: Layer, position: Coordinates) -> str:
    return ", ".join(_short(layer, name, at) for name, at in position.items()) or "it"


def _short(layer: Layer, name: str, at: Coordinate) -> str:
    label = label_name(name, at) if isinstance(at, str) else ""
    return axis_meaning(name, layer_axes(layer)).short.format(at=at, label=label)


# ---- where a window meets what it reads


def _whereabouts(layer: Layer, window: Coordinates) -> tuple[str, str]:
    """Return where the element of a window reads, and where it makes, to follow what it reads and makes."""
    operation = layer.operation
    if not isinstance(operation, Filtering):
        return (f" at {_listed(layer, window)} of the window" if window else ""), ""
    if not window:
        return "", f", at each of its {_count(operation, layer.outputs)}places"
    reaches = _reaches(layer, operation, window)
    here, there = _places(_variables(operation)), _places({axis: reach.text for axis, reach in reaches.items()})
    if isinstance(operation, TransposedConv):
        return f" at {here}, each of its {_count(operation, layer.inputs)}places", f" at {there}"
    outside = " (a zero of the padding where that lies outside)" if any(r.outside for r in reaches.values()) else ""
    return f" at {there}{outside}", f" at {here}, each of its {_count(operation, layer.outputs)}places"


@dataclass(frozen=True)
class _Reach:
    """Where an element of a window lies along one axis when the window is at `y`."""

    text: str
    outside: bool
    """Whether it lies outside of what arrives at some place of the window."""


def _variables(operation: Filtering) -> dict[str, str]:
    """Return the name of each spatial axis with the variable that stands for a place of it."""
    return {axis: VARIABLES[axis] for axis in spatial_axes(operation.rank, False)[:-1]}


def _places(places: Mapping[str, str]) -> str:
    return ", ".join(f"{NOUNS[axis]} {place}" for axis, place in places.items())


def _sizes(operation: Filtering, shapes: Sequence[Shape | None]) -> Shape:
    """Return the spatial sizes of the first tensor, open ones where it is not known."""
    if not shapes or shapes[0] is None:
        return (None,) * operation.rank
    return split_shape(shapes[0], operation.channels_first)[0]


def _count(operation: Filtering, shapes: Sequence[Shape | None]) -> str:
    sizes = _sizes(operation, shapes)
    return "" if None in sizes else f"{times([size for size in sizes if size is not None])} "


def _reaches(layer: Layer, operation: Filtering, window: Coordinates) -> dict[str, _Reach]:
    """Return where the element lies along each spatial axis."""
    names = spatial_names(operation.rank).split()
    inputs, outputs = _sizes(operation, layer.inputs), _sizes(operation, layer.outputs)
    return {
        axis: _reach(operation.window, number, inputs[number], outputs[number], variable, int(window[names[number]]))
        for number, (axis, variable) in enumerate(_variables(operation).items())
    }


def _reach(window: Window, number: int, size: int | None, count: int | None, variable: str, element: int) -> _Reach:
    """Return `y·stride + element·dilation - padding`, as short as it is, for `count` places of the window."""
    stride, step = window.strides[number], element * window.dilation[number]
    start = f"{stride}·{variable}" if stride > 1 else variable
    if size is None and window.padding == "same" and stride > 1:
        return _Reach(f"{start} + {step} - the padding before", True)
    offset = step - window.around(number, size or 0)[0]
    outside = offset < 0 or (size is not None and count is not None and (count - 1) * stride + offset >= size)
    return _Reach(f"{start} {'+' if offset > 0 else '-'} {abs(offset)}" if offset else start, outside)
