"""Proofs without a framework: what is equal is shown equal, and what differs is named where it begins to differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy
import pytest

import weightwise
from tests.answers.models import chain, counting
from weightwise.answers.array_proof import between_arrays, rounded
from weightwise.answers.forward import forward
from weightwise.answers.proof import Verdict, difference
from weightwise.answers.proving import Asked, Proof, has_graph, prove
from weightwise.answers.sample_inputs import concrete, entering, entries, fitted, random_inputs
from weightwise.answers.tracing import traced
from weightwise.errors import SelectionError, UnsupportedError
from weightwise.formats.safetensors.writer import Written, write_safetensors
from weightwise.model import Model
from weightwise.naming import named
from weightwise.porting.carrying import port
from weightwise.stored import StoredArray, StoredLayer, Tensor

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mnist_cnn.keras"
SAMPLES = ROOT / "tests" / "samples"
LAYERS = ["conv2d_1", "conv2d_2", "max_pooling2d_1", "dropout_1", "flatten_1", "dense_1", "dropout_2", "dense_2"]


@pytest.fixture(scope="module")
def example() -> Model:
    return weightwise.open(EXAMPLE)


@pytest.fixture(scope="module")
def digits() -> Mapping[str, numpy.ndarray]:
    with numpy.load(EXAMPLE.with_name("digits.npz")) as file:
        return {"images": file["images"][::25, :, :, None] / 255.0, "probabilities": file["probabilities"][::25]}


def changed(model: Model, path: str, change: Callable[[numpy.ndarray], numpy.ndarray]) -> Model:
    """Return the model with one of its arrays changed."""

    def arrays(layer: StoredLayer) -> StoredLayer:
        inner = tuple(map(arrays, layer.layers))
        return replace(layer, arrays=tuple(map(array, layer.arrays)), layers=inner)

    def array(stored: StoredArray) -> StoredArray:
        return replace(stored, read=lambda: change(stored.read())) if stored.path == wanted else stored

    layer, _, name = path.rpartition("/")
    wanted = model[layer][name].stored.path
    return named(replace(model.stored, root=arrays(model.stored.root)))


def transposed(kernel: numpy.ndarray) -> numpy.ndarray:
    """Return a kernel with its height and width exchanged, which no shape tells."""
    return kernel.swapaxes(0, 1)


def computing(model: Model) -> Asked:
    """Return a framework that computes what the reference does for a model."""

    def outputs(inputs, dtype):
        return ((computed.tensor, computed.value.array) for computed in traced(model, inputs, dtype))

    return Asked("Stand-in 1.0", outputs)


def failing(model: Model, layers: int, error: UnsupportedError) -> Asked:
    """Return a framework that computes so many layers of a model and no more."""

    def outputs(inputs, dtype):
        for computed, _ in zip(traced(model, inputs, dtype), range(layers), strict=False):
            yield computed.tensor, computed.value.array
        raise error

    return Asked("Stand-in 1.0", outputs)


def the_only(proof: Proof):
    (comparison,) = proof.comparisons
    return comparison


def test_a_trace_ends_with_what_forward_returns(example, digits):
    trace = traced(example, [digits["images"]])
    layers = []
    with pytest.raises(StopIteration) as end:
        while True:
            layers.append(next(trace))
    assert [computed.tensor for computed in layers] == [Tensor(name) for name in LAYERS]
    (output,) = forward(example, [digits["images"]])
    numpy.testing.assert_array_equal(end.value.value[0].array, output)
    numpy.testing.assert_array_equal(layers[-1].value.array, output)
    assert numpy.abs(output - digits["probabilities"]).max() <= 1e-5
    assert [computed.value.signal.axes for computed in layers[3:5]] == [("h", "w", "c"), ("h w c",)]


def test_runs_of_shared_layers_are_counted_over_all_calls_of_their_model():
    model = weightwise.open(SAMPLES / "keras3_nested.keras")
    found = [computed.tensor for computed in traced(model, random_inputs(model))]
    assert len(set(found)) == len(found)
    assert Tensor("middle/inner/frozen") in found
    assert Tensor("second/frozen") in found


def test_the_shipped_example_is_equal_to_what_computes_the_same(example, digits):
    proof = prove(example, inputs={"images": digits["images"]}, ask=lambda model: computing(model))
    assert proof.verdict is Verdict.EQUAL
    assert [line.name for line in the_only(proof).lines] == LAYERS
    assert proof.first is None
    assert numpy.abs(proof.outputs[0] - digits["probabilities"]).max() <= 1e-5


@pytest.mark.parametrize("layer", ["conv2d_1", "conv2d_2"])
def test_the_layer_with_a_transposed_kernel_is_the_first_that_diverges(example, layer):
    wrong = changed(example, f"{layer}/kernel", transposed)
    proof = prove(example, ask=lambda model: computing(wrong))
    assert proof.verdict is Verdict.DIFFERENT
    assert proof.first.name == layer
    before = LAYERS[: LAYERS.index(layer)]
    assert [line.name for line in the_only(proof).lines if line.verdict is Verdict.EQUAL] == before
    assert proof.first.difference.relative > 0.01


def test_a_framework_that_ends_early_proves_nothing(example):
    proof = prove(example, ask=lambda model: failing(model, 3, UnsupportedError("it has no Flatten")))
    comparison = the_only(proof)
    assert proof.verdict is Verdict.OPEN
    assert comparison.failure == "it has no Flatten"
    assert [line.verdict for line in comparison.lines] == [Verdict.EQUAL] * 3 + [Verdict.OPEN] * 5


def test_a_layer_that_the_framework_does_not_show_is_open_and_so_is_the_proof_if_it_is_the_last(example):
    def outputs(inputs, dtype):
        return (item for item in computing(example).outputs(inputs, dtype) if item[0].layer != hidden)

    hidden = "flatten_1"
    assert prove(example, ask=lambda model: Asked("Stand-in", outputs)).verdict is Verdict.EQUAL
    hidden = "dense_2"
    proof = prove(example, ask=lambda model: Asked("Stand-in", outputs))
    assert proof.verdict is Verdict.OPEN
    assert the_only(proof).failure == "the outputs were not compared: dense_2"


def test_a_framework_that_computes_in_32_bits_is_held_to_32_bits(example):
    def outputs(inputs, dtype):
        return ((tensor, array.astype("float32")) for tensor, array in computing(example).outputs(inputs, dtype))

    proof = prove(example, ask=lambda model: Asked("Stand-in", outputs))
    assert proof.verdict is Verdict.EQUAL
    assert the_only(proof).largest.difference.relative > 1e-10


def test_without_a_framework_there_are_outputs_and_no_proof(example):
    proof = prove(example, ask=lambda model: "Keras is not installed (pip install keras)")
    assert proof.verdict is Verdict.OPEN
    assert proof.comparisons == ()
    assert proof.outputs[0].shape == (2, 10)
    assert proof.notes == (f"{EXAMPLE}: only the reference was run: Keras is not installed (pip install keras).",)


def test_what_the_reference_cannot_compute_is_said():
    model = weightwise.open(SAMPLES / "keras3_custom.keras")
    proof = prove(model, ask=lambda model: Asked("Stand-in", lambda inputs, dtype: ()))
    assert proof.verdict is Verdict.OPEN
    assert "its operation is unknown" in the_only(proof).failure
    assert proof.outputs == ()


def test_two_models_of_one_framework_are_compared_layer_by_layer(example):
    assert prove(example, example).verdict is Verdict.EQUAL
    proof = prove(example, changed(example, "conv2d_2/kernel", transposed))
    assert proof.first.name == "conv2d_2"
    assert [line.name for line in the_only(proof).lines] == LAYERS


def two_layouts(activation: str = "relu") -> tuple[Model, Model]:
    """Return a convolution with a Dense behind a Flatten in Keras, and the same with its channels first."""
    kernel, bias = counting(2, 3, 2, 5) / 50 - 0.5, counting(5) / 7
    rows, ends = counting(4 * 3 * 5, 6) / 300 - 0.5, counting(6)
    conv = {"kernel_size": [2, 3], "filters": 5, "strides": 1}
    last = chain(
        (5, 5, 2),
        ("conv", "Conv2D", conv | {"activation": activation}, {"0": kernel, "1": bias}),
        ("flat", "Flatten", {}, {}),
        ("dense", "Dense", {"units": 6, "activation": "linear"}, {"0": rows, "1": ends}),
    )
    first = chain(
        (2, 5, 5),
        ("first", "Conv2D", conv | {"activation": "linear", "data_format": "channels_first"}, {"0": kernel, "1": bias}),
        ("active", "Activation", {"activation": activation}, {}),
        ("flat", "Flatten", {}, {}),
        (
            "second",
            "Dense",
            {"units": 6, "activation": "linear"},
            {"0": rows.reshape(4, 3, 5, 6).transpose(2, 0, 1, 3).reshape(60, 6), "1": ends},
        ),
    )
    return last, first


def test_layouts_and_activations_apart_are_brought_together():
    last, first = two_layouts()
    proof = prove(last, first)
    assert proof.verdict is Verdict.EQUAL
    lines = [(line.name, line.other) for line in the_only(proof).lines]
    assert lines == [("conv", "active"), ("dense", "second")]
    (image,) = random_inputs(last)
    numpy.testing.assert_array_equal(entering(last, first, [image])[0], image.transpose(0, 3, 1, 2))


def test_rows_in_the_order_of_another_layout_are_the_first_that_diverge():
    last, first = two_layouts()
    scrambled = changed(first, "second/kernel", lambda rows: numpy.roll(rows, 1, axis=0))
    proof = prove(last, scrambled)
    assert (proof.first.name, proof.first.other) == ("dense", "second")


def written(path: Path, arrays: Mapping[str, numpy.ndarray]) -> Path:
    """Write arrays as a file that has no graph."""
    items = [
        Written(name, values.shape, str(values.dtype), partial(numpy.copy, values)) for name, values in arrays.items()
    ]
    write_safetensors(path, items)
    return path


def for_pytorch(model: Model) -> dict[str, numpy.ndarray]:
    """Return the example's arrays as PyTorch has them, under other names."""
    axes = ("out in kh kw", "out", "out in kh kw", "out", "out (c h w)", "out", "out in", "out")
    names = [f"{place}.{kind}" for place in (0, 3, 7, 9) for kind in ("weight", "bias")]
    weights = zip(names, axes, model.weights, strict=True)
    return {
        name: numpy.ascontiguousarray(weight.bound.arrange(weight.values(), line)) for name, line, weight in weights
    }


