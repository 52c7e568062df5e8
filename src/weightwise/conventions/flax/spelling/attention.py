"""How Flax spells attention: one module of linen where that computes it, and its parts apart where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightwise.conventions.flax.spelling.program import Program
from weightwise.conventions.flax.spelling.values import Shapes, Spelling
from weightwise.conventions.spelling import INPUT, Block, Feed, Output, Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.attention import Attention
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Operation
from weightwise.ops.packed_attention import PackedAttention


def _refuse(**reasons: object) -> None:
    """Raise `UnsupportedError` with the first reason that is one; its name has underscores for spaces."""
    for reason, found in reasons.items():
        if found:
            raise UnsupportedError(f"{reason.replace('_', ' ')}, which linen's attention cannot do")


def _multi_head(operation: MultiHeadAttention, inputs: Shapes) -> Spelled:
    rank = len(inputs[0]) if inputs else 3
    axes = operation.axes if operation.axes is not None else tuple(range(1, rank - 1))
    _refuse(
        it_attends_to_a_window_of_positions=operation.window is not None,
        it_returns_the_weights_of_its_averages=operation.scores,
        it_attends_over_other_axes_than_the_last_but_one=axes not in ((rank - 2,), (-2,)),
        the_size_of_its_heads_is_not_known=not operation.head_dim,
        it_has_a_mask="mask" in operation.arguments[: len(inputs) or None],
        queries_and_keys_are_normalized_with_another_epsilon=operation.normalized not in (None, 1e-6),
    )
    alike = operation.kv_heads is None and operation.head_dim == operation.value_dim
    if alike and not operation.gate and not operation.causal and len(operation.outputs or ()) < 2:
        return Spelled(
            (Step("linen.MultiHeadDotProductAttention", _settings(operation), inputs=_read(operation, inputs)),)
        )
    _refuse(queries_and_keys_are_normalized=operation.normalized, its_inputs_have_more_than_one_axis_between=rank != 3)
    return _apart(operation, inputs)


def _settings(operation: MultiHeadAttention) -> dict[str, Any]:
    outputs = operation.outputs or ()
    return {
        "num_heads": operation.heads,
        "qkv_features": operation.heads * operation.head_dim,
        **({"out_features": outputs[0] if len(outputs) == 1 else outputs} if outputs else {}),
        **({} if operation.bias else {"use_bias": False}),
        **({"normalize_qk": True} if operation.normalized else {}),
    }


def _read(operation: MultiHeadAttention, inputs: Shapes) -> tuple[Output, ...]:
    """Return query, key and value in linen's order; a key or a value that is not given is the other one."""
    if not inputs:
        return ()
    places = {name: Output(INPUT, place) for place, name in enumerate(operation.arguments[: len(inputs)])}
    if "all" in places:
        return (places["all"],)
    key, value = places.get("key", places.get("value")), places.get("value", places.get("key"))
    if "query" not in places or key is None or value is None:
        raise UnsupportedError(f"its inputs are not told: {', '.join(operation.arguments)}")
    return (places["query"], key, value)


def _apart(operation: MultiHeadAttention, inputs: Shapes) -> Spelled:
    """Return projections, attention and the last projection as steps, whose heads may share keys and values."""
    program = Program()
    read = _read(operation, inputs) or (Output(INPUT),)
    query, key, value = read * 3 if len(read) == 1 else read
    groups = operation.kv_heads or operation.heads
    shared = "heads" if operation.kv_heads is None else "kv_heads"
    heads = {"query": (operation.heads, operation.head_dim), "key": (groups, operation.head_dim)}
    heads |= {"value": (groups, operation.value_dim)}
    sources = {"query": ("in", "heads head_dim"), "key": ("key_in", f"{shared} head_dim")}
    sources |= {"value": ("value_in", f"{shared} value_dim")}
    projected = [
        _projected(program, x, name, heads[name], sources[name], operation.bias)
        for name, x in (("query", query), ("key", key), ("value", value))
    ]
    sharing = operation.heads // groups if operation.kv_heads else 1
    result = _attended(program, projected, (groups, sharing), operation)
    if operation.gate:
        size = (operation.heads, operation.value_dim)
        gate = _projected(program, query, "gate", size, ("in", "heads value_dim"), operation.bias)
        gate = program.add("sigmoid", gate, name="opened")
        result = program.add("multiply", result, gate, name="gated")
    outputs = operation.outputs or ((inputs[0][-1],) if inputs else (None,))
    if None in outputs:
        raise UnsupportedError("the number of its outputs is not known")
    target = operation.output_axes().split()
    own = ["out"] if len(target) == 1 else [f"out_{number}" for number in range(1, len(target) + 1)]
    names = {"in_1": "heads", "in_2": "value_dim", **dict(zip(own, target, strict=True))}
    feeds: dict[str, Feed] = {"kernel": Same("output/kernel", names), "bias": Same("output/bias")}
    last = program.add(
        "linen.DenseGeneral",
        result,
        name="output",
        feeds=feeds,
        features=outputs,
        axis=(-2, -1),
        **({} if operation.bias else {"use_bias": False}),
    )
    return program.spelled(last)


