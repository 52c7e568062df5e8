"""The variables of printed code: a tensor takes a name that nothing reads any more, or the first that is free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import field
from itertools import chain, count

from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.records import dataclass
from weightwise.stored import StoredLayer, Tensor

NAMES = ("x", "y", "z", "u", "v", "w")
"""What tensors are called, the first that is free; then `x_1`, `x_2` …"""


def check_graph(model: Model) -> None:
    """Raise `UnsupportedError` for a model without a graph."""
    if not model.has_graph:
        raise UnsupportedError(
            f"{model.stored.path}: the file has no graph, so no code can be written that computes it"
        )


@dataclass
class Variables:
    """What the tensors of a network are called, from line to line."""

    root: StoredLayer
    names: dict[Tensor, str] = field(default_factory=dict)
    """What each tensor is called so far; an output that passes an input on has its name."""
    inputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Count who reads what, and name the inputs."""
        self.readers = Counter(tensor for layer in self.root.layers for call in layer.calls for tensor in call.inputs)
        self.readers.update(self.root.outputs)
        self.used: Counter[str] = Counter()
        for tensor in self.root.inputs:
            self.names[tensor] = name = self.free(*NAMES)
            self.used[name] = max(self.readers[tensor], 1)
            self.inputs.append(name)

    def reserved(self) -> Collection[str]:
        """Return the names that no tensor may have."""
        return ()

    def pass_on(self, tensor: Tensor, name: str) -> None:
        """Give a tensor the name of the one that it is."""
        self.names[tensor] = name
        self.used[name] += self.readers[tensor] - 1

    def release(self, read: Sequence[str]) -> None:
        """Count that variables were read."""
        self.used.subtract(read)

    def target(self, tensor: Tensor, read: Sequence[str] = (), names: Sequence[str] = NAMES) -> str:
        """Return the name of an output: that of an input which nothing reads any more, or the first that is free."""
        if not self.readers[tensor]:
            return "_"
        left = sorted((name for name in read if self.used[name] <= 0), key=_place)
        name = left[0] if left else self.free(*names)
        self.names[tensor] = name
        self.used[name] = self.readers[tensor]
        return name

    def free(self, *names: str) -> str:
        """Return the first of some names, or else one with a number, that holds nothing that will be read."""
        numbered = (f"{names[0]}_{number}" for number in count(1))
        candidates = chain(names, numbered)
        return next(name for name in candidates if self.used[name] <= 0 and name not in self.reserved())


def _place(name: str) -> tuple[int, str]:
    """Return what orders the names of tensors: `x` before `y`, these before `x_1`."""
    return (NAMES.index(name) if name in NAMES else len(NAMES), name)