def test_weights_without_a_graph_are_proven_by_the_port_that_they_fill(example, tmp_path):
    bare = weightwise.open(written(tmp_path / "bare.safetensors", for_pytorch(example)))
    proof = prove(example, bare, ask=computing)
    own, between, port, frameworks = proof.comparisons
    assert proof.verdict is Verdict.EQUAL
    assert {line.name for line in between.lines} == set(LAYERS)
    assert {line.other for line in between.lines} >= {"conv2d_1_relu", "dense_2_softmax"}
    assert len(port.lines) > len(own.lines)
    assert [line.name for line in frameworks.lines] == ["output 1"]
    assert proof.outputs[0].shape == (2, 10)


def test_the_first_layer_of_a_port_with_wrong_weights_is_named(example, tmp_path):
    arrays = for_pytorch(example)
    wrong = {**arrays, "3.weight": numpy.ascontiguousarray(arrays["3.weight"].swapaxes(2, 3))}
    proof = prove(example, weightwise.open(written(tmp_path / "wrong.safetensors", wrong)))
    assert proof.verdict is Verdict.DIFFERENT
    assert proof.first.name == "conv2d_2"


def test_rows_laid_as_the_source_has_them_are_the_first_that_diverge(example, tmp_path):
    """The scrambled Dense after Flatten, which no shape tells."""
    arrays = for_pytorch(example)
    dense = example["dense_1"]["kernel"]
    wrong = {**arrays, "7.weight": numpy.ascontiguousarray(dense.values().T)}
    proof = prove(example, weightwise.open(written(tmp_path / "wrong.safetensors", wrong)))
    assert proof.first.name == "dense_1"


