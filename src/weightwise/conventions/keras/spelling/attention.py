"""Attention as layers of Keras (https://keras.io/api/layers/attention_layers/).

A layer of Keras projects what the heads return; PyTorch's module has a module of its own for that, so that its own part
is spelled by the projections and the function that attends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.keras.spelling.arranging import reshape
from weightwise.conventions.keras.spelling.steps import function, layer, refuse
from weightwise.conventions.program import Program
from weightwise.conventions.spelling import INPUT, Block, Feed, Output, Same, Spelled, Step
from weightwise.ops.attention import Attention
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Shape
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.scaled_attention import ScaledAttention


def spelled_attention(operation: Attention, inputs: Sequence[Shape]) -> Spelled:
    """Return attention without projections."""
    class_name = "AdditiveAttention" if operation.score == "additive" else "Attention"
    settings: dict[str, Any] = {} if operation.score == "additive" else {"score_mode": operation.score}
    return _called(layer(class_name, use_scale=operation.scale, **settings), operation.causal, operation.scores)


def _called(made: Step, causal: bool, scores: bool, inputs: Sequence[Output] = (), **tensors: Output) -> Spelled:
    """Return a layer of attention with what its call adds."""
    asked = {"use_causal_mask": causal, "return_attention_scores": scores}
    arguments = {**{name: True for name, value in asked.items() if value}, **tensors}
    step = Step(made.class_name, made.config, made.feeds, made.name, (*inputs, *tensors.values()), arguments)
    return Spelled((step,), (Output(0), Output(0, 1)) if scores else (Output(0),))


def spelled_scaled(operation: ScaledAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return attention without projections, the scale of its scores that of its queries."""
    refuse(not inputs or inputs[0][-1] is None, "the size of its queries is not known")
    refuse(len({shape[:-2] for shape in inputs}) > 1, "its queries, keys and values are of different examples")
    scale = float(inputs[0][-1] or 1) ** -0.5 if operation.scale is None else operation.scale
    program = Program()
    query = program.add(layer("Rescaling", "scaled", scale=scale, offset=0.0), Output(INPUT))
    attention = layer("Attention", use_scale=False, score_mode="dot")
    if operation.causal:
        attention = replace(attention, arguments={"use_causal_mask": True})
    return program.spelled(program.add(attention, query, Output(INPUT, 2), Output(INPUT, 1)))


def spelled_heads(operation: MultiHeadAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return attention of several heads, whose inputs are the query, the value and the key."""
    refuse(operation.normalized is not None, "it normalizes queries and keys, which Keras does not")
    refuse(not operation.head_dim or not operation.value_dim, "the sizes of its heads are not known")
    given = {name: Output(INPUT, index) for index, name in enumerate(operation.arguments[: max(len(inputs), 1)])}
    one = given.get("all")
    value = one or given.get("value") or given.get("key")
    query, key = one or given.get("query"), one or given.get("key") or given.get("value")
    refuse(inputs and (query is None or value is None), "it lacks a query or a value")
    read = [output for output in (query, value, key) if output is not None]
    masks = {"attention_mask": given["mask"]} if "mask" in given else {}
    made = _grouped(operation, inputs) if operation.kv_heads is not None else _many(operation)
    return _called(made, operation.causal, operation.scores, read if inputs else (), **masks)


def _many(operation: MultiHeadAttention) -> Step:
    outputs = list(operation.outputs) if operation.outputs else None
    return layer(
        "MultiHeadAttention",
        "",
        None,
        num_heads=operation.heads,
        key_dim=operation.head_dim,
        value_dim=operation.value_dim,
        use_bias=operation.bias,
        output_shape=outputs,
        attention_axes=None if operation.axes is None else list(operation.axes),
        **_more(operation),
    )


def _grouped(operation: MultiHeadAttention, inputs: Sequence[Shape]) -> Step:
    refuse(operation.head_dim != operation.value_dim, "its heads share keys and values, which have another size")
    own = (inputs[0][-1],) if inputs else operation.outputs
    refuse(operation.outputs not in (None, own), "its heads share keys and values, and Keras returns the query's size")
    refuse(operation.axes, "its heads share keys and values, and Keras attends along one axis")
    return layer(
        "GroupQueryAttention",
        "",
        None,
        head_dim=operation.head_dim,
        num_query_heads=operation.heads,
        num_key_value_heads=operation.kv_heads,
        use_bias=operation.bias,
        **_more(operation),
    )


def _more(operation: MultiHeadAttention) -> dict[str, Any]:
    """Return the settings that older Kerases do not know, where they are set."""
    gate = {"use_gate": True} if operation.gate else {}
    return gate if operation.window is None else {**gate, "sliding_window": operation.window}


def spelled_packed(operation: PackedAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return the projections of queries, keys and values, what attends, and the heads next to each other.

    The heads lie behind the batch in between, so that attention is over the last two axes of each.
    """
    refuse(operation.positions_first, "its sequences have the positions before the batch")
    refuse(operation.extra, "it learns one more key and value, which Keras has not")
    refuse(operation.zero, "it has a key and a value of zeros, which Keras has not")
    program = Program()
    query, key, value = (
        program.add(_projection(operation, part), Output(INPUT, number)) for number, part in enumerate(_PARTS)
    )
    scaled = layer("Rescaling", "scaled", scale=operation.head_dim**-0.5, offset=0.0)
    attention = layer("Attention", "attention", use_scale=False, score_mode="dot")
    if operation.scores:
        attention = replace(attention, arguments={"return_attention_scores": True})
    attended = program.add(attention, program.add(scaled, query), value, key)
    heads = program.add(layer("Permute", "heads", dims=[2, 1, 3]), attended)
    result = program.add(reshape((None, operation.heads * operation.head_dim)), heads)
    scores = Output(attended.step, 1)
    if operation.scores and operation.averaged:
        scores = program.add(function("numpy.Mean", "scores", axis=[1], keepdims=False), scores)
    return program.spelled(*([result, scores] if operation.scores else [result]))


_PARTS = ("query", "key", "value")


def _projection(operation: PackedAttention, part: str) -> Step:
    """Return what makes `batch heads position head_dim` of a sequence."""
    size = operation.value_dim if part == "value" else operation.head_dim
    return layer(
        "EinsumDense",
        part,
        _sources(operation, part),
        equation="abc,cde->adbe",
        output_shape=[operation.heads, None, size],
        activation="linear",
        bias_axes="de" if operation.bias else None,
    )


_SIZES = {"in_c": "in", "out_d": "heads", "out_e": "head_dim"}


def _sources(operation: PackedAttention, part: str) -> dict[str, Feed]:
    """Return the block of a projection, and of the bias of all three."""
    feeds: dict[str, Feed] = {}
    if operation.packed:
        feeds["kernel"] = Block("projection/kernel", "part", part[0], _SIZES)
    else:
        source = "in" if part == "query" else f"{part}_in"
        feeds["kernel"] = Same(f"{part}/kernel", {**_SIZES, "in_c": source})
    if operation.bias:
        feeds["bias"] = Block("projection/bias", "part", part[0], _SIZES)
    return feeds
