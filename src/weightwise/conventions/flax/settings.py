"""How Flax writes settings that many of its modules have.

A class is `linen.Dense` or `nnx.Linear` here, and a configuration holds the attributes of a module as they are:
numbers, strings, tuples or lists, functions by their names, and modules inside as a class with a configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from weightwise.conventions.row import Config, Part, Shapes
from weightwise.ops.operation import ShapeError

FUNCTIONS: Mapping[str, str] = {
    "celu": "celu",
    "elu": "elu",
    "gelu": "gelu_tanh",
    "hard_sigmoid": "hard_sigmoid",
    "hard_silu": "hard_silu",
    "hard_swish": "hard_silu",
    "hard_tanh": "hard_tanh",
    "identity": "linear",
    "leaky_relu": "leaky_relu(negative_slope=0.01)",
    "log_sigmoid": "log_sigmoid",
    "mish": "mish",
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "sigmoid": "sigmoid",
    "silu": "silu",
    "soft_sign": "softsign",
    "softplus": "softplus",
    "squareplus": "squareplus",
    "swish": "silu",
    "tanh": "tanh",
}
"""Functions of JAX that keep the shape, with their defaults (https://docs.jax.dev/en/latest/jax.nn.html)."""


def qualified(class_name: str) -> str:
    """Return the short name of one of Flax's own classes; any other name as it is.

    >>> qualified("flax.linen.linear.Dense"), qualified("flax.nnx.nn.linear.Linear"), qualified("mine.Dense")
    ('linen.Dense', 'nnx.Linear', 'mine.Dense')
    """
    found = re.fullmatch(r"flax\.(linen|nnx)\.(?:\w+\.)*(\w+)", class_name)
    return f"{found[1]}.{found[2]}" if found else class_name


def use_bias(config: Config) -> bool:
    """Return whether the module has a bias; every class of Flax that may have one does by default."""
    return bool(config.get("use_bias", True))


def use_scale(config: Config) -> bool:
    """Return whether a normalization has a scale, as every one does by default."""
    return bool(config.get("use_scale", True))


def features(config: Config, name: str = "out_features") -> Any:
    """Return the size or sizes of the output, which nnx calls otherwise than linen."""
    return config["features"] if "features" in config else config[name]


def numbers(value: Any) -> tuple[int, ...]:
    """Return one or several whole numbers as a tuple; raises `ShapeError` for anything else."""
    found = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(number, int) for number in found):
        raise ShapeError(f"expected one or several whole numbers, found {value!r}")
    return found


def function(config: Config, key: str, default: str) -> str:
    """Return the neutral name of a function of JAX; raises `ShapeError` for any other function."""
    name = config.get(key, default)
    if name not in FUNCTIONS:
        raise ShapeError(f"expected a function of JAX as its {key}, found {name!r}")
    return FUNCTIONS[name]


def inside(key: str, module: Config, inputs: Shapes, role: str = "") -> Part:
    """Return a module inside, whose arrays are stored below `key`."""
    return Part(key, qualified(module["class_name"]), module["config"], inputs, role, key)


def either(*names: str) -> str:
    """Return the classes of these names of linen and of nnx, for a row that both have.

    >>> either("Conv", "Embed")
    'linen.Conv nnx.Conv linen.Embed nnx.Embed'
    """
    return " ".join(f"linen.{name} nnx.{name}" for name in names)


When = Callable[[Config], bool]


def without(condition: When) -> When:
    """Return the condition that another one is not met."""
    return lambda config: not condition(config)
