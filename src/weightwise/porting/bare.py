"""What a layer computes, as far as its weights tell: enough to port them, where a file has no configuration.

The roles and axes of its arrays say whether a layer is a convolution, a normalization or an LSTM, and its sizes. What
no array says, such as strides and padding, has a neutral value here; nothing is computed with these operations.
"""

from __future__ import annotations

from collections.abc import Mapping

from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Weight
from weightwise.ops.cells import Cell, GruCell, LstmCell, SimpleCell
from weightwise.ops.conv import Conv
from weightwise.ops.dense import Dense
from weightwise.ops.embedding import Embedding
from weightwise.ops.norm import BatchNorm, LayerNorm, Norm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.ops.spatial import Filtering
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window
from weightwise.records import dataclass

WINDOW = ("kd", "kh", "kw")
OUT_FIRST = ("PyTorch",)
"""Frameworks whose convolutions have their outputs first, and transposed ones their inputs; others have it reversed."""


@dataclass(frozen=True)
class _Arrays:
    """The arrays of a layer by their roles, those of one role in the order of the layer."""

    roles: Mapping[str, tuple[Weight, ...]]
    framework: str

    def size(self, role: str, name: str) -> int:
        """Return the size of an axis; raises `UnsupportedError` where it is not known."""
        for weight in self.roles[role]:
            if weight.bound is not None and name in weight.bound.sizes:
                return weight.bound.sizes[name]
        raise UnsupportedError(f"{self.roles[role][0].path}: the size of its axis {name} is not known")

    def names(self, role: str) -> list[str]:
        """Return the names of an array's axes in stored order."""
        bound = self.roles[role][0].bound
        return [factor.name for factor in bound.factors] if bound else []

    def has(self, role: str) -> bool:
        return role in self.roles

    def out_first(self) -> bool:
        """Return whether convolutions have their outputs first; without a framework the kernel's name tells it."""
        return self.framework in OUT_FIRST or (not self.framework and self.roles["kernel"][0].name == "weight")


def operation_of(layer: Layer, framework: str) -> Operation:
    """Return what a layer computes, or of one without a configuration what its arrays say of it.

    Raises `UnsupportedError` for what they leave open.
    """
    if layer.operation is not None:
        return layer.operation
    for weight in layer.weights:
        if weight.bound is None:
            raise UnsupportedError(f"{weight.path}: its axes are unknown{_settled(weight)}")
    roles: dict[str, tuple[Weight, ...]] = {}
    for weight in layer.weights:
        roles[weight.role] = (*roles.get(weight.role, ()), weight)
    found = _operation(_Arrays({role: own for role, own in roles.items() if role != "-"}, framework))
    if found is None:
        raise UnsupportedError(f"{layer.name}: its arrays alone do not tell what it computes ({', '.join(roles)})")
    return found


def _settled(weight: Weight) -> str:
    """Return what settles the axes of an array, with the readings that are left."""
    if not weight.readings:
        return "; port into a target whose graph tells them, with --into"
    lines = " or ".join(f"--axes '{weight.path}={reading}'" for reading in weight.readings)
    return f"; settle them with {lines}, or port into a target whose graph tells them, with --into"


def _operation(arrays: _Arrays) -> Operation | None:
    roles = set(arrays.roles)
    if {"forward/kernel", "backward/kernel"} <= roles:
        onward, backward = (_within(arrays, side) for side in ("forward", "backward"))
        return Bidirectional(Recurrent(_cell(onward)), Recurrent(_cell(backward), backwards=True))
    if "recurrent_kernel" in roles:
        return Recurrent(_cell(arrays))
    if roles <= {"kernel", "bias"} and "kernel" in roles:
        return _product(arrays)
    if roles == {"table"}:
        return Embedding(arrays.size("table", "vocab"), arrays.size("table", "features"))
    if roles <= {"gamma", "beta", "mean", "variance"}:
        kind = BatchNorm if "mean" in roles else LayerNorm
        return kind((-1,), scale="gamma" in roles, center="beta" in roles)
    return None


def _within(arrays: _Arrays, prefix: str) -> _Arrays:
    inner = {
        role.removeprefix(f"{prefix}/"): own for role, own in arrays.roles.items() if role.startswith(f"{prefix}/")
    }
    return _Arrays(inner, arrays.framework)


def _product(arrays: _Arrays) -> Operation:
    """Return a dense layer or a convolution, which may be transposed."""
    names, bias = arrays.names("kernel"), arrays.has("bias")
    spatial = [name for name in WINDOW if name in names]
    out = arrays.size("kernel", "out")
    if not spatial:
        return Dense(out, bias)
    size = tuple(arrays.size("kernel", name) for name in spatial)
    ones = (1,) * len(size)
    window = Window(size, ones, ones, "valid")
    places = [name.split("/")[0] for name in names]
    turned = (places.index("out") < places.index("in")) != arrays.out_first()
    return (TransposedConv if turned else Conv)(window, out, bias=bias)


def _cell(arrays: _Arrays) -> Cell:
    """Return the cell of a recurrent layer, which its gates tell."""
    units, bias = arrays.size("recurrent_kernel", "units"), arrays.has("bias")
    biases = arrays.roles.get("bias", ())
    sides = any(weight.at.startswith("side=") or "side" in _labelled(weight) for weight in biases)
    gates = _gates(arrays.roles["kernel"])
    if gates == {"i", "f", "g", "o"}:
        return LstmCell(units, bias, two_biases=sides)
    if gates == {"z", "r", "h"}:
        if not sides:
            raise UnsupportedError(
                f"{arrays.roles['kernel'][0].path}: nothing tells whether this GRU resets its state before or after "
                "the recurrent product"
            )
        return GruCell(units, bias)
    if not gates:
        return SimpleCell(units, bias, two_biases=sides)
    raise UnsupportedError(
        f"{arrays.roles['kernel'][0].path}: no cell is known whose gates are {' '.join(sorted(gates))}"
    )


def _gates(kernels: tuple[Weight, ...]) -> set[str]:
    whole = {label for weight in kernels for label in _labelled(weight).get("gate", ())}
    return whole | {weight.at.removeprefix("gate=") for weight in kernels if weight.at.startswith("gate=")}


def entering(operation: Operation, layer: Layer) -> tuple[Shape, ...]:
    """Return the shape of what a layer reads, as far as it is told: its channels, and one per group where none are.

    Empty for operations that take inputs of any number of axes.
    """
    axis = "in" if isinstance(operation, Filtering) else operation.input_axis
    bounds = [weight.bound for weight in layer.weights if weight.bound is not None]
    sizes = {factor.name: factor.size for bound in reversed(bounds) for factor in reversed(bound.factors)}
    groups = operation.groups if isinstance(operation, Conv | TransposedConv) else 1
    size = sizes.get(axis, groups * sizes.get(f"{axis}/groups", 1))
    opened = operation.open_shape()
    if not axis or isinstance(operation, Norm | Embedding):
        return ()
    if isinstance(operation, Filtering) and opened is not None:
        spatial = (None,) * (len(opened) - 2)
        return ((None, size, *spatial) if operation.channels_first else (None, *spatial, size),)
    return ((None, None, size) if isinstance(operation, Recurrent | Bidirectional) else (None, size),)


def _labelled(weight: Weight) -> dict[str, tuple[str, ...]]:
    return {factor.name: factor.labels for factor in weight.bound.factors if factor.labels} if weight.bound else {}
