"""Attention layers of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/attention).

The projections are layers inside the layer. GroupedQueryAttention is serialised as `GroupQueryAttention`, and has no
public names for its projections, so that its file has `_query_dense` where the other has `query_dense`. What a call
adds (a causal mask, the scores) stands beside the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.keras.rule import Rule, refuse, sizes_of, use_bias
from weightwise.conventions.row import Config, Description, Part, Row, Shapes
from weightwise.ops.attention import Attention
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Operation, ShapeError


def _arguments(config: Config, inputs: Shapes) -> tuple[str, ...]:
    """Return what the inputs are: the value comes before the key, and keywords in the order of the call come last."""
    refuse(config, "query_mask", "value_mask", "key_mask")
    names = {"query": "query", "value": "value", "key": "key", "attention_mask": "mask"}
    keywords = [names[name] for name in config if name in names]
    positional = [name for name in ("query", "value", "key") if name not in keywords]
    return (*positional[: len(inputs) - len(keywords) if inputs else None], *keywords)


def _scaled(config: Config) -> bool:
    return bool(config["use_scale"])


def _concat(config: Config) -> bool:
    return bool(config.get("score_mode") == "concat")


def _gated(config: Config) -> bool:
    return bool(config.get("use_gate", False))


def _gate_bias(config: Config) -> bool:
    return _gated(config) and use_bias(config)


def _output_axes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"out": _multi_head(config, inputs, ()).output_axes()}


def _outputs(config: Config) -> tuple[int, ...] | None:
    """Return the sizes of the output's last axes where the configuration gives them."""
    shape = config.get("output_shape")
    return sizes_of(shape, 1 if isinstance(shape, int) else len(shape)) if shape else None


_MANY, _GROUPED = "MultiHeadAttention", "GroupQueryAttention"

ROWS = (
    Row("Attention", "scale", role="scale", axes="", when=_scaled),
    Row("Attention", "concat_score_weight", role="score_scale", axes="", when=_concat),
    Row("AdditiveAttention", "scale", role="scale", axes="features", when=_scaled),
    Row(_MANY, "query/kernel", "query/kernel", "in heads head_dim", inside="query_dense"),
    Row(_MANY, "query/bias", "query/bias", "heads head_dim", use_bias, inside="query_dense"),
    Row(_MANY, "key/kernel", "key/kernel", "key_in heads head_dim", inside="key_dense"),
    Row(_MANY, "key/bias", "key/bias", "heads head_dim", use_bias, inside="key_dense"),
    Row(_MANY, "gate/kernel", "gate/kernel", "in heads value_dim", _gated, inside="_gate_dense"),
    Row(_MANY, "gate/bias", "gate/bias", "heads value_dim", _gate_bias, inside="_gate_dense"),
    Row(_MANY, "value/kernel", "value/kernel", "value_in heads value_dim", inside="value_dense"),
    Row(_MANY, "value/bias", "value/bias", "heads value_dim", use_bias, inside="value_dense"),
    Row(
        _MANY,
        "attention_output/kernel",
        "output/kernel",
        "heads value_dim ...out",
        inside="output_dense",
        expand=_output_axes,
    ),
    Row(_MANY, "attention_output/bias", "output/bias", "...out", use_bias, inside="output_dense", expand=_output_axes),
    Row(_GROUPED, "query/kernel", "query/kernel", "in heads head_dim", inside="_query_dense"),
    Row(_GROUPED, "query/bias", "query/bias", "heads head_dim", use_bias, inside="_query_dense"),
    Row(_GROUPED, "key/kernel", "key/kernel", "key_in kv_heads head_dim", inside="_key_dense"),
    Row(_GROUPED, "key/bias", "key/bias", "kv_heads head_dim", use_bias, inside="_key_dense"),
    Row(_GROUPED, "gate/kernel", "gate/kernel", "in heads value_dim", _gated, inside="_gate_dense"),
    Row(_GROUPED, "gate/bias", "gate/bias", "heads value_dim", _gate_bias, inside="_gate_dense"),
    Row(_GROUPED, "value/kernel", "value/kernel", "value_in kv_heads value_dim", inside="_value_dense"),
    Row(_GROUPED, "value/bias", "value/bias", "kv_heads value_dim", use_bias, inside="_value_dense"),
    Row(_GROUPED, "attention_output/kernel", "output/kernel", "heads value_dim out", inside="_output_dense"),
    Row(_GROUPED, "attention_output/bias", "output/bias", "out", use_bias, inside="_output_dense"),
)


def _attention(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Attention:
    return _plain(config, config.get("score_mode", "dot"))


def _additive(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Attention:
    return _plain(config, "additive")


def _plain(config: Config, score: str) -> Attention:
    refuse(config, "mask")
    return Attention(
        score, _scaled(config), config.get("use_causal_mask", False), config.get("return_attention_scores", False)
    )


def _multi_head(config: Config, inputs: Shapes, parts: Sequence[Description]) -> MultiHeadAttention:
    axes = config.get("attention_axes")
    return MultiHeadAttention(
        config["num_heads"],
        config["key_dim"],
        config["value_dim"] or config["key_dim"],
        bias=use_bias(config),
        gate=_gated(config),
        outputs=_outputs(config),
        axes=None if axes is None else sizes_of(axes, 1 if isinstance(axes, int) else len(axes)),
        window=config.get("sliding_window"),
        causal=bool(config.get("use_causal_mask", False)),
        scores=bool(config.get("return_attention_scores", False)),
        arguments=_arguments(config, inputs),
    )


def _grouped(config: Config, inputs: Shapes, parts: Sequence[Description]) -> MultiHeadAttention:
    return MultiHeadAttention(
        config["num_query_heads"],
        config["head_dim"],
        config["head_dim"],
        config["num_key_value_heads"],
        bias=use_bias(config),
        gate=_gated(config),
        window=config.get("sliding_window"),
        causal=bool(config.get("use_causal_mask", False)),
        scores=bool(config.get("return_attention_scores", False)),
        arguments=_arguments(config, inputs),
    )


def _grouped_query(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return the layer under its other name, as its only part: the older HDF5 format writes the class's own name."""
    return (Part("", "GroupQueryAttention", config, inputs),)


def _only(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    if parts[0].operation is None:
        raise ShapeError(parts[0].note)
    return parts[0].operation


RULES = {
    "Attention": Rule(_attention),
    "AdditiveAttention": Rule(_additive),
    "MultiHeadAttention": Rule(_multi_head),
    "GroupQueryAttention": Rule(_grouped),
    "GroupedQueryAttention": Rule(_only, _grouped_query),
}
