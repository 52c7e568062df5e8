"""Functions that a network of Flax calls between its modules, as layers without arrays: `relu`, `max_pool`, `reshape`.

A class is named as the function of `flax.linen`, `jax.nn` or `jax.numpy` that it is, and where these have none, as the
operation: `crop`, `rescale`. A configuration holds the arguments of the function, without the batch: the shape that
`reshape` gives each example, and axes counted with the batch as 0
(https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/activation_functions.html,
https://docs.jax.dev/en/latest/jax.numpy.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.conventions.flax.convolution import at_every_place
from weightwise.conventions.flax.settings import FUNCTIONS, numbers
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.activation import Activation, GatedLinear, Softmax
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack
from weightwise.ops.functions import spelled
from weightwise.ops.merge import Concatenate, Merge
from weightwise.ops.norm import UnitNorm
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.padding import Cropping, Padding, ZeroPadding
from weightwise.ops.pooling import Pooling
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.resampling import Resampling
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Permute, Repeat, Reshape
from weightwise.ops.resizing import Resizing
from weightwise.ops.scaled_attention import ScaledAttention
from weightwise.ops.taking import Slice, Split, Take
from weightwise.ops.window import Window

Parts = Sequence[Description]
Build = Callable[[Config, Shapes, Parts], Operation]

SETTINGS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "abs": ("absolute", {}),
    "celu": ("celu", {"alpha": 1.0}),
    "clip": ("hard_tanh", {"min_value": -1.0, "max_value": 1.0}),
    "cos": ("cosine", {}),
    "elu": ("elu", {"alpha": 1.0}),
    "erf": ("error_function", {}),
    "exp": ("exponential", {}),
    "hard_shrink": ("hard_shrink", {"threshold": 0.5}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.01}),
    "log": ("logarithm", {}),
    "power": ("power", {"exponent": 2.0}),
    "reciprocal": ("reciprocal", {}),
    "scaled_softplus": ("softplus", {"beta": 1.0, "threshold": float("inf")}),
    "sin": ("sine", {}),
    "soft_shrink": ("soft_shrink", {"threshold": 0.5}),
    "sparse_plus": ("sparse_plus", {}),
    "sparse_sigmoid": ("sparse_sigmoid", {}),
    "sqrt": ("square_root", {}),
    "squareplus": ("squareplus", {"b": 4.0}),
    "tanh_shrink": ("tanh_shrink", {}),
    "threshold": ("threshold", {"threshold": 0.0, "default_value": 0.0}),
    "thresholded_relu": ("relu", {"negative_slope": 0.0, "max_value": float("inf"), "threshold": 0.0}),
}
"""The functions of one value that have settings, or that `settings.FUNCTIONS` does not have: the neutral name, and the
settings with JAX's defaults. `clip` has its bounds under neutral names."""

_PLAIN = tuple(name for name in FUNCTIONS if name not in SETTINGS and name != "gelu")


def _function(name: str) -> Build:
    neutral, defaults = SETTINGS[name]
    return lambda config, inputs, parts: Activation(
        spelled(neutral, **{key: float(config.get(key, default)) for key, default in defaults.items()})
    )


def _gelu(config: Config, inputs: Shapes, parts: Parts) -> Activation:
    return Activation("gelu_tanh" if config.get("approximate", True) else "gelu")


def _glu(config: Config, inputs: Shapes, parts: Parts) -> GatedLinear:
    return GatedLinear(int(config.get("axis", -1)))


def _softmax(config: Config, inputs: Shapes, parts: Parts) -> Softmax:
    return Softmax(numbers(config.get("axis", -1)))


def _log_softmax(config: Config, inputs: Shapes, parts: Parts) -> Softmax:
    return Softmax(numbers(config.get("axis", -1)), logarithm=True)


def _window(config: Config) -> Window:
    """Return the window of a pooling, whose steps are 1 unless they are given."""
    size, ones = numbers(config["window_shape"]), (1,) * len(config["window_shape"])
    padding = config.get("padding", "VALID")
    if isinstance(padding, str):
        return Window(size, numbers(config.get("strides") or ones), ones, padding.lower())
    return Window(size, numbers(config.get("strides") or ones), ones, _pairs(padding))


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    """Return pairs of numbers, one for each spatial axis; raises `ShapeError`."""
    pairs = tuple(numbers(pair) for pair in value)
    if any(len(pair) != 2 for pair in pairs):
        raise ShapeError(f"expected pairs of numbers, found {value!r}")
    return tuple((before, after) for before, after in pairs)


