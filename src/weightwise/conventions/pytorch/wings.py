"""Which module of PyTorch's table knows which class."""

from __future__ import annotations

from weightwise.conventions.wings import Wings

WINGS = Wings(
    "weightwise.conventions.pytorch",
    {
        "dense": "Bilinear Embedding EmbeddingBag Linear NonDynamicallyQuantizableLinear",
        "convolution": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    },
)
