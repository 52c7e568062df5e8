"""Dotted names become modules and what they call their arrays."""

from __future__ import annotations

import pytest

from weightwise.formats.state_dict import Module, root_of, split, unwrapped
from weightwise.stored import StoredArray


def array(name):
    return StoredArray(path=name, key=name, shape=(2, 3), dtype="float32", nbytes=24, read=lambda: None)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("weight", ("", "weight")),
        ("features.0.weight", ("features.0", "weight")),
        ("rnn.weight_ih_l0_reverse", ("rnn", "weight_ih_l0_reverse")),
        ("conv.parametrizations.weight.original0", ("conv", "parametrizations.weight.original0")),
        ("layers.0.q_proj.lora_A.default.weight", ("layers.0.q_proj", "lora_A.default.weight")),
        ("q_proj.lora_B.weight", ("q_proj", "lora_B.weight")),
    ],
)
def test_a_name_is_a_module_and_a_key(name, parts):
    assert split(name, {}) == parts


def test_a_described_module_owns_what_is_below_it_and_not_described():
    assert split("attention.inner.weight", {"attention": Module("Custom")}) == ("attention", "inner.weight")
    assert split("attention.inner.weight", {"attention.inner": Module("Linear")}) == ("attention.inner", "weight")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["module.fc.weight", "module.fc.bias"], ("fc.weight", "fc.bias")),
        (["module._orig_mod.fc.weight"], ("fc.weight",)),
        (["fc._fsdp_wrapped_module.weight", "norm.bias"], ("fc.weight", "norm.bias")),
        (["base_model.model.layer.weight"], ("layer.weight",)),
        (["module.fc.weight", "fc.weight"], ("module.fc.weight", "fc.weight")),
        (["module.a.weight", "other.b.weight"], ("module.a.weight", "other.b.weight")),
    ],
)
def test_prefixes_of_wrappers_are_taken_off_where_all_names_have_them(names, expected):
    assert unwrapped(names).names == expected
    assert bool(unwrapped(names).remarks) == (tuple(names) != expected)


def test_names_that_would_become_one_stay_apart():
    names = ["fc._orig_mod.weight", "fc.weight"]
    assert unwrapped(names).names == tuple(names)


def test_layers_stand_in_the_order_of_their_first_arrays():
    names = ["b.weight", "a.weight", "b.bias", "scale"]
    root = root_of("model", ((name, array(name)) for name in names))
    assert [layer.name for layer in root.layers] == ["b", "a"]
    assert [inner.key for inner in root.layers[0].arrays] == ["weight", "bias"]
    assert [inner.path for inner in root.arrays] == ["scale"]
    assert not root.layers[0].configured


def test_described_modules_without_arrays_are_layers_too():
    modules = {"": Module("Sequential"), "0": Module("Linear"), "1": Module("ReLU")}
    root = root_of("model", [("0.weight", array("0.weight"))], modules)
    assert root.class_name == "Sequential"
    assert [(layer.name, layer.class_name, len(layer.arrays)) for layer in root.layers] == [
        ("0", "Linear", 1),
        ("1", "ReLU", 0),
    ]
