"""Every sample holds what the framework that wrote it said of it."""

from __future__ import annotations

import re
from collections import Counter

import numpy
import pytest

from tests.samples import FACTS, FILES, SAMPLES, arrays, everything, layers
from weightwise.formats import open_stored
from weightwise.source import FileReader
from weightwise.stored import Addressing

CONFIGURED = [file for file in FILES if file.endswith((".keras", ".h5")) and "weights" not in file]
GRAPHS = [file for file in CONFIGURED if "subclassed" not in file]


def content(shape, dtype: str, total: float, weighted: float) -> tuple:
    return tuple(shape), dtype, round(total, 9), round(weighted, 8)


def read_content(array) -> tuple:
    values = array.read().astype("float64").ravel()
    return content(array.shape, array.dtype, values.sum(), (values * numpy.arange(1, values.size + 1)).sum())


@pytest.mark.parametrize("file", FILES)
def test_the_arrays_are_those_of_get_weights(file):
    stored = open_stored(SAMPLES / file)
    expected = [content(w["shape"], w["dtype"], w["sum"], w["weighted_sum"]) for w in FILES[file]["weights"]]
    assert Counter(read_content(array) for array in arrays(stored).values()) == Counter(expected)
    assert stored.problems == ()


@pytest.mark.parametrize("file", FILES)
def test_optimizer_and_states_are_told_apart(file):
    stored = open_stored(SAMPLES / file)
    in_file = FILES[file]["parameters"]["optimizer"]
    assert sum(array.size for array in stored.optimizer) == in_file
    assert stored.state == ()


@pytest.mark.parametrize("file", FILES)
def test_the_file_says_who_wrote_it(file):
    stored = open_stored(SAMPLES / file)
    told = not file.endswith((".weights.h5", ".weights.json"))
    assert stored.framework == "Keras"
    assert stored.version == (FILES[file]["version"] if told else "")
    assert stored.addressing is (Addressing.PATH if ".weights." in file or file.endswith("keras") else Addressing.ORDER)
    assert stored.path == str(SAMPLES / file)
    assert stored.nbytes == (SAMPLES / file).stat().st_size


def outline(facts: list) -> list:
    """Returns names and classes of layers and the layers in them, without the input layers of sequential models."""
    return [(layer["name"], layer["class_name"], outline(layer["layers"])) for layer in facts]


def stored_outline(layer) -> list:
    shown = (inner for inner in layer.layers if (layer.class_name, inner.class_name) != ("Sequential", "InputLayer"))
    return [(inner.name, inner.class_name, stored_outline(inner)) for inner in shown]


@pytest.mark.parametrize("file", GRAPHS)
def test_the_layers_are_those_of_the_model_in_its_order(file):
    stored = open_stored(SAMPLES / file)
    assert (stored.root.name, stored.root.class_name) == (FILES[file]["name"], FILES[file]["class_name"])
    assert stored_outline(stored.root) == outline(FILES[file]["layers"])
    assert all(layer.configured for layer in layers(stored.root))


@pytest.mark.parametrize("file", GRAPHS)
def test_each_layer_has_as_many_values_as_the_framework_counts(file):
    stored = open_stored(SAMPLES / file)
    for layer, facts in zip(shown(stored.root), FILES[file]["layers"], strict=True):
        own = {array.path: array.size for inner in layers(layer) for array in inner.arrays}
        assert sum(own.values()) == facts["parameters"], layer.name


def shown(root) -> list:
    return [inner for inner in root.layers if (root.class_name, inner.class_name) != ("Sequential", "InputLayer")]


@pytest.mark.parametrize("file", GRAPHS)
def test_each_layer_is_called_as_often_as_in_the_framework(file):
    stored = open_stored(SAMPLES / file)
    for layer, facts in zip(shown(stored.root), FILES[file]["layers"], strict=True):
        assert len(layer.calls) == len(facts["outputs"]), layer.name


def connections(summary: str) -> list[str]:
    """Returns the column `Connected to` of a summary: `inner[1][0]` is the second call of `inner`, its first output."""
    return re.findall(r"\w+\[\d+\]\[\d+\]", summary)


