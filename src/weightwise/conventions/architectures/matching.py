"""Compares a file with a family of architectures: all of its names, then all of its shapes, then its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from weightwise.axes import Bound, parse
from weightwise.conventions.architectures.family import Family, Pattern
from weightwise.errors import AxesError
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer, StoredModel

NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")
"""A component of a name that is a number."""
MODEL_TYPE = "model_type"
SHARED = ("heads", "kv_heads", "head_dim", "pairs")
"""Axes that have one size in all blocks."""

PAIRED = "half[re im]"
"""In the axes of an array that keeps a head as pairs, which rotary positions turn."""

Arrays = Mapping[str, tuple[str, StoredArray]]
"""Arrays by their dotted names, without the prefixes of wrappers, each with the form of its name."""


@dataclass(frozen=True)
class Recognition:
    """What a family says of the arrays of a file."""

    family: Family
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


def identities(found: Recognition, stored: StoredModel) -> dict[str, str]:
    """Return what each array is in the architecture, whatever the file calls it, by its path.

    Files of one architecture have the same of it: `layers.0.self_attn.q_proj.weight` is a name in a block with its
    number, as the family's `twin` has it, without the prefix that some files leave out.
    """
    names = {array.path: name for name, (_, array) in names_of(stored.root).items()}
    return {path: _identity(found.family, pattern, names[path]) for path, (pattern, _) in found.arrays.items()}


def _identity(family: Family, pattern: Pattern, name: str) -> str:
    own = zip(pattern.name.split("."), name.split("."), strict=True)
    numbers = iter([part for wanted, part in own if wanted == "*"])
    return ".".join(next(numbers) if part == "*" else part for part in family.plain(pattern).split("."))


def purposes(found: Recognition, stored: StoredModel) -> dict[str, str]:
    """Return what each layer is for that has an array of the architecture, by its name."""
    known = found.arrays
    return {
        layer.name: found.family.purpose(known[array.path][0])
        for layer in stored.root.layers
        for array in layer.arrays
        if array.path in known
    }


def recognition(family: Family, stored: StoredModel, names: Arrays) -> Recognition | None:
    """Return what a family says of a model; None where the model is not of the family, or may be of another."""
    config = stored.root.config
    declared = config.get(MODEL_TYPE) in family.model_types
    if not (declared or (family.by_names and MODEL_TYPE not in config)) or not family.admits(config):
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
        family, f"the configuration says {config[MODEL_TYPE]}, and the {rule}" if declared else f"the {rule}", arrays
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
    found = {name: [_size(config, key) for key in keys.split()] for name, keys in family.settings.items()}
    return {name: next(filter(None, sizes)) for name, sizes in found.items() if any(sizes)}


def _size(config: Mapping[str, object], key: str) -> int | None:
    """Return the size that a key stands for, or a quotient of two keys; None where the configuration does not say it.

    >>> _size({"dim": 24, "n_heads": 4, "vocab_size": -1}, "dim/n_heads"), _size({"vocab_size": -1}, "vocab_size")
    (6, None)
    """
    first, *divisors = (config.get(part) for part in key.split("/"))
    sizes = [size for size in (first, *divisors) if type(size) is int and size > 0]
    if len(sizes) < 1 + len(divisors):
        return None
    return sizes[0] // sizes[1] if divisors else sizes[0]


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
    paired = any(PAIRED in match.pattern.axes for match in matches)
    bounds: list[Bound] = []
    try:
        for _ in range(3):  # what one array tells of the heads can settle what one before it left open
            shared.update(_halved(shared) if paired else {})
            bounds = [_bound(match, agreed, shared) for match in matches]
    except AxesError:
        return None
    return bounds


def _halved(shared: Mapping[str, int]) -> dict[str, int]:
    """Return the size of a head and its number of pairs, where one of them is known."""
    if "head_dim" in shared:
        return {"pairs": shared["head_dim"] // 2}
    return {"head_dim": 2 * shared["pairs"]} if "pairs" in shared else {}


def _bound(match: _Match, agreed: Mapping[str, int], shared: dict[str, int]) -> Bound:
    """Return the axes of an array, and add what they tell of the heads to what is known of them."""
    own = {axis: _number(name, match, agreed) for axis, name in match.pattern.sizes.items()}
    axes = parse(match.pattern.axes)
    bound = axes.bind(match.shape, {**{name: shared[name] for name in axes.names if name in shared}, **own})
    shared.update({name: bound.sizes[name] for name in SHARED if name in bound.sizes})
    return bound
