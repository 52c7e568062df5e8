"""Functions of Keras that stand among the layers of a graph, known by their module (https://keras.io/api/ops/).

The arguments of a call stand beside the configuration; one that is given by its place is called by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from weightwise.conventions.keras.normalization import axes_of
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.activation import Activation, GatedLinear, Softmax
from weightwise.ops.arranging import DropAxes, InsertAxis, Stack, Transpose
from weightwise.ops.functions import spelled
from weightwise.ops.merge import Concatenate, Merge
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.padding import Padding
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.reshaping import Permute, Reshape
from weightwise.ops.taking import Slice, Take
from weightwise.ops.wrappers import Chain

ROWS: tuple[Row, ...] = ()

Parts = Sequence[Description]
Build = Callable[[Config, Shapes], Operation]


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ShapeError(f"expected a whole number as its {what}, found {value!r}")
    return value


def _listed(value: Any, what: str) -> tuple[int, ...]:
    """Return whole numbers, of which one may stand for itself."""
    return tuple(_whole(each, what) for each in (value if isinstance(value, (list, tuple)) else [value]))


def _pad(config: Config, inputs: Shapes) -> Operation:
    """Return what is added around the axes between the batch and the channels; raises `ShapeError` for others."""
    width = [_listed(pair, "pad_width") for pair in config["pad_width"]]
    if len(width) < 3 or any(len(pair) != 2 for pair in width) or any((*width[0], *width[-1])):
        raise ShapeError(f"expected edges for the axes between the batch and the channels, found {width}")
    around = tuple((before, after) for before, after in width[1:-1])
    if len(around) > 3:
        raise ShapeError(f"expected edges of three axes at most, found {around}")
    if config["mode"] == "constant":
        return Padding(around, value=float(config.get("constant_values") or 0.0))
    return Padding(around, config["mode"])


def _item(config: Config, inputs: Shapes) -> Operation:
    """Return what is at the places of an index, `x[:, 1]`; raises `ShapeError` for one that is more."""
    index = config.get("1")
    items = index if isinstance(index, (list, tuple)) else [index]
    found = [_taken(axis, item) for axis, item in enumerate(items)]
    taken = [operation for operation in reversed(found) if operation is not None]
    if not taken:
        raise ShapeError(f"expected an index that takes a part of its input, found {index!r}")
    return taken[0] if len(taken) == 1 else Chain(tuple(taken))


def _taken(axis: int, item: Any) -> Operation | None:
    """Return what one part of an index takes; None for a whole axis."""
    if isinstance(item, Mapping) and item.get("class_name") == "__slice__":
        start, stop, step = (item["config"].get(key) for key in ("start", "stop", "step"))
        run = Slice(axis, start, stop, 1 if step is None else _whole(step, "step"))
        return None if run == Slice(axis) else run
    return Take(axis, _whole(item, "index"))


def _reduced(how: str, config: Config, inputs: Shapes) -> Operation:
    if config.get("initial") is not None or config.get("axis") is None:
        raise ShapeError("expected axes, and no value to begin with")
    return Reduction(how, _listed(config["axis"], "axis"), bool(config.get("keepdims", False)))


def _transposed(config: Config, inputs: Shapes) -> Operation:
    if not config.get("axes"):
        raise ShapeError("it turns the order of all axes round, with the batch as the last")
    order = _listed(config["axes"], "axes")
    return Permute(order[1:]) if order[0] == 0 else Transpose(order)


def _reshaped(config: Config, inputs: Shapes) -> Operation:
    batch, *sizes = _listed(config["newshape"], "newshape")
    if batch != -1 or -1 in sizes:
        raise ShapeError("expected sizes behind a batch that is left open")
    return Reshape(tuple(sizes))


def _squeezed(config: Config, inputs: Shapes) -> Operation:
    return DropAxes(_listed(config["axis"], "axis"))


def _axis(kind: Callable[[int], Operation], config: Config, inputs: Shapes) -> Operation:
    """Return an operation along one axis."""
    return kind(_whole(config["axis"], "axis"))


def _flipped(config: Config, inputs: Shapes) -> Operation:
    return Slice(_whole(config["axis"], "axis"), step=-1)


def _softmax(logarithm: bool, config: Config, inputs: Shapes) -> Operation:
    return Softmax(axes_of(config.get("axis", -1), inputs), logarithm)


def _merged(how: str, config: Config, inputs: Shapes) -> Operation:
    """Return a merge of tensors with the same number of axes, which functions line up from the end."""
    if len(inputs) != 2 or len(inputs[0]) != len(inputs[1]):
        raise ShapeError("it computes with an array, or with tensors of different numbers of axes")
    return Merge(how)


def _clipped(config: Config, inputs: Shapes) -> Operation:
    return Activation(spelled("hard_tanh", min_value=float(config["x_min"]), max_value=float(config["x_max"])))


def _gelu(config: Config, inputs: Shapes) -> Operation:
    return Activation("gelu_tanh" if config.get("approximate", True) else "gelu")


def _with(name: str, settings: Mapping[str, tuple[str, float]], config: Config, inputs: Shapes) -> Operation:
    """Return an activation with the settings of the function, by their neutral names, or the function's defaults."""
    values = {neutral: float(config.get(key, usual)) for neutral, (key, usual) in settings.items()}
    return Activation(spelled(name, **values))


