"""Arrays in memory get other values; what cannot be is told before anything is changed."""

from __future__ import annotations

from types import MappingProxyType

import numpy
import pytest

import weightwise
from weightwise.errors import NotAModelError, SelectionError, UnsupportedError
from weightwise.live.filling import fill


def zeros() -> dict:
    return {
        "params": {"Dense_0": {"kernel": numpy.zeros((3, 5), "float32"), "bias": numpy.zeros(5, "float16")}},
        "step": numpy.zeros((), "int64"),
        "list": [numpy.zeros((2, 3), ">f8")],
    }


def read(thing: object) -> dict[str, numpy.ndarray]:
    model = weightwise.open(thing)
    found = [weight.stored for weight in model.weights] + [*model.stored.state, *model.stored.optimizer]
    return {array.path: array.read() for array in found}


def random_like(thing: object) -> dict[str, numpy.ndarray]:
    generator = numpy.random.default_rng(0)
    return {path: (100 * generator.normal(size=array.shape)).astype(array.dtype) for path, array in read(thing).items()}


def test_arrays_change_where_they_are():
    tree = zeros()
    arrays = [tree["params"]["Dense_0"]["kernel"], tree["params"]["Dense_0"]["bias"], tree["step"], tree["list"][0]]
    values = random_like(tree)
    assert len(values) == 4
    fill(tree, values)
    for path, array in read(tree).items():
        numpy.testing.assert_array_equal(array, values[path])
    assert tree["params"]["Dense_0"]["kernel"] is arrays[0]
    assert (tree["list"][0] is arrays[3], arrays[3].dtype) == (True, ">f8")
    assert float(arrays[2]) == float(values["step"])


def test_what_is_not_named_stays():
    tree = zeros()
    fill(tree, {"params/Dense_0/bias": numpy.arange(5, dtype="float16")})
    assert tree["params"]["Dense_0"]["bias"].tolist() == [0, 1, 2, 3, 4]
    assert not tree["params"]["Dense_0"]["kernel"].any()


def test_values_are_copied_in_any_layout():
    tree = {"w": numpy.zeros((3, 5), "float32")}
    values = numpy.random.default_rng(0).normal(size=(5, 3)).astype(">f8").T
    values.flags.writeable = False
    fill(tree, {"w": values})
    numpy.testing.assert_array_equal(tree["w"], values.astype("float32"))
    assert not numpy.shares_memory(tree["w"], values)


def test_an_array_alone():
    array = numpy.zeros((3, 5), "float32")
    fill(array, {"array": numpy.ones((3, 5), "float32")})
    assert array.all()


def test_read_only_arrays_are_replaced():
    tree = zeros()
    kernel, last = tree["params"]["Dense_0"]["kernel"], tree["list"][0]
    kernel.flags.writeable = last.flags.writeable = False
    values = random_like(tree)
    fill(tree, values)
    for path, array in read(tree).items():
        numpy.testing.assert_array_equal(array, values[path])
    assert not kernel.any() and not last.any()
    assert tree["list"][0].dtype == ">f8"


def test_keys_that_are_paths():
    tree = {("params", "Dense_0", "kernel"): numpy.zeros((3, 5)), ("params", "Dense_0", "bias"): numpy.zeros(5)}
    tree[("params", "Dense_0", "bias")].flags.writeable = False
    fill(tree, {"params/Dense_0/kernel": numpy.ones((3, 5)), "params/Dense_0/bias": numpy.ones(5)})
    assert all(array.all() for array in tree.values())
    assert len(tree) == 2


def test_an_array_under_two_names_gets_its_values_once():
    kernel = numpy.zeros((3, 5), "float32")
    tree = {"one": {"weight": kernel}, "two": {"weight": kernel}}
    values = numpy.full((3, 5), numpy.nan, "float32")
    fill(tree, {"one/weight": values, "two/weight": values.copy()})
    assert numpy.isnan(kernel).all()
    fill(tree, {"two/weight": numpy.ones((3, 5), "float32")})
    assert kernel.all()
    with pytest.raises(UnsupportedError, match="one/weight and two/weight are tied, and cannot get different values"):
        fill(tree, {"one/weight": numpy.ones((3, 5)), "two/weight": numpy.zeros((3, 5))})


