"""The activation functions by their neutral names, each of an array and of settings that have defaults.

    activation = name [ "(" setting { ", " setting } ")" ]
    setting    = name "=" number

Frameworks share most definitions (https://docs.pytorch.org/docs/stable/nn.functional.html, https://keras.io/api/layers/activations/).
`hard_sigmoid_5` is Keras's up to version 2, with slope 1/5, and `hard_sigmoid` everybody's else, with slope 1/6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from weightwise.ops.operation import ShapeError

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def activate(function: str, x: Array) -> Array:
    """Return the activation of every value of `x`, spelled as above; raises `ShapeError` for one that is not known."""
    name, settings = _read(function)
    if name not in FUNCTIONS:
        raise ShapeError(f"no activation is called {name!r} here; known are {', '.join(sorted(FUNCTIONS))}")
    try:
        return FUNCTIONS[name](x, **settings)
    except TypeError as error:
        raise ShapeError(f"the activation {function!r} has a setting that {name} does not know") from error


def function_name(function: str) -> str:
    """Return the name of an activation without its settings."""
    return function.split("(", 1)[0]


def function_settings(function: str) -> Mapping[str, float]:
    """Return the settings of an activation that are given.

    >>> function_settings("relu(max_value=6.0)")
    {'max_value': 6.0}
    """
    return _read(function)[1]


def spelled(name: str, **settings: float | None) -> str:
    """Return an activation with the settings that are not None: `relu(max_value=6.0)`."""
    given = ", ".join(f"{key}={value!r}" for key, value in settings.items() if value is not None)
    return f"{name}({given})" if given else name


@cache
def _read(function: str) -> tuple[str, Mapping[str, float]]:
    found = re.fullmatch(r"([^()]+)(?:\((.*)\))?", function)
    if found is None:
        raise ShapeError(f"expected an activation such as relu or relu(max_value=6.0), found {function!r}")
    pairs = (setting.partition("=") for setting in (found[2] or "").split(", ") if setting)
    try:
        return found[1], {key: float(value) for key, _, value in pairs}
    except ValueError:
        raise ShapeError(f"expected numbers as the settings of {function!r}") from None


def _absolute(x: Array) -> Array:
    import numpy

    result: Array = numpy.abs(x)
    return result


def _celu(x: Array, alpha: float = 1.0) -> Array:
    import numpy

    return numpy.maximum(x, 0) + numpy.minimum(alpha * numpy.expm1(numpy.minimum(x, 0) / alpha), 0)


def _cosine(x: Array) -> Array:
    import numpy

    result: Array = numpy.cos(x)
    return result


def _elu(x: Array, alpha: float = 1.0) -> Array:
    import numpy

    return numpy.where(x > 0, x, alpha * numpy.expm1(numpy.minimum(x, 0)))


def _error_function(x: Array) -> Array:
    import numpy

    result: Array = numpy.vectorize(math.erf, otypes=[x.dtype])(x)
    return result


def _exponential(x: Array) -> Array:
    import numpy

    return numpy.exp(x)


def _gelu(x: Array) -> Array:
    import numpy

    error_function = numpy.vectorize(math.erf, otypes=[x.dtype])
    result: Array = 0.5 * x * (1 + error_function(x / math.sqrt(2)))
    return result


def _gelu_tanh(x: Array) -> Array:
    import numpy

    result: Array = 0.5 * x * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return result


def _glu(x: Array) -> Array:
    half = x.shape[-1] // 2
    return x[..., :half] * _sigmoid(x[..., half:])


def _hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    import numpy

    return numpy.where(numpy.abs(x) > threshold, x, 0)


def _hard_sigmoid(x: Array) -> Array:
    return (x / 6 + 0.5).clip(0, 1)


def _hard_sigmoid_5(x: Array) -> Array:
    return (0.2 * x + 0.5).clip(0, 1)


def _hard_silu(x: Array) -> Array:
    return x * _hard_sigmoid(x)


def _hard_tanh(x: Array, min_value: float = -1.0, max_value: float = 1.0) -> Array:
    return x.clip(min_value, max_value)


def _leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    return _relu(x, negative_slope)


def _linear(x: Array) -> Array:
    return x


def _logarithm(x: Array) -> Array:
    import numpy

    with numpy.errstate(all="ignore"):  # as frameworks do, which return what is no number
        result: Array = numpy.log(x)
    return result


def _log_sigmoid(x: Array) -> Array:
    return -_softplus(-x)


def _mish(x: Array) -> Array:
    import numpy

    return x * numpy.tanh(_softplus(x))


def _power(x: Array, exponent: float = 2.0) -> Array:
    import numpy

    with numpy.errstate(all="ignore"):
        result: Array = x**exponent
    return result


def _relu(x: Array, negative_slope: float = 0.0, max_value: float = math.inf, threshold: float = 0.0) -> Array:
    import numpy

    passed = numpy.where(x > threshold, x, 0) if threshold else numpy.maximum(x, 0)
    passed = numpy.minimum(passed, max_value)
    return passed + negative_slope * numpy.minimum(x - threshold, 0) if negative_slope else passed


def _relu6(x: Array) -> Array:
    return x.clip(0, 6)


def _reciprocal(x: Array) -> Array:
    import numpy

    with numpy.errstate(all="ignore"):
        result: Array = 1 / x
    return result


def _selu(x: Array) -> Array:
    return 1.0507009873554804934193349852946 * _elu(x, 1.6732632423543772848170429916717)


def _sigmoid(x: Array) -> Array:
    import numpy

    return numpy.exp(-_softplus(-x))


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _sine(x: Array) -> Array:
    import numpy

    result: Array = numpy.sin(x)
    return result


def softmax(x: Array, axes: tuple[int, ...] = (-1,)) -> Array:
    """Return shares that are positive and sum to 1 along the axes."""
    import numpy

    exponentials = numpy.exp(x - x.max(axis=axes, keepdims=True))
    shares: Array = exponentials / exponentials.sum(axis=axes, keepdims=True)
    return shares


def log_softmax(x: Array, axes: tuple[int, ...] = (-1,)) -> Array:
    """Return the logarithms of shares that are positive and sum to 1 along the axes."""
    import numpy

    shifted = x - x.max(axis=axes, keepdims=True)
    result: Array = shifted - numpy.log(numpy.exp(shifted).sum(axis=axes, keepdims=True))
    return result


def _softplus(x: Array, beta: float = 1.0, threshold: float = math.inf) -> Array:
    import numpy

    scaled = beta * x
    smooth = numpy.maximum(scaled, 0) + numpy.log1p(numpy.exp(-numpy.abs(scaled)))
    return numpy.where(scaled > threshold, x, smooth / beta)


def _soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    result: Array = x - x.clip(-threshold, threshold)
    return result


def _softsign(x: Array) -> Array:
    import numpy

    result: Array = x / (1 + numpy.abs(x))
    return result


def _sparse_plus(x: Array) -> Array:
    import numpy

    return numpy.where(x < 1, (x.clip(-1, 1) + 1) ** 2 / 4, x)


def _sparse_sigmoid(x: Array) -> Array:
    return 0.5 * (x.clip(-1, 1) + 1)


def _sparsemax_keras(x: Array) -> Array:
    """Return what Keras calls sparsemax: it takes the threshold from the sum of all partial sums of the support.

    The paper takes the last partial sum alone (https://arxiv.org/abs/1602.02068, algorithm 1), so that only rows whose
    support is one value agree.
    """
    import numpy

    descending = -numpy.sort(-x, axis=-1)
    sums = numpy.cumsum(descending, axis=-1)
    support = descending * numpy.arange(1, x.shape[-1] + 1, dtype=x.dtype) > sums - 1
    totals = numpy.where(support, sums, 0).sum(axis=-1, keepdims=True)
    counts = support.sum(axis=-1, keepdims=True, dtype=x.dtype)
    result: Array = numpy.maximum(x - (totals - 1) / counts, 0)
    return result


def _square_root(x: Array) -> Array:
    import numpy

    with numpy.errstate(all="ignore"):  # as frameworks do, which return what is no number
        result: Array = numpy.sqrt(x)
    return result


def _squareplus(x: Array, b: float = 4.0) -> Array:
    import numpy

    return (x + numpy.sqrt(x * x + b)) / 2


def _tanh(x: Array) -> Array:
    import numpy

    return numpy.tanh(x)


def _tanh_shrink(x: Array) -> Array:
    return x - _tanh(x)


def _threshold(x: Array, threshold: float = 0.0, default_value: float = 0.0) -> Array:
    import numpy

    return numpy.where(x > threshold, x, default_value)


FUNCTIONS: Mapping[str, Callable[..., Array]] = {
    "absolute": _absolute,
    "celu": _celu,
    "cosine": _cosine,
    "elu": _elu,
    "error_function": _error_function,
    "exponential": _exponential,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "glu": _glu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": _hard_sigmoid,
    "hard_sigmoid_5": _hard_sigmoid_5,
    "hard_silu": _hard_silu,
    "hard_tanh": _hard_tanh,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "logarithm": _logarithm,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": log_softmax,
    "mish": _mish,
    "power": _power,
    "relu": _relu,
    "reciprocal": _reciprocal,
    "relu6": _relu6,
    "selu": _selu,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "sine": _sine,
    "soft_shrink": _soft_shrink,
    "softmax": softmax,
    "softplus": _softplus,
    "softsign": _softsign,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "sparsemax_keras": _sparsemax_keras,
    "square_root": _square_root,
    "squareplus": _squareplus,
    "tanh": _tanh,
    "tanh_shrink": _tanh_shrink,
    "threshold": _threshold,
}
"""Each takes and returns an array of any shape."""
ALONG = frozenset(("glu", "log_softmax", "softmax", "sparsemax_keras"))
"""The functions that read all values along the last axis, and not one at a time."""
