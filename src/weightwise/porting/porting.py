"""A named model as one of another framework: its layers, its graph, and its arrays, which read from the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from math import prod

from weightwise.conventions.choice import newest_convention
from weightwise.conventions.layout import arranged_shape
from weightwise.conventions.row import Slot
from weightwise.conventions.spelling import Filled, Speller
from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import BITS
from weightwise.model import Layer, Model
from weightwise.naming import named
from weightwise.naming.drafts import Draft, drafted
from weightwise.ops.operation import Shape
from weightwise.porting.feeding import Fed, fed, in_source_order
from weightwise.porting.flow import flow
from weightwise.porting.lowering import Lowered, Made, Placed, lowered_graph, lowered_layers
from weightwise.records import dataclass
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

SPELLERS = {
    "pytorch": "weightwise.conventions.pytorch.spelling",
    "keras": "weightwise.conventions.keras.spelling",
    "flax": "weightwise.conventions.flax.spelling",
}
"""Where each framework that can be ported to is spelled."""

COUNTS = Filled(0, "it counts the steps of a training that is over", "int64")


@dataclass(frozen=True)
class Transfer:
    """One array of the target and what fills it."""

    path: str
    """Its path in the target's file: `conv2d_1.weight`."""
    layer: str
    """The target's layer."""
    fed: Fed
    why: str = "made from it"


@dataclass(frozen=True)
class Ported:
    """A model of the target's framework, and how it came about."""

    source: Model
    model: Model
    transfers: tuple[Transfer, ...]
    inputs: tuple[Placed, ...]
    outputs: tuple[Placed, ...]
    placed: Mapping[tuple[str, int, int], Placed]
    notes: tuple[str, ...]
    left: tuple[str, ...]
    """The paths of the source's weights that no array of the target takes."""

    @cached_property
    def by_path(self) -> Mapping[str, Transfer]:
        """What fills each array, by its path."""
        return {transfer.path: transfer for transfer in self.transfers}


def speller(framework: str) -> Speller:
    """Return how a framework spells operations; raises `UnsupportedError` for an unknown one."""
    if framework.lower() not in SPELLERS:
        raise UnsupportedError(f"weightwise ports to {', '.join(SPELLERS)}, not to {framework!r}")
    found: Speller = import_module(SPELLERS[framework.lower()]).SPELLER
    return found


def lowered(model: Model, target: Speller) -> Ported:
    """Return the model in another framework; raises `UnsupportedError` with the first thing that it cannot have there.

    Without a graph only the layers with weights are there, and nothing connects them.
    """
    if not model.has_graph:
        return _ported(model, target, lowered_layers(model, target))
    try:
        return _ported(model, target, lowered_graph(model, target))
    except UnsupportedError:
        # Rows that the target cannot tell by names are kept in the order of the source.
        return _ported(model, target, lowered_graph(model, target, flat_as_it_lies=False), in_order=True)


def _ported(model: Model, target: Speller, found: Lowered, in_order: bool = False) -> Ported:
    root = StoredLayer(
        model.name,
        "Functional" if target.framework == "Keras" else "",
        layers=tuple(_stored_layers(model, found)),
        inputs=tuple(placed.tensor for placed in found.inputs),
        outputs=tuple(placed.tensor for placed in found.outputs),
    )
    drafts = drafted(root, "", newest_convention(target.framework).describe, True, ())
    transfers: list[Transfer] = []
    layers: list[StoredLayer] = []
    for made, draft in zip(found.layers, drafts.layers, strict=True):
        own = list(_transfers(made, draft, in_order))
        transfers += own
        arrays = tuple(_array(transfer, slot) for transfer, slot in zip(own, draft.slots, strict=True))
        layers.append(replace(draft.stored, arrays=arrays))
    nbytes = sum(array.nbytes for layer in layers for array in layer.arrays)
    stored = StoredModel(
        model.stored.path,
        f"{target.framework}, ported from {model.stored.format}",
        target.framework,
        "3" if target.framework == "Keras" else "",
        replace(root, layers=tuple(layers)),
        Addressing.PATH,
        nbytes=nbytes,
    )
    ported = named(stored)
    if ported.problems:
        raise UnsupportedError(f"{model.stored.path}: its port contradicts the target's table: {ported.problems[0]}")
    taken = {weight.path for transfer in transfers for weight in transfer.fed.sources}
    left = tuple(weight.path for weight in model.weights if weight.path not in taken and weight.role != "-")
    return Ported(model, ported, tuple(transfers), found.inputs, found.outputs, found.placed, found.notes, left)


def _stored_layers(model: Model, found: Lowered) -> Iterator[StoredLayer]:
    """Yield the layers without their arrays, those that read inputs of the model with the shapes of these."""
    entering = _entering(model, found)
    for made in found.layers:
        shapes = [entering.get(tensor) for tensor in made.calls[0].inputs] if made.calls else []
        known = [shape for shape in shapes if shape is not None]
        built: tuple[object, ...] | None = None
        if known and len(known) == len(shapes):
            built = known[0] if len(known) == 1 else tuple(known)
        config = dict(made.step.config)
        package, _, class_name = made.step.class_name.rpartition(".")  # `keras.src.ops.numpy.Pad`
        calls = tuple(_recorded(call, entering) for call in made.calls)
        yield StoredLayer(made.name, class_name, config, package, calls=calls, build_shape=built)


def _recorded(call: Call, entering: Mapping[Tensor, Shape]) -> Call:
    """Return a call with the shapes of the model's inputs among those that it reads."""
    shapes = tuple(entering.get(tensor) for tensor in call.inputs)
    return replace(call, shapes=shapes) if any(shapes) else call


def _entering(model: Model, found: Lowered) -> dict[Tensor, Shape]:
    if not found.inputs:
        return {}
    shapes = flow(model).shapes
    values = {value.index: shape for value, shape in shapes.items() if value.use < 0}
    return {
        placed.tensor: arranged_shape(values[index], placed.layout)
        for index, placed in enumerate(found.inputs)
        if index in values and placed.layout is not None
    }


def _transfers(made: Made, draft: Draft, in_order: bool) -> Iterator[Transfer]:
    if draft.operation is None and draft.slots == () and draft.note:
        raise UnsupportedError(f"{made.name} ({made.step.class_name}): {draft.note}")
    by_names = made.source is not None and not made.source.stored.configured
    for slot in draft.slots:
        what = f"{made.name}.{slot.name}"
        feeds = made.step.feeds
        feed = feeds.get(f"{slot.role} {slot.at}", feeds.get(slot.role))
        if slot.role == "-" and feed is None:
            feed = None if _has_same(made.source, slot) else COUNTS
        wanted = in_source_order(made.source, slot) if (in_order or by_names) and feed is None else slot
        yield Transfer(what, made.name, fed(made.source, feed, wanted, what))


def _has_same(layer: Layer | None, slot: Slot) -> bool:
    return layer is not None and any(weight.role == "-" and weight.name == slot.name for weight in layer.weights)


def _array(transfer: Transfer, slot: Slot) -> StoredArray:
    """Return an array that reads from the source."""
    found = transfer.fed
    nbytes = prod(found.shape) * BITS[found.dtype] // 8
    path = transfer.path
    return StoredArray(
        path,
        slot.key,
        found.shape,
        found.dtype,
        nbytes,
        found.read,
        name=slot.name,
        trainable=slot.trainable,
        apart=found.apart,
    )
