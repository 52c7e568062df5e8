"""Cases of PyTorch's operators that are no modules: each is put in a module that applies it, called as the operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tests.oracles.case import Case, Input


class Applied(nn.Module):
    """What applies an operator to its inputs, with the attributes that are not the module's own as arguments."""

    def __init__(self, shape: tuple[int, ...], config: Mapping[str, Any]) -> None:
        super().__init__()
        for name, value in config.items():
            setattr(self, name, value)
        if shape:
            self.other = nn.Parameter(torch.zeros(shape))
            self.other_shape = shape
        self._arguments = dict(config)

    def forward(self, *tensors: torch.Tensor) -> Any:
        """Return what the operator returns."""
        name = type(self).__name__
        apply = WRITTEN.get(name) or getattr(torch, name)
        return apply(*tensors, *self._parameters.values(), **self._arguments)


def reshaped(x: torch.Tensor, shape: tuple[int | str | None, ...]) -> torch.Tensor:
    """Return a tensor under sizes of which some are its own."""
    sizes = [x.shape[place] if size is None else size for place, size in enumerate(shape)]
    return x.reshape([x.shape[int(size[8:-1])] if isinstance(size, str) else size for size in sizes])


def joined(*tensors: torch.Tensor, dim: int, other_first: bool | None = None) -> torch.Tensor:
    """Return tensors side by side; an array, which comes last here, is the same for every example."""
    if other_first is None:
        return torch.cat(tensors, dim)
    x, other = tensors[0], tensors[1].expand(len(tensors[0]), *tensors[1].shape[1:])
    return torch.cat([other, x] if other_first else [x, other], dim)


WRITTEN: Mapping[str, Callable[..., Any]] = {
    "cat": joined,
    "flip": lambda x, dim: torch.flip(x, dim),
    "reshape": reshaped,
    "scaled_dot_product_attention": functional.scaled_dot_product_attention,
    "slice": lambda x, dim, start=None, end=None, step=1: torch.ops.aten.slice(x, dim, start, end, step),
    "stack": lambda *tensors, dim: torch.stack(tensors, dim),
}
"""The operators that are called otherwise than by their name in `torch` with tensors and arguments."""


def case(
    said: str, name: str, *inputs: tuple[int, ...], shape: tuple[int, ...] = (), scale: float = 1.0, **config: Any
) -> Case:
    """Return a case of an operator on inputs of these shapes, with an array of `shape` where that is given."""
    kind = type(name, (Applied,), {})
    return Case(
        f"{name}{said and ' '}{said}", lambda: kind(shape, config), [Input(size, scale=scale) for size in inputs]
    )


def reshaping(said: str, size: tuple[int, ...], shape: tuple[int | str | None, ...]) -> Case:
    """Return a case of a reshape."""
    kind = type("reshape", (Applied,), {})
    return Case(f"reshape{said and ' '}{said}", lambda: kind((), {"shape": shape}), [Input(size)])


