"""The rows of which every table of conventions is made, and what a table says of one layer.

A row is data: which array of which layer, its role in the neutral operation, its axes in the language of
`weightwise.axes`, and a predicate of the layer's configuration where the array is not always there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from weightwise.ops.operation import Operation, Shape
from weightwise.records import dataclass

Config = Mapping[str, Any]
Shapes = Sequence[Shape]


def always(config: Config) -> bool:
    """Return True: the array is there in every configuration."""
    return True


@dataclass(frozen=True)
class Made:
    """An array of zeros that the framework makes when it loads a file, because its own files do not have it."""

    dtype: str
    itemsize: int
    """Size of a value in bytes."""
    reason: str
    """Why it is not in the file, as a sentence."""


@dataclass(frozen=True)
class Row:
    """One array of one class of layers."""

    layer: str
    """The class name, or several with a space between them."""
    name: str
    """The framework's own name of the variable."""
    role: str
    """The role that the operation gives it; `-` for one that does not enter the output (counts, seeds)."""
    axes: str
    when: Callable[[Config], bool] = always
    trainable: bool = True
    slot: int | None = None
    """Its number in the file where that is not its place among the rows."""
    inside: str = ""
    """The layer inside that stores it, with numbers of its own: `query_dense`."""
    formerly: str = ""
    """What that layer inside was called in older files, where it was called otherwise: `_query_dense`."""
    made: Made | None = None
    """What the framework makes in its place, for an array that its own file does not have."""
    expand: Callable[[Config, Shapes], Mapping[str, str]] | None = None
    """Supplies the axes of `...name` from the configuration."""
    sizes: Callable[[Config], Mapping[str, int]] | None = None
    """Supplies sizes that the configuration fixes and the operation does not know."""
    at: str = ""
    """The block of a named axis that the array is, of an array that the operation takes whole: `gate=i`."""


@dataclass(frozen=True)
class Part:
    """A layer inside a layer: the cell of an LSTM, the forward half of a Bidirectional."""

    key: str
    """Where the file stores it: `cell`, `forward_layer`, `cells/lstm_cell_1`."""
    class_name: str
    config: Config
    inputs: Shapes = ()
    """The shapes of its inputs, as the layer around it hands them on."""
    role: str = ""
    """The prefix of its roles in the whole operation; empty when there is only one part."""
    prefix: str = ""
    """The prefix of its variables' names."""
    follows: bool = False
    """Whether it reads what the part before it returns."""


@dataclass(frozen=True)
class Slot:
    """One array that a layer must have, with everything that the table and the configuration say of it."""

    key: str
    """Where the file stores it within the layer: `0`, `cell/1`; empty where the framework's own file does not."""
    name: str
    role: str
    axes: str
    trainable: bool
    sizes: Mapping[str, int] = field(default_factory=dict)
    """What the configuration and the input shapes fix."""
    made: Made | None = None
    """What the framework makes in its place, for an array that its own file does not have."""
    neutral: str = ""
    """The axes in which the operation takes it; empty for one that does not enter the output."""
    scope: str = ""
    """Arrays of one scope share the sizes of their axes."""
    former: str = ""
    """Its key in older files, where it was another."""
    copies: tuple[str, ...] = ()
    """Other keys under which the file stores the same array again."""
    at: str = ""
    """The block of a named axis that the array is, of an array that the operation takes whole: `gate=i`."""
    note: str = ""
    """What else must be said of it, as a clause: `weight_g and weight_v stand for weight = g · v / |v|`."""


@dataclass(frozen=True)
class Description:
    """What a table of conventions says of one layer."""

    operation: Operation | None
    slots: tuple[Slot, ...]
    """The layer's arrays in the order of its `get_weights()`."""
    note: str = ""
    """Why the operation cannot be told although the arrays can."""
