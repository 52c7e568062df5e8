"""Cases of PyTorch's weight normalization and spectral normalization, old and new, on the modules that have them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn
from torch.nn import utils
from torch.nn.utils import parametrizations

from tests.oracles.case import Case, Input

Norm = Callable[..., nn.Module]
NORMS: dict[str, Norm] = {
    "weight_norm": parametrizations.weight_norm,
    "old weight_norm": utils.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "old spectral_norm": utils.spectral_norm,
}


def normed(norm: str, layer: nn.Module, **options: Any) -> nn.Module:
    """Return the layer with the norm; the old ones say each time that there are new ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return NORMS[norm](layer, **options)


def cases(norm: str) -> Iterator[Case]:
    """Yield the cases of one norm."""

    def case(called: str, build: Callable[[], nn.Module], *shapes: tuple[int, ...], **options: Any) -> Case:
        told = "".join(f", {key} {value}" for key, value in options.items())
        return Case(f"{called}, {norm}{told}", lambda: normed(norm, build(), **options), list(map(Input, shapes)))

    yield case("Linear", lambda: nn.Linear(3, 5), (2, 3))
    yield case("Linear, square", lambda: nn.Linear(4, 4), (2, 4))
    yield case("Linear without bias", lambda: nn.Linear(3, 5, bias=False), (2, 3))
    yield case("Linear, square", lambda: nn.Linear(4, 4), (2, 4), dim=1)
    yield case("Conv1d", lambda: nn.Conv1d(3, 2, 4), (2, 3, 6))
    yield case("Conv2d", lambda: nn.Conv2d(3, 5, (2, 4)), (1, 3, 4, 5))
    yield case("Conv2d, larger square", lambda: nn.Conv2d(3, 3, 3, stride=2), (1, 3, 5, 5))
    yield case("Conv2d groups", lambda: nn.Conv2d(4, 6, (3, 2), groups=2), (1, 4, 4, 5))
    yield case("Conv2d groups, square", lambda: nn.Conv2d(4, 4, 2, groups=2), (1, 4, 3, 3))
    yield case("Conv2d groups", lambda: nn.Conv2d(4, 6, (3, 2), groups=2), (1, 4, 4, 5), dim=1)
    yield case("Conv2d", lambda: nn.Conv2d(3, 5, (2, 4)), (1, 3, 4, 5), dim=3)
    yield case("Conv3d", lambda: nn.Conv3d(2, 3, (2, 3, 2)), (1, 2, 3, 4, 3))
    yield case("ConvTranspose1d", lambda: nn.ConvTranspose1d(3, 5, 4, stride=2), (1, 3, 4))
    yield case("ConvTranspose2d", lambda: nn.ConvTranspose2d(3, 5, (2, 4)), (1, 3, 3, 2))
    yield case("ConvTranspose2d groups", lambda: nn.ConvTranspose2d(4, 6, (3, 2), groups=2), (1, 4, 3, 2))
    yield case("ConvTranspose2d groups, square", lambda: nn.ConvTranspose2d(4, 4, 2, groups=2), (1, 4, 2, 2))
    yield case("LSTM", lambda: nn.LSTM(3, 4, bias=False), (5, 2, 3), name="weight_hh_l0")
    yield case("GRUCell", lambda: nn.GRUCell(3, 4), (2, 3), (2, 4), name="weight_ih")
    if norm != "spectral_norm":  # which has no vectors for a bias
        yield case("Linear", lambda: nn.Linear(3, 5), (2, 3), name="bias")
    if "weight" in norm:
        yield case("Linear", lambda: nn.Linear(3, 5), (2, 3), dim=None)
        yield case("ConvTranspose2d groups", lambda: nn.ConvTranspose2d(4, 6, 2, groups=2), (1, 4, 3, 2), dim=None)


def everywhere(norm: str) -> nn.Module:
    """Return a module two of whose arrays are normed."""
    return normed(
        norm, normed(norm, nn.GRU(3, 4, bidirectional=True), name="weight_ih_l0"), name="weight_hh_l0_reverse"
    )


CASES = [
    *(case for norm in NORMS for case in cases(norm)),
    *(Case(f"GRU, {norm} twice", lambda norm=norm: everywhere(norm), [Input((5, 2, 3))]) for norm in NORMS),
]
