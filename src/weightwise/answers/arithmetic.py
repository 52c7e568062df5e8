"""The parameter arithmetic of a layer, derived from its named axes: `(3·3·32 + 1)·64 = 18,496`.

Each array is the product of its axes; what all arrays of the layer share (the outputs, the gates and units) is factored
out, and equal halves, as a Bidirectional has them, are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from weightwise.model import Weight
from weightwise.records import dataclass

OFTEN = 3
Product = tuple[tuple[str, int], ...]
"""Named sizes to be multiplied, in stored order."""


@dataclass(frozen=True)
class Arithmetic:
    """How a number of parameters comes about."""

    formula: str
    """The product or sum with the sizes put in; empty when an array's axes are unknown."""
    parameters: int

    def __str__(self) -> str:
        plain = self.formula in ("", str(self.parameters))
        return f"{self.parameters:,}" if plain else f"{self.formula} = {self.parameters:,}"


def arithmetic(weights: Sequence[Weight]) -> Arithmetic:
    """Return the arithmetic of the arrays of one layer; without a formula when an array's axes are unknown."""
    parameters = sum(weight.size for weight in weights)
    products = [_product(weight) for weight in weights]
    known = [product for product in products if product is not None]
    if len(known) < len(products) or not known:
        return Arithmetic("", parameters)
    if _common(known) or len(known) == 1:
        return Arithmetic(_formula(known), parameters)
    return Arithmetic(" + ".join(_formula(group) for group in _by_part(weights, known)), parameters)


def _by_part(weights: Sequence[Weight], products: Sequence[Product]) -> Iterable[Sequence[Product]]:
    """Return the products of each layer inside the layer (`query/kernel`, `query/bias`) together, in order."""
    parts: dict[str, list[Product]] = {}
    for weight, product in zip(weights, products, strict=True):
        parts.setdefault(weight.name.rpartition("/")[0], []).append(product)
    return parts.values()


def _product(weight: Weight) -> Product | None:
    """Return the sizes of an array by name, `groups` and `out/groups` joined again to `out`."""
    if weight.bound is None:
        return None
    sizes: list[tuple[str, int]] = []
    for factor in weight.bound.factors:
        if sizes and sizes[-1][0] == "groups" and factor.name.endswith("/groups"):
            sizes[-1] = (factor.name.removesuffix("/groups"), sizes[-1][1] * factor.size)
        else:
            sizes.append((factor.name, factor.size))
    return tuple(sizes)


def _formula(products: Sequence[Product]) -> str:
    common = _common(products)
    rests = [_text(_without(product, common)) or "1" for product in products]
    block, times = _repeated(rests)
    shared = _text(tuple(common))
    block = list(_counted(block))
    if len(block) == 1 and (shared or times == 1):
        inner = "" if block == ["1"] and shared else block[0]
    else:
        inner = " + ".join(block)
        inner = f"({inner})" if shared or times > 1 else inner
    count = str(times) if times > 1 else ""
    return "·".join(part for part in (count, inner, shared) if part)


def _common(products: Sequence[Product]) -> list[tuple[str, int]]:
    """Return the sizes that every product has, in the order of the first; all of a single product is its rest."""
    if len(products) == 1:
        return []
    shared = Counter(products[0])
    for product in products[1:]:
        shared &= Counter(product)
    return [size for size in products[0] if shared[size] > 0 and not shared.subtract([size])]


def _without(product: Product, common: Sequence[tuple[str, int]]) -> Product:
    left = Counter(common)
    return tuple(size for size in product if not (left[size] > 0 and not left.subtract([size])))


def _text(product: Product) -> str:
    return "·".join(str(size) for _, size in product)


def _counted(terms: Sequence[str]) -> Iterator[str]:
    """Yield terms, those that stand side by side often enough as one: `4·64`."""
    for term, alike in groupby(terms):
        count = len(list(alike))
        if count >= OFTEN and term != "1":
            yield f"{count}·{term}"
        else:
            yield from [term] * count


def _repeated(rests: list[str]) -> tuple[list[str], int]:
    """Return the shortest block of terms that, repeated, makes the whole, and how often."""
    for length in range(1, len(rests) + 1):
        if len(rests) % length == 0 and rests[:length] * (len(rests) // length) == rests:
            return rests[:length], len(rests) // length
    return rests, 1
