"""What PyTorch's operators between the modules say: sums, joins, other shapes, which the table knows by their names.

A layer that stands for such an operator is called as it, and its configuration has the operator's arguments that are no
tensors, as `weightwise.conventions.pytorch.functions` lists them. Signatures:
https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/native_functions.yaml
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from weightwise.formats.pytorch.meanings import Arguments, Held, Meaning, NoModuleError
from weightwise.stored import SizeOf, Tensor

FARTHEST = (1 << 63) - 1
"""What stands for the end of an axis, whatever its size."""
VIEWS = frozenset(
    (
        "Flatten",
        "chunk",
        "permute",
        "reshape",
        "select",
        "slice",
        "split",
        "squeeze",
        "transpose",
        "unbind",
        "unsqueeze",
    )
)
"""Classes whose outputs may lie where their inputs do, so that what is written into one is written into the other."""


def number(value: Any) -> bool:
    """Returns whether a value is a number, or a size that is one."""
    return type(value) in (int, float, SizeOf)


def arithmetic(class_name: str, arguments: Arguments) -> Meaning:
    """Returns a sum, a difference, a product or a quotient: of tensors, with a number, or with an array."""
    one, other = arguments["self"], arguments["other"]
    if class_name in ("add", "mul") and not isinstance(one, Tensor) and arguments.get("alpha", 1) == 1:
        one, other = other, one
    config = {} if arguments.get("alpha", 1) == 1 else {"alpha": arguments["alpha"]}
    if isinstance(other, Tensor):
        return Meaning(class_name, config, inputs=(one, other))
    if number(other):
        return Meaning(class_name, {**config, "other": other}, inputs=(one,))
    if not isinstance(other, Held) or other.turned or config:
        raise NoModuleError
    return Meaning(class_name, {"other_shape": other.shape}, {"other": other}, (one,))


def from_number(arguments: Arguments) -> Meaning:
    """Returns the difference of a number, or a tensor, and a tensor."""
    if isinstance(arguments["other"], Tensor) and arguments["alpha"] == 1:
        return Meaning("sub", inputs=(arguments["other"], arguments["self"]))
    return settled("rsub", arguments, "other", "alpha")


def settled(class_name: str, arguments: Arguments, *settings: str) -> Meaning:
    """Returns a layer with one input, of which some arguments are settings; others must not be given."""
    value, *rest = arguments
    left = {name: arguments[name] for name in rest if name not in settings}
    if any(given not in (None, False) for given in left.values()):
        raise NoModuleError
    return Meaning(class_name, {name: arguments[name] for name in settings}, inputs=(arguments[value],))


def pair(class_name: str, arguments: Arguments) -> Meaning:
    """Returns a layer of two tensors."""
    return Meaning(class_name, inputs=tuple(arguments.values()))


def several(class_name: str, arguments: Arguments) -> Meaning:
    """Returns a layer of a list of tensors."""
    tensors = arguments["tensors"]
    if not isinstance(tensors, (list, tuple)) or not tensors:
        raise NoModuleError
    arrays = [tensor for tensor in tensors if isinstance(tensor, Held)]
    if class_name == "cat" and len(arrays) == 1 and len(tensors) == 2 and arrays[0].spread:
        config = {"dim": arguments["dim"], "other_shape": arrays[0].shape, "other_first": tensors[0] is arrays[0]}
        return Meaning("cat", config, {"other": arrays[0]}, (tensors[arrays[0] is tensors[0]],))
    return Meaning(class_name, {"dim": arguments["dim"]}, inputs=tuple(tensors))


def spread(name: str, given: Sequence[Any]) -> Held | None:
    """Returns an array that is repeated for every example of a batch, where that is what an operator does."""
    array, sizes = (*given[:2], None, None)[:2]
    if name != "expand" or not isinstance(array, Held) or not isinstance(sizes, (list, tuple)):
        return None
    rest = [own if size == -1 else size for own, size in zip(array.shape[1:], sizes[1:], strict=False)]
    if array.turned or array.shape[:1] != (1,) or len(sizes) != len(array.shape) or tuple(rest) != array.shape[1:]:
        return None
    return Held(array.path, array.shape, spread=True)


def sliced(arguments: Arguments) -> Meaning:
    """Returns a run of places, of which the end is None where it is that of the axis."""
    end = arguments["end"]
    config = {"dim": arguments["dim"], "start": arguments["start"] or 0, "end": None if end == FARTHEST else end}
    return Meaning("slice", {**config, "step": arguments["step"]}, inputs=(arguments["self"],))


def is_whole(found: Meaning) -> bool:
    """Returns whether a layer takes all places of an axis, and so returns what it is given."""
    run = tuple(found.config.get(key) for key in ("start", "end", "step"))
    return found.class_name == "slice" and run == (0, None, 1)


def turned_round(arguments: Arguments) -> Meaning:
    """Returns what turns axes round."""
    return Meaning("flip", {"dim": arguments["dims"]}, inputs=(arguments["self"],))


def reduced(class_name: str, arguments: Arguments) -> Meaning:
    """Returns a reduction along axes."""
    if arguments["dim"] in (None, []):
        raise NoModuleError
    return settled(class_name, arguments, "dim", "keepdim")


def split(arguments: Arguments) -> Meaning:
    """Returns what splits an axis."""
    tensor, sizes, axis = arguments.values()
    return Meaning("split", {"split_size_or_sections": sizes, "dim": axis}, inputs=(tensor,))


def attention(arguments: Arguments) -> Meaning:
    """Returns an attention without a mask; one that only is not allowed to see what comes later has none."""
    if arguments["attn_mask"] is not None or arguments["dropout_p"] or arguments["enable_gqa"]:
        raise NoModuleError
    config = {name: arguments[name] for name in ("scale", "is_causal")}
    return Meaning("scaled_dot_product_attention", config, inputs=tuple(arguments.values())[:3])


def upsampling(mode: str, arguments: Arguments) -> Meaning:
    """Returns an Upsample."""
    sizes, factors = arguments["output_size"], arguments["scale_factors"]
    config = {"size": sizes, "scale_factor": None if sizes is not None else factors, "mode": mode}
    return Meaning(
        "Upsample", {**config, "align_corners": arguments.get("align_corners")}, inputs=(arguments["input"],)
    )


def interpolated(arguments: Arguments) -> Meaning:
    """Returns the Upsample that `torch.nn.functional.interpolate` is."""
    if arguments["antialias"]:
        raise NoModuleError
    tensor, *_ = arguments.values()
    config = {name: value for name, value in arguments.items() if name not in ("input", "antialias")}
    return Meaning("Upsample", config, inputs=(tensor,))


def unflattened(arguments: Arguments) -> Meaning:
    """Returns an Unflatten."""
    config = {"dim": arguments["dim"], "unflattened_size": arguments["sizes"]}
    return Meaning("Unflatten", config, inputs=(arguments["self"],))


def upsamplings() -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yields the operators that bring images to other sizes."""
    for rank in (1, 2, 3):
        nearest, exact = (f"{start}nearest{end}{rank}d" for start, end in (("upsample_", ""), ("_upsample_", "_exact")))
        yield nearest, ("input output_size scale_factors", partial(upsampling, "nearest"))
        yield exact, ("input output_size scale_factors", partial(upsampling, "nearest-exact"))
        mode = ("linear", "bilinear", "trilinear")[rank - 1]
        yield f"upsample_{mode}{rank}d", ("input output_size align_corners scale_factors", partial(upsampling, mode))
    yield "upsample_bicubic2d", ("input output_size align_corners scale_factors", partial(upsampling, "bicubic"))


