"""What follows what in whole modules: a `Sequential` calls its modules in their order, each on what the last returns.

https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/container.py

What other modules do with those inside them stands in no pickle, and so it is not known; but an attention leaves its
results to the projection inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile

from weightwise.stored import Call, Tensor

SEQUENTIAL = ("Sequential", "torch.nn.modules.container")
ATTENTION = ("MultiheadAttention", "torch.nn.modules.activation")
UNKNOWN = Tensor("")
"""What no module here is known to return."""


def calls_in(names: Iterable[str], classes: Mapping[str, tuple[str, str]]) -> dict[str, tuple[Call, ...]]:
    """Returns the call of each named module that a Sequential calls, from the classes of all modules by dotted name.

    The names are those of modules that hold arrays or no other modules, in the order of the file.
    """
    calls: dict[str, tuple[Call, ...]] = {}
    before: str | None = None
    for name in names:
        if classes.get(name) == ATTENTION:
            calls[name] = (Call((UNKNOWN,) * 3),)
        elif before is not None and classes.get(before) == ATTENTION and name == f"{before}.out_proj":
            calls[name] = (Call((Tensor(before),)),)
        elif name and classes.get(owner(name)) == SEQUENTIAL:
            follows = before is not None and in_turn(before, name, classes)
            calls[name] = (Call((Tensor(before) if follows and before is not None else UNKNOWN,)),)
        before = name
    return calls


def in_turn(one: str, other: str, classes: Mapping[str, tuple[str, str]]) -> bool:
    """Returns whether nothing but Sequentials holds either of two modules, as far up as they are not held together."""
    parts = one.split("."), other.split(".")
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*parts, strict=False)))
    paths = (".".join(path[:count]) for path in parts for count in range(shared, len(path)))
    return all(classes.get(path) == SEQUENTIAL for path in paths)


def owner(name: str) -> str:
    """Returns the name of the module that holds a module."""
    return name.rpartition(".")[0]
