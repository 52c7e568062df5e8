"""Writes `docs/architectures.md`, what is known of architectures, from their tables: run it to write the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from weightwise.conventions.architectures import SIGNATURES, families
from weightwise.conventions.architectures.family import Family, Pattern
from weightwise.conventions.architectures.matching import general

PAGE = Path(__file__).parent / "architectures.md"
INTRODUCTION = """# Architectures that are known

This page is made by `docs/make_architectures.py` from the tables in `src/weightwise/conventions/architectures`.

A state dict and a safetensors file say no classes. Where all names in the blocks of a model are those of a family,
where all its shapes agree with each other as those of the family do, and where nothing in `config.json` beside it
(`params.json` beside Meta's files) is against that, its arrays have the axes that the family's source gives them. They
are `recognised`, and the source is cited. Where one shape contradicts, no array of the file is named by the family's
rule: another program may use the same names for other arrays.

How many heads there are stands in no array. `num_attention_heads` in the configuration tells it, and so do norms of
queries and keys, which have the size of a head; otherwise `heads·head_dim` stays one product, which can be moved whole.
Which numbers of a head the rotary positions turn together, the code of a model tells: those of two halves of a head,
`half[re im] pairs`, where the configuration says a type whose code takes halves, and neighbours, `pairs half[re im]`,
in Meta's files. The names of transformers alone do not tell it, and no configuration that says a part of a head or an
unusual kind; then `head_dim` is one axis.

Each family is proven with networks that transformers 5.23 and torchvision 0.28 build: the class of the module that owns
an array says in which order its dimensions are; exchanging heads along the named axes in all arrays at once leaves the
outputs as they are, and exchanging them along other axes of the same sizes does not; turning the pairs of queries and
keys, each by an angle of its own, leaves them as well, and turning other pairs does not; queries, keys and values are
told by scaling them; norms are run with weights of 0 and of 1. Meta's code is written anew, and computes what the
network of transformers does that its weights are ported from.

An array is given by its name in its block, and `*` stands for a number. Arrays of one dimension are left out where
nothing need be said of them: a bias has the axes of the outputs, and what a norm has are `features`, or `head_dim`.
"""


def page() -> str:
    """Return the page."""
    known = [family for module in dict.fromkeys(SIGNATURES.values()) for family in families(module)]
    by_source: dict[str, list[Family]] = defaultdict(list)
    for family in known:
        by_source[family.source].append(family)
    return INTRODUCTION + "".join("".join(section(source, group)) for source, group in by_source.items())


def section(source: str, group: Sequence[Family]) -> Iterator[str]:
    """Yield a section for the families of one source: which arrays have which axes, and what is said of them."""
    names = ", ".join(dict.fromkeys(family.name for family in group))
    types = ", ".join(dict.fromkeys(f"`{name}`" for family in group for name in family.model_types))
    yield f"\n## {names[0].upper()}{names[1:]}\n\n<{source}>\n\n"
    yield f"`model_type`: {types}\n\n" if types else ""
    yield "| axes | arrays |\n|---|---|\n"
    arrays: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for family in group:
        for pattern in family.patterns:
            if len(pattern.dimensions.split()) > 1 or pattern.note:
                arrays[pattern.axes, pattern.note][shown(pattern, family)] = None
    for (axes, note), owners in arrays.items():
        yield f"| `{axes or 'scalar'}` | {', '.join(owners)}{f': {note}' if note else ''} |\n"


def shown(pattern: Pattern, family: Family) -> str:
    """Return the name of an array, within its block where it is in one."""
    name = general(pattern.name)
    block = next((block for block in family.blocks if name.startswith(block)), "")
    return f"`{name.removeprefix(block)}`"


if __name__ == "__main__":
    PAGE.write_text(page())
