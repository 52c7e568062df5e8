"""The layers of a spelling: classes of Keras with their settings, and functions of `keras.ops` among them in a graph.

A model in Keras's own format has a function among its layers, `keras.src.ops.numpy.Pad`, and loads it again without
executing anything that the file holds (https://keras.io/api/ops/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.spelling import Feed, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.operation import Shape


def layer(class_name: str, name: str = "", feeds: Mapping[str, Feed] | None = None, **settings: Any) -> Step:
    """Return a layer of Keras; its data have the channels last, and what is not set is as Keras sets it."""
    return Step(class_name, settings, feeds or {}, name)


def function(path: str, name: str, arguments: Mapping[str, Any] | None = None, **settings: Any) -> Step:
    """Return a function of `keras.ops` by its class, `numpy.Pad`, with what its call takes beside tensors."""
    return Step(f"keras.src.ops.{path}", settings, {}, name, arguments=arguments or {})


def taken(axis: int, place: Any, name: str = "") -> Step:
    """Return what is at a place, or at a run of places, of an axis that is counted from the front."""
    return function("numpy.GetItem", name, {"1": [*[run(None, None)] * axis, place]})


def run(start: int | None, stop: int | None, step: int | None = None) -> Mapping[str, Any]:
    """Return a run of places as Keras writes it."""
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


def chain(*steps: Step, notes: Sequence[str] = ()) -> Spelled:
    """Return the spelling of steps of which each reads the one before; none of them is an identity."""
    return Spelled(tuple(steps) or (layer("Identity"),), notes=tuple(notes))


def refuse(refused: object, reason: str) -> None:
    """Raise `UnsupportedError` with a clause as the reason, where something is there that is refused."""
    if refused:
        raise UnsupportedError(reason)


def spatial_sizes(inputs: Sequence[Shape], rank: int) -> Shape:
    """Return the sizes of the spatial axes of the first input, whose channels are last; None for those not known."""
    return inputs[0][1 : 1 + rank] if inputs else (None,) * rank


def channels(inputs: Sequence[Shape]) -> int | None:
    """Return the number of the first input's channels, which are last; None where it is not known."""
    return inputs[0][-1] if inputs else None
