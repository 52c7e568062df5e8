"""The two files that the example ships: the trained network, and a hundred digits with Keras's outputs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def shipped():
    """The members of the shipped model, by name."""
    with zipfile.ZipFile(EXAMPLES / "mnist_cnn.keras") as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_shipped_model_holds_what_keras_writes_and_nothing_else(shipped):
    assert set(shipped) == {"metadata.json", "config.json", "model.weights.h5"}
    assert json.loads(shipped["metadata.json"])["keras_version"].startswith("3.")


def test_the_shipped_model_is_the_questions_network(shipped):
    config = json.loads(shipped["config.json"])
    layers = [(layer["class_name"], layer["config"]) for layer in config["config"]["layers"]]
    assert (config["class_name"], config["config"]["name"]) == ("Sequential", "sequential_1")
    assert [(kind, settings["name"]) for kind, settings in layers] == [
        ("InputLayer", "input"),
        ("Conv2D", "conv2d_1"),
        ("Conv2D", "conv2d_2"),
        ("MaxPooling2D", "max_pooling2d_1"),
        ("Dropout", "dropout_1"),
        ("Flatten", "flatten_1"),
        ("Dense", "dense_1"),
        ("Dropout", "dropout_2"),
        ("Dense", "dense_2"),
    ]
    assert layers[0][1]["batch_shape"] == [None, 28, 28, 1]
    assert [settings.get("filters") or settings.get("units") for _, settings in layers if "activation" in settings] == [
        32,
        64,
        128,
        10,
    ]
    assert [settings["rate"] for kind, settings in layers if kind == "Dropout"] == [0.25, 0.5]


def test_the_shipped_model_has_its_parameters_and_no_optimizer(shipped):
    weights = shipped["model.weights.h5"]
    surplus = len(weights) - 4 * 1_199_882
    assert 0 < surplus < 64 * 1024, "an optimizer would add the parameters once or twice more"
    assert b"layers" in weights
    assert b"optimizer" not in weights
    assert not json.loads(shipped["config.json"])["compile_config"]


def test_the_shipped_digits_are_ten_of_each_class_with_keras_outputs():
    content = (EXAMPLES / "digits.npz").read_bytes()
    assert len(content) < 64 * 1024
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        digits = {name: arrays[name] for name in arrays.files}
    assert {name: (str(array.dtype), array.shape) for name, array in digits.items()} == {
        "images": ("uint8", (100, 28, 28)),
        "labels": ("uint8", (100,)),
        "probabilities": ("float32", (100, 10)),
    }
    np.testing.assert_array_equal(digits["labels"], np.repeat(np.arange(10), 10))
    assert len({image.tobytes() for image in digits["images"]}) == 100
    assert digits["images"].max() == 255
    np.testing.assert_allclose(digits["probabilities"].sum(axis=1), 1, atol=1e-6)
    assert np.count_nonzero(digits["probabilities"].argmax(axis=1) == digits["labels"]) >= 99
