"""Two files of one known architecture: which array of the one is which of the other, whatever the files call them.

Both names rest on rules that cite what the arrays are, so nothing is matched by order or by shape. What is left is to
lay each array as the other file has it, by the axes of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from weightwise.axes import Bound
from weightwise.conventions.architectures import PAIRED, SHARED, Recognition, identities
from weightwise.conventions.architectures.family import Family
from weightwise.conventions.choice import architecture_of
from weightwise.errors import AxesError, UnsupportedError
from weightwise.model import Model, Weight
from weightwise.porting.feeding import Fed, moved
from weightwise.records import dataclass

TIED = "tied"
"""What a family's `unsaid` calls the setting that ties arrays."""

LOOKED_UP = {"features": "in"}
"""What an embedding makes of a token is what the layer that is tied to it reads."""


@dataclass(frozen=True)
class Known:
    """A model of a known architecture."""

    model: Model
    recognition: Recognition
    arrays: Mapping[str, Weight]
    """Its arrays by what they are in the architecture, those that do not enter the output left out."""

    @property
    def path(self) -> str:
        """The model's file."""
        return self.model.stored.path

    @property
    def family(self) -> Family:
        """What it is."""
        return self.recognition.family

    @property
    def config(self) -> Mapping[str, object]:
        """What the configuration beside the file says."""
        return self.model.stored.root.config

    def in_block(self, weight: Weight) -> bool:
        """Return whether an array is in one of the blocks of the architecture."""
        found = self.recognition.arrays.get(weight.stored.path)
        return found is not None and found[0].name.startswith(self.family.blocks)

    def owner(self, name: str) -> Weight | None:
        """Return the array whose values one has, where the file says that they are tied, or has both as one."""
        owner = self.arrays.get(self.family.owners.get(name, ""))
        if owner is None:
            return None
        own = self.arrays.get(name)
        same = own is not None and (own.stored.tied == owner.stored.path or owner.stored.tied == own.stored.path)
        return owner if same or self.config.get(self.family.unsaid.get(TIED, "")) is True else None

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The sizes that heads have, as far as they are known."""
        bounds = [weight.bound for weight in self.arrays.values() if weight.bound is not None]
        return {name: bound.sizes[name] for bound in bounds for name in SHARED if name in bound.sizes}


@dataclass(frozen=True)
class Pair:
    """An array of the target, and the array of the source that it is."""

    source: Weight
    target: Weight
    tied: bool = False
    """Whether one side has it only as another array, to which that side ties it."""


@dataclass(frozen=True)
class Siblings:
    """Two models of one architecture."""

    source: Known
    target: Known
    pairs: tuple[Pair, ...]
    """In the order of the target."""
    tied: tuple[Pair, ...]
    """The arrays of the source that the target ties to others, each with the one of the target that it is tied to."""
    missing: tuple[Weight, ...]
    """What the target has and the source does not."""
    left: tuple[Weight, ...]
    """What the source has and the target does not."""

    @property
    def omitted(self) -> tuple[Pair, ...]:
        """The arrays of the source that the target has only as others."""
        taken = {pair.source.index for pair in self.pairs if not pair.tied}
        return tuple(pair for pair in self.tied if pair.source.index not in taken)

    def fed(self, pair: Pair) -> Fed:
        """Return an array of the source as the target has it; raises `UnsupportedError` where that cannot be told."""
        own, wanted = self.bound(pair.source), self.bound(pair.target)
        if paired(own) != paired(wanted):
            file, silent = (self.target, pair.target) if paired(own) else (self.source, pair.source)
            raise UnsupportedError(f"{file.path}: {silent.stored.path} cannot be arranged: {_unpaired(silent)}")
        try:
            found = moved(pair.source, own, str(wanted.axes), LOOKED_UP if pair.tied else None)
        except AxesError as error:
            raise UnsupportedError(self.reason(pair, own, error)) from None
        if found.shape != pair.target.shape:
            raise UnsupportedError(
                f"{self.target.path}: {pair.target.stored.path} has the shape {pair.target.shape}, and "
                f"{pair.source.stored.path} of the source would have {found.shape} there"
            )
        return found

    def bound(self, weight: Weight) -> Bound:
        """Return the axes of an array with the sizes of heads that either file tells; raises `UnsupportedError`."""
        if weight.bound is None:
            raise UnsupportedError(f"{weight.path}: its axes are unknown, so it cannot be arranged: {weight.note}")
        names = weight.bound.axes.names
        told = {name: size for name, size in self.sizes.items() if name in names}
        try:
            return weight.bound.axes.bind(weight.shape, {**weight.bound.sizes, **told}, what=weight.path)
        except AxesError as error:
            raise UnsupportedError(f"{error}; the sizes of heads are those of the other file") from None

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The sizes of heads that either file tells; raises `UnsupportedError` where they differ."""
        one, other = self.source.sizes, self.target.sizes
        for name in one.keys() & other.keys():
            if one[name] != other[name]:
                raise UnsupportedError(
                    f"{self.target.path}: the size of {name} is {other[name]} there, and {one[name]} in the source"
                )
        return {**one, **other}

    def reason(self, pair: Pair, own: Bound, error: AxesError) -> str:
        """Return why an array cannot be laid as the target has it."""
        known = all(factor.resolved for factor in own.factors)
        return f"{pair.source.path}: {error}" if known else self.unresolved(pair)

    def unresolved(self, pair: Pair) -> str:
        """Return what is wrong where an array is arranged by heads, and their number is not known."""
        return (
            f"{self.source.path}: {pair.source.stored.path} would be arranged by heads, and nothing tells how many "
            "there are; the configuration of the model, beside the file, does"
        )


