"""Compares a file with a family of architectures: all of its names, then all of its shapes, then its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from weightwise.axes import Bound, parse
from weightwise.conventions.architectures.family import Family, Pattern
from weightwise.errors import AxesError
from weightwise.stored import StoredArray, StoredLayer, StoredModel

NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")
"""A component of a name that is a number."""
MODEL_TYPE = "model_type"
SHARED = ("heads", "kv_heads", "head_dim")
"""Axes that have one size in all blocks."""

Arrays = Mapping[str, tuple[str, StoredArray]]
"""Arrays by their dotted names, without the prefixes of wrappers, each with the form of its name."""


@dataclass(frozen=True)
class Recognition:
    """What a family says of the arrays of a file."""

    rule: str
    """What it rests on, as a sentence."""
    arrays: Mapping[str, tuple[Pattern, Bound]]
    """By the path of the array; those that the family does not know are not among them."""


@dataclass(frozen=True)
class _Match:
    """Arrays of one shape that have the name of a pattern, in one block where that matters."""

    pattern: Pattern
    shape: tuple[int, ...]
    scope: str
    """The block that they are in; empty where the pattern has no size that only a block shares."""
    paths: list[str]
    """The paths of the arrays."""


def names_of(root: StoredLayer) -> Arrays:
    """Return the arrays of a flat model by their dotted names."""
    owned = {f"{layer.name}.{array.key}": array for layer in root.layers for array in layer.arrays}
    owned |= {array.key: array for array in root.arrays}
    return {name: (general(name), array) for name, array in owned.items()}


def general(name: str) -> str:
    """Return a name with `*` for its numbers.

    >>> general("model.layers.12.mlp.up_proj.weight")
    'model.layers.*.mlp.up_proj.weight'
    """
    return NUMBER.sub("*", name)


def recognition(family: Family, stored: StoredModel, names: Arrays) -> Recognition | None:
    """Return what a family says of a model; None where the model is not of the family, or may be of another."""
    config = stored.root.config
    declared = config.get(MODEL_TYPE) in family.model_types
    if not declared and (MODEL_TYPE in config or not family.by_names):
        return None
    matches = _matches(family, names, declared)
    sizes = _agreed(matches, _settled(family, config)) if matches else None
    if sizes is None or any(one not in sizes or sizes[one] == sizes.get(other) for one, other in _open(family, stored)):
        return None
    bounds = _bounds(matches, sizes)
    if bounds is None:
        return None
    told = ((match.paths, (match.pattern, bound)) for match, bound in zip(matches, bounds, strict=True))
    arrays = {path: pair for paths, pair in told for path in paths}
    rule = f"names and shapes of the arrays are those of {family.name}: {family.source}"
    return Recognition(
        f"the configuration says {config[MODEL_TYPE]}, and the {rule}" if declared else f"the {rule}", arrays
    )


def _open(family: Family, stored: StoredModel) -> tuple[tuple[str, str], ...]:
    """Return the pairs of sizes that must differ: where both configuration and framework are told, none."""
    told = stored.root.config.get(MODEL_TYPE) in family.model_types and stored.framework
    return () if told else family.distinct


def _matches(family: Family, names: Arrays, declared: bool) -> list[_Match]:
    """Return the arrays that have the names of patterns; none where one is missing, or an array is too much."""
    if not {form for form, _ in names.values()}.issuperset(map(general, family.required)):
        return []
    by_form: dict[str, list[Pattern]] = {}
    for pattern in family.patterns:
        by_form.setdefault(general(pattern.name), []).append(pattern)
    matches: dict[object, _Match] = {}
    for name, (form, array) in names.items():
        found = next(_fitting(by_form.get(form, ()), name, form, len(array.shape)), None)
        if found:
            scope = _scope(family, name, form) if "." in found.dimensions else ""
            match = _Match(found, array.shape, scope, [])
            matches.setdefault((found.name, array.shape, scope), match).paths.append(array.path)
        elif not declared and form.startswith(family.blocks):
            return []
    there = {match.pattern.name for match in matches.values()}
    return list(matches.values()) if there.issuperset(family.required) else []


def _fitting(patterns: Iterable[Pattern], name: str, form: str, rank: int) -> Iterator[Pattern]:
    """Yield the patterns that have this name, of those that have its form, for arrays of this rank."""
    for pattern in patterns:
        literal = pattern.name == form or all(
            one in ("*", other) for one, other in zip(pattern.name.split("."), name.split("."), strict=True)
        )
        if literal and len(pattern.dimensions.split()) == rank:
            yield pattern


def _scope(family: Family, name: str, form: str) -> str:
    """Return the block that an array is in, as the beginning of its name."""
    block = next((block for block in family.blocks if form.startswith(block)), "")
    return ".".join(name.split(".")[: block.count(".")])


def _settled(family: Family, config: Mapping[str, object]) -> dict[str, int]:
    """Return the sizes that the configuration fixes."""
    found = {name: config.get(key) for name, key in family.settings.items()}
    return {name: size for name, size in found.items() if type(size) is int and size > 0}


def _agreed(matches: Sequence[_Match], sizes: dict[str, int]) -> dict[str, int] | None:
    """Return the sizes of all names of dimensions, `.name` with its block before it; None where they contradict."""
    for match in matches:
        for name, size in zip(match.pattern.dimensions.split(), match.shape, strict=True):
            if not name.isdecimal() and name != "?":
                sizes.setdefault(_in_block(name, match), size)
            if name != "?" and _number(name, match, sizes) != size:
                return None
    return sizes


def _in_block(name: str, match: _Match) -> str:
    return f"{match.scope}{name}" if name[0] == "." else name


def _number(name: str, match: _Match, agreed: Mapping[str, int]) -> int:
    return int(name) if name.isdecimal() else agreed[_in_block(name, match)]


def _bounds(matches: Sequence[_Match], agreed: Mapping[str, int]) -> list[Bound] | None:
    """Return the axes of each array bound to its shape; None where one contradicts another."""
    shared = {name: agreed[name] for name in SHARED if name in agreed}
    bounds: list[Bound] = []
    try:
        for _ in range(2):  # what one array tells of the heads can settle what one before it left open
            bounds = [_bound(match, agreed, shared) for match in matches]
    except AxesError:
        return None
    return bounds


def _bound(match: _Match, agreed: Mapping[str, int], shared: dict[str, int]) -> Bound:
    """Return the axes of an array, and add what they tell of the heads to what is known of them."""
    own = {axis: _number(name, match, agreed) for axis, name in match.pattern.sizes.items()}
    axes = parse(match.pattern.axes)
    bound = axes.bind(match.shape, {**{name: shared[name] for name in axes.names if name in shared}, **own})
    shared.update({name: bound.sizes[name] for name in SHARED if name in bound.sizes})
    return bound
