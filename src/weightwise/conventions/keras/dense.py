"""Dense layers and embeddings of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/core).

A layer that was quantised to bytes lists its arrays in the order in which they came to be, and stores them in another.
A low-rank adaptation freezes the kernel; Keras's own file has it merged into the kernel, and not by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from weightwise.conventions.keras.configuration import PAIR, activation, adaptation, lora, use_bias
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.dense import Dense, QuantizedDense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding, Unembedding
from weightwise.ops.operation import Operation, ShapeError

When = Callable[[Config], bool]


def _quantization(config: Config) -> str:
    """Return how the layer was quantised, such as `int8` or `int4/128`; empty for a layer that was not."""
    policy = config.get("dtype")
    if isinstance(policy, Mapping):
        inner = policy.get("config")
        return str(inner.get("mode", "")) if isinstance(inner, Mapping) else ""
    mode, separator, _ = str(policy).partition("_from_")
    return mode if separator else ""


def _int8(config: Config) -> bool:
    return _quantization(config) == "int8"


def _einsum_bias(config: Config) -> bool:
    return bool(config.get("bias_axes"))


def _untied(config: Config) -> bool:
    return not config.get("tie_weights", True)


def _all(*conditions: When) -> When:
    return lambda config: all(condition(config) for condition in conditions)


def _not(condition: When) -> When:
    return lambda config: not condition(config)


_PLAIN = _all(_not(_int8), _not(lora))
_BIAS_8 = _all(_int8, use_bias)


def _kernel_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"kernel": _einsum_of(config).kernel_axes()}


def _others(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"others": _einsum_of(config).kernel_axes().rpartition(" ")[0]}


def _last(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"last": _einsum_of(config).kernel_axes().rpartition(" ")[2]}


def _bias_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"bias": _einsum_of(config).bias_axes(len(inputs[0]) if inputs else None)}


_EMBEDDINGS = "Embedding ReversibleEmbedding"

ROWS = (
    Row("Dense", "kernel", role="kernel", axes="in out", when=_PLAIN),
    Row("Dense", "kernel", role="kernel", axes="in out", when=lora, trainable=False),
    Row("Dense", "bias", role="bias", axes="out", when=_all(use_bias, _not(_int8))),
    Row("Dense", "lora_kernel_a", role="lora_a", axes="in rank", **PAIR),
    Row("Dense", "lora_kernel_b", role="lora_b", axes="rank out", **PAIR),
    Row("Dense", "bias", role="bias", axes="out", when=_BIAS_8, slot=1),
    Row("Dense", "kernel", role="kernel", axes="in out", when=_int8, trainable=False, slot=0),
    Row("Dense", "kernel_scale", role="scale", axes="out", when=_BIAS_8, trainable=False, slot=2),
    Row("Dense", "kernel_scale", role="scale", axes="out", when=_all(_int8, _not(use_bias)), trainable=False, slot=1),
    Row("EinsumDense", "kernel", role="kernel", axes="...kernel", when=_PLAIN, expand=_kernel_axes),
    Row("EinsumDense", "kernel", role="kernel", axes="...kernel", when=lora, trainable=False, expand=_kernel_axes),
    Row("EinsumDense", "bias", role="bias", axes="...bias", when=_einsum_bias, expand=_bias_axes),
    Row("EinsumDense", "lora_kernel_a", "lora_a", "...others rank", **PAIR, expand=_others),
    Row("EinsumDense", "lora_kernel_b", "lora_b", "rank ...last", **PAIR, expand=_last),
    Row(_EMBEDDINGS, "embeddings", role="table", axes="vocab features", when=_PLAIN),
    Row("Embedding", "embeddings", role="table", axes="vocab features", when=lora, trainable=False),
    Row("Embedding", "lora_embeddings_a", role="lora_a", axes="vocab rank", **PAIR),
    Row("Embedding", "lora_embeddings_b", role="lora_b", axes="rank features", **PAIR),
    Row("Embedding", "embeddings", role="table", axes="vocab features", when=_int8, trainable=False),
    Row("Embedding", "embeddings_scale", role="scale", axes="vocab", when=_int8, trainable=False),
    Row("ReversibleEmbedding", "reverse_embeddings", role="reverse", axes="features vocab", when=_untied),
)


def _checked(config: Config, *modes: str) -> str:
    """Return how the layer was quantised; raises `ShapeError` unless it is one of `modes`, or was not."""
    mode = _quantization(config)
    if mode not in ("", *modes):
        raise ShapeError(f"its arrays are packed by {mode} quantization, which weightwise does not read yet")
    if mode and lora(config):
        raise ShapeError(
            f"it has a low-rank adaptation on top of {mode} quantization, which weightwise does not read yet"
        )
    return mode


def _dense(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Dense:
    layer = QuantizedDense if _checked(config, "int8") else Dense
    return layer(config["units"], use_bias(config), activation(config), adaptation(config))


def _einsum(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Einsum:
    _checked(config)
    return _einsum_of(config)


def _einsum_of(config: Config) -> Einsum:
    output = config["output_shape"]
    sizes = tuple(output) if isinstance(output, (list, tuple)) else (output,)
    bias = config.get("bias_axes") or ""
    return Einsum(config["equation"], sizes, bias, activation(config), adaptation(config))


def _embedding(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Embedding:
    return Embedding(
        config["input_dim"],
        config["output_dim"],
        bool(config.get("mask_zero", False)),
        _sequence(inputs),
        quantized=bool(_checked(config, "int8")),
        adaptation=adaptation(config),
    )


def _reversible(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    """Return the operation of a call, whose argument `reverse` stands beside the configuration."""
    _checked(config)
    vocabulary, features, untied = config["input_dim"], config["output_dim"], _untied(config)
    if lora(config):
        raise ShapeError("it has a low-rank adaptation, which weightwise reads in other embeddings only")
    if config.get("reverse"):
        return Unembedding(vocabulary, features, not untied, config.get("logit_soft_cap"))
    return Embedding(vocabulary, features, bool(config.get("mask_zero", False)), _sequence(inputs), reverse=untied)


def _sequence(inputs: Shapes) -> bool:
    """Return whether the input is known to have one index for each position of a sequence."""
    return len(inputs) == 1 and len(inputs[0]) == 2


RULES = {
    "Dense": Rule(_dense),
    "EinsumDense": Rule(_einsum),
    "Embedding": Rule(_embedding),
    "ReversibleEmbedding": Rule(_reversible),
}
