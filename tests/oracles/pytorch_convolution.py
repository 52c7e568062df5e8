"""Cases of PyTorch's convolutions, plain and transposed."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from tests.oracles.case import Case, Input
from weightwise.ops.operation import spatial_names

SPATIAL = (4, 5, 6)
SIZE = (2, 3, 2)


def convolved(rank: int) -> Iterator[Case]:
    """Yield the cases of a convolution over `rank` spatial axes."""
    layer = getattr(nn, f"Conv{rank}d")
    name, size, batch = f"Conv{rank}d", SIZE[-rank:], 1 if rank == 3 else 2
    x = Input((batch, 3, *SPATIAL[-rank:]))
    four = Input((batch, 4, *SPATIAL[-rank:]))
    small = Input((batch, 2, *(4,) * rank))
    yield Case(name, lambda: layer(3, 2, size), [x])
    yield Case(f"{name}, square", lambda: layer(2, 2, 2), [small])
    yield Case(f"{name}, larger square", lambda: layer(3, 3, 3), [Input((1, 3, *(4,) * rank))])
    yield Case(f"{name} without bias", lambda: layer(3, 2, size, bias=False), [x])
    yield Case(f"{name} strides", lambda: layer(3, 2, size, stride=2), [x])
    yield Case(f"{name} dilation", lambda: layer(3, 2, size, dilation=2), [x])
    yield Case(f"{name} padding", lambda: layer(3, 2, size, stride=3, padding=1), [x])
    yield Case(f"{name} padding of each axis", lambda: layer(3, 2, size, 2, padding=(0, 2, 1)[-rank:]), [x])
    yield Case(f"{name} same", lambda: layer(3, 2, size, padding="same"), [x])
    yield Case(f"{name} same, dilation", lambda: layer(3, 2, size, padding="same", dilation=2), [x])
    yield Case(f"{name} valid", lambda: layer(3, 2, size, padding="valid"), [x])
    yield Case(f"{name} groups", lambda: layer(4, 6, size, groups=2, stride=2), [four])
    yield Case(f"{name} groups, square", lambda: layer(4, 4, 2, groups=2, stride=2), [Input((1, 4, *(4,) * rank))])
    yield Case(f"{name} of each channel", lambda: layer(3, 6, size, groups=3, stride=2), [x])
    yield Case(
        f"{name} of one channel",
        lambda: layer(1, 3, size),
        [Input((1, 1, *SPATIAL[-rank:]))],
        symmetries={"weight": [f"(in/groups out/groups) groups {spatial_names(rank)}"]},  # of sizes 1, 3 and 1
    )
    for mode in ("reflect", "replicate", "circular"):
        yield Case(f"{name} {mode}", lambda mode=mode: layer(3, 2, size, 2, padding=1, padding_mode=mode), [x])
    yield Case(f"{name} same, circular", lambda: layer(3, 2, size, padding="same", padding_mode="circular"), [x])


def spread(rank: int) -> Iterator[Case]:
    """Yield the cases of a transposed convolution over `rank` spatial axes."""
    layer = getattr(nn, f"ConvTranspose{rank}d")
    name, size = f"ConvTranspose{rank}d", SIZE[-rank:]
    x = Input((1, 3, *(2, 3, 2)[-rank:]))
    yield Case(name, lambda: layer(3, 2, size), [x])
    yield Case(f"{name}, square", lambda: layer(2, 2, 2), [Input((1, 2, *(2,) * rank))])
    yield Case(f"{name} without bias", lambda: layer(3, 2, size, bias=False), [x])
    yield Case(f"{name} strides", lambda: layer(3, 2, size, stride=2), [x])
    yield Case(f"{name} padding", lambda: layer(3, 2, size, stride=2, padding=1), [x])
    yield Case(f"{name} output padding", lambda: layer(3, 2, size, stride=2, padding=1, output_padding=1), [x])
    yield Case(f"{name} output padding alone", lambda: layer(3, 2, size, stride=3, output_padding=2), [x])
    yield Case(f"{name} dilation", lambda: layer(3, 2, size, dilation=2), [x])
    yield Case(f"{name} groups", lambda: layer(4, 6, size, groups=2), [Input((1, 4, *(2, 3, 1)[-rank:]))])
    yield Case(f"{name} groups, square", lambda: layer(4, 4, 2, groups=2), [Input((1, 4, *(2, 2, 2)[-rank:]))])
    yield Case(
        f"{name} of each channel",
        lambda: layer(3, 6, size, groups=3),
        [Input((1, 3, *(2, 3, 1)[-rank:]))],
        symmetries={"weight": [f"(in/groups groups) out/groups {spatial_names(rank)}"]},  # of sizes 1 and 3
    )


CASES = [case for rank in (1, 2, 3) for cases in (convolved, spread) for case in cases(rank)]
