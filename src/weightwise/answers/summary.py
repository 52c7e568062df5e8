"""What Keras's `Model.summary()` tells of a model, as a value: rows, what they read, and totals.

Both generations tell the same, apart from what `Row.calls` and `Row.inside` are for
(https://github.com/keras-team/keras/blob/v3.15.1/keras/src/utils/summary_utils.py,
https://github.com/keras-team/tf-keras/blob/v2.21.0/tf_keras/utils/layer_utils.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weightwise.conventions.choice import Describe, convention
from weightwise.model import Layer, Model
from weightwise.naming.drafts import Draft, drafted
from weightwise.naming.signals import Signal
from weightwise.ops.operation import Shape
from weightwise.records import dataclass
from weightwise.stored import Call, StoredArray

Shapes = tuple[Shape | None, ...]
"""The shapes of the outputs of one call; None for one that cannot be told."""


@dataclass(frozen=True)
class Row:
    """One layer of the table."""

    name: str
    class_name: str
    """Empty when the file does not tell it."""
    calls: tuple[Shapes, ...]
    """The output shapes of each call; Keras 3 prints those of the last, Keras 2 those of all if they are equal."""
    inside: Shapes
    """For a model: its outputs when its own inputs have the shapes they were declared with; Keras 2 prints these."""
    parameters: int
    built: bool
    """Whether it has been told the shape of its input, without which it has no arrays yet."""
    uses: tuple[Call, ...]
    """Its calls with what they read; Keras tells them for the layers of the outermost model only."""
    rows: tuple[Row, ...]
    """The layers of a model inside the model."""


@dataclass(frozen=True)
class Total:
    """Counts of several arrays."""

    parameters: int
    nbytes: int


@dataclass(frozen=True)
class Summary:
    """The whole table."""

    name: str
    rows: tuple[Row, ...]
    is_chain: bool
    """Whether each layer reads the one before it and nothing else; the connections are then not printed."""
    trainable: Total
    non_trainable: Total
    optimizer: Total | None
    """None when there is no optimizer, or when it has not made its state yet."""


def summarised(model: Model) -> Summary:
    """Return what Keras tells of a model."""
    describe = convention(model.stored).describe
    built = bool(model.weights) or model.root.stored.class_name != "Sequential" or _is_entered(model.layers)
    return Summary(
        model.name,
        tuple(_row(layer, describe, layer.call_outputs, built, layer.calls) for layer in model.layers),
        _is_chain(model.layers),
        _total(weight.stored for weight in model.weights if weight.trainable),
        _total(weight.stored for weight in model.weights if not weight.trainable),
        _total(model.stored.optimizer) if _has_state(model.stored.optimizer) else None,
    )


def _row(
    layer: Layer, describe: Describe, calls: tuple[Shapes, ...], built: bool = True, uses: tuple[Call, ...] = ()
) -> Row:
    inside = _by_itself(layer, describe)
    own_calls = {draft.path: tuple(map(_shapes, draft.call_outputs)) for draft in inside.layers}
    rows = tuple(_row(inner, describe, own_calls[inner.name]) for inner in layer.layers if not _is_function(inner))
    stored = layer.stored
    return Row(stored.name, stored.class_name, calls, _shapes(inside.outputs), layer.parameters, built, uses, rows)


def _by_itself(layer: Layer, describe: Describe) -> Draft:
    """Return a model with the shapes that it was declared with, whatever the model around it feeds it."""
    if not layer.is_model:
        return Draft(layer.name, layer.stored, layer.trainable)
    return drafted(layer.stored, layer.name, describe, layer.trainable, ())


def _shapes(signals: Sequence[Signal]) -> Shapes:
    return tuple(signal.shape for signal in signals)


def _is_function(layer: Layer) -> bool:
    """Return whether this is a call of a function such as `keras.ops.add`, which is no layer of a nested model.

    Files of Keras 3 list both; every layer but an input layer has a configuration that says whether it is trained.
    """
    return layer.stored.configured and layer.class_name != "InputLayer" and "trainable" not in layer.config


def _is_entered(layers: Sequence[Layer]) -> bool:
    """Return whether the shape that enters the first layer is known."""
    return bool(layers) and None not in (layers[0].inputs or (None,))


def _is_chain(layers: Sequence[Layer]) -> bool:
    """Return whether no layer is called twice, none reads two tensors, and no two read the same one."""
    calls = [call for layer in layers for call in layer.calls]
    sources = [(tensor.layer, tensor.call) for call in calls for tensor in call.inputs]
    entries = sum(not call.inputs for call in calls)
    return (
        all(len(layer.calls) <= 1 for layer in layers)
        and all(len(call.inputs) <= 1 for call in calls)
        and len(set(sources)) == len(sources)
        and entries <= 1
    )


def _total(arrays: Iterable[StoredArray]) -> Total:
    counted = list(arrays)
    return Total(sum(array.size for array in counted), sum(array.nbytes for array in counted))


def _has_state(optimizer: Sequence[StoredArray]) -> bool:
    """Return whether the optimizer has taken a step; before, it has a count of steps and a learning rate at most."""
    return len(optimizer) > 2 or bool(optimizer and optimizer[0].read().any())