@pytest.mark.parametrize("file", [file for file in GRAPHS if connections(FILES[file]["summary"])])
def test_the_calls_are_those_that_the_summary_prints(file):
    stored = open_stored(SAMPLES / file)
    read = [tensor for layer in stored.root.layers for call in layer.calls for tensor in call.inputs]
    printed = [f"{tensor.layer}[{tensor.call}][{tensor.index}]" for tensor in read]
    expected = connections(FILES[file]["summary"])
    if "shared_across" in file:
        expected[3] = "inner[0][0]"  # the summary counts the call inside `middle` too, which is no call of this model
    if FILES[file]["framework"] == "tf_keras" and "nested" in file:
        expected = [re.sub(r"^(middle|second)\[1\]", r"\1[0]", name) for name in expected]  # it counts from 1 here
    assert printed == expected


@pytest.mark.parametrize("file", GRAPHS)
def test_the_inputs_of_the_model_are_layers_of_its_shape(file):
    stored = open_stored(SAMPLES / file)
    by_name = {layer.name: layer for layer in stored.root.layers}
    configs = [by_name[tensor.layer].config for tensor in stored.root.inputs]
    assert [config.get("batch_shape") or config["batch_input_shape"] for config in configs] == FILES[file]["inputs"]
    assert all(0 <= tensor.call < len(by_name[tensor.layer].calls) for tensor in stored.root.outputs)


@pytest.mark.parametrize("file", FILES)
def test_arrays_know_where_their_bytes_are(file):
    for array in everything(open_stored(SAMPLES / file)):
        data = (SAMPLES / array.file.partition("!")[0]).read_bytes()
        assert array.offset is not None
        stored = data[array.offset : array.offset + array.nbytes]
        if array.dtype == "bfloat16":
            assert array.read().view("uint32").ravel()[0] >> 16 == int.from_bytes(stored[:2], "little")
        else:
            assert array.read().tobytes() == stored


@pytest.mark.parametrize("file", [file for file in FILES if not file.endswith(".json")])
def test_opening_reads_no_values(file, monkeypatch):
    asked: list[tuple[int, int]] = []
    fill = FileReader.fill

    def counting(reader: FileReader, offset: int, view: memoryview) -> int:
        asked.append((offset, offset + len(view)))
        return fill(reader, offset, view)

    monkeypatch.setattr(FileReader, "fill", counting)
    found = everything(open_stored(SAMPLES / file))
    assert asked
    for array in found:
        assert not [span for span in asked if span[0] < array.offset + array.nbytes and array.offset < span[1]], (
            array.path
        )
    asked.clear()
    for array in found:
        array.read()
    assert asked == [(array.offset, array.offset + array.nbytes) for array in found]


def test_values_can_be_written_to():
    (array, *_) = arrays(open_stored(SAMPLES / "keras3_cnn.keras")).values()
    values = array.read()
    values += 1
    assert not numpy.array_equal(values, array.read())


def test_a_layer_shared_across_models_has_the_same_arrays_twice():
    root = open_stored(SAMPLES / "keras3_shared_across.keras").root
    by_name = {layer.name: layer for layer in root.layers}
    inner = next(layer for layer in by_name["middle"].layers if layer.name == "inner")
    for first, second in zip(inner.layers, by_name["inner"].layers, strict=True):
        assert [array.path for array in first.arrays] == [array.path for array in second.arrays]
    others = [array.path for layer in by_name["other"].layers for array in layer.arrays]
    assert len(others) == 8
    assert all(path.startswith("layers/functional_1/") for path in others)


def test_nested_models_of_the_legacy_format_are_one_flat_list_with_the_trained_first():
    root = open_stored(SAMPLES / "keras2_nested.h5").root
    middle = next(layer for layer in root.layers if layer.name == "middle")
    assert [array.name for array in middle.arrays] == [
        "normalized/gamma:0",
        "normalized/beta:0",
        "inner_head/kernel:0",
        "inner_head/bias:0",
        "middle_head/kernel:0",
        "middle_head/bias:0",
        "frozen/kernel:0",
        "frozen/bias:0",
        "normalized/moving_mean:0",
        "normalized/moving_variance:0",
    ]
    assert [array.key for array in middle.arrays] == [str(place) for place in range(10)]
    assert not any(layer.arrays for inner in middle.layers for layer in layers(inner))