def plain(name: str, signature: str = "self") -> tuple[str, Any]:
    """Returns a signature whose arguments, but the first, are all settings."""
    settings = [part.partition("=")[0] for part in signature.split()[1:]]
    return signature, lambda arguments: settled(name, arguments, *settings)


ALONE = "abs cos erf exp log neg reciprocal rsqrt sin sqrt square"
SIGNATURES: Mapping[str, tuple[str, Any]] = {
    "add": ("self other alpha=1", partial(arithmetic, "add")),
    "sub": ("self other alpha=1", partial(arithmetic, "sub")),
    "mul": ("self other", partial(arithmetic, "mul")),
    "div": ("self other", partial(arithmetic, "div")),
    "rsub": ("self other alpha=1", from_number),
    **{name: ("self other", partial(pair, name)) for name in ("maximum", "minimum")},
    "bmm": ("self mat2", partial(pair, "bmm")),
    "matmul": ("self other", partial(pair, "matmul")),
    "scaled_dot_product_attention": (
        "query key value attn_mask=None dropout_p=0.0 is_causal=False scale=None enable_gqa=False",
        attention,
    ),
    **{name: plain(name) for name in ALONE.split()},
    "pow": plain("pow", "self exponent"),
    "clamp": plain("clamp", "self min=None max=None"),
    **{name: ("tensors dim=0", partial(several, name)) for name in ("cat", "stack")},
    "permute": plain("permute", "self dims"),
    "transpose": plain("transpose", "self dim0 dim1"),
    "unsqueeze": plain("unsqueeze", "self dim"),
    "squeeze": plain("squeeze", "self dim"),
    "select": plain("select", "self dim index"),
    "slice": ("self dim=0 start=None end=None step=1", sliced),
    "flip": ("self dims", turned_round),
    **{name: ("self dim keepdim=False dtype=None", partial(reduced, name)) for name in ("mean", "sum")},
    **{name: ("self dim=[] keepdim=False", partial(reduced, name)) for name in ("amax", "amin")},
    "chunk": plain("chunk", "self chunks dim=0"),
    "split": ("self split_size dim=0", split),
    "split_with_sizes": ("self split_sizes dim=0", split),
    "unbind": plain("unbind", "self dim=0"),
    "unflatten": ("self dim sizes", unflattened),
    **dict(upsamplings()),
}


def regrouped(tensor: Any, before: Sequence[Any], after: Sequence[Any]) -> Meaning | None:
    """Returns what gives a tensor other sizes, from those before and after; a name is a size that is open.

    None where the first axis is not that of the batch any more, or where more than one size is left open.
    """
    if not isinstance(tensor, Tensor) or not before or not after or before[0] != after[0]:
        return None
    sizes = [None, *(told(size, before[place : place + 1]) for place, size in enumerate(after[1:], start=1))]
    return Meaning("reshape", {"shape": tuple(sizes)}, inputs=(tensor,)) if sizes.count(-1) <= 1 else None


def told(size: Any, same: Sequence[Any]) -> int | None:
    """Returns a size as a configuration has it: None is the size before at the same place, and -1 what is left."""
    if type(size) is int:
        return size
    return None if [size] == list(same) else -1