IMAGES, ROWS, MANY = (2, 4, 3, 5), (2, 3, 6), (2, 3, 4, 5, 6)
CASES = [
    *(case("of images", name, IMAGES, IMAGES) for name in ("add", "sub", "mul", "div", "maximum", "minimum")),
    *(case("of a column and a row", name, (2, 3, 1), (2, 1, 6)) for name in ("add", "sub", "mul", "div")),
    *(case("a number", name, ROWS, other=1.75) for name in ("add", "sub", "mul", "div", "rsub")),
    *(case("a number, scaled", name, ROWS, other=1.75, alpha=2) for name in ("add", "sub", "rsub")),
    *(case("of images, scaled", name, IMAGES, IMAGES, alpha=0.2) for name in ("add", "sub")),
    *(case("positions", name, ROWS, shape=(1, 3, 6)) for name in ("add", "sub", "mul", "div")),
    case("a square of positions", "add", (2, 4, 4), shape=(4, 4)),
    case("one for each channel", "mul", IMAGES, shape=(4, 1, 1)),
    case("one for each feature", "mul", ROWS, shape=(6,)),
    case("one number that is learned", "mul", ROWS, shape=(1,)),
    case("that repeats the input", "add", (2, 3, 1), shape=(3, 5)),
    *(case("", name, ROWS) for name in ("neg", "abs", "exp", "square", "sin", "cos", "erf", "reciprocal")),
    case("", "bmm", (2, 3, 4), (2, 4, 5)),
    case("", "matmul", (2, 3, 4, 5), (2, 3, 5, 6)),
    case("with one for all", "matmul", (2, 3, 4, 5), (2, 1, 5, 6)),
    case("to the third", "pow", ROWS, exponent=3),
    case("squared", "pow", ROWS, exponent=2.0),
    case("between two numbers", "clamp", ROWS, min=-0.5, max=0.75),
    case("from below", "clamp", ROWS, min=0.1, max=None),
    case("from above", "clamp", ROWS, min=None, max=0.1),
    case("", "scaled_dot_product_attention", (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)),
    case("without heads", "scaled_dot_product_attention", (2, 4, 5), (2, 6, 5), (2, 6, 7), scale=3.0),
    case("that looks back", "scaled_dot_product_attention", *[(2, 3, 4, 5)] * 3, is_causal=True),
    case("of channels", "cat", IMAGES, (2, 2, 3, 5), dim=1),
    case("of three", "cat", ROWS, (2, 3, 2), ROWS, dim=-1),
    case("with an array before", "cat", ROWS, shape=(1, 2, 6), dim=1, other_first=True),
    case("with an array behind", "cat", (2, 3, 3), shape=(1, 3, 3), dim=1, other_first=False),
    case("behind the batch", "stack", ROWS, ROWS, ROWS, dim=1),
    case("at the end", "stack", ROWS, ROWS, dim=-1),
    case("before the batch", "stack", ROWS, ROWS, dim=0),
    case("to channels last", "permute", IMAGES, dims=(0, 2, 3, 1)),
    case("from the end", "permute", IMAGES, dims=(0, -1, -3, -2)),
    case("with the batch behind", "permute", MANY, dims=(2, 0, 3, 1, 4)),
    case("", "transpose", IMAGES, dim0=1, dim1=2),
    case("from the end", "transpose", IMAGES, dim0=-1, dim1=-2),
    case("with the batch", "transpose", ROWS, dim0=0, dim1=1),
    reshaping("", IMAGES, (-1, 6, 10)),
    reshaping("of the rest", IMAGES, (None, 5, -1)),
    reshaping("that keeps axes", IMAGES, (None, None, -1)),
    reshaping("that splits an axis", (2, 3, 8), (None, None, 2, -1)),
    reshaping("with the size of another axis", IMAGES, (None, "x.shape[3]", 4, -1)),
    case("", "unsqueeze", ROWS, dim=1),
    case("at the end", "unsqueeze", ROWS, dim=-1),
    case("before the batch", "unsqueeze", ROWS, dim=0),
    case("", "squeeze", (2, 1, 3, 1), dim=1),
    case("at the end", "squeeze", (2, 1, 3, 1), dim=-1),
    case("of two axes", "squeeze", (2, 1, 3, 1), dim=(1, 3)),
    case("of the last", "select", ROWS, dim=1, index=-1),
    case("of a channel", "select", IMAGES, dim=-3, index=2),
    case("of the first layer", "select", (3, 2, 5), dim=0, index=1),
    case("", "slice", ROWS, dim=1, start=1, end=3, step=1),
    case("to the end", "slice", ROWS, dim=-1, start=-2, end=None, step=1),
    case("of every second", "slice", ROWS, dim=2, start=1, end=6, step=2),
    case("", "flip", IMAGES, dim=(2,)),
    *(case("of places", name, IMAGES, dim=(2, 3), keepdim=False) for name in ("mean", "sum", "amax", "amin")),
    *(case("of places that stay", name, IMAGES, dim=(-2, -1), keepdim=True) for name in ("mean", "amax")),
    *(case("of positions", name, ROWS, dim=1, keepdim=False) for name in ("mean", "sum", "amax")),
    *(case("of features", name, ROWS, dim=-1, keepdim=True) for name in ("mean", "sum", "amin")),
    case("of some places", "mean", MANY, dim=(2, 4), keepdim=False),
    case("", "chunk", ROWS, chunks=3, dim=2),
    case("with a smaller rest", "chunk", (2, 7), chunks=3, dim=1),
    case("by sizes", "split", ROWS, split_size_or_sections=(1, 5), dim=-1),
    case("by a size", "split", (2, 7, 3), split_size_or_sections=3, dim=1),
    case("", "unbind", ROWS, dim=1),
    case("at the end", "unbind", ROWS, dim=-1),
]
