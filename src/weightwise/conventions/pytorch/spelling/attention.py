"""Attention as PyTorch has it (https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html).

Its module takes heads that together are as wide as the query and the output. What is not so is put together from
linear layers around `scaled_dot_product_attention`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from weightwise.conventions.program import Program
from weightwise.conventions.pytorch.spelling.dense import linear
from weightwise.conventions.pytorch.spelling.steps import chain, function, module, refuse
from weightwise.conventions.spelling import INPUT, Joined, Output, Same, Spelled, Step
from weightwise.ops.attention import Attention
from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Shape
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.scaled_attention import ScaledAttention

_PARTS = {"query": "in", "key": "key_in", "value": "value_in"}


def spelled_attention(operation: MultiHeadAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return PyTorch's module where the widths are those that it has, and otherwise what it is made from."""
    refuse("a gate scales the results of its heads", operation.gate)
    refuse("it attends to near positions alone", operation.window is not None)
    refuse("it takes a mask", "mask" in operation.arguments[: len(inputs)])
    refuse("the shapes of its inputs are not known", not inputs)
    rank = len(inputs[0])
    attended = operation.axes if operation.axes is not None else tuple(range(1, rank - 1))
    refuse("it attends over other axes than the last but one", tuple(axis % rank for axis in attended) != (rank - 2,))
    given = dict(zip(operation.arguments, (Output(INPUT, number) for number in range(len(inputs))), strict=False))
    found = given.get("key", given.get("value", given.get("all")))
    tensors = [given.get(name, given.get("all", found)) for name in _PARTS]
    named = [tensor for tensor in tensors if tensor is not None]
    widths = [inputs[tensor.index][-1] for tensor in named]
    sizes = [size for size in (*widths, operation.head_dim, operation.value_dim) if size]
    refuse("the sizes of its projections are not known", len(sizes) < 5)
    if _is_module(operation, rank, sizes):
        return _module(operation, named, sizes)
    return _from_parts(operation, named, sizes, rank)


def _is_module(operation: MultiHeadAttention, rank: int, sizes: Sequence[int]) -> bool:
    """Return whether PyTorch's module computes it."""
    width, head_dim, value_dim = sizes[0], sizes[3], sizes[4]
    plain = rank == 3 and not operation.causal and operation.normalized is None and operation.kv_heads is None
    return (
        plain
        and head_dim == value_dim
        and width == operation.heads * head_dim
        and operation.outputs in (None, (width,))
    )


def _module(operation: MultiHeadAttention, tensors: Sequence[Output], sizes: Sequence[int]) -> Spelled:
    width, key, value, *_ = sizes
    packed = width == key == value
    arrays = ["in_proj_weight"] if packed else ["q_proj_weight", "k_proj_weight", "v_proj_weight"]
    same = {"v": {"head_dim": "value_dim"}}
    apart = {"k": {"in": "key_in"}, "v": {"in": "value_in", **same["v"]}}
    labels = dict(zip("qkv", _PARTS, strict=True))
    kernels: dict[str, Any] = {"value/kernel": Same("value/kernel", same["v"])}
    if packed:
        kernels = {
            "projection/kernel": Joined("part", {at: f"{name}/kernel" for at, name in labels.items()}, {}, apart)
        }
    biases = {"projection/bias": Joined("part", {at: f"{name}/bias" for at, name in labels.items()}, {}, same)}
    step = module(
        "MultiheadAttention",
        embed_dim=width,
        num_heads=operation.heads,
        dropout=0.0,
        kdim=key,
        vdim=value,
        batch_first=True,
        add_zero_attn=False,
        need_weights=operation.scores,
        average_attn_weights=False,
        parameters=[*arrays, *(["in_proj_bias"] if operation.bias else [])],
        feeds={**kernels, **(biases if operation.bias else {})},
    )
    program = Program()
    heads = program.add(step, *tensors)
    output = program.add(_leaving(operation, width, width, "NonDynamicallyQuantizableLinear", ".out_proj"), heads)
    return program.spelled(output, *([replace(heads, index=1)] if operation.scores else []))


def _leaving(operation: MultiHeadAttention, entering: int, leaving: int, class_name: str, name: str) -> Step:
    """Return the projection of the results of all heads."""
    out = operation.output_axes()
    merged = out if " " not in out else f"({out})"
    rows = {"in": "(heads value_dim)", "head_dim": "value_dim", "out": merged}
    feeds = {"kernel": Same("output/kernel", rows)}
    if operation.bias:
        feeds["bias"] = Same("output/bias", {"out": merged})
    return replace(linear(entering, leaving, operation.bias, name, feeds=feeds), class_name=class_name)


