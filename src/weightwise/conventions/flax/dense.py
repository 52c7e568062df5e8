"""Dense layers, embeddings and low-rank layers of Flax.

https://github.com/google/flax/blob/v0.12.8/flax/linen/linear.py, flax/nnx/nn/linear.py and flax/nnx/nn/lora.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.flax.settings import features, inside, numbers, use_bias
from weightwise.conventions.row import Config, Description, Part, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.contraction import Contraction
from weightwise.ops.dense import Dense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding
from weightwise.ops.low_rank import LowRank
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.reshaping import Identity, dropping

Parts = Sequence[Description]


def _biased(config: Config) -> bool:
    """Return whether an Einsum has a bias, which nnx says by the bias's shape."""
    return config["bias_shape"] is not None if "bias_shape" in config else use_bias(config)


def _general_kernel(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"kernel": _contraction(config).kernel_axes()}


def _general_bias(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"bias": _contraction(config).bias_axes()}


def _einsum_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"kernel": _einsum_of(config, inputs).kernel_axes()}


def _einsum_bias(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"bias": _einsum_of(config, inputs).roles()["bias"]}


_DENSE = "linen.Dense nnx.Linear nnx.LoRALinear"
_GENERAL = "linen.DenseGeneral nnx.LinearGeneral"
_EINSUM = "linen.Einsum nnx.Einsum"

ROWS = (
    Row(_DENSE, "kernel", role="kernel", axes="in out"),
    Row(_DENSE, "bias", role="bias", axes="out", when=use_bias),
    Row("nnx.LoRALinear", "lora/lora_a", role="lora_a", axes="in rank"),
    Row("nnx.LoRALinear", "lora/lora_b", role="lora_b", axes="rank out"),
    Row("nnx.LoRA", "lora_a", role="lora_a", axes="in rank"),
    Row("nnx.LoRA", "lora_b", role="lora_b", axes="rank out"),
    Row(_GENERAL, "kernel", role="kernel", axes="...kernel", expand=_general_kernel),
    Row(_GENERAL, "bias", role="bias", axes="...bias", when=use_bias, expand=_general_bias),
    Row(_EINSUM, "kernel", role="kernel", axes="...kernel", expand=_einsum_axes),
    Row(_EINSUM, "bias", role="bias", axes="...bias", when=_biased, expand=_einsum_bias),
    Row("linen.Embed nnx.Embed", "embedding", role="table", axes="vocab features"),
)


def _dense(config: Config, inputs: Shapes, parts: Parts) -> Dense:
    return Dense(features(config), use_bias(config))


def _adapted(config: Config, inputs: Shapes, parts: Parts) -> Dense:
    return Dense(features(config), use_bias(config), adaptation=1.0)


def _low_rank(config: Config, inputs: Shapes, parts: Parts) -> LowRank:
    return LowRank(features(config), parts[0].operation if parts else None)


def _base(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    module = config.get("base_module")
    return (inside("base_module", module, inputs, role="adapted"),) if module else ()


def _general(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    return _contraction(config)


def _contraction(config: Config) -> Contraction:
    """Return the operation; the axes with weights of their own are a list in linen, and sizes by axis in nnx."""
    each = config.get("batch_dims") or config.get("batch_axis") or ()
    return Contraction(
        numbers(features(config)), numbers(config.get("axis", -1)), each=len(each), bias=use_bias(config)
    )


def _einsum(config: Config, inputs: Shapes, parts: Parts) -> Einsum:
    return _einsum_of(config, inputs)


def _einsum_of(config: Config, inputs: Shapes) -> Einsum:
    """Return the operation; its bias runs along the letters of the output that the kernel has."""
    equation = str(config["einsum_str"]).replace(" ", "")
    letters = [part.replace("...", "") for part in equation.replace("->", ",").split(",")]
    if len(letters) != 3:
        raise ShapeError(f"expected an equation such as 'abc,cd->abd', found {equation!r}")
    entering, kernel, leaving = letters
    leads = "..." in equation and not equation.endswith("...")
    rest = len(inputs[0]) - len(entering) if inputs else 1
    lettered = 0 if leads and rest else 1
    if lettered and leaving[:1] != entering[:1]:
        raise ShapeError(f"the first axis of the output of {equation!r} is not that of the batch")
    shape = inputs[0][rest if leads else 0 :] if inputs else ()
    sizes = {**dict(zip(entering, shape, strict=False)), **dict(zip(kernel, _kernel_shape(config), strict=False))}
    outputs = tuple(sizes.get(letter) for letter in leaving[lettered:])
    bias = "".join(letter for letter in leaving if letter in kernel) if _biased(config) else ""
    return Einsum(equation, outputs, bias)


def _kernel_shape(config: Config) -> Sequence[int]:
    shape: Sequence[int] = config["shape"] if "shape" in config else config["kernel_shape"]
    return shape


def _embedding(config: Config, inputs: Shapes, parts: Parts) -> Embedding:
    sequence = len(inputs) == 1 and len(inputs[0]) == 2
    return Embedding(config["num_embeddings"], config["features"], sequence=sequence)


def _drops(config: Config, inputs: Shapes, parts: Parts) -> Identity:
    return dropping(config["rate"])


RULES = {
    "linen.Dense": Rule(_dense),
    "nnx.Linear": Rule(_dense),
    "nnx.LoRALinear": Rule(_adapted),
    "nnx.LoRA": Rule(_low_rank, _base),
    "linen.DenseGeneral": Rule(_general),
    "nnx.LinearGeneral": Rule(_general),
    "linen.Einsum": Rule(_einsum),
    "nnx.Einsum": Rule(_einsum),
    "linen.Embed": Rule(_embedding),
    "nnx.Embed": Rule(_embedding),
    "linen.Dropout": Rule(_drops),
    "nnx.Dropout": Rule(_drops),
}
