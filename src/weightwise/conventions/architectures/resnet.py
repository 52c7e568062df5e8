"""ResNet of torchvision, with blocks of two convolutions or of three, and its relatives for small images.

https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/resnet.py; those for CIFAR, which have three stages
and call the last layer `linear`: https://github.com/akamaster/pytorch_resnet_cifar10/blob/master/resnet.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.family import Family, Pattern, batch_norm, convolution, linear

SMALL = "https://github.com/akamaster/pytorch_resnet_cifar10/blob/master/resnet.py"
SOURCE = "https://github.com/pytorch/vision/blob/v0.28.0/torchvision/models/resnet.py"
SHORTCUTS = ("downsample", "shortcut")


def _block(block: str, reads: str, out: str, bottleneck: bool) -> Iterator[Pattern]:
    """Yield the arrays of a block; `reads` and `out` are the names of the sizes of its channels."""
    if bottleneck:
        yield from convolution(f"{block}.conv1", f".inner {reads} 1 1")
        yield Pattern(
            f"{block}.conv2.weight",
            "kernel",
            "(groups out/groups) in/groups kh kw",
            ".inner ? 3 3",
            {"in": ".inner"},
        )
        yield from convolution(f"{block}.conv3", f"{out} .inner 1 1")
        yield from batch_norm(f"{block}.bn3", out)
    else:
        yield from convolution(f"{block}.conv1", f".inner {reads} 3 3")
        yield from convolution(f"{block}.conv2", f"{out} .inner 3 3")
    yield from batch_norm(f"{block}.bn1", ".inner")
    yield from batch_norm(f"{block}.bn2", ".inner" if bottleneck else out)
    for shortcut in SHORTCUTS:
        yield from convolution(f"{block}.{shortcut}.0", f"{out} {reads} 1 1")
        yield from batch_norm(f"{block}.{shortcut}.1", out)


def _patterns(stages: int, bottleneck: bool) -> Iterator[Pattern]:
    yield from convolution("conv1", "stage0 channels window window")
    yield from batch_norm("bn1", "stage0")
    for stage in range(1, stages + 1):
        yield from _block(f"layer{stage}.0", f"stage{stage - 1}", f"stage{stage}", bottleneck)
        yield from _block(f"layer{stage}.*", f"stage{stage}", f"stage{stage}", bottleneck)
    for last in ("fc", "linear"):
        yield from linear(last, "out", f"? stage{stages}")


def _family(stages: int, bottleneck: bool) -> Family:
    convolutions = ("conv1", "conv2", "conv3") if bottleneck else ("conv1", "conv2")
    norms = tuple(f"bn{number}" for number in range(1, len(convolutions) + 1))
    return Family(
        "ResNet",
        SOURCE if stages == 4 else SMALL,
        tuple(_patterns(stages, bottleneck)),
        required=(
            "conv1.weight",
            "bn1.running_mean",
            *(f"layer{stage}.0.{name}.weight" for stage in range(1, stages + 1) for name in (*convolutions, *norms)),
        ),
        blocks=tuple(f"layer{stage}.*." for stage in range(1, 5)),
    )


FAMILIES = tuple(_family(stages, bottleneck) for stages in (3, 4) for bottleneck in (False, True))