def _from_parts(operation: MultiHeadAttention, tensors: Sequence[Output], sizes: Sequence[int], rank: int) -> Spelled:
    """Return linear layers around the attention of all heads, which lie before the positions there."""
    width, *_, head_dim, value_dim = sizes
    program = Program()
    dims = (head_dim, head_dim, value_dim)
    heads = [
        _heads(program, operation, name, tensor, (entering, size), rank)
        for name, tensor, entering, size in zip(_PARTS, tensors, sizes, dims, strict=False)
    ]
    scores: list[Output] = []
    if operation.scores:
        results, *scores = _averaged(program, heads, head_dim**-0.5, operation.causal)
    else:
        attention = function("scaled_dot_product_attention", "attention", scale=None, is_causal=operation.causal)
        results = program.add(attention, *heads)
    outputs = operation.outputs or (width,)
    joined = program.follow(
        [
            function("transpose", "positions", dim0=rank - 2, dim1=rank - 1),
            module("Flatten", "joined", start_dim=-2, end_dim=-1),
            _leaving(operation, operation.heads * value_dim, prod(outputs), "Linear", "output"),
            *([module("Unflatten", "unflatten", dim=-1, unflattened_size=outputs)] * (len(outputs) > 1)),
        ],
        results,
    )
    return program.spelled(joined, *scores)


def _heads(
    program: Program, operation: MultiHeadAttention, name: str, tensor: Output, sizes: tuple[int, int], rank: int
) -> Output:
    """Add the projection of queries, keys or values, and return it with the heads before the positions."""
    entering, size = sizes
    shared = operation.heads // operation.kv_heads if operation.kv_heads and name != "query" else 1
    several = "heads" if operation.kv_heads is None or name == "query" else "kv_heads"
    columns = f"({several} {'value_dim' if name == 'value' else 'head_dim'})"
    count = operation.heads // shared
    feeds = {"kernel": Same(f"{name}/kernel", {"in": _PARTS[name], "out": columns})}
    if operation.bias:
        feeds["bias"] = Same(f"{name}/bias", {"out": columns})
    steps = [
        linear(entering, count * size, operation.bias, name, feeds=feeds),
        module("Unflatten", f"{name}_heads", dim=-1, unflattened_size=(count, size)),
    ]
    if operation.normalized is not None and name != "value":
        gamma = Same(f"{name}_norm/scale", {"features": "head_dim"})
        norm: dict[str, Any] = {"normalized_shape": (size,), "eps": operation.normalized, "elementwise_affine": True}
        steps.append(module("LayerNorm", f"{name}_norm", **norm, parameters=["weight"], feeds={"gamma": gamma}))
    steps.append(function("transpose", f"{name}_first", dim0=rank - 2, dim1=rank - 1))
    heads = program.follow(steps, tensor)
    if shared == 1:
        return heads
    repeated = program.add(function("stack", f"{name}_repeated", dim=rank - 1), *([heads] * shared))
    return program.add(module("Flatten", f"{name}_shared", start_dim=rank - 2, end_dim=rank - 1), repeated)


def _averaged(program: Program, tensors: Sequence[Output], scale: float, causal: bool) -> tuple[Output, Output]:
    """Add attention that returns its weights too, and return the averages and the weights."""
    refuse("it attends to no later position, and returns the weights of its averages", causal)
    query, key, value = tensors
    turned = program.add(function("transpose", "keys_turned", dim0=-2, dim1=-1), key)
    scores = program.add(function("matmul", "scores"), query, turned)
    if scale != 1:
        scores = program.add(function("mul", "scaled", other=scale), scores)
    weights = program.add(module("Softmax", "softmax", dim=-1), scores)
    return program.add(function("matmul", "averaged"), weights, value), weights


def spelled_packed(operation: PackedAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return the module, which is PyTorch's own; its last projection is a layer of its own."""
    width = operation.heads * operation.head_dim
    arrays = ["in_proj_weight"] if operation.packed else ["q_proj_weight", "k_proj_weight", "v_proj_weight"]
    arrays += ["in_proj_bias"] * operation.bias + ["bias_k", "bias_v"] * operation.extra
    program = Program()
    results = program.add(
        module(
            "MultiheadAttention",
            embed_dim=width,
            num_heads=operation.heads,
            dropout=0.0,
            kdim=inputs[1][-1] if inputs else width,
            vdim=inputs[2][-1] if inputs else width,
            batch_first=not operation.positions_first,
            add_zero_attn=operation.zero,
            need_weights=operation.scores,
            average_attn_weights=operation.averaged,
            parameters=arrays,
        ),
        *(Output(INPUT, number) for number in range(3)),
    )
    return program.spelled(*(replace(results, index=index) for index in range(1 + operation.scores)))


def spelled_dot_attention(operation: Attention, inputs: Sequence[Shape]) -> Spelled:
    """Return the attention of a query, values and perhaps keys, without projections."""
    refuse("its scores are no dot products", operation.score != "dot")
    refuse("its scores are multiplied by a number that it learned", operation.scale)
    program = Program()
    query, value, key = Output(INPUT), Output(INPUT, 1), Output(INPUT, len(inputs) - 1)
    if operation.scores:
        return program.spelled(*_averaged(program, (query, key, value), 1.0, operation.causal))
    attention = function("scaled_dot_product_attention", "", scale=1.0, is_causal=operation.causal)
    return program.spelled(program.add(attention, query, key, value))


def spelled_scaled(operation: ScaledAttention, inputs: Sequence[Shape]) -> Spelled:
    """Return the function, which is PyTorch's own."""
    return chain(function("scaled_dot_product_attention", "", scale=operation.scale, is_causal=operation.causal))
