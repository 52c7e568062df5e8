"""What Keras's spatial layers may not be configured as, and what older files leave out."""

import pytest

from weightwise.conventions.keras import describe
from weightwise.ops.operation import ShapeError
from weightwise.ops.pooling import Pooling
from weightwise.ops.window import Window

CONV = {"filters": 3, "kernel_size": [3, 2]}


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("Conv2D", {**CONV, "padding": "full"}, "expected its padding to be valid or same, found 'full'"),
        ("Conv2D", {**CONV, "padding": "causal"}, "expected its padding to be valid or same, found 'causal'"),
        (
            "Conv1D",
            {"filters": 3, "kernel_size": 3, "padding": None},
            "expected its padding to be valid or same or causal, found None",
        ),
        ("Conv2D", {**CONV, "filters": "3"}, "expected its filters to be a whole number above 0, found '3'"),
        ("Conv2D", {**CONV, "groups": 0}, "expected its groups to be a whole number above 0, found 0"),
        ("Conv2D", {**CONV, "kernel_size": [3]}, "expected 2 whole numbers, found [3]"),
        ("Conv2D", {**CONV, "strides": 0}, "a window's strides must be 1 or more, found 0 × 0"),
        ("MaxPooling2D", {"pool_size": [2, 0]}, "a window's size must be 1 or more, found 2 × 0"),
        ("ZeroPadding2D", {"padding": [1, 2, 3]}, "expected the edges of 2 axes, found [1, 2, 3]"),
        ("Cropping1D", {"cropping": [-1, 2]}, "an edge cannot have fewer than 0 elements, found -1 before, 2 after"),
        ("Resizing", {"height": 3, "width": 0.5}, "expected its width to be a whole number above 0, found 0.5"),
        ("Rescaling", {"scale": [1, "2"]}, "expected a number, or one for each channel, found [1, '2']"),
    ],
)
def test_a_configuration_that_keras_does_not_write_is_refused(class_name, config, message):
    with pytest.raises(ShapeError) as raised:
        describe(class_name, config, ())
    assert str(raised.value) == message


def test_a_pooling_without_strides_moves_by_its_window():
    operation = describe("MaxPooling2D", {"pool_size": [3, 2], "strides": None}, ()).operation
    assert operation == Pooling("max", Window((3, 2), (3, 2), (1, 1), "valid"))


def test_the_shapes_of_a_layer_that_was_never_called_need_no_input():
    (kernel, bias) = describe("Conv2D", CONV, ()).slots
    assert kernel.sizes == {"kh": 3, "kw": 2, "groups": 1, "out": 3}
    assert (kernel.key, bias.key) == ("0", "1")
