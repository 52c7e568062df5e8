"""The functions of a Flax network as Python spells them: `nn.relu(x)`, `x.reshape(x.shape[0], -1)`, `x + y`.

Each is written from the configuration that `conventions/flax/functions.py` reads. Its inputs are names, so that no
operator needs brackets around them.
"""

from __future__ import annotations

import json
import keyword
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.conventions.flax.settings import numbers

Config = Mapping[str, Any]
Names = Sequence[str]

OF_JAX = frozenset(("identity", "mish", "sparse_plus", "sparse_sigmoid", "squareplus"))
"""Functions of `jax.nn` that linen does not hand on."""


def literal(value: Any) -> str:
    """Return a setting as Python spells it: numbers, strings between double quotes, tuples; raises `ValueError`."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "jnp.nan" if math.isnan(value) else "jnp.inf" if value > 0 else "-jnp.inf"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        items = [literal(item) for item in value]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    raise ValueError(f"{type(value).__name__} cannot be written as Python code")


def settings(config: Config) -> list[str]:
    """Return settings as arguments: `axis=-1`; raises `ValueError` for a name that is none of Python's."""
    wrong = next((key for key in config if not key.isidentifier() or keyword.iskeyword(key)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no name of an argument")
    return [f"{key}={literal(value)}" for key, value in config.items()]


def called(function: str, *arguments: str) -> str:
    """Return a call."""
    return f"{function}({', '.join(arguments)})"


def expression(class_name: str, config: Config, names: Names) -> str:
    """Return what a function computes of its inputs, which are names; raises `ValueError`."""
    if class_name in _EXPRESSIONS:
        return _EXPRESSIONS[class_name](config, names)
    module = "jax.nn" if class_name in OF_JAX else "nn"
    return called(f"{module}.{class_name}", *names, *settings(config))


def _method(name: str) -> Callable[[Config, Names], str]:
    return lambda config, names: called(f"{names[0]}.{name}", *settings(config))


def _function(name: str) -> Callable[[Config, Names], str]:
    return lambda config, names: called(name, *names, *settings(config))


def _of_list(name: str) -> Callable[[Config, Names], str]:
    return lambda config, names: called(name, f"[{', '.join(names)}]", *settings(config))


def _infix(sign: str) -> Callable[[Config, Names], str]:
    return lambda config, names: f" {sign} ".join(names)


def _nested(function: str) -> Callable[[Config, Names], str]:
    def write(config: Config, names: Names) -> str:
        text = names[0]
        for name in names[1:]:
            text = called(function, text, name)
        return text

    return write


def _average(config: Config, names: Names) -> str:
    return f"({' + '.join(names)}) / {len(names)}"


def _clip(config: Config, names: Names) -> str:
    bounds = [config.get("min_value", -1.0), config.get("max_value", 1.0)]
    if bounds[1] == math.inf:
        bounds.pop()
    return called("jnp.clip", *names, *map(literal, bounds))


def _reshape(config: Config, names: Names) -> str:
    (x,) = names
    return called(f"{x}.reshape", f"{x}.shape[0]", *map(literal, numbers(config["shape"])))


def _flatten(config: Config, names: Names) -> str:
    (x,) = names
    start, end = int(config.get("start", 1)), int(config.get("end", -1))
    before = f"{x}.shape[0]" if start == 1 else f"*{x}.shape[:{start}]"
    return called(f"{x}.reshape", before, "-1", *([] if end == -1 else [f"*{x}.shape[{end + 1}:]"]))


def _transpose(config: Config, names: Names) -> str:
    return called(f"{names[0]}.transpose", *map(literal, numbers(config["axes"])))


def _pad(config: Config, names: Names) -> str:
    widths = ((0, 0), *(tuple(pair) for pair in config["pad_width"]), (0, 0))
    rest = {key: value for key, value in config.items() if key != "pad_width"}
    return called("jnp.pad", *names, literal(widths), *settings(rest))


def _crop(config: Config, names: Names) -> str:
    edges = [_run(int(before) or None, -int(after) or None) for before, after in config["around"]]
    return f"{names[0]}[{', '.join([':', *edges])}]"


def _run(start: int | None, end: int | None, step: int | None = None) -> str:
    text = f"{'' if start is None else start}:{'' if end is None else end}"
    return text if step in (None, 1) else f"{text}:{step}"


def _placed(name: str, axis: int, index: str) -> str:
    """Return what an index along one axis takes of a tensor."""
    if axis < 0:
        return f"{name}[{', '.join(['...', index, *[':'] * (-axis - 1)])}]"
    return f"{name}[{', '.join([*[':'] * axis, index])}]"


def _take(config: Config, names: Names) -> str:
    return _placed(names[0], config["axis"], str(int(config["index"])))


def _slice(config: Config, names: Names) -> str:
    return _placed(names[0], config["axis"], _run(*(_whole(config.get(key)) for key in ("start", "end", "step"))))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _split(config: Config, names: Names) -> str:
    ends, places = 0, []
    for length in numbers(config["lengths"])[:-1]:
        ends += length
        places.append(ends)
    text = called("jnp.split", names[0], f"[{', '.join(map(str, places))}]", f"axis={int(config['axis'])}")
    if config.get("keepdims", True):
        return text
    return f"(part.squeeze({int(config['axis'])}) for part in {text})"


def _resize(config: Config, names: Names) -> str:
    (x,) = names
    shape = f"({', '.join([f'{x}.shape[0]', *map(literal, numbers(config['shape'])), f'{x}.shape[-1]'])})"
    smooth = {} if config["method"] == "nearest" or config.get("antialias", True) else {"antialias": False}
    return called("jax.image.resize", x, shape, *settings({"method": config["method"], **smooth}))


def _resample(config: Config, names: Names) -> str:
    (x,) = names
    shape = f"({', '.join([f'{x}.shape[0]', *map(literal, numbers(config['shape'])), f'{x}.shape[-1]'])})"
    axes = literal(tuple(range(1, len(config["shape"]) + 1)))
    factors = (_factor(tuple(config[key])) for key in ("scale", "translation"))
    rest = settings({"method": "linear", "antialias": False})
    return called("jax.image.scale_and_translate", x, shape, axes, *factors, *rest)


def _repeat(config: Config, names: Names) -> str:
    return called("jnp.repeat", f"{names[0]}[:, None]", literal(config["repeats"]), "axis=1")


def _rescale(config: Config, names: Names) -> str:
    """Return the product and the sum; functions where numbers are many, so that a line can be broken at commas."""
    (x,) = names
    scale, offset = config["scale"], config.get("offset", 0.0)
    if isinstance(scale, (list, tuple)) or isinstance(offset, (list, tuple)):
        return called("jnp.add", called("jnp.multiply", x, _factor(scale)), _factor(offset))
    text = x if scale == 1 else f"{x} * {literal(scale)}"
    if offset == 0:
        return text
    return f"{text} - {literal(-offset)}" if offset < 0 else f"{text} + {literal(offset)}"


def _factor(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return called("jnp.array", f"[{', '.join(map(literal, value))}]")
    return literal(value)


def _unit(config: Config, names: Names) -> str:
    (x,) = names
    axes = numbers(config["axis"])
    total = called("jnp.sum", f"{x}**2", f"axis={literal(axes if len(axes) > 1 else axes[0])}", "keepdims=True")
    return f"{x} / jnp.maximum(jnp.sqrt({total}), {literal(config['epsilon'])})"


def _hard_shrink(config: Config, names: Names) -> str:
    (x,) = names
    return f"jnp.where(jnp.abs({x}) > {literal(config.get('threshold', 0.5))}, {x}, 0)"


def _soft_shrink(config: Config, names: Names) -> str:
    (x,) = names
    bound = literal(config.get("threshold", 0.5))
    return f"{x} - jnp.clip({x}, -{bound}, {bound})"


def _tanh_shrink(config: Config, names: Names) -> str:
    return f"{names[0]} - nn.tanh({names[0]})"


def _threshold(config: Config, names: Names) -> str:
    (x,) = names
    bound, other = (literal(config.get(key, 0.0)) for key in ("threshold", "default_value"))
    return f"jnp.where({x} > {bound}, {x}, {other})"


def _softplus(config: Config, names: Names) -> str:
    (x,) = names
    beta, threshold = config.get("beta", 1.0), config.get("threshold", math.inf)
    scaled = x if beta == 1 else f"{literal(beta)} * {x}"
    smooth = called("nn.softplus", scaled) + ("" if beta == 1 else f" / {literal(beta)}")
    return smooth if threshold == math.inf else f"jnp.where({scaled} > {literal(threshold)}, {x}, {smooth})"


def _relu(config: Config, names: Names) -> str:
    (x,) = names
    slope, most, least = (config.get(key, default) for key, default in _RELU.items())
    text = f"jnp.where({x} > {literal(least)}, {x}, 0)" if least else f"nn.relu({x})"
    text = text if most == math.inf else f"jnp.minimum({text}, {literal(most)})"
    if not slope:
        return text
    below = f"{x} - {literal(least)}" if least else x
    return f"{text} + {literal(slope)} * jnp.minimum({below}, 0)"


_RELU = {"negative_slope": 0.0, "max_value": math.inf, "threshold": 0.0}


def _power(config: Config, names: Names) -> str:
    return f"{names[0]} ** {literal(config.get('exponent', 2.0))}"


def _attention(config: Config, names: Names) -> str:
    """Return the averages of the values; the scores of later positions are left out where they are to be."""
    query, key, value = names
    scale = literal(config["scale"]) if config.get("scale") is not None else f"{query}.shape[-1] ** -0.5"
    scores = f"{query} @ {key}.swapaxes(-1, -2) * {scale}"
    if not config.get("is_causal"):
        return f"nn.softmax({scores}) @ {value}"
    seen = f"jnp.tri({query}.shape[-2], {key}.shape[-2], dtype=bool)"
    return called("jnp.matmul", f"nn.softmax(jnp.where({seen}, {scores}, -jnp.inf))", value)


_EXPRESSIONS: Mapping[str, Callable[[Config, Names], str]] = {
    **{name: _function(f"jnp.{name}") for name in ("abs", "cos", "exp", "log", "reciprocal", "sin", "sqrt")},
    "erf": _function("jax.lax.erf"),
    "power": _power,
    "clip": _clip,
    "hard_shrink": _hard_shrink,
    "scaled_softplus": _softplus,
    "soft_shrink": _soft_shrink,
    "tanh_shrink": _tanh_shrink,
    "threshold": _threshold,
    "thresholded_relu": _relu,
    "max_pool": _function("nn.max_pool"),
    "avg_pool": _function("nn.avg_pool"),
    **{name: _method(name) for name in ("mean", "sum", "max", "min")},
    "reshape": _reshape,
    "flatten": _flatten,
    "transpose": _transpose,
    "concatenate": _of_list("jnp.concatenate"),
    "stack": _of_list("jnp.stack"),
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": _infix("/"),
    "matmul": _infix("@"),
    "average": _average,
    "maximum": _nested("jnp.maximum"),
    "minimum": _nested("jnp.minimum"),
    "pad": _pad,
    "crop": _crop,
    "take": _take,
    "slice": _slice,
    "split": _split,
    "expand_dims": _function("jnp.expand_dims"),
    "squeeze": _method("squeeze"),
    "swapaxes": lambda config, names: f"{names[0]}.swapaxes({int(config['axis1'])}, {int(config['axis2'])})",
    "resize": _resize,
    "scale_and_translate": _resample,
    "repeat_vector": _repeat,
    "rescale": _rescale,
    "unit_norm": _unit,
    "scaled_attention": _attention,
    "identity": lambda config, names: names[0],
}
