"""Cases of PyTorch's modules that rearrange values, or pass them on."""

from __future__ import annotations

from torch import nn

from tests.oracles.case import Case, Input

IMAGES = Input((2, 4, 3, 5))
DROPOUTS = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]

CASES = [
    Case("Flatten", lambda: nn.Flatten(), [IMAGES]),
    Case("Flatten of rows", lambda: nn.Flatten(), [Input((2, 3))]),
    Case("Flatten of places", lambda: nn.Flatten(2), [IMAGES]),
    Case("Flatten of the first axes", lambda: nn.Flatten(1, 2), [IMAGES]),
    Case("Flatten from the end", lambda: nn.Flatten(-3, -2), [IMAGES]),
    Case("Flatten of one axis", lambda: nn.Flatten(2, 2), [IMAGES]),
    Case("Unflatten", lambda: nn.Unflatten(1, (2, 3)), [Input((2, 6))]),
    Case("Unflatten of the rest", lambda: nn.Unflatten(1, (4, -1)), [Input((2, 12, 3))]),
    Case("Unflatten of the last axis", lambda: nn.Unflatten(-1, (2, 3)), [Input((2, 4, 6))]),
    Case("PixelShuffle", lambda: nn.PixelShuffle(2), [Input((2, 8, 3, 2))]),
    Case("PixelShuffle by three", lambda: nn.PixelShuffle(3), [Input((1, 9, 2, 3))]),
    Case("PixelUnshuffle", lambda: nn.PixelUnshuffle(2), [Input((2, 3, 4, 2))]),
    Case("PixelUnshuffle by three", lambda: nn.PixelUnshuffle(3), [Input((1, 2, 3, 6))]),
    Case("ChannelShuffle", lambda: nn.ChannelShuffle(2), [Input((2, 6, 2, 2))]),
    Case("ChannelShuffle of three groups", lambda: nn.ChannelShuffle(3), [Input((2, 6, 3))]),
    Case("Identity", lambda: nn.Identity(), [IMAGES]),
    *(
        Case(
            name, lambda name=name: getattr(nn, name)(0.3), [Input((2, 3, 2, 2, 2) if name[-2:] == "3d" else (2, 3, 4))]
        )
        for name in DROPOUTS
    ),
]
