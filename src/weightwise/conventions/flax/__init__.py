"""Flax's conventions: what each class of linen and of nnx stores, and with which axes.

A file has every array under the path of its module and its own name, `Conv_0/kernel`. The order is that of the
variables as a tree of JAX, which sorts the names: in linen first those of the collection `batch_stats`, then `params`
(https://docs.jax.dev/en/latest/pytrees.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from weightwise.conventions.flax import attention, convolution, dense, functions, normalization, recurrent
from weightwise.conventions.flax.settings import qualified
from weightwise.conventions.row import Config, Description, Row, Shapes, Slot
from weightwise.conventions.rule import Rule
from weightwise.conventions.table import Table

_MODULES = (dense, convolution, normalization, recurrent, attention, functions)

RULES: Mapping[str, Rule] = {name: rule for module in _MODULES for name, rule in module.RULES.items()}
_ROWS: tuple[Row, ...] = tuple(row for module in _MODULES for row in module.ROWS)


def all_rows() -> tuple[Row, ...]:
    """Return the rows of every class."""
    return _ROWS


def _rows(class_name: str) -> tuple[Row, ...]:
    return _ROWS


TABLE = Table(RULES, _rows, by_name=True)
"""The classes by their short names, `linen.Dense` and `nnx.Linear`, and functions by theirs: `relu`."""


def describe(class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what Flax stores for a module of this class, `linen.Dense` or `flax.linen.linear.Dense`, in its order."""
    name = qualified(class_name)
    description = TABLE.describe(name, config, inputs)
    if description is None:
        return None
    order = _in_linen if name.startswith("linen.") else _path
    return replace(description, slots=tuple(sorted(description.slots, key=order)))


def _path(slot: Slot) -> tuple[str, ...]:
    return tuple(slot.key.split("/"))


def _in_linen(slot: Slot) -> tuple[bool, tuple[str, ...]]:
    """Return the place of an array: `batch_stats`, which are not trained, come before `params`."""
    return slot.trainable, _path(slot)


__all__ = ["RULES", "TABLE", "all_rows", "describe", "qualified"]
