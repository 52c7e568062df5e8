"""Cases of linen's dense layers and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flax import linen

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import linen_layer


def case(
    name: str,
    shape: Sequence[int],
    *arguments: Any,
    symmetries: Mapping[str, Sequence[str]] | None = None,
    **options: Any,
) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    build = linen_layer(getattr(linen, name.split()[1]), *arguments, **options)
    return Case(name, build, [Input((2, *shape))], symmetries=symmetries or {})


CASES = [
    case("linen Dense", (3,), 5),
    case("linen Dense square", (4,), 4),
    case("linen Dense on images", (3, 4, 5), 2),
    case("linen Dense without bias", (3,), 5, use_bias=False),
    case("linen DenseGeneral", (3,), 5),
    case("linen DenseGeneral square", (3,), 3),
    case("linen DenseGeneral several features", (3,), (4, 5)),
    case("linen DenseGeneral several features square", (3,), (3, 3)),
    case("linen DenseGeneral several axes", (3, 4, 5), 6, axis=(-2, -1)),
    case("linen DenseGeneral several axes square", (3, 3), 3, axis=(-2, -1)),
    case("linen DenseGeneral axes in another order", (3, 4, 5), 2, axis=(-1, 1)),
    case("linen DenseGeneral axes in another order square", (3, 3, 3), (3, 3), axis=(3, 1)),
    case("linen DenseGeneral first axis", (3, 4), 5, axis=1),
    case("linen DenseGeneral batch", (3, 4), 5, batch_dims=(0,)),
    case("linen DenseGeneral batch square", (2, 2), 2, batch_dims=(0,)),
    case("linen DenseGeneral two batches", (3, 4), (2, 5), batch_dims=(0, 1)),
    case("linen DenseGeneral two batches square", (2, 2), (2, 2), batch_dims=(0, 1)),
    case("linen DenseGeneral without bias", (3, 4), (2, 5), axis=(1, 2), use_bias=False),
    case("linen Einsum", (4, 3), (3, 5, 2), "abc,cde->abde"),
    case("linen Einsum square", (3, 3), (3, 3, 3), "abc,cde->abed"),
    case("linen Einsum with places of their own", (4, 3), (4, 3, 5), "abc,bcd->abd"),
    case("linen Einsum outputs first", (3,), (5, 3), "ab,cb->ac"),
    case("linen Einsum outputs first square", (3,), (3, 3), "ab,cb->ac"),
    case("linen Einsum outputs apart", (4, 3), (5, 3, 2), "abc,dce->abde"),
    case("linen Einsum with dots", (4, 3), (3, 5), "...c,cd->...d"),
    case("linen Einsum with places of their own square", (3, 3), (3, 3, 3), "abc, dbc -> adb"),
    case("linen Einsum without bias", (4, 3), (3, 5, 2), "abc,cde->abde", use_bias=False),
    Case("linen Embed", linen_layer(linen.Embed, 6, 4), [Input((2, 3), below=6)]),
    Case("linen Embed square", linen_layer(linen.Embed, 4, 4), [Input((2, 5), below=4)]),
]
