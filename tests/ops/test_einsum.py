"""Dense layers by Einstein's notation: names, shapes and what does not fit."""

import numpy
import pytest

from weightwise.ops.einsum import Einsum
from weightwise.ops.operation import ShapeError


def test_each_letter_of_the_kernel_is_named_by_its_part():
    assert Einsum("abc,cde->abde", (None, 3, 5)).roles() == {"kernel": "in_c out_d out_e"}
    assert Einsum("abc,bcd->abd", (3, 5), "bd").roles() == {"kernel": "each_b in_c out_d", "bias": "each_b out_d"}
    assert Einsum("aBC,CD->aBD", (3, 5)).roles() == {"kernel": "in_C out_D"}


def test_the_bias_has_axes_of_length_one_between_its_letters_and_after_them():
    assert Einsum("abc,cde->abde", (3, 2, 5), "be").bias_axes(3) == "each_b 1 out_e"
    assert Einsum("abc,cd->abd", (3, 5), "b").bias_axes(3) == "each_b 1"
    assert Einsum("ab...,bc->ac...", (5,), "c").bias_axes(4) == "out_c 1 1"


def test_sizes_come_from_the_settings_and_from_the_input():
    layer = Einsum("...bc,cd->...bd", (None, 5), "d")
    assert layer.sizes([]) == {"out_d": 5}
    assert layer.sizes([(None, 7, 3, 4)]) == {"in_c": 4, "out_d": 5}
    assert Einsum("ab...,bc->ac...", (5,)).sizes([(None, 3, 4)]) == {"in_b": 3, "out_c": 5}


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Einsum("abc,cd->abd", (None, 5)), (None, 3, 4), (None, None, 5)),
        (Einsum("...b,bc->...c", (5,)), (None, 4), (None, 5)),
        (Einsum("...b,bc->...c", (5,)), (None, 2, 3, 4), (None, 2, 3, 5)),
        (Einsum("...ab,bc->...ac", (5,)), (None, 4), (None, 5)),
        (Einsum("ab...,bc->ac...", (5,)), (None, 3, 4, 2), (None, 5, 4, 2)),
        (Einsum("ab...,bc->ac...", (5,)), (None, 3), (None, 5)),
    ],
)
def test_output_shapes(layer, shape, expected):
    assert layer.output_shapes([shape]) == (expected,)
    x = numpy.ones([2 if size is None else size for size in shape])
    sizes = layer.sizes([shape])
    kernel = numpy.ones([sizes[name] for name in layer.kernel_axes().split()])
    (y,) = layer.forward([x], {"kernel": kernel})
    assert all(size in (None, found) for size, found in zip(expected, y.shape, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("abc,cd", (5,)), "expected an equation such as"),
        (("...b,bc->c...", (5,)), "expected an equation such as"),
        (("ab,bx->ac", (5,)), "a letter that neither input nor output has"),
        (("ab,bc->ac", (5,), "d"), "a letter that the output of 'ab,bc->ac' lacks"),
        (("abc,cd->abd", (5,)), "does not have the 1 sizes"),
    ],
)
def test_an_equation_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ShapeError, match=message):
        Einsum(*arguments)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Einsum("abc,cd->abd", (None, 5)), (None, 4), "does not have the axes of"),
        (Einsum("abc,cd->abd", (None, 5)), (None, 3, 4, 5), "does not have the axes of"),
        (Einsum("...b,bc->...c", (5,)), (4,), "does not give"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer.output_shapes([shape])


def test_axes_behind_the_letters_need_the_input():
    with pytest.raises(ShapeError, match="only where those of its input are known"):
        Einsum("ab...,bc->ac...", (5,), "c").bias_axes(None)


def test_the_sentence_says_what_the_layer_does():
    assert Einsum("ab,bc->ac", (5,)).sentence() == "computes weighted sums as ab,bc->ac says: input, kernel, output"