def _max_pool(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    window = _window(config)
    return at_every_place(Pooling("max", window), window.rank, inputs)


def _average_pool(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    window, counts = _window(config), bool(config.get("count_include_pad", True))
    return at_every_place(Pooling("average", window, padding_counts=counts), window.rank, inputs)


def _reduce(how: str) -> Build:
    return lambda config, inputs, parts: Reduction(how, numbers(config["axis"]), bool(config.get("keepdims", False)))


def _reshape(config: Config, inputs: Shapes, parts: Parts) -> Reshape:
    return Reshape(numbers(config["shape"]))


def _flatten(config: Config, inputs: Shapes, parts: Parts) -> Flatten:
    return Flatten(start=int(config.get("start", 1)), end=int(config.get("end", -1)))


def _transpose(config: Config, inputs: Shapes, parts: Parts) -> Permute:
    """Return the permutation; it keeps the batch first."""
    first, *order = numbers(config["axes"])
    if first != 0:
        raise ShapeError(f"a transposition keeps the batch as its first axis here, found {config['axes']}")
    return Permute(tuple(order))


def _concatenate(config: Config, inputs: Shapes, parts: Parts) -> Concatenate:
    return Concatenate(int(config.get("axis", -1)))


def _merge(how: str) -> Build:
    return lambda config, inputs, parts: Merge(how)


def _pad(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return the padding of the axes between the batch and the last one."""
    around, mode = _pairs(config["pad_width"]), config.get("mode", "constant")
    value = float(config.get("constant_values", 0))
    return ZeroPadding(around) if mode == "constant" and value == 0 else Padding(around, mode, value)


def _crop(config: Config, inputs: Shapes, parts: Parts) -> Cropping:
    return Cropping(_pairs(config["around"]))


def _resize(config: Config, inputs: Shapes, parts: Parts) -> Resizing:
    sizes: Any = numbers(config["shape"])  # one for each spatial axis, however many there are
    return Resizing(sizes, config["method"], antialias=bool(config.get("antialias", True)))


def _resample(config: Config, inputs: Shapes, parts: Parts) -> Resampling:
    """Return the interpolation, whose corners are aligned where the translation makes up for half a pixel."""
    shape, scale, translation = (tuple(config[key]) for key in ("shape", "scale", "translation"))
    if not any(translation):
        return Resampling(len(shape), factors=scale, interpolation="linear")
    if any(abs(moved - (1 - factor) / 2) > 1e-12 for factor, moved in zip(scale, translation, strict=True)):
        raise ShapeError("weightwise knows a translation that aligns the corners, and none")
    return Resampling(len(shape), size=shape, interpolation="linear", corners=True)


def _repeat(config: Config, inputs: Shapes, parts: Parts) -> Repeat:
    return Repeat(int(config["repeats"]))


def _rescale(config: Config, inputs: Shapes, parts: Parts) -> Rescaling:
    return Rescaling(_factor(config["scale"]), _factor(config.get("offset", 0.0)))


def _factor(value: Any) -> float | tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, (list, tuple)) else float(value)


def _unit(config: Config, inputs: Shapes, parts: Parts) -> UnitNorm:
    return UnitNorm(numbers(config["axis"]), float(config["epsilon"]))


def _take(config: Config, inputs: Shapes, parts: Parts) -> Take:
    return Take(int(config["axis"]), int(config["index"]))


def _slice(config: Config, inputs: Shapes, parts: Parts) -> Slice:
    return Slice(int(config["axis"]), config.get("start"), config.get("end"), int(config.get("step", 1)))


def _split(config: Config, inputs: Shapes, parts: Parts) -> Split:
    return Split(int(config["axis"]), numbers(config["lengths"]), bool(config.get("keepdims", True)))


def _expand(config: Config, inputs: Shapes, parts: Parts) -> InsertAxis:
    return InsertAxis(int(config["axis"]))


def _squeeze(config: Config, inputs: Shapes, parts: Parts) -> DropAxes:
    return DropAxes(numbers(config["axis"]))


def _swap(config: Config, inputs: Shapes, parts: Parts) -> Exchange:
    return Exchange((int(config["axis1"]), int(config["axis2"])))


def _stack(config: Config, inputs: Shapes, parts: Parts) -> Stack:
    return Stack(int(config.get("axis", 0)))


def _product(config: Config, inputs: Shapes, parts: Parts) -> Product:
    return Product()


def _attend(config: Config, inputs: Shapes, parts: Parts) -> ScaledAttention:
    return ScaledAttention(config.get("scale"), bool(config.get("is_causal", False)))


def _identity(config: Config, inputs: Shapes, parts: Parts) -> Identity:
    return Identity()


_BUILD: Mapping[str, Build] = {
    **{name: _function(name) for name in SETTINGS},
    "gelu": _gelu,
    "glu": _glu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "max_pool": _max_pool,
    "avg_pool": _average_pool,
    **{how: _reduce(how) for how in ("mean", "sum", "max", "min")},
    "reshape": _reshape,
    "flatten": _flatten,
    "transpose": _transpose,
    "concatenate": _concatenate,
    **{how: _merge(how) for how in ("add", "subtract", "multiply", "divide", "average", "maximum", "minimum")},
    "pad": _pad,
    "crop": _crop,
    "resize": _resize,
    "scale_and_translate": _resample,
    "repeat_vector": _repeat,
    "rescale": _rescale,
    "unit_norm": _unit,
    "take": _take,
    "slice": _slice,
    "split": _split,
    "expand_dims": _expand,
    "squeeze": _squeeze,
    "swapaxes": _swap,
    "stack": _stack,
    "matmul": _product,
    "scaled_attention": _attend,
    "identity": _identity,
}


def _plain(name: str) -> Build:
    return lambda config, inputs, parts: Activation(FUNCTIONS[name])


RULES = {name: Rule(build) for name, build in {**{name: _plain(name) for name in _PLAIN}, **_BUILD}.items()}
"""The functions by their names."""
ROWS = ()
