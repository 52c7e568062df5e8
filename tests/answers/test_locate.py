"""Every number is found by its index and by its names, with its value and its place in the file."""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weightwise
from tests.answers.models import chain, counting
from weightwise.answers.locate import Location, Slice, flat_place, statistics
from weightwise.errors import SelectionError
from weightwise.naming import named

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
CNN = weightwise.open(SAMPLES / "keras3_cnn.keras")
MODELS = {
    path.name: weightwise.open(path)
    for path in sorted(SAMPLES.glob("keras*_[a-z]*[!s].keras")) + sorted(SAMPLES.glob("keras2_[acgnr]*.h5"))
}
ALL = [
    pytest.param(model, weight, id=f"{name} {weight.path}")
    for name, model in MODELS.items()
    for weight in model.weights
    if weight.size
]


def by_index(weight, index):
    return f"[{weight.index}][{', '.join(map(str, index))}]" if index else f"[{weight.index}]"


def by_name(path, position):
    return f"{path}[{', '.join(f'{axis}={at}' for axis, at in position.items())}]"


@pytest.mark.parametrize("weight", CNN.weights, ids=lambda weight: weight.path)
def test_every_number_of_a_small_model_is_found_both_ways(weight):
    values = CNN.get_weights()[weight.index]
    seen = set()
    for index in product(*map(range, weight.shape)):
        found = CNN.locate(by_index(weight, index))
        assert (found.weight, found.index, found.value) == (weight, index, values[index])
        again = CNN.locate(by_name(weight.path, found.position))
        assert (again.weight, again.index, again.value, again.places) == (weight, index, values[index], found.places)
        seen.add(tuple(found.position.items()))
    assert len(seen) == weight.size


@pytest.mark.parametrize(("model", "weight"), ALL)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_number_of_any_model_is_found_both_ways(model, weight, data):
    index = tuple(data.draw(st.integers(0, size - 1)) for size in weight.shape)
    value = weight.values()[index].item()
    found = model.locate(by_index(weight, index))
    assert isinstance(found, Location)
    assert (found.weight.index, found.index, found.value) == (weight.index, index, value)
    assert [place.axis for place in found.places if place.axis in found.position] == list(found.position)
    if weight.bound is None:
        assert (found.position, found.places, found.effect) == ({}, (), "")
    elif weight.shape:
        again = model.locate(by_name(f"[{weight.index}]", found.position))
        assert (again.index, again.value, again.effect) == (index, value, found.effect)


@pytest.mark.parametrize(("model", "weight"), ALL)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_part_is_what_numpy_cuts_out(model, weight, data):
    given_places = data.draw(st.integers(0, len(weight.shape)))
    index = [data.draw(st.integers(-1, size - 1)) for size in weight.shape[:given_places]]
    index = [None if place < 0 else place for place in index]
    whole = [*index, *[None] * (len(weight.shape) - len(index))]
    if None not in whole:
        return
    found = model.locate(
        f"[{weight.index}]" + (f"[{', '.join(':' if i is None else str(i) for i in index)}]" if index else "")
    )
    expected = weight.values()[tuple(slice(None) if place is None else place for place in whole)]
    assert isinstance(found, Slice)
    numpy.testing.assert_array_equal(found.values, expected)
    assert found.shape == expected.shape
    assert (found.bound is None) == (weight.bound is None)
    if weight.bound is not None:
        assert found.bound.shape == expected.shape
        by_names = {place.axis: place.at for place in found.places}
        own = {factor.name for dimension in weight.bound.dimensions for factor in dimension.factors}
        fixed = {axis: at for axis, at in by_names.items() if axis in own}
        if fixed:
            again = model.locate(by_name(f"[{weight.index}]", fixed))
            values = again.values.ravel() if isinstance(again, Slice) else [again.value]  # a bare 1 needs no name
            numpy.testing.assert_array_equal(values, expected.ravel())


