"""ResNet of torchvision, with blocks of two convolutions or of three, and its relatives for small images.

https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/resnet.py; those for CIFAR, which have three stages
and call the last layer `linear`: https://github.com/akamaster/pytorch_resnet_cifar10/blob/master/resnet.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.clauses import CLASSES, image_purposes
from weightwise.conventions.architectures.family import Family, Pattern, batch_norm, convolution, linear

SMALL = "https://github.com/akamaster/pytorch_resnet_cifar10/blob/master/resnet.py"
SOURCE = "https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/resnet.py"

SHORTENS = "gives the input of the block the channels of its output, so that both can be added"


def _block(block: str, reads: str, out: str, bottleneck: bool) -> Iterator[Pattern]:
    """Yield the arrays of a block; `reads` and `out` are the names of the sizes of its channels."""
    if bottleneck:
        yield convolution(f"{block}.conv1", f".inner {reads} 1 1")
        yield Pattern(
            f"{block}.conv2.weight",
            "kernel",
            "(groups out/groups) in/groups kh kw",
            ".inner ? 3 3",
            {"in": ".inner"},
        )
        yield convolution(f"{block}.conv3", f"{out} .inner 1 1")
        yield from batch_norm(f"{block}.bn3", out)
    else:
        yield convolution(f"{block}.conv1", f".inner {reads} 3 3")
        yield convolution(f"{block}.conv2", f"{out} .inner 3 3")
    yield from batch_norm(f"{block}.bn1", ".inner")
    yield from batch_norm(f"{block}.bn2", ".inner" if bottleneck else out)
    yield convolution(f"{block}.downsample.0", f"{out} {reads} 1 1")
    yield from batch_norm(f"{block}.downsample.1", out)


def _patterns(stages: int, bottleneck: bool, last: str) -> Iterator[Pattern]:
    yield convolution("conv1", "stage0 channels window window")
    yield from batch_norm("bn1", "stage0")
    for stage in range(1, stages + 1):
        yield from _block(f"layer{stage}.0", f"stage{stage - 1}", f"stage{stage}", bottleneck)
        yield from _block(f"layer{stage}.*", f"stage{stage}", f"stage{stage}", bottleneck)
    yield from linear(last, "out", f"? stage{stages}")


def _family(source: str, stages: int, bottleneck: bool, last: str) -> Family:
    count = 3 if bottleneck else 2
    patterns = tuple(_patterns(stages, bottleneck, last))
    found = dict(image_purposes(patterns))
    shortcuts = [layer for layer in found if layer.endswith("downsample.0")]
    inner = tuple(f"{part}{number}" for number in range(1, count + 1) for part in ("conv", "bn"))
    return Family(
        "ResNet",
        source,
        patterns,
        required=(
            "conv1.weight",
            "bn1.running_mean",
            *(f"layer{stage}.0.{name}.weight" for stage in range(1, stages + 1) for name in inner),
        ),
        blocks=tuple(f"layer{stage}.*." for stage in range(1, 5)),
        purposes={**found, **dict.fromkeys(shortcuts, SHORTENS), last: CLASSES},
    )


FAMILIES = (
    _family(SOURCE, 4, False, "fc"),
    _family(SOURCE, 4, True, "fc"),
    _family(SMALL, 3, False, "linear"),
)
