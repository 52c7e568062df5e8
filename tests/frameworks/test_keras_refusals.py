"""What Keras is never given, found from the configuration alone; no Keras is needed to refuse."""

from __future__ import annotations

import sys

import pytest

from weightwise.errors import UnsupportedError
from weightwise.frameworks import keras, runner
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor


def model_of(layer: StoredLayer, framework: str = "Keras"):
    entry = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 3]}, calls=(Call(()),))
    root = StoredLayer("model", "Functional", {}, layers=(entry, layer), inputs=(Tensor("entry"),))
    return named(StoredModel("model.keras", "Keras 3 archive (.keras)", framework, "3.15.1", root, Addressing.PATH))


def nested(module: str, class_name: str) -> StoredLayer:
    """Return a layer with a value in its configuration that names a class of a module."""
    value = {"module": module, "class_name": class_name, "config": {}}
    return StoredLayer("dense", "Dense", {"wrapped": [{"activation": value}]}, "keras.layers")


@pytest.mark.parametrize(
    "layer",
    [
        StoredLayer("dense", "Lambda", {}, "keras.layers"),
        StoredLayer("dense", "Gate", {}, "my_package"),
        StoredLayer("dense", "TFSMLayer", {"filepath": "elsewhere"}, "keras.layers"),
        nested("", "__lambda__"),
        nested("", "__typespec__"),
        nested("builtins", "eval"),
        nested("os", "system"),
        nested("keras.utils", "get_file"),
        nested("keras.src.utils.file_utils", "get_file"),
        nested("keras.saving", "load_model"),
        nested("keras.src.applications.convnext", "ConvNeXtTiny"),
        nested("tensorflow.io", "write_file"),
        nested("tf_keras.src.engine.data_adapter", "DataHandler"),
        nested("kerasx.layers", "Dense"),
    ],
)
def test_what_is_or_may_be_a_program_is_refused(layer):
    with pytest.raises(UnsupportedError, match=r"^dense: it names .*, which is or may be a program, so Keras is not"):
        list(keras.outputs(model_of(layer), [], "float64"))


@pytest.mark.parametrize(
    "layer",
    [
        StoredLayer("dense", "Dense", {}, "keras.layers"),
        StoredLayer("dense", "Add", {}, "keras.src.ops.numpy"),
        StoredLayer("dense", "LayerScale", {}, "keras.src.applications.convnext"),
        StoredLayer("dense", "Dense", {}),
        nested("keras.initializers", "GlorotUniform"),
        nested("keras", "DTypePolicy"),
        StoredLayer("dense", "Functional", {}, "tf_keras.src.engine.functional"),
        nested("builtins", "function"),
    ],
)
def test_what_only_computes_is_not(layer):
    keras._check(layer)


def test_a_model_of_no_framework_cannot_be_asked_about():
    model = model_of(StoredLayer("dense", "Dense", {}), framework="")
    with pytest.raises(UnsupportedError, match="does not say which framework"):
        runner(model)


def test_a_framework_that_is_not_installed_is_said_so(monkeypatch):
    monkeypatch.setattr("weightwise.frameworks._present", lambda package: package.startswith("weightwise"))
    with pytest.raises(UnsupportedError, match=r"^Keras is not installed \(pip install keras"):
        runner(model_of(StoredLayer("dense", "Dense", {})))


def test_what_a_framework_raises_becomes_one_sentence(monkeypatch):
    class Module:
        @staticmethod
        def outputs(model, inputs, dtype):
            raise RuntimeError("no kernel\nfor this")
            yield

    from weightwise.frameworks import Runner

    asked = Runner("Keras 3.15.1", Module, model_of(StoredLayer("dense", "Dense", {})))
    with pytest.raises(UnsupportedError, match=r"^Keras 3.15.1 does not compute it \(RuntimeError: no kernel\)$"):
        list(asked.outputs([], "float64"))


def test_keras_is_not_imported_to_refuse():
    import subprocess

    code = "import sys, weightwise.frameworks.keras, weightwise.answers.proving; print('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