def _unpaired(weight: Weight) -> str:
    """Return why it is not known which numbers of a head are a pair."""
    return weight.note.partition(";")[0] or "its axes do not say which numbers of a head are turned together"


def paired(bound: Bound) -> bool:
    """Return whether axes say which numbers of a head are a pair."""
    return PAIRED in str(bound.axes)


def known(model: Model) -> Known | None:
    """Return what a model is by the architecture that it is of; None where that is not known."""
    recognition = None if model.has_graph else architecture_of(model.stored)
    if recognition is None:
        return None
    names = identities(recognition, model.stored)
    found = Counter(names.values())
    weights = (weight for weight in model.weights if weight.role != "-")
    own = {names[weight.stored.path]: weight for weight in weights if weight.stored.path in names}
    return Known(model, recognition, {name: weight for name, weight in own.items() if found[name] == 1})


def siblings(source: Model, target: Model) -> Siblings | None:
    """Return two models of one known architecture; None where they are not."""
    one, other = known(source), known(target)
    if one is None or other is None or one.family.name != other.family.name:
        return None
    pairs = [*_pairs(one, other)]
    taken = {pair.target.index for pair in pairs}
    tied = [*_tied(one, other)]
    given = {pair.source.index for pair in (*pairs, *tied)}
    entering = [[weight for weight in model.weights if weight.role != "-"] for model in (source, target)]
    return Siblings(
        one,
        other,
        tuple(sorted(pairs, key=lambda pair: pair.target.index)),
        tuple(tied),
        tuple(weight for weight in entering[1] if weight.index not in taken),
        tuple(weight for weight in entering[0] if weight.index not in given and not weight.stored.tied),
    )


def _pairs(source: Known, target: Known) -> Iterator[Pair]:
    for name, weight in target.arrays.items():
        own = source.arrays.get(name)
        owner = source.owner(name) or (source.arrays.get(target.family.owners[name]) if target.owner(name) else None)
        found = own or owner
        if found is not None:
            yield Pair(found, weight, own is None)


def _tied(source: Known, target: Known) -> Iterator[Pair]:
    """Yield the arrays of the source that are tied to others in the target."""
    for name, weight in source.arrays.items():
        owner = target.owner(name)
        if owner is not None:
            yield Pair(weight, owner, tied=True)
