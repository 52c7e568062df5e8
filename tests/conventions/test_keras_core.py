"""Dense layers, embeddings, norms and activations of Keras: older spellings, and what is refused."""

from __future__ import annotations

import pytest

from weightwise.conventions.keras import describe
from weightwise.conventions.keras.functions import neutral
from weightwise.ops.operation import ShapeError

DENSE = {"units": 5, "activation": "linear"}
VECTORS = [(None, 7)]
IMAGES = [(None, 3, 4, 5)]


def policy(mode):
    return {"class_name": "QuantizedDTypePolicy", "config": {"mode": mode, "source_name": "float32"}}


def axes(class_name, config, inputs):
    return [(slot.name, slot.axes) for slot in describe(class_name, config, inputs).slots]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "linear"),
        ("swish", "silu"),
        ("hard_sigmoid_5", "hard_sigmoid_5"),
        ("my_package>snake", "my_package>snake"),
        ({"module": "builtins", "class_name": "function", "config": "snake"}, "snake"),
        ({"class_name": "ReLU", "config": {"max_value": 6.0, "negative_slope": 0.0}}, "relu(max_value=6.0)"),
        ({"class_name": "LeakyReLU", "config": {"alpha": 0.1}}, "leaky_relu(negative_slope=0.1)"),
        ({"class_name": "LeakyReLU", "config": {}}, "leaky_relu(negative_slope=0.3)"),
        ({"class_name": "ELU", "config": {"alpha": 1.0}}, "elu"),
        ({"class_name": "PReLU", "config": {}}, "PReLU"),
    ],
)
def test_activations_have_neutral_names(value, expected):
    assert neutral(value) == expected


@pytest.mark.parametrize("value", [7, ["relu"], {"class_name": "function", "config": {}}])
def test_what_is_no_activation_is_refused(value):
    with pytest.raises(ShapeError, match="expected the name of an activation, found"):
        neutral(value)


def test_the_order_of_a_quantised_layer_is_not_that_of_its_file():
    slots = describe("Dense", {**DENSE, "dtype": policy("int8")}, VECTORS).slots
    assert [(slot.key, slot.name) for slot in slots] == [("1", "bias"), ("0", "kernel"), ("2", "kernel_scale")]
    short = describe("Dense", {**DENSE, "use_bias": False, "dtype": "int8_from_float32"}, VECTORS).slots
    assert [(slot.key, slot.name) for slot in short] == [("0", "kernel"), ("1", "kernel_scale")]


def test_a_low_rank_pair_is_not_in_the_file():
    slots = describe("Dense", {**DENSE, "lora_rank": 2, "lora_alpha": 4}, VECTORS).slots
    assert [(slot.key, slot.name, slot.trainable) for slot in slots] == [
        ("0", "kernel", False),
        ("1", "bias", True),
        ("", "lora_kernel_a", True),
        ("", "lora_kernel_b", True),
    ]


@pytest.mark.parametrize("mode", ["int4/128", "gptq/4/128", "float8"])
def test_packed_arrays_are_refused(mode):
    with pytest.raises(ShapeError, match=f"packed by {mode} quantization"):
        describe("Dense", {**DENSE, "dtype": policy(mode)}, VECTORS)


def test_a_pair_on_top_of_bytes_is_refused():
    with pytest.raises(ShapeError, match="a low-rank adaptation on top of int8 quantization"):
        describe("Dense", {**DENSE, "dtype": policy("int8"), "lora_rank": 2}, VECTORS)


def test_keras_2_writes_one_axis_as_a_list():
    one, other = (describe("BatchNormalization", {"axis": axis}, IMAGES) for axis in ([3], -1))
    assert one == other
    assert one.operation.input_axis == "features"


def test_without_input_shapes_one_axis_is_known_all_the_same():
    assert axes("BatchNormalization", {"axis": 3, "scale": False}, ())[0] == ("beta", "features")
    assert axes("LayerNormalization", {"axis": [1, 3]}, ())[0] == ("gamma", "axis_1 axis_3")
    assert describe("BatchNormalization", {"axis": 3}, ()).operation.input_axis == ""


def test_the_kernel_that_a_wrapper_normalizes_is_its_first_array():
    config = {"layer": {"class_name": "Dense", "config": DENSE}}
    slots = describe("SpectralNormalization", config, VECTORS).slots
    assert [(slot.key, slot.axes, slot.copies) for slot in slots] == [
        ("0", "in out", ("layer/0",)),
        ("1", "1 out", ()),
        ("layer/1", "out", ()),
    ]


@pytest.mark.parametrize(
    ("shared", "expected"),
    [(None, "axis_1 axis_2 axis_3"), ([1, 2], "1 1 features"), ([2], "axis_1 1 axis_3"), ([1, 2, 3], "1 1 1")],
)
def test_a_prelu_has_slopes_where_they_are_not_shared(shared, expected):
    assert axes("PReLU", {"shared_axes": shared}, IMAGES) == [("alpha", expected)]


