"""Activations of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/activation.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from weightwise.conventions.pytorch.settings import channel_axis, count, number
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.functions import spelled
from weightwise.ops.operation import Operation, ShapeError

Parts = Sequence[Description]

_NAMES = {
    "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_silu",
    "LogSigmoid": "log_sigmoid",
    "Mish": "mish",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "Tanhshrink": "tanh_shrink",
}
"""Functions without settings, by class."""

_SETTINGS: Mapping[str, tuple[str, Mapping[str, tuple[str, float | None]]]] = {
    "CELU": ("celu", {"alpha": ("alpha", 1.0)}),
    "ELU": ("elu", {"alpha": ("alpha", 1.0)}),
    "Hardshrink": ("hard_shrink", {"threshold": ("lambd", 0.5)}),
    "Hardtanh": ("hard_tanh", {"min_value": ("min_val", -1.0), "max_value": ("max_val", 1.0)}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": ("negative_slope", None)}),
    "Softplus": ("softplus", {"beta": ("beta", 1.0), "threshold": ("threshold", None)}),
    "Softshrink": ("soft_shrink", {"threshold": ("lambd", 0.5)}),
    "Threshold": ("threshold", {"threshold": ("threshold", None), "default_value": ("value", None)}),
}
"""Functions with settings: their neutral name, and each setting with its attribute and the value that is understood."""


def _prelu(config: Config, inputs: Shapes, parts: Parts) -> PReLU:
    """Return one slope for each channel, or one for all."""
    if count(config, "num_parameters") == 1:
        return PReLU(())
    return PReLU((channel_axis(len(inputs[0]) if inputs else None),))


def _named(function: str, config: Config, inputs: Shapes, parts: Parts) -> Activation:
    return Activation(function)


def _with_settings(class_name: str, config: Config, inputs: Shapes, parts: Parts) -> Activation:
    name, settings = _SETTINGS[class_name]
    values = {setting: (number(config, key), default) for setting, (key, default) in settings.items()}
    return Activation(
        spelled(name, **{setting: value for setting, (value, default) in values.items() if value != default})
    )


def _gelu(config: Config, inputs: Shapes, parts: Parts) -> Activation:
    """Return the GELU, which was always exact before 1.12 and had no setting."""
    names = {"none": "gelu", "tanh": "gelu_tanh"}
    kind = config.get("approximate", "none")
    if kind not in names:
        raise ShapeError(f"expected its approximate to be none or tanh, found {kind!r}")
    return Activation(names[kind])


def _random_relu(config: Config, inputs: Shapes, parts: Parts) -> Activation:
    """Return the leaky ReLU whose slope is in the middle of those from which training draws."""
    slope = (number(config, "lower") + number(config, "upper")) / 2
    return Activation(spelled("leaky_relu", negative_slope=slope))


def _glu(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    return Activation("glu") if config["dim"] == -1 else GatedLinear(config["dim"])


def _softmax(logarithm: bool, config: Config, inputs: Shapes, parts: Parts) -> Softmax:
    if not isinstance(config["dim"], int):
        raise ShapeError(f"expected one axis as its dim, found {config['dim']!r}")
    return Softmax((config["dim"],), logarithm)


def _softmax_of_channels(config: Config, inputs: Shapes, parts: Parts) -> Softmax:
    return Softmax((-3,))


RULES = {
    **{class_name: Rule(partial(_named, function)) for class_name, function in _NAMES.items()},
    **{class_name: Rule(partial(_with_settings, class_name)) for class_name in _SETTINGS},
    "GELU": Rule(_gelu),
    "GLU": Rule(_glu),
    "LogSoftmax": Rule(partial(_softmax, True)),
    "PReLU": Rule(_prelu),
    "RReLU": Rule(_random_relu),
    "Softmax": Rule(partial(_softmax, False)),
    "Softmax2d": Rule(_softmax_of_channels),
}