def test_weights_that_are_not_those_of_a_port_are_compared_as_arrays(example, tmp_path):
    arrays = {name: array for name, array in for_pytorch(example).items() if not name.startswith("9")}
    proof = prove(example, weightwise.open(written(tmp_path / "part.safetensors", arrays)))
    (comparison,) = proof.comparisons
    assert comparison.what == "array"
    assert proof.verdict is Verdict.OPEN
    assert all(line.verdict is Verdict.EQUAL for line in comparison.lines)
    assert "Only the arrays were compared" in proof.notes[0]


PORTS = [
    ("keras3_twice.keras", "pytorch", ".safetensors"),
    ("keras3_nested.keras", "pytorch", ".safetensors"),
    ("keras3_recurrent.keras", "pytorch", ".safetensors"),
    ("keras3_convolutions.keras", "flax", ".msgpack"),
    ("keras3_recurrent.keras", "flax", ".msgpack"),
    ("keras3_attention.keras", "flax", ".msgpack"),
    ("keras3_residual.keras", "keras", ".weights.h5"),
    ("torchscript_traced.pt", "keras", ".keras"),
    ("exported_rows.pt2", "keras", ".keras"),
]


@pytest.mark.parametrize(("file", "framework", "ending"), PORTS)
def test_ports_are_equal_in_every_layer(file, framework, ending, tmp_path):
    path = tmp_path / f"ported{ending}"
    port(SAMPLES / file, framework, out=path)
    source = weightwise.open(SAMPLES / file)
    found = the_only(prove(source, weightwise.open(path)))
    assert (found.verdict, found.failure, found.what) == (Verdict.EQUAL, "", "layer")
    held = {layer.name for layer in source.walk() if layer.weights and not layer.is_model}
    assert {line.name.partition(",")[0] for line in found.lines} >= held


