"""How Flax spells a layer that does the same at every position of a sequence.

Modules of linen take any axes before those that they know as more of the batch, so that most are spelled as they are;
functions are told their axes one place further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from weightwise.conventions.flax import TABLE
from weightwise.conventions.flax.settings import numbers
from weightwise.conventions.flax.spelling.values import Shapes, Spelling, sizes_known
from weightwise.conventions.spelling import INPUT, Feed, Filled, Joined, Laid, Output, Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.functions import FUNCTIONS as NEUTRAL
from weightwise.ops.operation import Operation
from weightwise.ops.wrappers import Chain, TimeDistributed

ANYWHERE = frozenset(("linen.Conv", "linen.Dense", "linen.Embed", "linen.Dropout", "max_pool", "avg_pool", "identity"))
"""What treats further axes behind the batch as more of it."""
LAST = frozenset(("linen.BatchNorm", "linen.LayerNorm", "linen.RMSNorm"))
"""What does so where its settings name no axes."""
ALONG = frozenset(("mean", "sum", "max", "min", "take", "slice", "concatenate", "softmax", "log_softmax", "glu"))
"""Functions along axes that their settings name."""


def at_every_position(operation: TimeDistributed, inputs: Shapes, spelling: Spelling) -> Spelled:
    """Return the steps of the layer inside, for a sequence; raises `UnsupportedError` where they cannot take one."""
    if not inputs:
        raise UnsupportedError("the shape of its input is not known")
    if getattr(operation.inner, "channels_first", False):
        raise UnsupportedError("its channels are not last at each position")
    inside = spelling(operation.inner, [(shape[0], *shape[2:]) for shape in inputs])
    return replace(inside, steps=tuple(_moved(step, inputs) for step in inside.steps))


def _moved(step: Step, inputs: Shapes) -> Step:
    """Return a step that has the positions behind the batch."""
    name, config = step.class_name, dict(step.config)
    if name in ANYWHERE or name == "add" or _by_value(name):
        return step
    if name in LAST and not {"axis", "feature_axes", "reduction_axes"} & set(config):
        return step
    if name == "flatten":
        return replace(step, config={**config, "start": config.get("start", 1) + 1})
    if name == "reshape":
        return replace(step, config={"shape": (sizes_known(inputs[0])[0], *config["shape"])})
    if name == "transpose":
        return replace(step, config={"axes": (0, 1, *(axis + 1 for axis in numbers(config["axes"])[1:]))})
    if name in ALONG:
        axis = config.get("axis", -1)
        moved = _further(axis) if isinstance(axis, int) else tuple(map(_further, axis))
        return replace(step, config={**config, "axis": moved})
    raise UnsupportedError(f"{name} does not take the positions of a sequence as more of the batch")


def _further(axis: int) -> int:
    return axis + 1 if axis > 0 else axis


def _by_value(name: str) -> bool:
    """Return whether a function does the same to every value."""
    description = TABLE.describe(name, {}, [(None, 2, 2)]) if "." not in name and name in TABLE.rules else None
    function = getattr(description.operation, "function", "") if description else ""
    return bool(function) and function.split("(")[0] in NEUTRAL


def in_turn(operation: Chain, inputs: Shapes, spelling: Spelling) -> Spelled:
    """Return the steps of all layers of a chain, each of which reads what the one before it returns."""
    if not inputs:
        raise UnsupportedError("the shape of its input is not known")
    steps: list[Step] = []
    before = Output(INPUT)
    notes: tuple[str, ...] = ()
    for number, inner in enumerate(operation.operations):
        spelled = spelling(inner, inputs)
        first, notes = len(steps), (*notes, *spelled.notes)
        for place, step in enumerate(spelled.steps):
            reads = step.inputs or ((Output(place - 1),) if place else (Output(INPUT),))
            read = tuple(before if one.step == INPUT else replace(one, step=one.step + first) for one in reads)
            steps.append(replace(_of_layer(step, number), inputs=read))
        end = spelled.outputs[0] if spelled.outputs else Output(len(spelled.steps) - 1)
        before = before if end.step == INPUT else replace(end, step=end.step + first)
        inputs = inner.output_shapes(inputs)
    return Spelled(tuple(steps), (before,), notes)


def _of_layer(step: Step, number: int) -> Step:
    """Return a step of a layer of the chain, whose roles in the chain begin with the layer's number."""
    description = TABLE.describe(step.class_name, step.config, ())
    roles = dict.fromkeys(slot.role for slot in description.slots) if description else {}
    feeds: dict[str, Feed] = {role: Same(role) for role in roles} | dict(step.feeds)
    name = f"{number}_{step.name}" if step.name else str(number)
    return replace(step, name=name, feeds={role: _numbered(feed, number) for role, feed in feeds.items()})


def _numbered(feed: Feed, number: int) -> Feed:
    match feed:
        case Filled():
            return feed
        case Joined():
            return replace(feed, roles={label: f"{number}/{role}" for label, role in feed.roles.items()})
        case Laid():
            return Laid({f"{number}/{role}": place for role, place in feed.places.items()})
    return replace(feed, role=f"{number}/{feed.role}")


def spellings(spelling: Spelling) -> Mapping[type[Operation], Spelling]:
    """Return the spellings of layers around layers, for the spelling of any operation."""

    def positions(operation: Any, inputs: Shapes) -> Spelled:
        return at_every_position(operation, inputs, spelling)

    def chain(operation: Any, inputs: Shapes) -> Spelled:
        return in_turn(operation, inputs, spelling)

    return {TimeDistributed: positions, Chain: chain}