@pytest.mark.parametrize(
    ("class_name", "config", "inputs", "message"),
    [
        ("PReLU", {"shared_axes": [1, 2]}, (), "from the shape of its input, which is not known"),
        ("PReLU", {"shared_axes": [-1]}, IMAGES, "expected shared axes from 1 to 3"),
        ("LayerNormalization", {"axis": [1, -1]}, IMAGES, "all counted from the same end"),
        ("LayerNormalization", {"axis": "last"}, IMAGES, "expected one or several axes"),
        ("LayerNormalization", {"axis": [4]}, IMAGES, "expected axes of an input of shape"),
        ("BatchNormalization", {"axis": [1, 2]}, IMAGES, "expected one axis, found"),
        ("RMSNormalization", {"axis": 1}, IMAGES, "expected the last axes"),
        ("RMSNormalization", {"axis": [1, 3]}, IMAGES, "expected the last axes"),
        ("Normalization", {"mean": "0", "variance": 1.0}, VECTORS, "expected numbers as mean and variance"),
        ("Reshape", {"target_shape": "flat"}, VECTORS, "expected the sizes of the output"),
        ("Discretization", {"bin_boundaries": None}, VECTORS, "expected the boundaries of the bins"),
        ("ReLU", {"max_value": "six"}, VECTORS, "expected a number as max_value"),
        (
            "SpectralNormalization",
            {"layer": {"class_name": "Embedding", "config": {"input_dim": 7, "output_dim": 3}}},
            [(None, 4)],
            "rounds the vectors",
        ),
        (
            "ReversibleEmbedding",
            {"input_dim": 7, "output_dim": 3, "lora_rank": 2},
            [(None, 4)],
            "a low-rank adaptation, which weightwise reads in other embeddings only",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(class_name, config, inputs, message):
    with pytest.raises(ShapeError, match=message):
        describe(class_name, config, inputs)


@pytest.mark.parametrize(
    ("function", "arguments", "inputs", "sentence"),
    [
        ("Add", {}, 2, "adds its inputs, value by value"),
        ("Multiply", {"1": 2.0}, 1, "multiplies every value by 2"),
        ("Add", {"0": 3}, 1, "adds 3 to every value"),
        ("Subtract", {"1": 3}, 1, "adds -3 to every value"),
        ("Subtract", {"0": 3}, 1, "multiplies every value by -1 and adds 3"),
    ],
)
def test_functions_of_a_graph(function, arguments, inputs, sentence):
    operation = describe(f"keras.src.ops.numpy.{function}", arguments, VECTORS * inputs).operation
    assert operation.sentence() == sentence


@pytest.mark.parametrize("inputs", [VECTORS, [(None, 3, 7), (None, 7)], ()])
def test_functions_of_other_things_are_refused(inputs):
    with pytest.raises(ShapeError, match="with an array, or with tensors of different numbers of axes"):
        describe("keras.src.ops.numpy.Add", {}, inputs)


def test_a_wrapped_class_of_somebody_else_is_not_known_by_its_name_alone():
    layer = {"class_name": "Dense", "config": DENSE, "registered_name": "my_package>Dense"}
    description = describe("SpectralNormalization", {"layer": layer}, VECTORS)
    assert description.note == "it contains a my_package>Dense, a class that weightwise does not know"


def test_code_is_not_known():
    assert describe("Lambda", {"function": {}}, VECTORS) is None
    assert describe("StringLookup", {}, VECTORS) is None


@pytest.mark.parametrize(
    ("class_name", "config", "sentence"),
    [
        (
            "Dropout",
            {"rate": 0.25},
            "sets 25% of its inputs to zero while training, and passes them on afterwards",
        ),
        (
            "GaussianNoise",
            {"stddev": 0.5},
            "adds noise of deviation 0.5 to its inputs while training, and passes them on afterwards",
        ),
        ("RandomFlip", {}, "changes its images at random while training, and passes them on afterwards"),
    ],
)
def test_layers_that_only_train_say_so(class_name, config, sentence):
    assert describe(class_name, config, IMAGES).operation.sentence() == sentence


TENSOR = {"class_name": "__tensor__", "config": {"value": [0.5], "dtype": "float32"}}


@pytest.mark.parametrize(("value", "expected"), [(0.5, 0.5), (2, 2.0), (TENSOR, 0.5)])
def test_the_value_of_a_mask_is_a_number_or_a_tensor_of_one(value, expected):
    assert describe("Masking", {"mask_value": value}, [(None, 7, 5)]).operation.padding == expected


@pytest.mark.parametrize("value", ["0", None, {"config": {"value": [0.0, 1.0]}}])
def test_any_other_value_of_a_mask_is_refused(value):
    with pytest.raises(ShapeError, match="expected one number as the mask's value, found"):
        describe("Masking", {"mask_value": value}, [(None, 7, 5)])