def test_arrays_alone_are_compared_on_the_same_axes(example, tmp_path):
    one = weightwise.open(written(tmp_path / "one.safetensors", {f"m.{n}": a for n, a in for_pytorch(example).items()}))
    other = weightwise.open(written(tmp_path / "other.safetensors", for_pytorch(example)))
    assert not has_graph(one)
    proof = prove(one, other)
    assert proof.verdict is Verdict.EQUAL
    assert len(the_only(proof).lines) == 8


def test_a_source_without_a_graph_is_proven_the_other_way_round(example, tmp_path):
    bare = weightwise.open(written(tmp_path / "bare.safetensors", for_pytorch(example)))
    assert [(c.one, c.verdict) for c in prove(bare, example).comparisons] == [
        (c.one, c.verdict) for c in prove(example, bare).comparisons
    ]


def test_arrays_against_those_of_a_graph_say_how_they_were_moved(example, tmp_path):
    bare = weightwise.open(written(tmp_path / "bare.safetensors", for_pytorch(example)))
    (comparison,) = between_arrays(bare, example).comparisons
    assert comparison.verdict is Verdict.EQUAL
    notes = {line.other: line.note for line in comparison.lines}
    assert notes["dense_1/kernel"] == "(h w c) out -> out (c h w)"
    assert notes["dense_2/kernel"] == "in out -> out in"


def test_models_with_another_number_of_outputs_are_not_equal(example):
    ends = replace(example.stored.root, outputs=(Tensor("dense_1"), Tensor("dense_2")))
    proof = prove(example, named(replace(example.stored, root=ends)))
    assert proof.verdict is Verdict.OPEN
    assert the_only(proof).failure == "the one has 1 outputs and the other 2"


def test_layers_that_differ_between_equal_outputs_are_in_doubt():
    """A layer may scale what the next one scales back."""
    one, other = (
        chain(
            (3,),
            (names[0], "Dense", {"units": 4, "use_bias": False, "activation": "linear"}, {"0": counting(3, 4) * scale}),
            (names[1], "Dense", {"units": 5, "use_bias": False, "activation": "linear"}, {"0": counting(4, 5) / scale}),
        )
        for names, scale in ((("a", "b"), 1), (("c", "d"), 2))
    )
    proof = prove(one, other)
    assert proof.verdict is Verdict.EQUAL
    first, last = the_only(proof).lines
    assert (first.verdict, last.verdict) == (Verdict.OPEN, Verdict.EQUAL)
    assert first.note == "it differs, but the outputs agree: these may be no counterparts"


def test_different_arrays_and_those_without_a_counterpart_are_listed(example, tmp_path):
    arrays = for_pytorch(example)
    one = weightwise.open(written(tmp_path / "one.safetensors", arrays))
    more = {**arrays, "3.weight": arrays["3.weight"] + 1, "extra.weight": counting(3, 4)}
    proof = prove(one, weightwise.open(written(tmp_path / "two.safetensors", more)))
    comparison = the_only(proof)
    assert proof.verdict is Verdict.DIFFERENT
    assert [line.name for line in comparison.lines if line.verdict is Verdict.DIFFERENT] == ["3/weight"]
    assert comparison.first.difference.absolute == pytest.approx(1)
    assert "arrays without a counterpart: extra/weight" in comparison.failure


def test_one_file_of_arrays_alone_cannot_be_proven(example, tmp_path):
    bare = weightwise.open(written(tmp_path / "bare.safetensors", for_pytorch(example)))
    with pytest.raises(UnsupportedError, match="it holds arrays and no graph"):
        prove(bare)