def test_split_lists_are_joined():
    whole = open_stored(SAMPLES / "keras2_nested.h5").root
    split = open_stored(SAMPLES / "keras2_nested_split.h5").root
    for first, second in zip(whole.layers, split.layers, strict=True):
        assert [array.name for array in first.arrays] == [array.name for array in second.arrays]


def test_the_parts_of_a_layer_keep_their_paths_as_keys():
    root = open_stored(SAMPLES / "keras3_recurrent.keras").root
    keys = {layer.name: [array.key for array in layer.arrays] for layer in root.layers}
    assert keys["both_ways"] == [f"{way}_layer/cell/{n}" for way in ("backward", "forward") for n in range(3)]
    assert keys["stacked"] == [f"cell/cells/{cell}_cell/{n}" for cell in ("gru", "lstm") for n in range(3)]
    assert keys["simple"] == ["cell/0", "cell/1"]


def test_weights_alone_are_layers_that_paths_tell_of_in_natural_order():
    root = open_stored(SAMPLES / "keras3_numbered.weights.h5").root
    assert (root.name, root.class_name, root.configured) == ("numbered", "", False)
    assert [layer.name for layer in root.layers] == [f"step_{number}" for number in range(12)]
    assert {layer.class_name for layer in root.layers} == {"dense"}
    assert [layer.arrays[0].path for layer in root.layers][9:] == [
        "layers/dense_9/vars/0",
        "layers/dense_10/vars/0",
        "layers/dense_11/vars/0",
    ]
    assert not any(layer.configured or layer.calls for layer in layers(root))


def test_nested_weights_alone_keep_their_models():
    root = open_stored(SAMPLES / "keras3_nested.weights.h5").root
    middle = next(layer for layer in root.layers if layer.name == "middle")
    assert middle.class_name == "sequential"
    assert [(inner.name, len(inner.layers), len(inner.arrays)) for inner in middle.layers] == [
        ("middle_head", 0, 2),
        ("inner", 4, 0),
    ]


def test_a_subclassed_model_has_the_layers_that_its_paths_tell_of():
    root = open_stored(SAMPLES / "keras3_subclassed.keras").root
    assert (root.name, root.class_name, root.package) == ("classifier", "Classifier", "my_package>Classifier")
    assert [(layer.name, layer.class_name, layer.configured) for layer in root.layers] == [
        ("wide", "dense", False),
        ("wider", "dense", False),
        ("head", "", False),
        ("look", "conv1d", False),
    ]


def test_unknown_classes_keep_their_arrays():
    root = open_stored(SAMPLES / "keras3_custom.keras").root
    gate, block = root.layers[1:3]
    assert (gate.class_name, gate.package, gate.config["units"]) == ("Gate", "my_package>Gate", 6)
    assert [array.key for array in block.arrays] == [
        f"{part}/{number}" for part in ("gates/gate", "gates/gate_1", "project") for number in (0, 1)
    ]


def test_tensors_passed_by_keyword_are_told_apart():
    for file in ("keras3_attention.keras", "keras2_attention.h5"):
        (call,) = next(layer for layer in open_stored(SAMPLES / file).root.layers if layer.name == "attend").calls
        assert [tensor.layer for tensor in call.inputs] == ["entry", "memory", "memory"]
        assert {name: tensor.layer for name, tensor in call.arguments.items()} == {"value": "memory", "key": "memory"}


def test_recorded_build_shapes():
    root = open_stored(SAMPLES / "keras3_many_ends.keras").root
    shapes = {layer.name: layer.build_shape for layer in root.layers}
    assert shapes["look"] == (None, 6, 5, 2)
    assert shapes["joined"] == ((None, 45), (None, 3))
    assert shapes["image"] is None
    attention = open_stored(SAMPLES / "keras3_attention.keras").root.layers[2]
    assert attention.build_shape == ((None, 5, 6), (None, 7, 9), (None, 7, 9))


def test_every_fact_has_a_file():
    assert len(FACTS) > 30
    assert all((SAMPLES / file).stat().st_size < 70_000 for file in FILES)