@pytest.mark.parametrize("name", ["keras3_cnn.keras", "keras2_cnn.h5", "keras2_bfloat16.h5", "keras3_bfloat16.keras"])
def test_the_bytes_at_the_offset_are_the_number(name):
    model = weightwise.open(SAMPLES / name)
    content = (SAMPLES / name).read_bytes()
    checked = 0
    for weight in model.weights:
        for index in [tuple(size // 2 for size in weight.shape), tuple(size - 1 for size in weight.shape)]:
            found = model.locate(by_index(weight, index))
            if found.offset is None:
                continue
            raw = content[found.offset : found.offset + found.nbytes]
            assert decoded(raw, weight.dtype) == found.value
            checked += 1
    assert checked


def decoded(raw, dtype):
    if dtype == "bfloat16":
        return numpy.frombuffer(b"\0\0" + raw, "<f4")[0]
    return numpy.frombuffer(raw, numpy.dtype(dtype).newbyteorder("<"))[0]


def test_only_the_bytes_of_the_number_are_read_where_they_lie_in_one_run():
    values, asked = counting(4, 5), []

    def run(start, count):
        asked.append((start, count))
        return values.ravel()[start : start + count]

    def read():
        raise AssertionError("the whole array was read")

    model = chain((4,), ("layer", "Dense", {"units": 5, "use_bias": False}, {"0": values}))
    (entry, dense) = model.stored.root.layers
    lazy = dataclasses.replace(dense.arrays[0], read=read, run=run, offset=1000)
    root = dataclasses.replace(model.stored.root, layers=(entry, dataclasses.replace(dense, arrays=(lazy,))))
    found = named(dataclasses.replace(model.stored, root=root)).locate("layer/kernel[in=2, out=3]")
    assert asked == [(13, 1)]
    assert (found.value, found.offset, found.nbytes) == (values[2, 3], 1000 + 13 * 4, 4)


def test_the_number_of_the_issue():
    model = weightwise.open(ROOT / "examples" / "mnist_cnn.keras")
    found = model.locate("[2][0,1,5,17]")
    assert dict(found.position) == {"kh": 0, "kw": 1, "in": 5, "out": 17}
    assert found.value == model.get_weights()[2][0, 1, 5, 17]
    assert model.locate("conv2d_2/kernel[kh=0, kw=1, in=5, out=17]").index == found.index
    assert model.locate("conv2d_2/kernel[0,1,5,17]").index == found.index
    dense = model.locate("dense_1/kernel[1234, 3]")
    assert dict(dense.position) == {"h": 1, "w": 7, "c": 18, "out": 3}


def test_places_of_groups_are_told_in_the_group_and_in_all():
    model = weightwise.open(SAMPLES / "keras3_convolutions.keras")
    found = model.locate("grouped/kernel[2, 1, 1, 4]")
    assert found.position == {"kh": 2, "kw": 1, "in/groups": 1, "groups": 1, "out/groups": 1}
    told = {place.axis: place.meaning for place in found.places}
    assert told["groups"] == "group 1 of 2"
    assert told["in"] == "channel 3 of the 4 that arrive"
    assert told["out"] == "filter 4 of 6, which makes channel 4 of the output"
    assert model.locate("grouped/kernel[kh=2, kw=1, in=3, out=4]").index == found.index


def test_a_scalar_is_one_number():
    model = weightwise.open(SAMPLES / "keras3_normalization.keras")
    (count,) = (weight for weight in model.weights if weight.shape == ())
    found = model.locate(f"[{count.index}]")
    assert (found.index, found.value) == ((), count.values().item())


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("[9]", "has the arrays [0] to [7], so there is no [9]"),
        ("[2][2, 0, 0, 0]", "conv2d_2/kernel: dimension 0 (kh 2) has 0 to 1; 2 is not one of them"),
        ("[2][0, 0, 0, 0, 0]", "conv2d_2/kernel has 4 dimensions, (2, 3, 3, 5); 5 places were given"),
        ("[1][0, 0]", "conv2d_1/bias has 1 dimension, (3,); 2 places were given"),
        ("conv2d_2/kernel[in=3]", "conv2d_2/kernel: in has the indices 0 to 2; 3 is not one of them"),
        ("conv2d_2/kernel[row=1]", "conv2d_2/kernel: there is no axis row here; the axes are kh, kw, in, out"),
        ("conv2d_2/kernel[kh=a]", "conv2d_2/kernel: kh is counted by numbers from 0, not by 'a'"),
        ("dense_1/kernel[in=5]", "dense_1/kernel: there is no axis in here; the axes are h, w, c, out"),
        ("conv2d_2", "conv2d_2 is a layer; choose one of its arrays: conv2d_2/kernel [2], conv2d_2/bias [3]"),
        ("dropout_1", "dropout_1 is a layer without weights, so no number of it can be located"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(selector, message):
    with pytest.raises(SelectionError) as caught:
        CNN.locate(selector)
    assert message in str(caught.value)


def test_unknown_axes_are_located_by_index_alone():
    model = weightwise.open(SAMPLES / "keras3_custom.keras")
    found = model.locate("gate/0[3, 5]")
    assert (found.index, found.position, found.effect) == ((3, 5), {}, "")
    with pytest.raises(SelectionError, match=r"its axes are unknown .*, so select by index: '\[0\]\[0, 0\]'"):
        model.locate("gate/0[in=3]")
    with pytest.raises(SelectionError, match=r"gate/0: dimension 1 has 0 to 5; 6 is not one of them"):
        model.locate("gate/0[3, 6]")


def test_an_array_without_numbers_has_no_place():
    model = chain((0,), ("layer", "Dense", {"units": 5, "use_bias": False}, {"0": numpy.zeros((0, 5), "float32")}))
    with pytest.raises(SelectionError, match=r"dimension 0 .* has no index, its size is 0; 0 is not one of them"):
        model.locate("[0][0, 0]")
    whole = model.locate("[0]")
    assert (whole.shape, whole.statistics) == ((0, 5), None)
    assert "It holds no number." in repr(whole)


@given(st.lists(st.integers(1, 4), max_size=4), st.data())
def test_the_flat_place_counts_as_numpy_does(shape, data):
    index = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    expected = numpy.ravel_multi_index(index, shape) if shape else 0
    assert flat_place(shape, index) == expected


def test_statistics():
    facts = statistics(numpy.array([[0.0, 3.0], [-1.0, 2.0]], "float32"))
    assert (facts.count, facts.smallest, facts.largest, facts.mean, facts.zeros) == (4, -1, 3, 1, 1)
    assert facts.deviation == pytest.approx(numpy.sqrt((1 + 4 + 4 + 1) / 4))
    assert statistics(numpy.zeros((0, 3))) is None
