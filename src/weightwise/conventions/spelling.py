"""How an operation is spelled in a framework: the layers of it that compute the operation, and what fills their arrays.

This is the other direction of a table of conventions. A table says what a class computes; a spelling says which
classes, with which settings, compute an operation: a convolution with a `relu` is one layer of Keras and two modules of
PyTorch, and a separable convolution is two convolutions there. What fills the arrays is said in roles of operations,
never in shapes, and what is not an arrangement but a change of value has a name of its own (`Summed`, `Alone`,
`Filled`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field

from weightwise.conventions.row import Config
from weightwise.ops.operation import Operation, Shape
from weightwise.records import dataclass

Layout = tuple[int, ...]
"""How the axes of a tensor lie in the target, batch first: its axis k is the source's axis `layout[k]`."""


@dataclass(frozen=True)
class Same:
    """The source's array of a role, under the target's axes."""

    role: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The source's terms by those of the target, where they differ: `groups` is its `in`, `in/groups` its `1`."""


@dataclass(frozen=True)
class Joined:
    """Several arrays of the source that are the blocks of one axis in the target: q, k and v of `part`."""

    axis: str
    roles: Mapping[str, str]
    """The source's role by the label of the block."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What is renamed in one block alone, by its label: `in` is the `key_in` of `k`."""


@dataclass(frozen=True)
class Block:
    """One block of an axis of the source's array: the q of `part`."""

    role: str
    axis: str
    """The axis, or several with a space between them, each with a label: `side gate`, `recurrent h`."""
    label: str
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Summed:
    """The sum of the blocks of an axis, which act as their sum: the two biases of an LSTM. It cannot be taken back."""

    role: str
    axis: str


@dataclass(frozen=True)
class Alone:
    """The source's array as one block of an axis whose other blocks are zero: one bias where the target has two."""

    role: str
    axis: str
    label: str


@dataclass(frozen=True)
class Laid:
    """Arrays of the source as blocks of one in the target, whose other blocks are zero: both biases of a GRU, of which
    one has a number for the candidate alone."""

    places: Mapping[str, str]
    """The blocks that each role of the source is: `side=recurrent gate=h`."""


@dataclass(frozen=True)
class Filled:
    """A constant: the source has no such array, and computes as if it were this."""

    value: float | tuple[float, ...]
    """One number, or one for each place."""
    reason: str
    """Why, as a clause: `the source's BatchNormalization has no gamma`."""
    dtype: str = ""
    """NumPy's name of its dtype; empty for that of the source's other weights."""


Feed = Same | Joined | Block | Summed | Alone | Laid | Filled


@dataclass(frozen=True)
class Output:
    """What a step reads: the output of another step, by its number; or an input of the layer, where that is `INPUT`."""

    step: int
    index: int = 0


INPUT = -1
"""The number that stands for the inputs of the layer."""


@dataclass(frozen=True)
class Step:
    """One layer of the target."""

    class_name: str
    config: Config
    """Its configuration, as the target's table of conventions reads it."""
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    """What fills each role of the operation that this class computes; a role not named is fed by that of the source.

    One block of a role may be filled otherwise than the rest: `bias gate=h`."""
    name: str = ""
    """What its name adds to that of the source's layer: `activation`, `pointwise`; empty for the layer itself."""
    inputs: tuple[Output, ...] = ()
    """What it reads; when empty, the first output of the step before, and for the first all inputs of the layer."""
    arguments: Config = field(default_factory=dict)
    """The other arguments of its call, as in a `Call`; a tensor among them is an `Output`, the last of `inputs`."""


@dataclass(frozen=True)
class Spelled:
    """The layers that compute one operation."""

    steps: tuple[Step, ...]
    outputs: tuple[Output, ...] = ()
    """The outputs of the operation; when empty, the first output of the last step."""
    notes: tuple[str, ...] = ()
    """What differs although the outputs do not, one clause each: `momentum is 1 - 0.99 here`."""
    apart: Mapping[int, tuple[Output, ...]] = field(default_factory=dict)
    """What lies along the first axis of an output that is not among `outputs`, each a tensor of its own: the states of
    all layers of a recurrent module."""


class Speller(ABC):
    """A framework as the target of a port."""

    framework: str
    """Its name, as a `StoredModel` has it: `PyTorch`."""

    @abstractmethod
    def layout(self, operation: Operation, rank: int) -> Layout | None:
        """Return how the inputs must lie for an operation, given as the source has it; None where any layout does.

        `rank` is the number of axes of its first input, with the batch. An operation whose inputs may lie anyhow must
        be one that `conventions.layout.relaid` knows.
        """

    @abstractmethod
    def spelled(self, operation: Operation, inputs: Sequence[Shape]) -> Spelled:
        """Return the layers that compute an operation, for inputs of these shapes, both as they lie in the target.

        Raises `UnsupportedError`, whose text is the reason as a clause, where the framework has nothing for it.
        """

    def like(self, operations: Sequence[Operation]) -> Speller:
        """Return the speller that writes what can be written in two ways as a target that has these operations does."""
        return self

    @abstractmethod
    def permutation(self, order: Layout) -> Step:
        """Return the layer that moves axes: axis k of its output is axis `order[k]` of its input, batch included."""

    def entry(self, shape: Shape) -> Step | None:
        """Return the layer that stands for an input of the model; None where the framework has none."""
        return None
