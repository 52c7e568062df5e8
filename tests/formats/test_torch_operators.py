"""The signatures of PyTorch's operators are PyTorch's own, and other arguments than a module has tell no module."""

from __future__ import annotations

import ast

import pytest

from weightwise.formats.pytorch.functions import regrouped, spread
from weightwise.formats.pytorch.meanings import Held
from weightwise.formats.pytorch.operators import FUNCTIONS, OPERATORS, meaning, turned
from weightwise.stored import Tensor

X = Tensor("before")
KERNEL, BIAS = Held("w", (6, 2, 3, 5)), Held("b", (6,))


def listed(value):
    """A default as the file has it: one number stands for a list of it."""
    return value[0] if isinstance(value, (list, tuple)) and value and len(set(value)) == 1 else value


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "operator"),
    [*OPERATORS.items(), *FUNCTIONS.items()],
    ids=lambda value: str(getattr(value, "signature", value)),
)
def test_a_signature_is_that_of_an_overload(name, operator):
    import torch

    packet = getattr(torch.ops.aten, name)
    parts = [part.partition("=") for part in operator.signature.split()]
    schemas = []
    for overload in packet.overloads():
        arguments = getattr(packet, overload)._schema.arguments
        schemas.append([(one.name, listed(one.default_value) if one.has_default_value() else ...) for one in arguments])
    assert any([one for one, _ in schema] == [part[0] for part in parts] for schema in schemas), schemas
    (schema,) = [schema for schema in schemas if [one for one, _ in schema] == [part[0] for part in parts]][:1]
    for (_, default), (argument, equals, given) in zip(schema, parts, strict=True):
        if equals and argument != "allow_tf32":  # older files do not give it
            assert ast.literal_eval(given) == default, argument
        else:
            assert default in (..., None, False), argument


def test_a_convolution_tells_its_settings():
    found = meaning("conv2d", [X, KERNEL, BIAS, [2, 1], 0, 1, 3], {})
    assert found.class_name == "Conv2d"
    assert (found.config["in_channels"], found.config["out_channels"], found.config["stride"]) == (6, 6, [2, 1])
    assert (found.config["padding"], found.config["groups"]) == ((0, 0), 3)
    assert found.arrays == {"weight": KERNEL, "bias": BIAS}


def test_a_transposed_convolution_counts_its_channels_the_other_way():
    found = meaning("_convolution", [X, KERNEL, None, [1], [0], [1], True, [0], 2, *[False] * 4], {})
    assert (found.class_name, found.config["in_channels"], found.config["out_channels"]) == ("ConvTranspose2d", 6, 4)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("conv1d", [X, KERNEL]),  # a kernel of another rank
        ("conv2d", [X, KERNEL, BIAS, Tensor("stride")]),  # a setting that is computed
        ("conv2d", [X, Tensor("w")]),  # a kernel that is computed
        ("conv2d", [X]),
        ("conv2d", [X, KERNEL, BIAS, 1, 0, 1, 1, 1]),
        ("linear", [X, Held("w", (3, 4), turned=True)]),
        ("mm", [X, Held("w", (3, 4))]),
        ("addmm", [BIAS, X, Held("w", (6, 4), turned=True), 1, 2]),
        ("elu", [X, 1.0, 1.05]),
        ("lstm", [X, X, [X, X], [KERNEL] * 4, True, 1, 0.0, False, False]),
        ("no_such_operator", [X]),
        ("add", [X, Held("w", (3, 4), turned=True)]),
        ("add", [X, BIAS, 2]),
        ("mean", [X, None]),
        ("sum", [X, [1], False, 6]),
        ("cat", [[]]),
        ("pow", [X, X]),
        ("scaled_dot_product_attention", [X, X, X, X]),
        ("linear", [X, Held("w", (1, 4), spread=True)]),
    ],
)
def test_what_no_module_computes_tells_none(name, given):
    assert meaning(name, given, {}) is None


def test_a_kernel_is_a_linears_when_it_is_exchanged():
    kernel = turned("permute", [Held("w", (3, 4)), [1, 0]])
    found = meaning("mm", [X, kernel], {})
    assert (found.config, found.arrays) == ({"in_features": 4, "out_features": 3}, {"weight": Held("w", (3, 4))})
    assert turned("t", [kernel]) == Held("w", (3, 4))
    assert turned("permute", [Held("w", (3, 4)), [0, 1]]) is None


def test_names_of_operators_that_work_in_place_mean_the_same():
    assert meaning("relu_", [X], {}) == meaning("relu", [X], {})
    assert meaning("flatten_", [X], {}) is None


@pytest.mark.parametrize(
    ("name", "given", "class_name", "config"),
    [
        ("add_", [X, 2], "add", {"other": 2}),
        ("add", [X, X, 3], "add", {"alpha": 3}),
        ("mul", [2.0, X], "mul", {"other": 2.0}),
        ("rsub", [X, 1], "rsub", {"other": 1, "alpha": 1}),
        ("rsub", [X, X], "sub", {}),
        ("concat", [[X, X], 1], "cat", {"dim": 1}),
        ("slice", [X, 1, None, (1 << 63) - 1], "slice", {"dim": 1, "start": 0, "end": None, "step": 1}),
        ("dropout_", [X, 0.5, False], "Dropout", {"p": 0.5}),
        ("split_with_sizes", [X, [1, 2], 1], "split", {"split_size_or_sections": [1, 2], "dim": 1}),
    ],
)
def test_an_operator_that_is_no_module_is_a_layer_of_its_name(name, given, class_name, config):
    found = meaning(name, given, {})
    assert (found.class_name, found.config) == (class_name, config)
    assert set(found.inputs) == {X}


def test_an_array_beside_a_tensor_is_the_layers_own():
    found = meaning("mul", [BIAS, X], {})
    assert (found.class_name, found.config, found.arrays) == ("mul", {"other_shape": (6,)}, {"other": BIAS})
    token = spread("expand", [Held("t", (1, 1, 6)), [Tensor("size"), -1, 6]])
    assert token == Held("t", (1, 1, 6), spread=True)
    found = meaning("cat", [[token, X], 1], {})
    assert found.config == {"dim": 1, "other_shape": (1, 1, 6), "other_first": True}
    assert spread("expand", [Held("t", (1, 1, 6)), [2, 3, -1]]) is None


def test_a_view_keeps_the_batch():
    assert regrouped(X, (2, 3, 8), (2, 3, 2, 4)).config == {"shape": (None, 3, 2, 4)}
    assert regrouped(X, ("n", "s", 8), ("n", "s", 2, 4)).config == {"shape": (None, None, 2, 4)}
    assert regrouped(X, (2, 3, 8), (6, 8)) is None
    assert regrouped(X, ("n", "s", "t"), ("n", "t", "s")) is None
