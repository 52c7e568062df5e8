"""Attention layers of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/attention).

The projections are layers inside the layer. GroupedQueryAttention is serialised as `GroupQueryAttention`, and has no
public names for its projections, so that its file has `_query_dense` where the other has `query_dense`. What a call
adds (a causal mask, the scores) stands beside the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.keras.configuration import use_bias
from weightwise.conventions.row import Config, Description, Part, Row, Shapes, always
from weightwise.conventions.rule import Rule, refuse, sizes_of
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


def _projection(
    layer: str, name: str, source: str, target: str, role: str = "", public: bool = True
) -> tuple[Row, Row]:
    """Return the kernel and the bias of a projection; a public name came after the private one, or never."""
    role, private = role or name, f"_{role or name}_dense"
    kernel, bias = (_gated, _gate_bias) if name == "gate" else (always, use_bias)
    inside, formerly = (private.removeprefix("_"), private) if public else (private, "")
    expand = _output_axes if "..." in target else None
    common: dict[str, Any] = {"inside": inside, "formerly": formerly, "expand": expand}
    return (
        Row(layer, f"{name}/kernel", f"{role}/kernel", f"{source} {target}", kernel, **common),
        Row(layer, f"{name}/bias", f"{role}/bias", target, bias, **common),
    )


_MANY, _GROUPED = "MultiHeadAttention", "GroupQueryAttention"

ROWS = (
    Row("Attention", "scale", role="scale", axes="", when=_scaled),
    Row("Attention", "concat_score_weight", role="score_scale", axes="", when=_concat),
    Row("AdditiveAttention", "scale", role="scale", axes="features", when=_scaled),
    *_projection(_MANY, "query", "in", "heads head_dim"),
    *_projection(_MANY, "key", "key_in", "heads head_dim"),
    *_projection(_MANY, "gate", "in", "heads value_dim", public=False),
    *_projection(_MANY, "value", "value_in", "heads value_dim"),
    *_projection(_MANY, "attention_output", "heads value_dim", "...out", "output"),
    *_projection(_GROUPED, "query", "in", "heads head_dim", public=False),
    *_projection(_GROUPED, "key", "key_in", "kv_heads head_dim", public=False),
    *_projection(_GROUPED, "gate", "in", "heads value_dim", public=False),
    *_projection(_GROUPED, "value", "value_in", "kv_heads value_dim", public=False),
    *_projection(_GROUPED, "attention_output", "heads value_dim", "out", "output", public=False),
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