def test_random_inputs_are_of_the_declared_shapes_and_seeded():
    model = weightwise.open(SAMPLES / "keras3_many_ends.keras")
    shapes = [entry.shape for entry in entries(model)]
    inputs = random_inputs(model, 7)
    assert [array.shape for array in inputs] == [concrete(shape, 2) for shape in shapes]
    assert all((a == b).all() for a, b in zip(inputs, random_inputs(model, 7), strict=True))
    assert not any((a == b).any() for a, b in zip(inputs, random_inputs(model, 8), strict=True))


def test_indices_are_below_the_vocabulary_and_never_padding():
    model = weightwise.open(SAMPLES / "keras3_embedding.keras")
    indices = {entry.tensor.layer: entry.indices for entry in entries(model)}
    for entry, array in zip(entries(model), random_inputs(model, batch=50), strict=True):
        if entry.indices is not None:
            assert array.dtype.kind == "i"
            assert set(numpy.unique(array)) <= set(entry.indices)
    assert any(found is not None and found.start == 1 for found in indices.values())


def test_arrays_of_a_file_become_inputs(example):
    images = numpy.zeros((3, 28, 28), "uint8")
    (given,), notes = fitted(example, {"labels": numpy.zeros(3), "images": images})
    assert given.shape == (3, 28, 28, 1)
    assert notes == ("images has shape (3, 28, 28); it is given an axis of length 1 at its end.",)
    with pytest.raises(SelectionError, match=r"takes the shape \(None, 28, 28, 1\), and of .* none fits"):
        fitted(example, {"images": numpy.zeros((3, 14, 28))})
    with pytest.raises(SelectionError, match="more than one fits"):
        fitted(example, {"a": numpy.zeros((3, 28, 28, 1)), "b": numpy.zeros((2, 28, 28, 1))})


def test_differences_are_relative_to_the_largest_value_and_know_infinities():
    one, other = numpy.array([1.0, 2.0, numpy.nan]), numpy.array([1.0, 4.0, numpy.nan])
    assert difference(one, other).absolute == 2
    assert difference(one, other).relative == 0.5
    assert difference(one, numpy.array([1.0, 2.0, 3.0])).absolute == numpy.inf
    assert difference(numpy.array([numpy.inf]), numpy.array([numpy.inf])).absolute == 0
    assert difference(numpy.zeros(2), numpy.array([0.0, 1e-30])).relative == 1
    assert difference(numpy.ones(2), numpy.zeros(2)).relative == numpy.inf
    assert difference(numpy.zeros(0), numpy.zeros(0)).absolute == 0


def test_sums_that_a_port_stores_are_equal_to_32_bits_unless_more_is_asked_for(tmp_path):
    """A GRU of Keras has two biases, which act as their sum for two of its gates; Flax has the sum alone."""
    path = tmp_path / "ported.msgpack"
    port(SAMPLES / "keras3_recurrent.keras", "flax", out=path)
    models = weightwise.open(SAMPLES / "keras3_recurrent.keras"), weightwise.open(path)
    found = the_only(prove(*models))
    notes = {line.name: line.note for line in found.lines}
    assert notes["both_ways"] == ""
    assert notes["stacked"] == "to the 32 bits in which weights are kept"
    assert found.tolerance == 1e-5
    assert prove(*models, tolerance=1e-10).first.name == "stacked"


def test_what_was_only_rounded_to_fewer_digits_is_equal_and_said_so(example):
    arrays = for_pytorch(example)
    halves = weightwise.open({name: array.astype("float16") for name, array in arrays.items()})
    found = the_only(prove(weightwise.open(arrays), halves))
    assert found.verdict is Verdict.EQUAL
    assert {line.note for line in found.lines if line.difference.absolute} == {"rounded to float16"}
    wrong = {name: array.astype("float16") * (2 if name == "3.weight" else 1) for name, array in arrays.items()}
    assert prove(weightwise.open(arrays), weightwise.open(wrong)).first.name == "3/weight"


def test_rounding_to_bfloat16_is_to_the_nearest_and_then_to_even():
    values = numpy.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-16, -3.0e38, numpy.inf], "float32")
    even = [1.0, 1.0, 1 + 2**-6, 1 + 2**-7, -3.0040553e38, numpy.inf]
    numpy.testing.assert_allclose(rounded(values, "bfloat16"), numpy.array(even, "float32"), rtol=1e-6)


def test_inputs_of_another_shape_end_the_proof_with_a_sentence():
    model = weightwise.open(SAMPLES / "torchscript_scripted.pt")
    proof = prove(model, inputs={"x": numpy.zeros((2, 3, 5))})
    assert proof.verdict is Verdict.OPEN
    assert proof.outputs == ()
    assert proof.notes
