"""Blocks of the same structure, told once: of `layers.0` … `layers.79` that are alike, one stands for all eighty.

Blocks are told apart by the numbers in the names of their layers. They are alike where the same layers with the same
operations hold the same arrays, by name, shape, dtype and axes; a block that differs in anything stays by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from weightwise.model import Layer, Weight
from weightwise.records import dataclass

FEWEST = 3
"""So many blocks are folded; two are told faster than a range of them."""


@dataclass(frozen=True)
class Fold:
    """Layers that are alike, each from one of several blocks; most often one layer alone."""

    name: str
    """The layer's name, with ranges where it stands for several: `layers.0–79.mlp`."""
    members: tuple[Layer, ...]
    """In the order of their blocks."""

    @property
    def first(self) -> Layer:
        """The layer that stands for all."""
        return self.members[0]

    @property
    def times(self) -> int:
        """How many layers it stands for."""
        return len(self.members)


@dataclass(frozen=True)
class _Item:
    """A fold, with the components of its name from some depth on."""

    components: tuple[str, ...]
    fold: Fold
    structure: object
    """What layers have in common that are alike."""


def unfolded(layers: Sequence[Layer]) -> list[Fold]:
    """Return every layer by itself."""
    return [Fold(layer.name, (layer,)) for layer in layers]


def folded(layers: Sequence[Layer]) -> list[Fold]:
    """Return the layers, those of blocks that are alike as one; numbered blocks stand in the order of their numbers."""
    split = re.compile(r"(?<=[./])").split
    items = [_Item(tuple(split(layer.name)), Fold("", (layer,)), _structure(layer)) for layer in layers]
    return [Fold("".join(item.components), item.fold.members) for item in _folded(items)]


def _folded(items: Sequence[_Item]) -> list[_Item]:
    """Return items with the blocks folded at the first component of their names and below."""
    if len(items) == 1:
        return list(items)
    groups: dict[str, list[_Item]] = {}
    for item in items:
        groups.setdefault(item.components[0] if item.components else "", []).append(item)
    if list(groups) == [""]:
        return list(items)
    blocks = [(name, _below(name, members)) for name, members in groups.items()]
    result: list[_Item] = []
    for _, run in groupby(_natural(blocks), key=_Run()):
        result += _told(list(run))
    return result


def _below(name: str, items: Sequence[_Item]) -> list[_Item]:
    """Return what stands below one component, folded, without the component."""
    return _folded([_Item(item.components[1:], item.fold, item.structure) for item in items]) if name else list(items)


def _natural(blocks: Sequence[tuple[str, list[_Item]]]) -> Iterator[tuple[str, list[_Item]]]:
    """Yield the blocks with the numbered ones in the order of their numbers, all where the first of them stands."""
    numbered = sorted(
        (block for block in blocks if _number(block[0]) is not None), key=lambda block: _number(block[0]) or 0
    )
    for block in blocks:
        if _number(block[0]) is None:
            yield block
        elif numbered:
            yield from numbered
            numbered = []


def _number(component: str) -> int | None:
    text = component.rstrip("./")
    return int(text) if text.isascii() and text.isdecimal() else None


class _Run:
    """Gives blocks that may be told as one the same key: numbers that follow each other, and the same structure."""

    def __init__(self) -> None:
        self._run = 0
        self._number: int | None = None
        self._structure: object = None

    def __call__(self, block: tuple[str, list[_Item]]) -> int:
        name, items = block
        number, structure = _number(name), [(item.components, item.structure) for item in items]
        follows = number is not None and self._number is not None and number == self._number + 1
        if not (follows and structure == self._structure):
            self._run += 1
        self._number, self._structure = number, structure
        return self._run


def _structure(layer: Layer) -> object:
    """Return what layers have in common that are alike."""
    return (layer.class_name, layer.operation, layer.outputs, tuple(map(_form, layer.weights)))


def _form(weight: Weight) -> object:
    tied = bool(weight.stored.tied)
    return (
        weight.name,
        weight.shape,
        weight.dtype,
        weight.bound,
        weight.readings,
        weight.evidence,
        weight.trainable,
        tied,
    )


def _told(run: Sequence[tuple[str, list[_Item]]]) -> Iterator[_Item]:
    """Yield the items of a run of blocks that are alike: as one, or block by block where they are few."""
    if len(run) < FEWEST:
        for name, items in run:
            yield from (_Item((name, *item.components), item.fold, item.structure) for item in items)
        return
    first, last = run[0][0], run[-1][0]
    name = f"{_number(first)}–{_number(last)}{first[len(first.rstrip('./')) :]}"
    for alike in zip(*(items for _, items in run), strict=True):
        members = tuple(layer for item in alike for layer in item.fold.members)
        yield _Item((name, *alike[0].components), Fold("", members), (len(members), alike[0].structure))
