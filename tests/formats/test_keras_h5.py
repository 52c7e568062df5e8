"""The legacy format: what lists say, what is missing, what nobody lists."""

from __future__ import annotations

import json
from typing import Any

from weightwise.formats.hdf5 import Contents
from weightwise.formats.keras.legacy import open_legacy
from weightwise.source import memory_source
from weightwise.stored import StoredArray, StoredModel

SOURCE = memory_source("folder/m.h5", "folder/m.h5", b"x")


def opened(attributes: dict[str, dict[str, Any]], *arrays: str, problems: tuple[str, ...] = ()) -> StoredModel:
    """Returns the model of a file with these attributes and arrays."""
    found = {path: StoredArray(path, path, (2,), "float32", 8, lambda: None) for path in arrays}
    return open_legacy(SOURCE, Contents({"": {}, **attributes}, found, problems))


def test_weights_alone_by_keras_1():
    stored = opened(
        {"": {"layer_names": ["dense_1", "flat"]}, "dense_1": {"weight_names": ["dense_1_W", "dense_1_b"]}, "flat": {}},
        "dense_1/dense_1_b",
        "dense_1/dense_1_W",
    )
    assert (stored.version, stored.format, stored.root.name) == ("1", "Keras 1 weights (HDF5)", "m")
    assert [(layer.name, layer.class_name, layer.configured) for layer in stored.root.layers] == [
        ("dense_1", "", False),
        ("flat", "", False),
    ]
    assert [(array.key, array.name) for array in stored.root.layers[0].arrays] == [
        ("0", "dense_1_W"),
        ("1", "dense_1_b"),
    ]


def test_arrays_that_are_listed_and_missing_are_told():
    stored = opened({"": {"layer_names": ["a", "b"]}, "a": {"weight_names": ["k", "bias"]}}, "a/bias")
    assert stored.problems == (
        "folder/m.h5: the array k is listed in a, but missing.",
        "folder/m.h5: the layer b is listed, but its arrays are missing.",
    )
    assert [(array.key, array.name) for array in stored.root.layers[0].arrays] == [("1", "bias")]


def test_arrays_that_nobody_lists_are_kept():
    stored = opened({"": {"layer_names": ["a"]}, "a": {"weight_names": ["k"]}}, "a/k", "a/lost", "b/c/d")
    assert [(layer.name, [array.key for array in layer.arrays]) for layer in stored.root.layers] == [
        ("a", ["0"]),
        ("a", ["lost"]),
        ("b/c", ["d"]),
    ]


def test_the_optimizer_has_its_listed_arrays_first():
    stored = opened(
        {"": {"layer_names": []}, "optimizer_weights": {"weight_names": ["z", "a"]}},
        "optimizer_weights/a",
        "optimizer_weights/other",
        "optimizer_weights/z",
    )
    assert [array.path.partition("/")[2] for array in stored.optimizer] == ["z", "a", "other"]
    assert stored.root.layers == ()


def test_the_arrays_of_the_model_itself():
    stored = opened(
        {"": {"layer_names": []}, "top_level_model_weights": {"weight_names": ["scale"]}},
        "top_level_model_weights/scale",
    )
    assert [array.name for array in stored.root.arrays] == ["scale"]
    assert stored.root.layers == ()


CONFIG = {
    "class_name": "Sequential",
    "config": {"name": "s", "layers": [{"class_name": "Dense", "config": {"name": "a"}}]},
}


def whole(config: Any) -> dict[str, dict[str, Any]]:
    return {
        "": {"model_config": config, "keras_version": "2.2.4", "backend": "tensorflow"},
        "model_weights": {"layer_names": ["a", "b"]},
        "model_weights/a": {"weight_names": ["k"]},
        "model_weights/b": {"weight_names": ["k"]},
    }


def test_layers_of_the_file_that_the_configuration_does_not_have():
    stored = opened(whole(json.dumps(CONFIG)), "model_weights/a/k", "model_weights/b/k")
    assert (stored.version, stored.format) == ("2.2.4", "Keras 2 model (HDF5)")
    assert [(layer.name, layer.configured, len(layer.arrays)) for layer in stored.root.layers] == [
        ("a", True, 1),
        ("b", False, 1),
    ]


def test_a_configuration_that_cannot_be_read_leaves_the_weights():
    for config in ("{", "[]", 7, '{"class_name": 7}'):
        stored = opened(whole(config), "model_weights/a/k", "model_weights/b/k")
        assert [(layer.name, layer.configured) for layer in stored.root.layers] == [("a", False), ("b", False)]
        assert len(stored.problems) == 1
        assert stored.problems[0].startswith("folder/m.h5: the attribute model_config: expected ")


def test_names_that_are_no_text_are_told():
    stored = opened({"": {"layer_names": ["a", 3, b"\xff"]}, "a": {"weight_names": "k"}}, "a/k")
    assert [(layer.name, len(layer.arrays)) for layer in stored.root.layers] == [("a", 1)]
    assert stored.problems == ("folder/m.h5: the list layer_names of / holds names that are no text.",)


def test_a_damaged_file_without_a_version_is_not_taken_for_keras_1():
    stored = opened({"": {"layer_names": []}}, problems=("folder/m.h5: something is lost.",))
    assert (stored.version, stored.format) == ("", "Keras weights (HDF5)")
