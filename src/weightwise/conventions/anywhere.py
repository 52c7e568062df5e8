"""Files that name no framework: every class that is known may own their arrays, and other layouts may be meant.

The names `weight` and `bias` are PyTorch's, and MLX and Paddle have them too: MLX has the channels of a kernel last
(https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.Conv2d.html), and Paddle the outputs of a
linear layer (https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/Linear_en.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from weightwise.conventions.flax import bare as flax
from weightwise.conventions.pytorch import bare as pytorch
from weightwise.conventions.row import Config, Description, Shapes, Slot
from weightwise.ops.operation import spatial_names

BIAS = Slot("bias", "bias", "bias", "out", True)


def describe(class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return None: no class is known without its framework."""
    return None


def readings(arrays: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Yield each class that calls for arrays of these names, with its slots."""
    yield from ((f"{name} of PyTorch", slots) for name, slots in pytorch.readings(arrays))
    yield from ((f"{name} of Flax", slots) for name, slots in flax.readings(arrays))
    rank = len(arrays.get("weight", ()))
    others = {2: [("Linear of Paddle", "in out")], **{rank: [_of_mlx(rank)] for rank in (3, 4, 5)}}
    for name, axes in others.get(rank, ()):
        slots = [Slot("weight", "weight", "kernel", axes, True), *([BIAS] if "bias" in arrays else [])]
        if {slot.key for slot in slots} == set(arrays):
            yield name, slots


def told_class(path: str) -> str:
    """Return the class that a module is named after as linen alone names modules; empty where it is named otherwise.

    >>> told_class("encoder/Conv_0"), told_class("encoder.conv")
    ('linen.Conv of Flax', '')
    """
    name = flax.told_class(path)
    return f"{name} of Flax" if name else ""


def _of_mlx(rank: int) -> tuple[str, str]:
    return f"Conv{rank - 2}d of MLX", f"out {spatial_names(rank - 2)} in"
