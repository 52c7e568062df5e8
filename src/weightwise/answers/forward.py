"""The reference forward pass: a model's outputs, computed in NumPy from its named axes and without its framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Model
from weightwise.naming.signals import in_order, operands
from weightwise.ops.blocks import joined_blocks
from weightwise.stored import Call, StoredLayer, Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def forward(model: Model, inputs: Sequence[Array], dtype: str = "float64") -> tuple[Array, ...]:
    """Return the model's outputs at inference for its inputs, batch first, computed in `dtype`.

    Raises `UnsupportedError` when a layer's operation is unknown, or when one of its arrays is, or when a call is not
    what the operation computes.
    """
    import numpy

    given = [numpy.asarray(array) for array in inputs]
    floats = [array.astype(dtype) if array.dtype.kind == "f" else array for array in given]
    return _model_outputs(model.root, floats, dtype)


def _model_outputs(model: Layer, inputs: Sequence[Array], dtype: str) -> tuple[Array, ...]:
    named = dict(zip(_listed(model.stored), model.layers, strict=True))
    # Keras 1 and the first Keras 2 list no input of a Sequential; its first layer reads what is given.
    values: dict[Tensor, Array] = dict(zip(model.stored.inputs, inputs, strict=True)) if model.stored.inputs else {}
    for stored, number in in_order(model.stored.layers):
        if Tensor(stored.name, number) in values:
            continue
        arriving = [_known(tensor, values) for tensor in operands(stored.calls[number])] or inputs
        _check_call(named[stored.name], number, arriving)
        outputs = layer_outputs(named[stored.name], arriving, dtype)
        values.update({Tensor(stored.name, number, index): output for index, output in enumerate(outputs)})
    return tuple(_known(tensor, values) for tensor in model.stored.outputs)


def _known(tensor: Tensor, values: Mapping[Tensor, Array]) -> Array:
    """Return the value of a tensor; raises `UnsupportedError` for one that no layer of the model returns."""
    if tensor not in values:
        raise UnsupportedError("the model computes more than its layers do, with operators that are none")
    return values[tensor]


def _check_call(layer: Layer, number: int, inputs: Sequence[Array]) -> None:
    """Raise `UnsupportedError` where the call is not what the operation computes, or changes what later layers do."""
    first, arguments = (_settings(layer.stored.calls[place]) for place in (0, number))
    if arguments.get("training"):
        raise UnsupportedError(f"{layer.name}: it is called as in training, and only inference can be computed")
    if arguments != first:
        raise UnsupportedError(f"{layer.name}: its calls differ in {arguments} and {first}, and only one is computed")
    if layer.stored.calls[number].inputs != operands(layer.stored.calls[number]):
        raise UnsupportedError(f"{layer.name}: it is called with a mask, and only calls without one can be computed")
    mask = layer.operation.mask(inputs) if layer.operation else None
    if mask is not None and not mask.all():
        raise UnsupportedError(f"{layer.name}: it marks padding in these inputs, which later layers would have to skip")


def _settings(call: Call) -> dict[str, Any]:
    """Return the arguments of a call that are no tensors."""
    return {
        name: value for name, value in call.arguments.items() if value is not None and not isinstance(value, Tensor)
    }


def _listed(stored: StoredLayer) -> list[str]:
    """Return the names of the layers that the model lists, in order: a Sequential does not list its InputLayer."""
    hidden = "InputLayer" if stored.class_name == "Sequential" else None
    return [layer.name for layer in stored.layers if layer.class_name != hidden]


def layer_outputs(layer: Layer, inputs: Sequence[Array], dtype: str = "float64") -> tuple[Array, ...]:
    """Return one layer's outputs for its inputs; raises `UnsupportedError` as `forward` does."""
    if layer.is_model:
        return _model_outputs(layer, inputs, dtype)
    if layer.operation is None:
        raise UnsupportedError(f"{layer.name}: its operation is unknown, so nothing can be computed: {layer.note}")
    return layer.operation.forward(inputs, arranged_weights(layer, dtype))


def arranged_weights(layer: Layer, dtype: str = "float64") -> dict[str, Array]:
    """Return a layer's arrays by role, in the axes that its operation takes; raises `UnsupportedError`."""
    roles = layer.operation.roles() if layer.operation else {}
    blocks: dict[str, dict[str, Array]] = {role: {} for role in roles}
    for weight in layer.weights:
        if weight.bound is None:
            raise UnsupportedError(f"{weight.path}: its axes are unknown: {weight.note}")
        if weight.neutral:
            arranged = weight.bound.arrange(weight.values(), weight.neutral).astype(dtype)
            blocks[weight.role][weight.at] = arranged
    missing = [role for role in roles if not blocks[role]]
    if missing:
        raise UnsupportedError(f"{layer.name}: the file has no array for its {', '.join(missing)}")
    try:
        return {role: joined_blocks(axes, blocks[role]) for role, axes in roles.items()}
    except KeyError as error:
        raise UnsupportedError(f"{layer.name}: the file has no array for its {error}") from None
