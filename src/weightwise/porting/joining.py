"""Two layers of a source that other frameworks have as one: attention, and the projection of what its heads return.

PyTorch's `MultiheadAttention` has its last projection as a module inside, so that its graph shows two layers; Keras and
Flax have one with four projections. Where nothing else reads what lies between the two, they are ported as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.spelling import Block, Feed, Same
from weightwise.model import Layer, Weight
from weightwise.ops.dense import Dense
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.packed_attention import PackedAttention
from weightwise.porting.flow import Flow, Use, Value

PARTS = ("query", "key", "value")
OWN = {"key_in": "in", "value_in": "in", "value_dim": "head_dim"}
"""The axes of attention in which all is of one size, by those in which it need not be."""


def joined(flow: Flow) -> Flow:
    """Return the calls with attention and its last projection as one, under the name of the attention."""
    pairs = dict(_pairs(flow))
    if not pairs:
        return flow
    left = [number for number in range(len(flow.uses)) if number not in pairs]
    places = {number: place for place, number in enumerate(left)}

    def moved(value: Value) -> Value:
        return value if value.use < 0 else Value(places[value.use], value.index)

    projections = {last: first for first, last in pairs.items()}
    uses = [
        _one(flow.uses[projections[number]], flow.uses[number]) if number in projections else flow.uses[number]
        for number in left
    ]
    return Flow(
        tuple(replace(use, inputs=tuple(map(moved, use.inputs))) for use in uses),
        flow.inputs,
        tuple(map(moved, flow.outputs)),
        {moved(value): shape for value, shape in flow.shapes.items() if value.use not in pairs},
    )


def _pairs(flow: Flow) -> list[tuple[int, int]]:
    """Return the numbers of attention and of the projection that alone reads it."""
    readers: dict[int, list[int]] = {}
    for number, use in enumerate(flow.uses):
        for value in use.inputs:
            readers.setdefault(value.use, []).append(number)
    read = {value.use for value in flow.outputs}
    found = []
    for number, use in enumerate(flow.uses):
        following = readers.get(number, [])
        if len(following) == 1 and number not in read and _belong(use.layer, flow.uses[following[0]]):
            found.append((number, following[0]))
    return found


def _belong(layer: Layer, use: Use) -> bool:
    attention, projection = layer.operation, use.layer.operation
    return (
        isinstance(attention, PackedAttention)
        and not (attention.extra or attention.zero or attention.positions_first)
        and isinstance(projection, Dense)
        and projection.activation == "linear"
        and projection.bias == attention.bias
        and use.inputs[0].index == 0
        and len(layer.calls) == len(use.layer.calls) == 1
    )


def _one(use: Use, last: Use) -> Use:
    operation = use.layer.operation
    assert isinstance(operation, PackedAttention)
    own = replace(use.layer, operation=_whole(operation), weights=_weights(use.layer.weights, last.layer.weights))
    return replace(use, layer=own, feeds=feeds(operation), last=last.layer)


def _whole(operation: PackedAttention) -> MultiHeadAttention:
    return MultiHeadAttention(
        operation.heads,
        operation.head_dim,
        operation.value_dim,
        bias=operation.bias,
        causal=operation.causal,
        arguments=operation.arguments,
    )


def _weights(own: Sequence[Weight], last: Sequence[Weight]) -> tuple[Weight, ...]:
    return (*own, *(replace(weight, role=f"output/{weight.role}") for weight in last))


def feeds(operation: PackedAttention) -> Mapping[str, Feed]:
    """Return what stands for each role of attention with four projections."""
    found: dict[str, Feed] = {"output/kernel": Same("output/kernel", OWN)}
    for part in PARTS:
        if operation.packed:
            found[f"{part}/kernel"] = Block("projection/kernel", "part", part[0], OWN)
        elif part == "value":
            found["value/kernel"] = Same("value/kernel", {"value_dim": "head_dim"})
        if operation.bias:
            found[f"{part}/bias"] = Block("projection/bias", "part", part[0], OWN)
    return found


def fed_from(given: Mapping[str, Feed], stands: Mapping[str, Feed]) -> Mapping[str, Feed]:
    """Return the feeds of a step, those of whole arrays by what stands for these."""
    return dict(stands) | {role: _followed(feed, stands) for role, feed in given.items()}


def _followed(feed: Feed, stands: Mapping[str, Feed]) -> Feed:
    other = stands.get(feed.role) if isinstance(feed, Same) else None
    if not isinstance(feed, Same) or not isinstance(other, (Same, Block)):
        return feed
    followed = {name: other.renamed.get(own, own) for name, own in feed.renamed.items()}
    return replace(other, renamed={**other.renamed, **followed})