def _projected(
    program: Program, x: Output, name: str, heads: tuple[int, int], source: tuple[str, str], bias: bool
) -> Output:
    """Add a dense layer whose outputs are the numbers of every head: `batch position heads features`."""
    names = dict(zip(("out_1", "out_2"), source[1].split(), strict=True))
    feeds: dict[str, Feed] = {"kernel": Same(f"{name}/kernel", {"in": source[0], **names})}
    if bias:
        feeds["bias"] = Same(f"{name}/bias", names)
    unbiased: dict[str, Any] = {} if bias else {"use_bias": False}
    return program.add("linen.DenseGeneral", x, name=name, feeds=feeds, features=heads, **unbiased)


def _attended(
    program: Program, projected: list[Output], shared: tuple[int, int], operation: MultiHeadAttention
) -> Output:
    """Add the attention of all heads, and return `batch position heads features`.

    Queries that share keys and values have an axis of their own for it: `batch heads sharing position features`.
    """
    groups, sharing = shared
    query, key, value = projected
    causal: dict[str, Any] = {"is_causal": True} if operation.causal else {}
    if sharing == 1:
        turned = [
            program.add("swapaxes", x, name=f"{name}_heads", axis1=1, axis2=2)
            for name, x in (("query", query), ("key", key), ("value", value))
        ]
        result = program.add("scaled_attention", *turned, name="attention", **causal)
        return program.add("swapaxes", result, name="heads", axis1=1, axis2=2)
    query = program.add("reshape", query, name="query_groups", shape=(-1, groups, sharing, operation.head_dim))
    query = program.add("transpose", query, name="query_heads", axes=(0, 2, 3, 1, 4))
    turned = []
    for name, x in (("key", key), ("value", value)):
        x = program.add("swapaxes", x, name=f"{name}_heads", axis1=1, axis2=2)
        turned.append(program.add("expand_dims", x, name=f"{name}_groups", axis=2))
    result = program.add("scaled_attention", query, *turned, name="attention", **causal)
    result = program.add("transpose", result, name="heads", axes=(0, 3, 1, 2, 4))
    return program.add("reshape", result, name="groups", shape=(-1, operation.heads, operation.value_dim))


def _packed(operation: PackedAttention, inputs: Shapes) -> Spelled:
    """Return three projections and the attention of all heads; the last projection is another layer of the source."""
    _refuse(
        one_more_key_and_value_are_learned_or_zero=operation.extra or operation.zero,
        its_positions_come_before_the_batch=operation.positions_first,
    )
    program = Program()
    size = (operation.heads, operation.head_dim)
    names = {"out_1": "heads", "out_2": "head_dim"}
    projected = []
    for place, (name, entering) in enumerate((("query", "in"), ("key", "key_in"), ("value", "value_in"))):
        part = name[0]
        feeds: dict[str, Feed] = {"kernel": Same(f"{name}/kernel", {"in": entering, **names})}
        if operation.packed:
            feeds["kernel"] = Block("projection/kernel", "part", part, names)
        if operation.bias:
            feeds["bias"] = Block("projection/bias", "part", part, names)
        unbiased: dict[str, Any] = {} if operation.bias else {"use_bias": False}
        x = Output(INPUT, place if len(inputs) > 1 else 0)
        projected.append(program.add("linen.DenseGeneral", x, name=name, feeds=feeds, features=size, **unbiased))
    result = _attended(program, projected, (operation.heads, 1), operation)
    return program.spelled(program.add("reshape", result, shape=(-1, operation.heads * operation.head_dim)))


def _scores(operation: Attention, inputs: Shapes) -> Spelled:
    """Return attention without projections, whose inputs are a query, values and perhaps keys."""
    _refuse(
        its_scores_are_no_products=operation.score != "dot",
        its_scores_have_a_learned_scale=operation.scale,
        it_returns_the_weights_of_its_averages=operation.scores,
    )
    value, key = Output(INPUT, 1), Output(INPUT, len(inputs) - 1 if inputs else 1)
    program = Program()
    causal: dict[str, Any] = {"is_causal": True} if operation.causal else {}
    return program.spelled(program.add("scaled_attention", Output(INPUT), key, value, scale=1.0, **causal))


SPELLINGS: Mapping[type[Operation], Spelling] = {
    Attention: _scores,
    MultiHeadAttention: _multi_head,
    PackedAttention: _packed,
}