def test_a_read_only_array_under_two_names_is_replaced_under_both():
    kernel = numpy.zeros((3, 5), "float32")
    kernel.flags.writeable = False
    tree = {"one": {"weight": kernel}, "two": {"weight": kernel}}
    fill(tree, {"two/weight": numpy.ones((3, 5), "float32")})
    assert tree["one"]["weight"].all() and tree["two"]["weight"].all()


KERNEL = numpy.ones((3, 5), "float32")
"""Values that could be set, before those that cannot."""


@pytest.mark.parametrize(
    ("path", "values", "kind", "sentence"),
    [
        (
            "params/Dense_0/scale",
            numpy.ones(5),
            SelectionError,
            "<live dict>: no array is called params/Dense_0/scale; there are params/Dense_0/kernel, "
            "params/Dense_0/bias, list/0, step.",
        ),
        (
            "params/Dense_0/bias",
            numpy.ones((5, 1)),
            UnsupportedError,
            "<live dict>: params/Dense_0/bias has the shape (5,), and the values (5, 1).",
        ),
        (
            "step",
            numpy.ones(()),
            UnsupportedError,
            "<live dict>: step is int64, which cannot have values of float64.",
        ),
        (
            "params/Dense_0/bias",
            numpy.ones(5, "complex64"),
            UnsupportedError,
            "<live dict>: params/Dense_0/bias is float16, which cannot have values of complex64.",
        ),
    ],
)
def test_nothing_is_filled_in_part(path, values, kind, sentence):
    tree = zeros()
    with pytest.raises(kind) as caught:
        fill(tree, {"params/Dense_0/kernel": KERNEL, path: values})
    assert str(caught.value) == sentence
    assert not any(array.any() for array in read(tree).values())


def test_whole_numbers_are_not_cut():
    tree = {"w": numpy.zeros(3, "int8")}
    fill(tree, {"w": numpy.array([-128, 0, 127])})
    assert tree["w"].tolist() == [-128, 0, 127]
    with pytest.raises(UnsupportedError, match="w is int8, which cannot have values of int64"):
        fill(tree, {"w": numpy.array([128, 0, 0])})
    assert tree["w"].tolist() == [-128, 0, 127]


def frozen() -> numpy.ndarray:
    array = numpy.zeros((3, 5), "float32")
    array.flags.writeable = False
    return array


class Strange:
    """An array of a package that nobody knows."""

    shape, dtype = (3, 5), numpy.dtype("float32")

    def __array__(self) -> numpy.ndarray:
        return numpy.zeros((3, 5), "float32")


@pytest.mark.parametrize(
    ("thing", "path", "why"),
    [
        (
            MappingProxyType({"w": frozen()}),
            "w",
            "it stands in a mappingproxy, which cannot be changed: give it in a dict",
        ),
        ((frozen(), numpy.zeros(2)), "[0]", "it stands in a tuple, which cannot be changed: give it in a dict"),
        (frozen(), "array", "it cannot be changed, and stands in no dictionary in which it could be replaced"),
        ({"w": Strange()}, "w", "it is a Strange, whose values only its own package can set"),
        ({"w": numpy.zeros((3, 5), "U3")}, "w", "it is str96, and no numbers"),
    ],
)
def test_arrays_that_cannot_be_filled(thing, path, why):
    with pytest.raises(UnsupportedError) as caught:
        fill(thing, {path: KERNEL})
    assert f": {path} cannot be filled: {why}" in str(caught.value)


def test_a_tied_array_that_cannot_be_filled_stops_both():
    kernel = frozen()
    tree = {"one": {"weight": kernel}, "two": (kernel,)}
    with pytest.raises(UnsupportedError, match="two/0 cannot be filled: it stands in a tuple"):
        fill(tree, {"one/weight": KERNEL})
    assert tree["one"]["weight"] is kernel


def test_what_is_no_model():
    with pytest.raises(NotAModelError):
        fill(5, {})
