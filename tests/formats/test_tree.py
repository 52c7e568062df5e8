"""Trees of arrays: whose an array is, and what is no weight."""

from __future__ import annotations

import pytest

from weightwise.formats.named import model_by_names
from weightwise.formats.order import is_alphabetical, natural
from weightwise.formats.tree import tree_of
from weightwise.stored import StoredArray


def array(path: str) -> StoredArray:
    return StoredArray(path, path, (), "float32", 4, lambda: None)


def tree(*paths: str):
    return tree_of("m", [(tuple(path.split("/")), array(path)) for path in paths])


def owned(root) -> dict[str, list[str]]:
    own = {"": [array.key for array in root.arrays]} if root.arrays else {}
    return own | {layer.name: [array.key for array in layer.arrays] for layer in root.layers}


@pytest.mark.parametrize(
    ("path", "layer", "key"),
    [
        ("params/Dense_0/kernel", "Dense_0", "kernel"),
        ("params/params/encoder/Dense_0/kernel", "encoder/Dense_0", "kernel"),
        ("Dense_0/kernel", "Dense_0", "kernel"),
        ("batch_stats/BatchNorm_0/mean", "BatchNorm_0", "mean"),
        ("optimizer/target/Dense_0/kernel", "Dense_0", "kernel"),
        ("target/Dense_0/kernel", "Dense_0", "kernel"),
        ("params/scale", "", "scale"),
        ("params", "", "params"),
        ("conv/kernel/value", "conv", "kernel"),
        ("value", "", "value"),
        ("ema_params/Dense_0/kernel", "ema_params/Dense_0", "kernel"),
        ("state/Dense_0/kernel", "state/Dense_0", "kernel"),
    ],
)
def test_the_layer_and_the_key_of_a_path(path, layer, key):
    assert owned(tree(path).root) == {layer: [key]}


def test_the_arrays_of_a_layer_come_together_in_the_order_of_the_first():
    found = tree("params/B/scale", "params/A/kernel", "batch_stats/B/mean")
    assert owned(found.root) == {"B": ["scale", "mean"], "A": ["kernel"]}


def test_names_that_jax_sorted_are_counted_as_people_do():
    names = sorted(f"params/Conv_{number}/kernel" for number in range(12))
    assert list(owned(tree(*names).root)) == [f"Conv_{number}" for number in range(12)]
    assert list(owned(tree(*names[::-1]).root)) == [name.split("/")[1] for name in names[::-1]]


def test_the_same_key_twice_keeps_its_collection():
    found = tree("params/A/kernel", "batch_stats/A/kernel")
    assert owned(found.root) == {"A": ["kernel", "batch_stats/A/kernel"]}


@pytest.mark.parametrize(
    ("paths", "weights", "optimizer", "state"),
    [
        (["step", "params/A/w", "opt_state/0/mu/A/w", "opt_state/0/count"], ["A"], 2, 1),
        (["optimizer/target/A/w", "optimizer/state/step", "optimizer/state/param_states/A/w/grad_ema"], ["A"], 1, 1),
        (["target/A/w", "state/param_states/A/w/v", "state/step"], ["A"], 1, 1),
        (["rng", "epoch", "key/A/w"], ["key/A"], 0, 2),
        (["opt/0/A/w", "params/step/w"], ["step"], 1, 0),
    ],
)
def test_what_a_training_state_keeps_beside_the_weights(paths, weights, optimizer, state):
    found = tree(*paths)
    assert [layer.name for layer in found.root.layers] == weights
    assert (len(found.optimizer), len(found.state)) == (optimizer, state)


def test_names_with_dots_are_a_state_dict_and_with_slashes_a_tree():
    dotted = model_by_names("p", "f", "m", [array("module.a.0.weight"), array("module.a.0.bias")])
    assert owned(dotted.root) == {"a.0": ["weight", "bias"]}
    assert dotted.remarks == ("the names are given without the prefix module., which DataParallel adds",)
    slashed = model_by_names("p", "f", "m", [array("params/a.0/w"), array("step")])
    assert (owned(slashed.root), len(slashed.state)) == ({"a.0": ["w"]}, 1)
    flax = model_by_names("p", "f", "m", [array("params.a.w"), array("batch_stats.a.mean")], framework="Flax")
    assert owned(flax.root) == {"a": ["mean", "w"]}


def test_natural_order():
    names = ["a.10.b", "a.2.b", "a2", "a", "a.2", "b/1", "b/01"]
    assert sorted(names, key=natural) == ["a", "a.2", "a.2.b", "a.10.b", "a2", "b/1", "b/01"]
    assert [is_alphabetical(names) for names in (["a", "a", "b"], ["b", "a"], [])] == [True, False, True]
