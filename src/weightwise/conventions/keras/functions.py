"""The activations of Keras under their neutral names (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/activations).

Keras writes a function by its name, a layer that somebody gave as an activation by its class and configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from weightwise.conventions.row import Config
from weightwise.ops.functions import spelled
from weightwise.ops.operation import ShapeError

ALIASES = {"swish": "silu", "hard_swish": "hard_silu", "sparsemax": "sparsemax_keras"}
"""Names that Keras gives twice to one function, or to a function of its own."""


def neutral(value: Any) -> str:
    """Return the neutral spelling of an activation as Keras writes it; raises `ShapeError` for what is no activation.

    A function that is not Keras's own keeps its name, and a layer with weights or another purpose that of its class.
    """
    if isinstance(value, Mapping):
        name, config = value.get("class_name"), value.get("config")
        if isinstance(name, str) and name in LAYERS and isinstance(config, Mapping):
            return LAYERS[name](config)
        value = config if name == "function" else name
    if value is None:
        return "linear"
    if not isinstance(value, str):
        raise ShapeError(f"expected the name of an activation, found {value!r}")
    return ALIASES.get(value, value)


def _relu(config: Config) -> str:
    settings = {key: _number(config, key, default) for key, default in _RELU.items()}
    return spelled("relu", **{key: value for key, value in settings.items() if value != _RELU[key]})


_RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}


def _leaky_relu(config: Config) -> str:
    key = "alpha" if "alpha" in config else "negative_slope"
    return spelled("leaky_relu", negative_slope=_number(config, key, 0.3))


def _elu(config: Config) -> str:
    alpha = _number(config, "alpha", 1.0)
    return spelled("elu", alpha=None if alpha == 1 else alpha)


def _number(config: Config, key: str, default: float | None) -> float | None:
    value = config.get(key, default)
    if value is not None and not isinstance(value, (int, float)):
        raise ShapeError(f"expected a number as {key}, found {value!r}")
    return value


LAYERS: Mapping[str, Callable[[Config], str]] = {"ReLU": _relu, "LeakyReLU": _leaky_relu, "ELU": _elu}
"""The layers that are nothing but a function, and its neutral spelling from their configuration."""