def _plain(name: str, config: Config, inputs: Shapes) -> Operation:
    return Activation(name)


def _powered(config: Config, inputs: Shapes) -> Operation:
    exponent = config.get("1")
    if len(inputs) != 1 or not isinstance(exponent, (int, float)):
        raise ShapeError(f"expected a number as the exponent, found {exponent!r}")
    return Activation(spelled("power", exponent=float(exponent)))


_PLAIN = {
    "math.Erf": "error_function",
    "nn.HardSigmoid": "hard_sigmoid",
    "nn.HardSilu": "hard_silu",
    "nn.HardTanh": "hard_tanh",
    "nn.LogSigmoid": "log_sigmoid",
    "nn.Relu": "relu",
    "nn.Relu6": "relu6",
    "nn.Selu": "selu",
    "nn.Sigmoid": "sigmoid",
    "nn.Silu": "silu",
    "nn.SparsePlus": "sparse_plus",
    "nn.SparseSigmoid": "sparse_sigmoid",
    "nn.Softplus": "softplus",
    "nn.Softsign": "softsign",
    "nn.TanhShrink": "tanh_shrink",
    "numpy.Absolute": "absolute",
    "numpy.Cos": "cosine",
    "numpy.Exp": "exponential",
    "numpy.Log": "logarithm",
    "numpy.Reciprocal": "reciprocal",
    "numpy.Sin": "sine",
    "numpy.Sqrt": "square_root",
    "numpy.Tanh": "tanh",
}
_SETTINGS: Mapping[str, tuple[str, Mapping[str, tuple[str, float]]]] = {
    "nn.Celu": ("celu", {"alpha": ("alpha", 1.0)}),
    "nn.Elu": ("elu", {"alpha": ("alpha", 1.0)}),
    "nn.HardShrink": ("hard_shrink", {"threshold": ("threshold", 0.5)}),
    "nn.LeakyRelu": ("leaky_relu", {"negative_slope": ("negative_slope", 0.2)}),
    "nn.SoftShrink": ("soft_shrink", {"threshold": ("threshold", 0.5)}),
    "nn.Squareplus": ("squareplus", {"b": ("b", 4.0)}),
    "nn.Threshold": ("threshold", {"threshold": ("threshold", 0.0), "default_value": ("default_value", 0.0)}),
}
_BUILDS: Mapping[str, Build] = {
    "nn.Gelu": _gelu,
    "nn.Glu": partial(_axis, GatedLinear),
    "nn.LogSoftmax": partial(_softmax, True),
    "nn.Softmax": partial(_softmax, False),
    "numpy.Clip": _clipped,
    "numpy.Concatenate": partial(_axis, Concatenate),
    "numpy.Divide": partial(_merged, "divide"),
    "numpy.ExpandDims": partial(_axis, InsertAxis),
    "numpy.Flip": _flipped,
    "numpy.GetItem": _item,
    "numpy.Matmul": lambda config, inputs: Product(),
    "numpy.Max": partial(_reduced, "max"),
    "numpy.Maximum": partial(_merged, "maximum"),
    "numpy.Mean": partial(_reduced, "mean"),
    "numpy.Min": partial(_reduced, "min"),
    "numpy.Minimum": partial(_merged, "minimum"),
    "numpy.Pad": _pad,
    "numpy.Power": _powered,
    "numpy.Reshape": _reshaped,
    "numpy.Squeeze": _squeezed,
    "numpy.Stack": partial(_axis, Stack),
    "numpy.Sum": partial(_reduced, "sum"),
    "numpy.Transpose": _transposed,
    "numpy.TrueDivide": partial(_merged, "divide"),
    **{path: partial(_plain, name) for path, name in _PLAIN.items()},
    **{path: partial(_with, name, settings) for path, (name, settings) in _SETTINGS.items()},
}


def _rule(build: Build) -> Rule:
    def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
        return build(config, inputs)

    return Rule(operation)


RULES = {f"keras.src.ops.{path}": _rule(build) for path, build in _BUILDS.items()}
