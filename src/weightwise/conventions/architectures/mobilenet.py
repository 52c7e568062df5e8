"""MobileNetV2 of torchvision: blocks that widen, look at each channel by itself, and narrow.

https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/mobilenetv2.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.clauses import CLASSES, image_purposes
from weightwise.conventions.architectures.family import (
    Family,
    Pattern,
    batch_norm,
    convolution,
    depthwise,
    linear,
)

SOURCE = "https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/mobilenetv2.py"
LAST = "features.18"


def _first_block(block: str) -> Iterator[Pattern]:
    """Yield the arrays of the block that does not widen."""
    yield depthwise(f"{block}.0.0", "stem", 3)
    yield from batch_norm(f"{block}.0.1", "stem")
    yield convolution(f"{block}.1", ".out stem 1 1")
    yield from batch_norm(f"{block}.2", ".out")


def _block(block: str) -> Iterator[Pattern]:
    yield convolution(f"{block}.0.0", ".wide ? 1 1")
    yield from batch_norm(f"{block}.0.1", ".wide")
    yield depthwise(f"{block}.1.0", ".wide", 3)
    yield from batch_norm(f"{block}.1.1", ".wide")
    yield convolution(f"{block}.2", ".out .wide 1 1")
    yield from batch_norm(f"{block}.3", ".out")


PATTERNS = (
    convolution("features.0.0", "stem channels 3 3"),
    *batch_norm("features.0.1", "stem"),
    *_first_block("features.1.conv"),
    *_block("features.*.conv"),
    convolution(f"{LAST}.0", "last ? 1 1"),
    *batch_norm(f"{LAST}.1", "last"),
    *linear("classifier.1", "out", "? last"),
)

FAMILIES = (
    Family(
        "MobileNetV2",
        SOURCE,
        PATTERNS,
        required=(
            "features.0.0.weight",
            "features.1.conv.0.0.weight",
            "features.1.conv.1.weight",
            "features.*.conv.0.0.weight",
            "features.*.conv.1.0.weight",
            "features.*.conv.2.weight",
            f"{LAST}.0.weight",
        ),
        blocks=("features.*.",),
        purposes={**dict(image_purposes(PATTERNS)), "classifier.1": CLASSES},
    ),
)
