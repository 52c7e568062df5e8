"""The rows of PyTorch: which arrays each class of modules has, and their axes (https://docs.pytorch.org/docs/stable/nn.html).

They stand apart from the rules, which load the operations, because a bare state dict is read by them alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from weightwise.conventions.pytorch.settings import bias, count, has, wholes
from weightwise.conventions.row import Config, Row, Shapes
from weightwise.ops.features import array_axes, feature_names
from weightwise.ops.operation import ShapeError, spatial_names

RANKS = (1, 2, 3)
LINEAR = "Linear NonDynamicallyQuantizableLinear"
BATCH = "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm"
INSTANCE = "InstanceNorm1d InstanceNorm2d InstanceNorm3d"
_CHANNELS = f"{BATCH} {INSTANCE} GroupNorm"
_SHAPED = "LayerNorm RMSNorm"
_CONVOLUTIONS = " ".join(f"Conv{rank}d ConvTranspose{rank}d" for rank in RANKS)


def _arriving(config: Config) -> Mapping[str, int]:
    return {"in": count(config, "in_channels")} if "in_channels" in config else {}


def _kernel(layer: str, axes: str) -> Row:
    return Row(layer, "weight", role="kernel", axes=axes, sizes=_arriving)


def last_axes(config: Config, inputs: Shapes) -> tuple[int, ...]:
    """Return the last axes, of which there are as many as normalized sizes, counted from the front if known."""
    shape = config["normalized_shape"]
    if not isinstance(shape, (list, tuple)) or not shape:
        raise ShapeError(f"expected the sizes of the last axes as its normalized_shape, found {shape!r}")
    rank = len(inputs[0]) if inputs and len(shape) > 1 else 0
    return tuple(range(rank - len(shape), rank))


def _last_names(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"features": " ".join(feature_names(last_axes(config, inputs)))}


scale = has("weight")
tracked = has("running_mean")


def _slopes(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"slopes": "1" if count(config, "num_parameters") == 1 else "features"}


def _operand(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"places": array_axes(wholes(config["other_shape"]))}


def biases(config: Config) -> bool:
    """Return whether a recurrent module has biases, which come in pairs."""
    return bool(config["bias"])


def projected(config: Config) -> bool:
    """Return whether the output is projected, which modules before 1.8 could not do."""
    return bool(config.get("proj_size"))


def _whole(config: Config) -> bool:
    return not projected(config)


def _recurrent(layers: str, gates: str) -> Iterator[Row]:
    """Yield the rows of a cell, and of one layer and direction of a module."""
    yield Row(layers, "weight_ih", "kernel", f"{gates} in")
    yield Row(layers, "weight_hh", "recurrent_kernel", f"{gates} units'", _whole)
    yield Row(layers, "weight_hh", "recurrent_kernel", f"{gates} out'", projected)
    yield Row(layers, "bias_ih", "bias", gates, biases, at="side=input")
    yield Row(layers, "bias_hh", "bias", gates, biases, at="side=recurrent")


packed, _apart, packed_bias, extra = map(has, ("in_proj_weight", "q_proj_weight", "in_proj_bias", "bias_k"))

ROWS = (
    Row(LINEAR, "weight", role="kernel", axes="out in"),
    Row(LINEAR, "bias", role="bias", axes="out", when=bias),
    Row("Bilinear", "weight", role="kernel", axes="out first_in second_in"),
    Row("Bilinear", "bias", role="bias", axes="out", when=bias),
    Row("Embedding EmbeddingBag", "weight", role="table", axes="vocab features"),
    *(_kernel(f"Conv{rank}d", f"(groups out/groups) in/groups {spatial_names(rank)}") for rank in RANKS),
    *(_kernel(f"ConvTranspose{rank}d", f"(groups in/groups) out/groups {spatial_names(rank)}") for rank in RANKS),
    Row(_CONVOLUTIONS, "bias", role="bias", axes="out", when=bias),
    Row(_CHANNELS, "weight", role="gamma", axes="features", when=scale),
    Row(_CHANNELS, "bias", role="beta", axes="features", when=bias),
    Row(_SHAPED, "weight", role="gamma", axes="...features", when=scale, expand=_last_names),
    Row("LayerNorm", "bias", role="beta", axes="...features", when=bias, expand=_last_names),
    Row(f"{BATCH} {INSTANCE}", "running_mean", role="mean", axes="features", when=tracked, trainable=False),
    Row(f"{BATCH} {INSTANCE}", "running_var", role="variance", axes="features", when=tracked, trainable=False),
    Row(f"{BATCH} {INSTANCE}", "num_batches_tracked", "-", "", when=has("num_batches_tracked"), trainable=False),
    Row("add cat div mul sub", "other", "other", "...places", when=has("other"), expand=_operand),
    Row("PReLU", "weight", "slope", "...slopes", expand=_slopes),
    *_recurrent("RNNCell RNN_l", "units"),
    *_recurrent("LSTMCell LSTM_l", "(gate[i f g o] units)"),
    Row("LSTM_l", "weight_hr", "projection", "out units", projected),
    *_recurrent("GRUCell GRU_l", "(gate[r z h] units)"),
    Row("MultiheadAttention", "in_proj_weight", "projection/kernel", "(part[q k v] heads head_dim) in", when=packed),
    Row("MultiheadAttention", "q_proj_weight", "query/kernel", "(heads head_dim) in", when=_apart),
    Row("MultiheadAttention", "k_proj_weight", "key/kernel", "(heads head_dim) key_in", when=_apart),
    Row("MultiheadAttention", "v_proj_weight", "value/kernel", "(heads head_dim) value_in", when=_apart),
    Row("MultiheadAttention", "in_proj_bias", "projection/bias", "(part[q k v] heads head_dim)", when=packed_bias),
    Row("MultiheadAttention", "bias_k", "key/extra", "1 1 (heads head_dim)", when=extra),
    Row("MultiheadAttention", "bias_v", "value/extra", "1 1 (heads head_dim)", when=extra),
)


def rows_for(class_name: str) -> tuple[Row, ...]:
    """Return the rows among which those of a class are."""
    return ROWS
