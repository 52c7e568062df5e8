"""Dictionaries and lists of arrays, and what is no model at all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy
import pytest

import weightwise
from weightwise.errors import NotAModelError, UnsupportedError
from weightwise.model import Evidence
from weightwise.views.document import model_document
from weightwise.views.location import location_text
from weightwise.views.screen import screen

FRAMEWORKS = {"keras", "tensorflow", "tf_keras", "torch", "jax", "flax"}


def values(*shape: int) -> numpy.ndarray:
    return numpy.arange(numpy.prod(shape, dtype=int), dtype="float32").reshape(shape)


TREE = {
    "params": {
        "Dense_0": {"kernel": values(3, 2), "bias": values(2)},
        "Conv_0": {"kernel": values(5, 4, 3, 2), "bias": values(2)},
        "norm": {"scale": values(2), "bias": values(2)},
    },
    "batch_stats": {"norm": {"mean": values(2), "var": values(2)}},
}


def test_names_with_dots_are_those_of_layers():
    state = {"body.0.weight": values(3, 2, 5, 4), "body.0.bias": values(3), "scale": values(7)}
    model = weightwise.open(state)
    assert [(weight.path, weight.shape) for weight in model.weights] == [
        ("body.0/weight", (3, 2, 5, 4)),
        ("body.0/bias", (3,)),
        ("scale", (7,)),
    ]
    for weight, array in zip(model.weights, state.values(), strict=True):
        numpy.testing.assert_array_equal(weight.values(), array)


def test_a_tree_below_params_is_listed_in_the_order_of_jax():
    model = weightwise.open(TREE)
    assert model.stored.framework == "Flax"
    assert [weight.stored.path for weight in model.weights] == [
        "batch_stats/norm/mean",
        "batch_stats/norm/var",
        "params/Conv_0/bias",
        "params/Conv_0/kernel",
        "params/Dense_0/bias",
        "params/Dense_0/kernel",
        "params/norm/bias",
        "params/norm/scale",
    ]
    assert [layer.name for layer in model.layers] == ["Dense_0", "Conv_0", "norm"]
    assert model["Conv_0"]["kernel"].bound.text() == "kh 5 · kw 4 · in/groups 3 · out 2"
    assert Evidence.DECLARED not in {weight.evidence for weight in model.weights}


def test_keys_that_are_paths_are_the_same_tree():
    flat = {
        (collection, layer, name): array
        for collection, layers in TREE.items()
        for layer, arrays in layers.items()
        for name, array in arrays.items()
    }
    one, other = weightwise.open(flat), weightwise.open(TREE)
    assert [(weight.path, weight.bound) for weight in one.weights] == [
        (weight.path, weight.bound) for weight in other.weights
    ]


def test_a_list_has_places_for_names():
    model = weightwise.open([values(3, 2), values(2)])
    assert [(weight.name, weight.shape) for weight in model.weights] == [("[0]", (3, 2)), ("[1]", (2,))]
    assert {weight.evidence for weight in model.weights} == {Evidence.UNKNOWN}


def test_an_array_alone():
    (weight,) = weightwise.open(values(3, 2)).weights
    assert (weight.name, weight.shape) == ("array", (3, 2))


def test_values_are_copies_of_what_is_there_now():
    array = values(3, 2)
    weight = weightwise.open({"fc.weight": array})["fc"]["weight"]
    array[0, 0] = 7
    found = weight.values()
    assert found[0, 0] == 7
    found[0, 0] = 8
    assert array[0, 0] == 7


def test_an_array_under_two_names_counts_once():
    array = values(3, 2)
    model = weightwise.open({"one": {"weight": array}, "two": {"weight": array}})
    assert [weight.stored.tied for weight in model.weights] == ["", "one/weight"]
    assert model.parameters == 6


def test_what_is_no_array_is_counted():
    model = weightwise.open({"fc": {"weight": values(3, 2), "step": 7}, "note": "a text", "nothing": None})
    assert model.stored.remarks == ("2 values in it are no arrays, and are left out",)


def test_a_dictionary_that_holds_itself_ends():
    tree = {"fc": {"weight": values(3, 2)}}
    tree["again"] = tree
    tree["fc"]["up"] = tree
    assert [weight.stored.path for weight in weightwise.open(tree).weights] == ["fc/weight"]


@dataclass
class Shape:
    """A shape and a dtype without values, as JAX has them."""

    shape: tuple[int, ...]
    dtype: str


def test_shapes_without_values():
    weight = weightwise.open({"fc.weight": Shape((3, 2), "float32"), "fc.bias": Shape((3,), "bfloat16")})["fc"]["bias"]
    assert (weight.shape, weight.dtype, weight.stored.nbytes) == ((3,), "bfloat16", 6)
    with pytest.raises(UnsupportedError, match=r"fc\.bias has no values: it is a Shape"):
        weight.values()


def test_values_that_are_no_numbers():
    weight = weightwise.open({"fc": {"names": numpy.array(["a", "b"])}})["fc"]["names"]
    with pytest.raises(UnsupportedError, match="the values of fc/names cannot be read: they are str32, and no numbers"):
        weight.values()


@pytest.mark.parametrize("thing", [5, None, object, "", [], {}, {"a": 1}, [[]], b"model.keras", values])
def test_what_is_no_model(thing):
    with pytest.raises(NotAModelError if thing != "" else OSError) as caught:
        weightwise.open(thing)
    if thing != "":
        assert "use the path of a file" in str(caught.value)


def test_every_view_shows_a_model_in_memory():
    model = weightwise.open(TREE)
    assert "<live dict>" in screen(model, 100)
    assert model_document(model)["path"] == "<live dict>"
    assert "It lies in memory, where the model calls the array params/Dense_0/kernel." in location_text(
        model.locate("Dense_0/kernel[1, 1]"), 100
    )
    assert str(model.explain("Conv_0")).startswith("Conv_0")


def test_opening_a_dictionary_imports_no_framework():
    code = (
        "import numpy, sys, weightwise\n"
        "weightwise.open({'params': {'Dense_0': {'kernel': numpy.ones((3, 2))}}}).get_weights()\n"
        "weightwise.open({'fc.weight': numpy.ones((3, 2))}).get_weights()\n"
        "print(*sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not FRAMEWORKS & {name.partition(".")[0] for name in output.split()}


def test_a_module_that_only_has_a_frameworks_name_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", sys)
    monkeypatch.setitem(sys.modules, "keras", sys)
    monkeypatch.setitem(sys.modules, "flax.nnx", sys)
    assert weightwise.open({"fc.weight": values(3, 2)}).parameters == 6
