"""VGG and AlexNet of torchvision: convolutions in a row, then three linear layers.

Their names are those of many networks, so a file is theirs only where every shape is.

https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/vgg.py, and alexnet.py beside it
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightwise.conventions.architectures.clauses import CLASSES, image_purposes
from weightwise.conventions.architectures.family import Family, Pattern, batch_norm, biased_convolution, linear

SOURCE = "https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/{}.py"
BLOCKS = ("features.", "classifier.")
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""How many convolutions are between two poolings."""
CHANNELS = (64, 128, 256, 512, 512)
ALEXNET = {0: "64 channels 11 11", 3: "192 64 5 5", 6: "384 192 3 3", 8: "256 384 3 3", 10: "256 256 3 3"}
"""The kernels of AlexNet by their places."""


def _classifier(places: Sequence[int], channels: int, side: int) -> Iterator[Pattern]:
    """Yield the arrays of the linear layers, the first of which reads a flattened image."""
    flat = str(channels * side * side)
    image = {"c": str(channels), "h": str(side), "w": str(side)}
    yield Pattern(f"classifier.{places[0]}.weight", "kernel", "out (c h w)", f"4096 {flat}", image)
    yield Pattern(f"classifier.{places[0]}.bias", "bias", "out", "4096")
    yield from linear(f"classifier.{places[1]}", "out", "4096 4096")
    yield from linear(f"classifier.{places[2]}", "out", "? 4096")


def _features(depths: Sequence[int], norms: bool) -> Iterator[Pattern]:
    place, reads = 0, "channels"
    for depth, channels in zip(depths, CHANNELS, strict=True):
        for _ in range(depth):
            yield from biased_convolution(f"features.{place}", f"{channels} {reads} 3 3")
            if norms:
                yield from batch_norm(f"features.{place + 1}", str(channels))
            place, reads = place + (3 if norms else 2), str(channels)
        place += 1


def _family(name: str, module: str, patterns: tuple[Pattern, ...]) -> Family:
    required = tuple(pattern.name for pattern in patterns if not pattern.name.endswith(".num_batches_tracked"))
    purposes = {**dict(image_purposes(patterns)), "classifier.6": CLASSES}
    return Family(name, SOURCE.format(module), patterns, required, BLOCKS, purposes=purposes)


FAMILIES = (
    *(
        _family(f"VGG-{layers}", "vgg", (*_features(depths, norms), *_classifier((0, 3, 6), 512, 7)))
        for layers, depths in DEPTHS.items()
        for norms in (False, True)
    ),
    _family(
        "AlexNet",
        "alexnet",
        (
            *(
                pattern
                for place, sizes in ALEXNET.items()
                for pattern in biased_convolution(f"features.{place}", sizes)
            ),
            *_classifier((1, 4, 6), 256, 6),
        ),
    ),
)
