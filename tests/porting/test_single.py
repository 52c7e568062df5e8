"""One weight under the axes of other frameworks."""

from __future__ import annotations

import numpy
import pytest

import weightwise
from tests.porting.targets import EXAMPLE, SAMPLES
from weightwise.errors import UnsupportedError


@pytest.mark.parametrize(
    ("index", "framework", "name", "pattern", "shape"),
    [
        (2, "pytorch", "weight", "kh kw in out -> out in kh kw", (64, 32, 3, 3)),
        (2, "flax", "kernel", "kh kw in out -> kh kw in out", (3, 3, 32, 64)),
        (3, "pytorch", "bias", "out -> out", (64,)),
        (4, "pytorch", "weight", "(h w c) out -> out (c h w)", (128, 9216)),
        (4, "keras", "kernel", "(h w c) out -> (h w c) out", (9216, 128)),
        (6, "pytorch", "weight", "in out -> out in", (10, 128)),
    ],
)
def test_a_weight_in_another_framework(index, framework, name, pattern, shape):
    found = weightwise.open(EXAMPLE).weights[index].to(framework)
    assert (found.name, found.pattern, found.shape, str(found)) == (name, pattern, shape, pattern)
    assert found.values().shape == shape


def test_the_values_are_arranged():
    weight = weightwise.open(EXAMPLE).weights[2]
    numpy.testing.assert_array_equal(weight.to("pytorch").values(), weight.values().transpose(3, 2, 0, 1))


def test_gates_are_put_in_the_others_order():
    weight = weightwise.open(SAMPLES / "keras3_gated.keras")["after"]["kernel"]
    found = weight.to("pytorch")
    z, r, h = numpy.split(weight.values(), 3, axis=1)
    assert found.pattern == "in (gate[z r h] units) -> (gate[r z h] units) in"
    numpy.testing.assert_array_equal(found.values(), numpy.concatenate([r, z, h], axis=1).T)


def test_what_is_several_arrays_there_is_said():
    bias = weightwise.open(SAMPLES / "keras3_gated.keras")["after"]["bias"]
    with pytest.raises(UnsupportedError, match="in pytorch it is bias_ih_l0, bias_hh_l0; port the model"):
        bias.to("pytorch")


def test_other_mathematics_are_refused():
    weight = weightwise.open(SAMPLES / "keras3_gated.keras")["before"]["kernel"]
    with pytest.raises(UnsupportedError, match="reset_after=False"):
        weight.to("pytorch")


def test_unknown_axes_are_not_arranged():
    weight = weightwise.open(SAMPLES / "keras3_custom.keras")["gate"].weights[0]
    with pytest.raises(UnsupportedError, match="not known well enough"):
        weight.to("flax")
