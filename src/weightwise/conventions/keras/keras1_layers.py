"""The classes of Keras 1: each computes what its successor in Keras 2 does, whose settings have other names.

The source is https://github.com/keras-team/keras/tree/1.2.2/keras/layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.keras import legacy
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.operation import Operation, ShapeError, split_shape
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.uncomputed import Uncomputed
from weightwise.ops.wrappers import TimeDistributed
from weightwise.records import dataclass

Parts = Sequence[Description]
Build = Callable[[Config, Shapes, Parts], Operation]

_KEPT = (
    "Activation ActivityRegularization AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization "
    "Bidirectional ConvLSTM2D Cropping1D Cropping2D Cropping3D Dense Dropout ELU Embedding Flatten GRU GRUCell "
    "GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D InputLayer LSTM LSTMCell LeakyReLU "
    "LocallyConnected1D LocallyConnected2D Masking MaxPooling1D MaxPooling2D MaxPooling3D PReLU Permute "
    "RepeatVector Reshape Sequential SimpleRNN SimpleRNNCell SpatialDropout1D SpatialDropout2D SpatialDropout3D "
    "ThresholdedReLU TimeDistributed UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D"
)
KEPT = frozenset(_KEPT.split())
"""Classes that kept their names; the cells are those inside the recurrent layers."""
CLASSES: Mapping[str, str] = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
}
"""The successors of classes that Keras 2 calls otherwise."""
MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot"}
"""The classes that followed the modes of Merge."""
SETTINGS: Mapping[str, str] = {
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "concat_axis": "axis",
    "dot_axes": "axes",
    "filter_length": "kernel_size",
    "inner_activation": "recurrent_activation",
    "length": "size",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}
"""Settings that Keras 2 calls otherwise; those of an Embedding kept their names."""
KERNEL_SIZES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
ORDERS = {"th": "channels_first", "tf": "channels_last"}


def modern(class_name: str, config: Config) -> tuple[str, Config]:
    """Return a class and its configuration as Keras 2 would write them, but for layers inside."""
    name = MERGES.get(config.get("mode", "sum"), "") if class_name == "Merge" else CLASSES.get(class_name, class_name)
    names = {} if class_name == "Embedding" else SETTINGS
    settings = {names.get(key, key): value for key, value in config.items()}
    for keys in KERNEL_SIZES:
        if keys[0] in config:
            settings["kernel_size"] = [config[key] for key in keys]
    if "dim_ordering" in config:
        settings["data_format"] = ORDERS.get(config["dim_ordering"], config["dim_ordering"])
    return legacy.modern(name, settings)


def _merge(newer: Mapping[str, Rule]) -> Build:
    def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
        name, settings = modern("Merge", config)
        if not name:
            raise ShapeError(f"it merges by {config.get('mode')!r}, which weightwise cannot compute yet")
        return newer[name].operation(settings, inputs, parts)

    return operation


def _dense_at_each_position(newer: Mapping[str, Rule]) -> Build:
    def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
        return TimeDistributed(newer["Dense"].operation(modern("Dense", config)[1], inputs, parts))

    return operation


OWN: Mapping[str, Callable[[Mapping[str, Rule]], Build]] = {
    "Merge": _merge,
    "TimeDistributedDense": _dense_at_each_position,
}
"""Classes without a successor of their own."""


def _deconvolved(operation: Operation, config: Config, inputs: Shapes) -> Operation:
    """Return a transposed convolution that fills the shape which its configuration wants."""
    wanted = config.get("output_shape")
    if not isinstance(operation, TransposedConv) or not inputs or not wanted:
        return operation
    given = split_shape(operation.output_shapes(inputs)[0], operation.channels_first)[0]
    sizes = split_shape(tuple(wanted), operation.channels_first)[0]
    if given == sizes:
        return operation
    return Uncomputed(operation, f"its output has {sizes} places, and its padding gives {given}")


def _ordered(operation: Operation, config: Config, inputs: Shapes) -> Operation:
    """Return the operation if its configuration says where the channels are, as few versions write it."""
    if "dim_ordering" not in config:
        raise ShapeError("its configuration does not say whether its channels are first or last")
    return operation


def _normalized(operation: Operation, config: Config, inputs: Shapes) -> Operation:
    """Return a normalization by the moving statistics, which is that of mode 0."""
    return Uncomputed(operation, "it measures each input anew") if config.get("mode") else operation


CHANGES: Mapping[str, Callable[[Operation, Config, Shapes], Operation]] = {
    "Deconvolution2D": _deconvolved,
    "BatchNormalization": _normalized,
    **{f"{name}{rank}D": _ordered for name in ("Cropping", "UpSampling", "ZeroPadding") for rank in (2, 3)},
}
"""What a class computes otherwise than its successor."""


@dataclass(frozen=True)
class Rules(Mapping[str, Rule]):
    """The rules of Keras 2 under the names and for the settings of Keras 1."""

    newer: Mapping[str, Rule]

    def __getitem__(self, class_name: str) -> Rule:
        if class_name in OWN:
            return Rule(OWN[class_name](self.newer))
        if class_name not in KEPT and class_name not in CLASSES:
            raise KeyError(class_name)
        rule = self.newer[CLASSES.get(class_name, class_name)]

        def operation(config: Config, inputs: Shapes, parts: Parts) -> Operation:
            computed = rule.operation(modern(class_name, config)[1], inputs, parts)
            return CHANGES[class_name](computed, config, inputs) if class_name in CHANGES else computed

        return replace(rule, operation=operation)

    def __iter__(self) -> Iterator[str]:
        return iter((*KEPT, *CLASSES, *OWN))

    def __len__(self) -> int:
        return len(KEPT) + len(CLASSES) + len(OWN)
