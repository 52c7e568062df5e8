"""What Keras 1 and 2 do otherwise on Theano (https://github.com/keras-team/keras/blob/2.3.1/keras/backend/theano_backend.py).

Theano computes convolutions by their definition, which reads the kernel backwards, and Keras did not turn the kernels
that it stored; depthwise ones it did. Padding that keeps the size comes to lie elsewhere: Theano pads half of the
window at the beginning, whatever the stride.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv
from weightwise.ops.operation import Operation
from weightwise.ops.pooling import Pooling
from weightwise.ops.recurrent import Recurrent
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.uncomputed import Uncomputed
from weightwise.ops.window import Window
from weightwise.records import dataclass

TURNED = frozenset(["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM2D"])
"""Classes whose kernels are stored the other way round."""
_POOLED = "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D"
PADDED = TURNED | {"DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", *_POOLED.split()}
"""Classes that are computed otherwise where padding keeps the size."""
ELSEWHERE = "Theano and Keras together shift its padding"


def turned(row: Row, classes: frozenset[str] = TURNED) -> Row:
    """Return a row with the spatial axes of its kernel as they are stored on Theano, if it is one of these classes."""
    if classes.isdisjoint(row.layer.split()):
        return row
    return replace(row, axes=re.sub(r"\bk[dhw]\b", r"-\g<0>", row.axes))


@dataclass(frozen=True)
class RulesOnTheano(Mapping[str, Rule]):
    """The rules of a generation of Keras, with Theano's padding."""

    rules: Mapping[str, Rule]

    def __getitem__(self, class_name: str) -> Rule:
        rule = self.rules[class_name]
        if class_name not in PADDED:
            return rule

        def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
            computed = rule.operation(config, inputs, parts)
            return shifted(computed) if _is_padded(class_name, config) else computed

        return replace(rule, operation=operation)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)


def _is_padded(class_name: str, config: Config) -> bool:
    """Return whether a layer pads to keep the size; a convolutional LSTM always does so with its states."""
    return config.get("padding") == "same" or class_name == "ConvLSTM2D"


def shifted(operation: Operation) -> Operation:
    """Return an operation whose padding keeps the size as it is computed on Theano."""
    if not isinstance(operation, (Conv, DepthwiseConv, TransposedConv, Pooling)) or _is_average(operation):
        return operation if _is_centred(operation) else Uncomputed(operation, ELSEWHERE)
    around = tuple(_around(operation, axis) for axis in range(operation.rank))
    return replace(operation, window=replace(operation.window, padding=around))


def _is_average(operation: Operation) -> bool:
    """Return whether this is an average, which counts the padding or not, by the version."""
    return isinstance(operation, Pooling) and operation.reduce == "average"


def _around(operation: Conv | DepthwiseConv | TransposedConv | Pooling, axis: int) -> tuple[int, int]:
    """Return what is padded, or of a transposed convolution cut off, before and after an axis."""
    extent, stride = operation.window.extent(axis), operation.window.strides[axis]
    if isinstance(operation, Pooling):
        before = extent - 2 if extent > 2 and extent % 2 else extent - 1
        return before, extent - 1 - before
    if isinstance(operation, TransposedConv):
        return extent // 2, extent - stride - extent // 2
    return extent // 2, (extent - 1) // 2


def _is_centred(operation: Operation) -> bool:
    """Return whether the padding lies in the same place everywhere: around an odd window that moves one by one."""
    cell = operation.cell if isinstance(operation, Recurrent) else operation
    window = getattr(cell, "window", None)
    if not isinstance(window, Window) or isinstance(operation, Pooling):
        return False
    odd = all(window.extent(axis) % 2 for axis in range(window.rank))
    return odd and (window.padding == "valid" or set(window.strides) == {1})
