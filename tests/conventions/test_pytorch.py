"""What PyTorch's table refuses, what old files lack, and what a whole network of its modules is."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from weightwise.conventions.pytorch import configuration, describe
from weightwise.formats.pytorch.sequence import SEQUENTIAL, calls_in
from weightwise.naming.assemble import named
from weightwise.ops.arranging import Exchange, Transpose
from weightwise.ops.merge import Merge, ScaledSum
from weightwise.ops.operation import ShapeError
from weightwise.ops.pooling import GlobalPooling
from weightwise.ops.reduction import Reduction
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Permute, Regroup, Reshape
from weightwise.ops.taking import Split
from weightwise.stored import Addressing, SizeOf, StoredArray, StoredLayer, StoredModel, Tensor

CONV = {
    "in_channels": 4,
    "out_channels": 6,
    "kernel_size": (3, 2),
    "stride": (1, 1),
    "padding": (0, 0),
    "dilation": (1, 1),
    "output_padding": (0, 0),
    "groups": 1,
    "parameters": ["weight", "bias"],
    "buffers": [],
}
POOL = {"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
UPSAMPLE = {"size": None, "scale_factor": 2.0, "mode": "nearest", "align_corners": None}
ATTENTION = {"embed_dim": 6, "num_heads": 2, "add_zero_attn": False, "parameters": ["in_proj_weight"]}


def test_a_configuration_is_what_a_module_says_of_itself():
    attributes = {
        "training": True,
        "kernel_size": (3, 2),
        "padding_mode": "zeros",
        "hook": print,
        "_private": 3,
        "_parameters": {"weight": object(), "bias": None},
        "_buffers": {"mean": object(), "passing": object(), "none": None},
        "_non_persistent_buffers_set": {"passing"},
    }
    assert configuration(attributes) == {
        "training": True,
        "kernel_size": (3, 2),
        "padding_mode": "zeros",
        "parameters": ["weight"],
        "buffers": ["mean"],
    }
    assert configuration({}) == {"parameters": [], "buffers": []}


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("Conv2d", {**CONV, "padding_mode": "odd"}, "expected its padding_mode to be zeros"),
        ("Conv2d", {**CONV, "kernel_size": (3,)}, "expected 2 whole numbers"),
        ("Conv2d", {**CONV, "out_channels": 0}, "expected its out_channels to be a whole number above 0"),
        ("MaxPool2d", {**POOL, "return_indices": True}, "its return_indices is set"),
        ("AdaptiveAvgPool1d", {"output_size": "2"}, "expected a whole number or None as its output_size"),
        ("Upsample", UPSAMPLE, "follows from the shape of its input"),
        ("Upsample", {**UPSAMPLE, "scale_factor": (2.0, "3")}, "expected 2 numbers as its scale_factor"),
        ("Upsample", {**UPSAMPLE, "scale_factor": None, "mode": "bilinear"}, "either sizes or factors"),
        ("ZeroPad2d", {"padding": (1, -1, 0, 0)}, "an edge cannot have fewer than 0 elements"),
        ("GELU", {"approximate": "odd"}, "expected its approximate to be none or tanh"),
        ("LeakyReLU", {"negative_slope": "0.1"}, "expected its negative_slope to be a number"),
        ("Softmax", {"dim": None}, "expected one axis as its dim"),
        ("Flatten", {"start_dim": 0, "end_dim": -1}, "lay the examples of a batch in one row"),
        ("Flatten", {"start_dim": "c", "end_dim": -1}, "expected a whole number"),
        ("Unflatten", {"dim": 1, "unflattened_size": 6}, "expected sizes as its unflattened_size"),
        ("LayerNorm", {"normalized_shape": (), "eps": 1e-5}, "expected the sizes of the last axes"),
        ("RNNCell", {"hidden_size": 3, "bias": True, "nonlinearity": "odd"}, "expected its nonlinearity to be tanh"),
        ("EmbeddingBag", {"num_embeddings": 3, "embedding_dim": 2, "mode": "odd"}, "a bag is reduced by its sum"),
        ("MultiheadAttention", {**ATTENTION, "num_heads": 4}, "6 numbers cannot be split in 4 equal heads"),
        ("MultiheadAttention", {**ATTENTION, "attn_mask": True}, "its attn_mask is set"),
        ("add", {"other": "2"}, "expected a number"),
        ("add", {"alpha": "2"}, "expected a number"),
        ("div", {"other": 2.0, "rounding_mode": "floor"}, "its rounding_mode is set"),
        ("div", {"other": 0}, "it divides by zero"),
        ("select", {"dim": 1, "index": True}, "expected a whole number"),
        ("flip", {"dim": (1, 2)}, "turns several axes round"),
        ("chunk", {"chunks": 2, "dim": 1}, "follows from the shape of its input"),
        ("reshape", {"shape": (-1, 2, -1)}, "only one size of"),
        ("reshape", {"shape": (None, SizeOf(Tensor("x"), 1), None, 2)}, "expected a whole number, found SizeOf"),
        ("scaled_dot_product_attention", {"dropout_p": 0.5}, "its dropout_p is set"),
    ],
)
def test_what_is_not_understood_is_refused(class_name, config, message):
    with pytest.raises(ShapeError, match=message):
        describe(class_name, config, ())


@pytest.mark.parametrize(
    ("class_name", "config", "shapes", "message"),
    [
        ("add", {}, [(None, 3), (None, 2, 3)], "tensors of different numbers of axes"),
        ("mul", {}, [(None, 3), (None, 2)], "one size at each axis"),
        ("cat", {"dim": 1}, [(None, 3, 4), (None, 3, 5)], "differ only along axis 1"),
        ("squeeze", {"dim": 1}, [(None, 3)], "only axes of length one"),
        ("reshape", {"shape": (3, 8)}, [(2, 12)], "it lays out 2 examples as 3"),
        ("chunk", {"chunks": 0, "dim": 1}, [(None, 4)], "cannot be split in 0 parts"),
        ("split", {"split_size_or_sections": 0, "dim": 1}, [(None, 4)], "cannot be split in parts of 0"),
        ("unbind", {"dim": 1}, [(None, None)], "follows from the shape of its input"),
        ("transpose", {"dim0": 1, "dim1": 4}, [(None, 3, 4)], "no axis 4"),
    ],
)
def test_operators_refuse_inputs_that_pytorch_takes_otherwise(class_name, config, shapes, message):
    with pytest.raises(ShapeError, match=message):
        describe(class_name, config, shapes)


@pytest.mark.parametrize(
    ("class_name", "config", "shapes", "operation"),
    [
        ("add", {}, [], Merge("add", equal=True)),
        ("add", {}, [(None, 3), (None, 3)], Merge("add")),
        ("add", {"other": 2, "alpha": 3}, [], Rescaling(1.0, 6.0)),
        ("sub", {"alpha": 3}, [(None, 3), (None, 3)], ScaledSum(-3.0)),
        ("mean", {"dim": (2, 3)}, [(None, 3, 4, 5)], GlobalPooling("average", 2, channels_first=True)),
        ("mean", {"dim": 1}, [(None, 3, 4)], GlobalPooling("average", 1)),
        ("mean", {"dim": (2, 3)}, [], Reduction("mean", (2, 3))),
        ("transpose", {"dim0": -1, "dim1": 1}, [], Exchange((-1, 1))),
        ("transpose", {"dim0": -1, "dim1": 1}, [(None, 3, 4)], Permute((2, 1))),
        ("permute", {"dims": (1, 0, 2)}, [], Transpose((1, 0, 2))),
        ("reshape", {"shape": (None, None, 2, -1)}, [], Regroup((-1, 2, -1), (1, None, None))),
        ("reshape", {"shape": (None, None, 2, -1)}, [(None, 3, 4)], Reshape((3, 2, -1))),
        ("reshape", {"shape": (None, "x.shape[2]", 3)}, [(None, 3, 4)], Reshape((4, 3))),
        ("chunk", {"chunks": 3, "dim": 1}, [(None, 7)], Split(1, (3, 3, 1))),
    ],
)
def test_operators_are_operations_as_far_as_their_inputs_are_known(class_name, config, shapes, operation):
    assert describe(class_name, config, shapes).operation == operation


def test_a_number_that_is_learned_has_no_axes():
    description = describe("mul", {"parameters": ["other"], "other_shape": ()}, [(None, 3)])
    assert [(slot.key, slot.axes) for slot in description.slots] == [("other", "")]
    (output,) = description.operation.forward([numpy.ones((2, 3))], {"other": numpy.array(0.5)})
    assert (output == 0.5).all()


@pytest.mark.parametrize(("name", "value"), [("log", 0.0), ("sqrt", 1.0), ("rsqrt", 1.0)])
def test_functions_of_positive_numbers(name, value):
    assert describe(name, {}, ()).operation.forward([numpy.ones((1, 2))], {})[0].tolist() == [[value] * 2]


def test_files_from_before_a_setting_was_invented_are_read():
    assert describe("Conv2d", CONV, ()).operation.window.beyond == "zeros"
    assert describe("GELU", {}, ()).operation.function == "gelu"
    norm = {
        "num_features": 3,
        "eps": 1e-5,
        "parameters": ["weight", "bias"],
        "buffers": ["running_mean", "running_var"],
    }
    assert [slot.key for slot in describe("BatchNorm2d", norm, ()).slots] == [*norm["parameters"], *norm["buffers"]]


def test_what_cannot_be_computed_has_its_arrays_all_the_same():
    table = {"num_embeddings": 3, "embedding_dim": 2, "max_norm": 1.0, "parameters": ["weight"]}
    description = describe("Embedding", table, ())
    assert [slot.axes for slot in description.slots] == ["vocab features"]
    with pytest.raises(ShapeError, match="longer than its max_norm"):
        description.operation.forward([numpy.zeros((2, 2))], {"table": numpy.ones((3, 2))})
    bicubic = describe("Upsample", {**UPSAMPLE, "mode": "bicubic"}, ()).operation
    assert bicubic.output_shapes([(None, 3, 4, 5)]) == ((None, 3, 8, 10),)
    with pytest.raises(ShapeError, match="bicubic"):
        bicubic.forward([numpy.zeros((1, 3, 4, 5))], {})


def test_an_upsampling_tells_its_axes_by_its_sizes():
    assert describe("Upsample", {**UPSAMPLE, "size": (4, 5), "scale_factor": None}, ()).operation.rank == 2
    assert describe("Upsample", {**UPSAMPLE, "mode": "trilinear"}, ()).operation.rank == 3


def test_a_class_of_nobodys_is_not_known():
    assert describe("Gate", {}, ()) is None


def layer(name, class_name, config, **shapes):
    """Return a layer of a file with arrays of these shapes."""
    arrays = tuple(StoredArray(f"{name}.{key}", key, shape, "float32", 4, numpy.empty) for key, shape in shapes.items())
    return StoredLayer(name, class_name, {**config, "parameters": list(shapes)}, "torch.nn.modules.any", arrays)


def test_a_sequential_is_followed_to_the_rows_behind_its_flatten():
    layers = [
        layer("0", "Conv2d", CONV, weight=(6, 4, 3, 2), bias=(6,)),
        layer("1", "ReLU", {}),
        layer("2", "MaxPool2d", POOL),
        layer("3", "Flatten", {"start_dim": 1, "end_dim": -1}),
        layer("4", "Linear", {"in_features": 120, "out_features": 7}, weight=(7, 120), bias=(7,)),
    ]
    calls = calls_in([each.name for each in layers], {"": SEQUENTIAL})
    called = tuple(replace(each, calls=calls[each.name]) for each in layers)
    root = StoredLayer("net", "Sequential", layers=called)
    model = named(StoredModel("net.pt", "PyTorch", "PyTorch", "", root, Addressing.PATH))
    assert [weight.bound.notation for weight in model.weights] == ["out in kh kw", "out", "out (c h w)", "out"]
    assert model.weights[2].bound.sizes["c"] == 6
    assert [each.outputs[0] for each in model.layers] == [
        (None, 6, None, None),
        (None, 6, None, None),
        (None, 6, None, None),
        (None, None),
        (None, 7),
    ]
