"""Activations as modules of PyTorch, and from its operators where there is no module.

https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.pytorch.spelling.steps import along, chain, function, module, refuse
from weightwise.conventions.spelling import Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.functions import function_name
from weightwise.ops.operation import Shape

_PLAIN = {
    "gelu": "GELU",
    "hard_sigmoid": "Hardsigmoid",
    "hard_silu": "Hardswish",
    "log_sigmoid": "LogSigmoid",
    "mish": "Mish",
    "relu6": "ReLU6",
    "selu": "SELU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softsign": "Softsign",
    "tanh": "Tanh",
    "tanh_shrink": "Tanhshrink",
}
"""Modules without settings."""

_SETTINGS: Mapping[str, tuple[str, Mapping[str, tuple[str, float]]]] = {
    "celu": ("CELU", {"alpha": ("alpha", 1.0)}),
    "elu": ("ELU", {"alpha": ("alpha", 1.0)}),
    "hard_shrink": ("Hardshrink", {"lambd": ("threshold", 0.5)}),
    "hard_tanh": ("Hardtanh", {"min_val": ("min_value", -1.0), "max_val": ("max_value", 1.0)}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": ("negative_slope", 0.2)}),
    "soft_shrink": ("Softshrink", {"lambd": ("threshold", 0.5)}),
    # Above the threshold PyTorch returns x itself, which is all that is left of the function in float64 from 40 on.
    "softplus": ("Softplus", {"beta": ("beta", 1.0), "threshold": ("threshold", 40.0)}),
    "threshold": ("Threshold", {"threshold": ("threshold", 0.0), "value": ("default_value", 0.0)}),
}
"""Modules with settings: by the name of each setting, its neutral name and its neutral default."""

_ALONG = {"softmax": "Softmax", "log_softmax": "LogSoftmax", "glu": "GLU"}


def activation(text: str) -> tuple[Step, ...]:
    """Return the steps of an activation by its neutral spelling, of which each reads the one before."""
    name, settings = function_name(text), settings_of(text)
    if name == "linear":
        return ()
    if name in _PLAIN:
        extra: dict[str, Any] = {"approximate": "none"} if name == "gelu" else {}
        return (module(_PLAIN[name], name, **extra),)
    if name in _ALONG:
        return (module(_ALONG[name], name, dim=int(settings.get("axis", -1))),)
    if name in _SETTINGS:
        class_name, known = _SETTINGS[name]
        given: dict[str, Any] = {key: settings.get(own, usual) for key, (own, usual) in known.items()}
        return (module(class_name, name, **given),)
    if name in _COMPUTED:
        return _COMPUTED[name](**settings)
    raise UnsupportedError(f"PyTorch has no module for the activation {name}")


def settings_of(text: str) -> dict[str, float]:
    """Return the settings of an activation: `max_value` of `relu(max_value=6.0)`."""
    return {key: float(value) for key, value in re.findall(r"(\w+)=([^,)]+)", text)}


def _relu(negative_slope: float = 0.0, max_value: float = inf, threshold: float = 0.0) -> tuple[Step, ...]:
    if threshold:
        refuse("PyTorch has no ReLU with both a threshold and a slope below it", negative_slope)
        first = module("Threshold", "threshold", threshold=threshold, value=0.0)
    elif negative_slope:
        refuse("a slope below zero or a bound below zero is not that of a ReLU", negative_slope < 0 or max_value < 0)
        first = module("LeakyReLU", "leaky_relu", negative_slope=negative_slope)
    elif max_value < inf:
        return (module("ReLU6", "relu6") if max_value == 6 else function("clamp", "relu", min=0.0, max=max_value),)
    else:
        first = module("ReLU", "relu")
    return (first,) if max_value == inf else (first, function("clamp", min=None, max=max_value))


def _hard_sigmoid_5() -> tuple[Step, ...]:
    return function("mul", other=0.2), function("add", other=0.5), function("clamp", min=0.0, max=1.0)


def _sparse_sigmoid() -> tuple[Step, ...]:
    return function("clamp", min=-1.0, max=1.0), function("add", other=1.0), function("mul", other=0.5)


_COMPUTED: Mapping[str, Callable[..., tuple[Step, ...]]] = {
    "absolute": lambda: (function("abs"),),
    "cosine": lambda: (function("cos"),),
    "error_function": lambda: (function("erf"),),
    "exponential": lambda: (function("exp"),),
    "gelu_tanh": lambda: (module("GELU", "gelu", approximate="tanh"),),
    "hard_sigmoid_5": _hard_sigmoid_5,
    "logarithm": lambda: (function("log"),),
    "power": lambda exponent=2.0: (function("pow", exponent=exponent),),
    "reciprocal": lambda: (function("reciprocal"),),
    "relu": _relu,
    "sine": lambda: (function("sin"),),
    "sparse_sigmoid": _sparse_sigmoid,
    "square_root": lambda: (function("sqrt"),),
}


def spelled_activation(operation: Activation, inputs: Sequence[Shape]) -> Spelled:
    """Return the steps of an activation that is a layer of its own."""
    name = function_name(operation.function)
    if name == "squareplus":
        return _squareplus(**settings_of(operation.function))
    if name == "sparse_plus":
        return _sparse_plus()
    return chain(*(activation(operation.function) or (module("Identity"),)))


def _squareplus(b: float = 4.0) -> Spelled:
    program = Program()
    root = program.follow([function("square"), function("add", "add_b", other=b), function("sqrt")], SOURCE)
    total = program.add(function("add"), SOURCE, root)
    return program.spelled(program.add(function("mul", other=0.5), total))


def _sparse_plus() -> Spelled:
    """Return `(clamp(x) + 1)² / 4`, and what x is above 1."""
    program = Program()
    bounded = [function("clamp", min=-1.0, max=1.0), function("add", "add_1", other=1.0), function("square")]
    curve = program.follow([*bounded, function("mul", other=0.25)], SOURCE)
    above = program.follow([function("sub", other=1.0), module("ReLU", "relu")], SOURCE)
    return program.spelled(program.add(function("add"), curve, above))


def spelled_softmax(operation: Softmax, inputs: Sequence[Shape]) -> Spelled:
    """Return the module for one axis, and the shares from operators for several."""
    if len(operation.axes) == 1:
        return chain(module("LogSoftmax" if operation.logarithm else "Softmax", dim=operation.axes[0]))
    refuse("PyTorch's LogSoftmax runs along one axis", operation.logarithm)
    program = Program()
    largest = program.add(function("amax", dim=operation.axes, keepdim=True), SOURCE)
    shifted = program.add(function("sub"), SOURCE, largest)
    exponentials = program.add(function("exp"), shifted)
    total = program.add(function("sum", dim=operation.axes, keepdim=True), exponentials)
    return program.spelled(program.add(function("div"), exponentials, total))


def spelled_gate(operation: GatedLinear, inputs: Sequence[Shape]) -> Spelled:
    """Return the gated linear unit."""
    return chain(module("GLU", dim=operation.axis))


def spelled_prelu(operation: PReLU, inputs: Sequence[Shape]) -> Spelled:
    """Return the PReLU, whose slopes run along axis 1, or which has one for all."""
    count = 1
    if operation.axes and not _one_behind(operation, inputs):
        return _sloped(operation, inputs)
    if operation.axes:
        size = inputs[0][1] if inputs else None
        refuse("PyTorch's PReLU needs the number of its slopes, and the size of the axis is open", size is None)
        count = size or 1
    return chain(module("PReLU", num_parameters=count, parameters=["weight"]))


def _sloped(operation: PReLU, inputs: Sequence[Shape]) -> Spelled:
    """Return `relu(x) + slope · min(x, 0)`, with slopes along several axes."""
    program = Program()
    below = [function("clamp", min=None, max=0.0), along("mul", "slope", operation.axes, inputs)]
    sloped = program.follow(below, SOURCE)
    return program.spelled(program.add(function("add"), program.add(module("ReLU", "relu"), SOURCE), sloped))


def _one_behind(operation: PReLU, inputs: Sequence[Shape]) -> bool:
    return len(operation.axes) == 1 and (not inputs or operation.axes[0] % len(inputs[0]) == 1)
