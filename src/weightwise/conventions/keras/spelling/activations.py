"""Activations as layers of Keras, or as functions where no layer has the setting (https://keras.io/api/layers/activations/)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

from weightwise.conventions.keras.spelling.steps import chain, function, layer, refuse
from weightwise.conventions.spelling import Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.functions import function_name, function_settings
from weightwise.ops.operation import Shape

_NAMES: Mapping[str, str] = {
    **{
        name: name
        for name in [
            "celu",
            "elu",
            "exponential",
            "gelu",
            "glu",
            "hard_shrink",
            "hard_sigmoid",
            "hard_silu",
            "hard_tanh",
            "leaky_relu",
            "linear",
            "log_sigmoid",
            "log_softmax",
            "mish",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "soft_shrink",
            "softmax",
            "softplus",
            "softsign",
            "sparse_plus",
            "sparse_sigmoid",
            "squareplus",
            "tanh",
            "tanh_shrink",
            "threshold",
        ]
    },
    "sparsemax_keras": "sparsemax",
}
"""Keras's names of the functions that it knows by name, with its default settings, which are the neutral ones."""


def named(text: str) -> str | None:
    """Return the name by which a layer of Keras takes an activation as a setting; None where it has none."""
    return None if function_settings(text) else _NAMES.get(function_name(text))


def activated(text: str) -> tuple[str, tuple[Step, ...]]:
    """Return an activation as a setting of a layer, and the steps behind the layer where no setting says it."""
    name = named(text)
    return (name, ()) if name else ("linear", activation(text, "activation"))


def activation(text: str, name: str = "") -> tuple[Step, ...]:
    """Return the steps of an activation; raises `UnsupportedError` where Keras has none."""
    known = named(text)
    if known:
        return (layer("Activation", name, activation=known),) if known != "linear" else ()
    kind = function_name(text)
    if kind not in _SETTINGS:
        raise UnsupportedError(f"Keras has no activation {text}")
    return _SETTINGS[kind](name, **function_settings(text))


def _relu(name: str, negative_slope: float = 0.0, max_value: float = inf, threshold: float = 0.0) -> tuple[Step, ...]:
    refuse(negative_slope < 0 or max_value < 0, "Keras's ReLU has neither a slope nor a bound below zero")
    bound = None if max_value == inf else max_value
    return (layer("ReLU", name, max_value=bound, negative_slope=negative_slope, threshold=threshold),)


def _leaky_relu(name: str, negative_slope: float) -> tuple[Step, ...]:
    if negative_slope < 0:
        return (function("nn.LeakyRelu", name, negative_slope=negative_slope),)
    return (layer("LeakyReLU", name, negative_slope=negative_slope),)


def _softplus(name: str, beta: float = 1.0, threshold: float = inf) -> tuple[Step, ...]:
    refuse(threshold < 20, "Keras's softplus never becomes a straight line")
    smooth = layer("Activation", name, activation="softplus")
    return (smooth,) if beta == 1 else (_scaled(beta, "scaled"), smooth, _scaled(1 / beta, "unscaled"))


def _scaled(scale: float, name: str, offset: float = 0.0) -> Step:
    return layer("Rescaling", name, scale=scale, offset=offset)


def _hard_tanh(name: str, min_value: float = -1.0, max_value: float = 1.0) -> tuple[Step, ...]:
    return (function("numpy.Clip", name, x_min=min_value, x_max=max_value),)


def _hard_sigmoid_5(name: str) -> tuple[Step, ...]:
    return _scaled(0.2, "scaled", 0.5), layer("ReLU", name, max_value=1.0)


def _with(path: str, **renamed: str) -> Callable[..., tuple[Step, ...]]:
    """Return what makes a function of `keras.ops` with the neutral settings, some of which it calls otherwise."""

    def steps(name: str, **settings: float) -> tuple[Step, ...]:
        own = {renamed.get(key, key): value for key, value in settings.items()}
        return (function(path, name, None, **own),)

    return steps


def _power(name: str, exponent: float = 2.0) -> tuple[Step, ...]:
    return (function("numpy.Power", name, {"1": exponent}),)


_SETTINGS: Mapping[str, Callable[..., tuple[Step, ...]]] = {
    "absolute": _with("numpy.Absolute"),
    "celu": _with("nn.Celu"),
    "cosine": _with("numpy.Cos"),
    "elu": lambda name, alpha: (layer("ELU", name, alpha=alpha),),
    "error_function": _with("math.Erf"),
    "gelu_tanh": lambda name: (function("nn.Gelu", name, approximate=True),),
    "hard_shrink": _with("nn.HardShrink"),
    "hard_sigmoid_5": _hard_sigmoid_5,
    "hard_tanh": _hard_tanh,
    "leaky_relu": _leaky_relu,
    "logarithm": _with("numpy.Log"),
    "power": _power,
    "reciprocal": _with("numpy.Reciprocal"),
    "relu": _relu,
    "sine": _with("numpy.Sin"),
    "soft_shrink": _with("nn.SoftShrink"),
    "softplus": _softplus,
    "square_root": _with("numpy.Sqrt"),
    "squareplus": _with("nn.Squareplus"),
    "threshold": _with("nn.Threshold"),
}
"""Activations with settings, or that have no name in Keras."""


def spelled_activation(operation: Activation, inputs: Sequence[Shape]) -> Spelled:
    """Return an activation that is a layer of its own."""
    notes: tuple[str, ...] = ()
    if function_name(operation.function) == "softplus" and "threshold" in function_settings(operation.function):
        notes = ("the source returns x itself above a threshold, which Keras approaches to less than 3e-9",)
    return chain(*activation(operation.function), notes=notes)


def spelled_softmax(operation: Softmax, inputs: Sequence[Shape]) -> Spelled:
    """Return a softmax along one or several axes, or its logarithm."""
    axes = list(operation.axes)
    if operation.logarithm:
        if axes == [-1]:
            return chain(layer("Activation", activation="log_softmax"))
        refuse(len(axes) > 1, "Keras's logarithm of a softmax runs along one axis")
        return chain(function("nn.LogSoftmax", "", axis=axes[0]))
    return chain(layer("Softmax", axis=axes[0] if len(axes) == 1 else axes))


def spelled_gate(operation: GatedLinear, inputs: Sequence[Shape]) -> Spelled:
    """Return a gated linear unit along any axis."""
    return chain(function("nn.Glu", "", axis=operation.axis))


def spelled_prelu(operation: PReLU, inputs: Sequence[Shape]) -> Spelled:
    """Return a PReLU that shares its slopes along all other axes."""
    refuse(not inputs, "the axes that share a slope follow from the shape of its input, which is not known")
    rank = len(inputs[0])
    own = {axis % rank for axis in operation.axes}
    refuse(0 in own, "its slopes run along the batch")
    return chain(layer("PReLU", shared_axes=[axis for axis in range(1, rank) if axis not in own]))
