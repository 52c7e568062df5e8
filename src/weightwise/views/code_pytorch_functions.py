"""PyTorch's operators, and modules without arrays, in code: `torch.cat([a, b], dim=1)`, `x[:, -1]`, `F.relu(x)`.

https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.views.code_pytorch_modules import alike, literal

Config = Mapping[str, Any]

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}

ACTIVATIONS: Mapping[str, str] = {
    "CELU": "F.celu alpha=1.0",
    "ELU": "F.elu alpha=1.0",
    "GELU": "F.gelu approximate='none'",
    "GLU": "F.glu dim=-1",
    "Hardshrink": "F.hardshrink lambd=0.5",
    "Hardsigmoid": "F.hardsigmoid",
    "Hardswish": "F.hardswish",
    "Hardtanh": "F.hardtanh min_val=-1.0 max_val=1.0",
    "LeakyReLU": "F.leaky_relu negative_slope=0.01",
    "LogSigmoid": "F.logsigmoid",
    "LogSoftmax": "F.log_softmax dim",
    "Mish": "F.mish",
    "ReLU": "F.relu",
    "ReLU6": "F.relu6",
    "SELU": "F.selu",
    "SiLU": "F.silu",
    "Sigmoid": "torch.sigmoid",
    "Softmax": "F.softmax dim",
    "Softplus": "F.softplus beta=1.0 threshold=20.0",
    "Softshrink": "F.softshrink lambd=0.5",
    "Softsign": "F.softsign",
    "Tanh": "torch.tanh",
    "Tanhshrink": "F.tanhshrink",
    "Threshold": "F.threshold threshold= value=",
}
"""The function of each activation and its settings, which come with their names where they are not as by default."""

_PADS = {"ReflectionPad": "reflect", "ReplicationPad": "replicate", "CircularPad": "circular"}


def is_activation(class_name: str) -> bool:
    """Return whether a module is a function of one tensor that is written around another call."""
    return class_name in ACTIVATIONS


def activation(class_name: str, config: Config, x: str) -> list[str]:
    """Return the function of an activation and its arguments, of which the first is `x`."""
    function, *settings = ACTIVATIONS[class_name].split()
    given = [x]
    for setting in settings:
        name, equals, default = setting.partition("=")
        value = config[name] if not default else config.get(name, ast.literal_eval(default))
        if not default or value != ast.literal_eval(default):
            given.append(literal(value) if equals and not default else f"{name}={literal(value)}")
    return [function, *given]


def expression(class_name: str, config: Config, names: Sequence[str]) -> str | None:
    """Return an operator, or a module that is written as one, of the variables; None for what must be a module.

    Raises `KeyError` or `ValueError` for settings that are not those of the operator.
    """
    if is_activation(class_name):
        function, *given = activation(class_name, config, names[0])
        return f"{function}({', '.join(given)})"
    if class_name in _SIGNS:
        return _arithmetic(class_name, config, names)
    if class_name in FUNCTIONS:
        return FUNCTIONS[class_name](config, names)
    if class_name[:-2].endswith("Pad") and class_name[-2:] in ("1d", "2d", "3d"):
        return _padded(class_name[:-2], config, names[0])
    return None


def _arithmetic(name: str, config: Config, names: Sequence[str]) -> str:
    other = literal(config["other"]) if "other" in config else names[1]
    if config.get("alpha", 1) != 1:
        return f"torch.{name}({names[0]}, {other}, alpha={literal(config['alpha'])})"
    if config.get("rounding_mode") is not None:
        return f"torch.{name}({names[0]}, {other}, rounding_mode={literal(config['rounding_mode'])})"
    return f"{names[0]} {_SIGNS[name]} {other}"


def _padded(kind: str, config: Config, x: str) -> str:
    mode = _PADS.get(kind)
    more = f", mode={literal(mode)}" if mode else ""
    if kind == "ConstantPad":
        more = f", value={literal(config['value'])}"
    return f"F.pad({x}, {literal(config['padding'])}{more})"


def _called(name: str, *settings: str) -> Callable[[Config, Sequence[str]], str]:
    """Return what writes a method of a tensor with its settings, without names where these end in `!`."""

    def written(config: Config, names: Sequence[str]) -> str:
        given = []
        for setting in settings:
            key, _, default = setting.rstrip("!").partition("=")
            value = config[key] if not default else config.get(key, ast.literal_eval(default))
            if not default or value != ast.literal_eval(default):
                text = literal(alike(value) if key == "dim" and len(value_list(value)) == 1 else value)
                given.append(text if setting.endswith("!") else f"{key}={text}")
        return f"{names[0]}.{name}({', '.join(given)})"

    return written


def value_list(value: Any) -> Sequence[Any]:
    """Return several values, or one as the only one of them."""
    return value if isinstance(value, (tuple, list)) else (value,)


def _joined(name: str) -> Callable[[Config, Sequence[str]], str]:
    def written(config: Config, names: Sequence[str]) -> str:
        dim = config.get("dim", 0)
        if shape := config.get("other_shape"):
            array = f"{names[1]}.expand({names[0]}.shape[0]{', -1' * (len(shape) - 1)})"
            names = (array, names[0]) if config["other_first"] else (names[0], array)
        return f"torch.{name}([{', '.join(names)}]{f', dim={literal(dim)}' if dim else ''})"

    return written


def _unary(text: str) -> Callable[[Config, Sequence[str]], str]:
    """Return what writes a function of the first variables: `torch.exp({0})`."""
    return lambda config, names: text.format(*names)


def _permuted(config: Config, names: Sequence[str]) -> str:
    return f"{names[0]}.permute({', '.join(map(literal, config['dims']))})"


def _transposed(config: Config, names: Sequence[str]) -> str:
    return f"{names[0]}.transpose({literal(config['dim0'])}, {literal(config['dim1'])})"


def _reshaped(config: Config, names: Sequence[str]) -> str:
    sizes = (_size(size, place, names[0]) for place, size in enumerate(config["shape"]))
    return f"{names[0]}.reshape({', '.join(sizes)})"


def _size(size: Any, place: int, x: str) -> str:
    """Return a size of a shape: a number, or that of an axis of the tensor, the same one where it is None."""
    if size is None:
        return f"{x}.shape[{place}]"
    found = re.fullmatch(r"x\.shape\[(-?\d+)\]", size) if isinstance(size, str) else None
    return f"{x}.shape[{found[1]}]" if found else literal(size)


def _selected(config: Config, names: Sequence[str]) -> str:
    return _indexed(names[0], config["dim"], literal(config["index"])) or (
        f"{names[0]}.select({literal(config['dim'])}, {literal(config['index'])})"
    )


def _indexed(x: str, dim: int, inside: str) -> str:
    """Return an index along one axis; empty for an axis that is counted from the end, and is not the last."""
    if dim == -1:
        return f"{x}[..., {inside}]"
    return f"{x}[{':, ' * dim}{inside}]" if dim >= 0 else ""


def _sliced(config: Config, names: Sequence[str]) -> str:
    start, end, step = (config.get(key) for key in ("start", "end", "step"))
    run = f"{literal(start) if start else ''}:{literal(end) if end is not None else ''}"
    run += f":{literal(step)}" if step not in (None, 1) else ""
    found = _indexed(names[0], config["dim"], run)
    if not found:
        raise ValueError("it is a run of places of an axis that is counted from the end")
    return found


def _from_number(config: Config, names: Sequence[str]) -> str:
    if config.get("alpha", 1) != 1:
        return f"torch.rsub({names[0]}, {literal(config['other'])}, alpha={literal(config['alpha'])})"
    return f"{literal(config['other'])} - {names[0]}"


def _attention(config: Config, names: Sequence[str]) -> str:
    more = ", is_causal=True" if config.get("is_causal") else ""
    more += f", scale={literal(config['scale'])}" if config.get("scale") is not None else ""
    return f"F.scaled_dot_product_attention({', '.join(names)}{more})"


def _split(config: Config, names: Sequence[str]) -> str:
    sizes = config["split_size_or_sections"]
    dim = config.get("dim", 0)
    return f"{names[0]}.split({literal(sizes)}{f', dim={literal(dim)}' if dim else ''})"


def _flattened(config: Config, names: Sequence[str]) -> str:
    start, end = config["start_dim"], config["end_dim"]
    return f"{names[0]}.flatten({literal(start)}{f', {literal(end)}' if end != -1 else ''})"


_UNARY = ("abs", "cos", "erf", "exp", "log", "reciprocal", "rsqrt", "sin", "sqrt", "square")

FUNCTIONS: Mapping[str, Callable[[Config, Sequence[str]], str]] = {
    **{name: _unary(f"torch.{name}({{0}})") for name in _UNARY},
    **{name: _unary(f"torch.{name}({{0}}, {{1}})") for name in ("maximum", "minimum", "bmm")},
    **{name: _called(name, "dim", "keepdim=False") for name in ("mean", "sum", "amax", "amin")},
    "Flatten": _flattened,
    "Unflatten": _called("unflatten", "dim!", "unflattened_size!"),
    "cat": _joined("cat"),
    "chunk": _called("chunk", "chunks!", "dim=0"),
    "clamp": _called("clamp", "min=None", "max=None"),
    "flip": _called("flip", "dim!"),
    "matmul": _unary("{0} @ {1}"),
    "neg": _unary("-{0}"),
    "permute": _permuted,
    "pow": _called("pow", "exponent!"),
    "reshape": _reshaped,
    "rsub": _from_number,
    "scaled_dot_product_attention": _attention,
    "select": _selected,
    "slice": _sliced,
    "split": _split,
    "squeeze": _called("squeeze", "dim!"),
    "stack": _joined("stack"),
    "transpose": _transposed,
    "unbind": _called("unbind", "dim=0"),
    "unsqueeze": _called("unsqueeze", "dim!"),
}
"""The operators of the table of conventions, by their names there."""
