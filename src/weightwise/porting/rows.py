"""The rows of a dense layer behind a Flatten, where no graph tells them.

Keras and Flax lay an image as `(h w c)`, PyTorch as `(c h w)`, and an array of so many rows does not say that there
ever was an image. Where the two frameworks differ and the source has no graph, what its rows are is either told by the
target's graph, or by the caller; a layer whose rows may well be an image is not ported without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from weightwise.axes import Axes, Bound, parse
from weightwise.axes.terms import Name
from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.ops.dense import Dense
from weightwise.ops.operation import Operation
from weightwise.ops.spatial import Filtering
from weightwise.porting.bare import operation_of
from weightwise.records import dataclass

CHANNELS_FIRST = ("PyTorch",)
"""Frameworks that keep the channels of images before their spatial axes."""
SPATIAL = ("d", "h", "w", "position")


@dataclass(frozen=True)
class Rows:
    """What the rows of a layer are: the sizes of the axes of an image, by their names."""

    sizes: Mapping[str, int]
    laid: str = ""
    """The axes in the order of the source, where the names of its arrays tell it; else its framework's."""

    def own(self, framework: str) -> str:
        """Return the axes in the order of a source of this framework."""
        return self.laid or self.axes(framework)

    def axes(self, framework: str) -> str:
        """Return the axes in the order in which a framework flattens them."""
        spatial = [name for name in SPATIAL if name in self.sizes]
        return " ".join(["c", *spatial] if framework in CHANNELS_FIRST else [*spatial, "c"])


def differ(source: str, target: str) -> bool:
    """Return whether two frameworks flatten in another order."""
    return (source in CHANNELS_FIRST) != (target in CHANNELS_FIRST)


def rows_said(text: str) -> Rows | None:
    """Return what the caller says of a layer's rows: `c 64 h 12 w 12`; None for `in`, which is no image.

    Raises `UnsupportedError` for anything else.
    """
    if text.strip() == "in":
        return None
    pairs = re.findall(r"([a-z]+)\s+([0-9]+)", text)
    sizes = {name: int(size) for name, size in pairs}
    if (
        not pairs
        or "c" not in sizes
        or not set(sizes) <= {"c", *SPATIAL}
        or re.sub(r"[a-z]+\s+[0-9]+", "", text).strip()
    ):
        raise UnsupportedError(f"--rows: expected sizes such as 'c 64 h 12 w 12', or 'in' for no image, found {text!r}")
    return Rows(sizes)


def rows_told(bound: Bound | None) -> Rows | None:
    """Return what the axes of an array tell of its rows; None where they are no image."""
    for dimension in bound.dimensions if bound else ():
        sizes = {factor.name: factor.size for factor in dimension.factors}
        if len(sizes) > 1 and "c" in sizes and set(sizes) <= {"c", *SPATIAL}:
            return Rows(sizes)
    return None


def rows_known(model: Model) -> dict[str, Rows]:
    """Return what the rows of layers are where a source without a graph tells it by the names of its arrays."""
    if model.has_graph:
        return {}
    found = ((weight.layer, rows_told(weight.bound)) for weight in model.weights)
    return {layer: replace(rows, laid=" ".join(rows.sizes)) for layer, rows in found if rows is not None}


def rearranged(bound: Bound, rows: Rows, source: str, target: str) -> tuple[Bound, str]:
    """Return the axes of an array with its rows as the source lays them, and the same as the target does.

    Raises `UnsupportedError` where it has no such rows.
    """
    own, wanted = (with_rows(bound.axes, axes) for axes in (rows.own(source), rows.axes(target)))
    return parse(own).bind(bound.shape, {**bound.sizes, **rows.sizes}), wanted


def with_rows(axes: Axes, merged: str) -> str:
    """Return axes with what was flattened in the place of `in`.

    >>> with_rows(parse("out in"), "c h w")
    'out (c h w)'
    """
    return " ".join(f"({merged})" if term == Name("in") else str(term) for term in axes.terms)


def check_told(model: Model, target: str, said: Mapping[str, Rows | None]) -> None:
    """Raise `UnsupportedError` for a dense layer whose rows may be an image, of which nothing is said.

    They may be one where they are a multiple of the channels of a convolution, and not what the layer before returns.
    """
    if not differ(model.stored.framework, target):
        return
    for layer, channels in suspects(model):
        if layer.name not in said:
            raise UnsupportedError(
                f"{model.stored.path}: the {_size(layer, 'in'):,} rows of {layer.name} may be an image of {channels} "
                f"channels that was flattened, which {target} lays in another order, and the file has no graph that "
                f"tells it; say --rows '{layer.name}=c {channels} h H w W', or --rows '{layer.name}=in' if it is none"
            )


def suspects(model: Model) -> Iterator[tuple[Layer, int]]:
    """Yield the dense layers whose rows may be a flattened image, with the channels that it would have."""
    layers = [layer for layer in model.walk() if not layer.is_model and layer.weights]
    operations = [_operation(layer, model.stored.framework) for layer in layers]
    pairs = list(zip(layers, operations, strict=True))
    found = {_size(layer, "out") or 0 for layer, operation in pairs if isinstance(operation, Filtering)}
    before: int | None = None
    for layer, operation in pairs:
        size = _size(layer, "in") or 0
        channels = [count for count in found if 0 < count < size and size % count == 0]
        told = any(rows_told(weight.bound) for weight in layer.weights)
        if isinstance(operation, Dense) and channels and size != before and not told:
            yield layer, max(channels)
        before = _size(layer, "out") or before


def _operation(layer: Layer, framework: str) -> Operation | None:
    try:
        return operation_of(layer, framework)
    except UnsupportedError:
        return None


def _size(layer: Layer, name: str) -> int | None:
    """Return the size of an axis of a layer's arrays."""
    found = (weight.bound.sizes.get(name) for weight in layer.weights if weight.bound is not None)
    return next((size for size in found if size is not None), None)
