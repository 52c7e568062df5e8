"""The port of one file into another of the same architecture: what fills each array, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.errors import UnsupportedError
from weightwise.model import Weight
from weightwise.porting.feeding import Fed
from weightwise.porting.filling import Filling, filling_of
from weightwise.porting.siblings import Pair, Siblings

MOST_LISTED = 3
KEPT = "it does not enter the output, and stays as it is"


def fillings(found: Siblings) -> Iterator[Filling]:
    """Yield what fills each array of the target; raises `UnsupportedError` with what stops the port."""
    check_whole(found)
    own = {pair.target.index: pair for pair in found.pairs}
    for weight in found.target.model.weights:
        pair = own.get(weight.index)
        if pair is None:
            yield Filling(weight.stored, None, KEPT, weight.values)
        else:
            fed = found.fed(pair)
            check_heads(pair, fed, found)
            yield filling_of(weight.stored, fed, _why(pair, found))
    for pair in found.tied:
        check_tied(pair, found)


def _why(pair: Pair, found: Siblings) -> str:
    if pair.tied:
        return f"the array that it is tied to in {found.target.family.name}"
    return f"the same array of {found.target.family.name}"


def check_whole(found: Siblings) -> None:
    """Raise `UnsupportedError` where one side has arrays that the other has not, and needs."""
    if found.missing:
        raise UnsupportedError(f"{found.target.path}: the source has nothing for {_listed(found.missing)}")
    inside = [weight for weight in found.left if found.source.in_block(weight)]
    if inside:
        raise UnsupportedError(f"{found.target.path}: it has no place for {_listed(inside)} of the source")


def check_heads(pair: Pair, fed: Fed, found: Siblings) -> None:
    """Raise `UnsupportedError` where an array is arranged by heads whose number the source does not tell."""
    before, _, after = fed.pattern.partition(" -> ")
    if before != after and pair.source.bound and not all(factor.resolved for factor in pair.source.bound.factors):
        raise UnsupportedError(found.unresolved(pair))


def check_tied(pair: Pair, found: Siblings) -> None:
    """Raise `UnsupportedError` where an array that the target ties to another has values of its own in the source."""
    import numpy

    other = next(one.source for one in found.pairs if one.target is pair.target)
    if pair.source.stored.tied or other is pair.source:
        return
    if not numpy.array_equal(pair.source.values(), other.values()):
        raise UnsupportedError(
            f"{found.target.path}: it ties {pair.source.stored.path} to {pair.target.stored.path}, and in the source "
            "the two have different values"
        )


def tied(found: Siblings) -> Iterator[str]:
    """Yield a sentence for each array that is one with another on one side alone."""
    for pair in found.pairs:
        target, source = pair.target.stored, pair.source.stored
        if pair.tied and not target.tied:
            yield (
                f"{target.path} has the values of {source.path}, to which the source ties it; "
                "training would make two of them that differ"
            )
        elif source.tied and not target.tied:
            yield f"{source.path} is the same array as {source.tied} in the source; tie them here too"
    for pair in found.omitted:
        if not pair.source.stored.tied:
            yield f"{pair.source.stored.path} is left out: {pair.target.stored.path} is it here, with the same values"


def _listed(weights: Sequence[Weight]) -> str:
    names = ", ".join(weight.stored.path for weight in weights[:MOST_LISTED])
    return names + (f" and {len(weights) - MOST_LISTED} more arrays" if len(weights) > MOST_LISTED else "")
