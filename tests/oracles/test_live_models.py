"""A model in memory is named as the file that it is saved to, and its arrays are the framework's, in its order."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from math import prod
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

import weightwise
from tests.samples import FACTS
from weightwise.errors import UnsupportedError
from weightwise.model import Evidence, Model

ROOT = Path(__file__).parents[2]

# Frameworks warn of one another and of NumPy's newer forms, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

ENDINGS = {"keras3": ".keras", "keras2": ".h5"}
SAMPLES = [
    name
    for name, facts in FACTS.items()
    if not name.endswith("_split") and any(file == f"{name}{ENDINGS.get(name[:6])}" for file in facts["files"])
]
OWN = {"custom", "subclassed"}
"""Samples with classes of their own: a model in memory tells what is in these, and a file does not."""


@pytest.fixture(scope="module")
def real() -> ModuleType:
    """Return models of real frameworks, which nobody imports who runs other tests."""
    return importlib.import_module("tests.oracles.live_examples")


def told(model: Model) -> list[tuple]:
    """Return what is told of each array, but for where it lies."""
    return [
        (weight.index, weight.path, weight.role, weight.bound and str(weight.bound), weight.evidence, weight.trainable)
        for weight in model.weights
    ]


def told_of_layers(model: Model) -> list[tuple]:
    """Return what is told of each layer."""
    return [
        (layer.name, layer.class_name, str(layer.operation), layer.inputs, layer.call_outputs, layer.trainable)
        for layer in model.walk()
    ]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_model_of_keras_is_told_as_its_file(real, sample, tmp_path):
    generation, _, name = sample.partition("_")
    k = real.keras if generation == "keras3" else real.samples.tf_keras
    k.backend.clear_session()
    model = getattr(real.samples, name)(k)
    if name != "quantized":
        real.samples.fill(model)
    live = weightwise.open(model)
    assert live.problems == ()
    for weight, array in zip(live.weights, model.get_weights(), strict=True):
        numpy.testing.assert_array_equal(weight.values(), array.astype(weight.values().dtype))
    assert live.parameters == model.count_params()
    if name in OWN:
        return
    path = tmp_path / f"model{ENDINGS[generation]}"
    real.samples.write(k, model, path)
    file = weightwise.open(path)
    assert told(live) == told(file)
    assert told_of_layers(live) == told_of_layers(file)


LAYERS = [
    # framework, backend, layers at least, what is not told, and why
    ("keras", "torch", 600, ()),
    ("keras", "jax", 30, ()),
    ("keras2", "tensorflow", 500, ()),
    ("pytorch", "", 500, ()),
    ("flax", "", 250, ("linen BatchNorm along two axes",)),  # which axes these are, only an input tells
]


@pytest.mark.parametrize(("framework", "backend", "least", "open_ones"), LAYERS)
def test_every_layer_of_the_proofs_is_told_in_memory(framework, backend, least, open_ones):
    command = [sys.executable, "-W", "ignore", "-m", "tests.oracles.live_layers", framework]
    environment = {**os.environ, "KERAS_BACKEND": backend or "jax", "JAX_ENABLE_X64": "1"}
    output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(output.splitlines()[-1])
    assert found["layers"] > least < found["arrays"] or backend == "jax"
    assert [sentence for sentence in found["wrong"] if not sentence.startswith(open_ones or "-")] == []


@pytest.mark.parametrize("sample", sorted(OWN))
def test_what_is_in_the_classes_of_others_is_told(real, sample):
    model = getattr(real.samples, sample)(real.keras)
    live = weightwise.open(model)
    layers = [layer for layer in live.walk() if not layer.is_model]
    assert {layer.class_name for layer in layers} <= {"Gate", "Dense", "Conv1D"}
    unknown = {weight.layer for weight in live.weights if weight.evidence is Evidence.UNKNOWN}
    assert unknown == {layer.name for layer in layers if layer.class_name == "Gate"}


def test_the_variables_of_a_model_itself_have_their_place(real):
    model = real.Own()
    model(numpy.ones((2, 5)))
    live = weightwise.open(model)
    assert [weight.path for weight in live.weights] == ["scale", "fc/kernel", "fc/bias", "fc_/kernel", "fc_/bias"]
    for weight, array in zip(live.weights, model.get_weights(), strict=True):
        numpy.testing.assert_array_equal(weight.values(), array)


def test_what_is_trained_is_what_the_model_says_now(real):
    model = real.samples.cnn(real.keras)
    model.get_layer("dense_1").enable_lora(3)
    model.get_layer("conv2d_2").trainable = False
    live = weightwise.open(model)
    trained = {id(variable) for variable in model.trainable_weights}
    assert [weight.trainable for weight in live.weights] == [id(variable) in trained for variable in model.weights]
    assert live["dense_1"]["lora_kernel_a"].bound.text() == "(h 3 · w 2 · c 5) · rank 3"
    assert live.trainable_parameters == sum(prod(variable.shape) for variable in model.trainable_weights)


def test_optimizer_and_seeds_are_apart(real):
    model = real.samples.compiled(real.keras)
    real.samples.train_one_step(model)
    live = weightwise.open(model)
    assert len(live.stored.optimizer) == len(model.optimizer.variables)
    assert len(live.stored.state) == len(model.variables) - len(model.weights)


def test_a_layer_that_is_not_built_says_so(real):
    live = weightwise.open(real.keras.layers.Dense(4, name="late"))
    assert live.weights == ()
    assert live.stored.remarks == ("late is not built, so it has no arrays yet: call it on an input first",)


@pytest.fixture
def network(real) -> Any:
    module = real.Network()
    module.head.weight.requires_grad_(False)
    return module


def check_state(live: Model, module: Any) -> None:
    """Check the arrays' order, names, values and trainability against PyTorch's own."""
    state = module.state_dict(keep_vars=True)
    assert [weight.stored.path for weight in live.weights] == list(state)
    for weight, tensor in zip(live.weights, state.values(), strict=True):
        numpy.testing.assert_array_equal(weight.values(), tensor.detach().float().numpy())
        assert (weight.shape, weight.trainable) == (tuple(tensor.shape), tensor.requires_grad)


def test_a_module_of_pytorch_is_told_as_its_file(real, network, tmp_path):
    real.torch.save(network, tmp_path / "network.pt")
    live, file = weightwise.open(network), weightwise.open(tmp_path / "network.pt")
    check_state(live, network)
    assert live.problems == file.problems == ()
    assert [one[:-1] for one in told(live)] == [one[:-1] for one in told(file)]
    assert told_of_layers(live) == told_of_layers(file)
    assert [weight.path for weight in live.weights if weight.stored.tied] == ["tied/weight"]
    assert [weight.path for weight in live.weights if weight.evidence is Evidence.UNKNOWN] == ["gain"]


def test_a_state_dict_of_pytorch_is_told_as_its_file(real, network, tmp_path):
    real.torch.save(network.state_dict(), tmp_path / "network.pt")
    live, file = weightwise.open(network.state_dict()), weightwise.open(tmp_path / "network.pt")
    assert told(live) == told(file)
    assert [weight.stored.tied for weight in live.weights] == [weight.stored.tied for weight in file.weights]


@pytest.mark.parametrize("wrapper", ["nn.DataParallel", "compile", "optim.swa_utils.AveragedModel"])
def test_wrappers_around_a_module_are_taken_off(real, network, wrapper):
    live = weightwise.open(attrgetter(wrapper)(real.torch)(network))
    assert told(live) == told(weightwise.open(network))
    assert len(live.stored.remarks) == 1


def test_a_wrapper_inside_a_module_is_taken_off(real, network):
    network.head = real.torch.compile(network.head)
    live = weightwise.open(network)
    assert live["head"].class_name == "Linear"
    assert live["head"]["weight"].evidence is Evidence.DECLARED


def test_parametrized_modules_have_the_class_that_they_had(real):
    module = real.torch.nn.Sequential(real.torch.nn.utils.parametrizations.weight_norm(real.torch.nn.Linear(3, 2)))
    layer = weightwise.open(module)["0"]
    assert layer.class_name == "Linear"
    assert {weight.name for weight in layer.weights} == {
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    }


def test_a_scripted_module_is_told_by_its_names(real):
    live = weightwise.open(real.torch.jit.script(real.torch.nn.Sequential(real.torch.nn.Linear(3, 2))))
    assert live["0"]["weight"].evidence is Evidence.INFERRED


def test_tensors_without_values_have_shapes(real):
    weight = weightwise.open(real.torch.nn.Linear(3, 2, device="meta"))["Linear"]["weight"]
    assert weight.bound.text() == "out 2 · in 3"
    with pytest.raises(UnsupportedError, match="it is on PyTorch's device meta"):
        weight.values()


@pytest.fixture(scope="module")
def bound(real) -> Any:
    module, x = real.Linen(), real.jax.numpy.ones((2, 8, 7, 3))
    return module.bind(module.init(real.jax.random.key(0), x))


def check_tree(live: Model, leaves: Sequence[Any]) -> None:
    """Check the arrays' order and values against JAX's own."""
    for weight, array in zip(live.weights, leaves, strict=True):
        numpy.testing.assert_array_equal(weight.values(), array)


def test_a_module_of_linen_that_was_called_tells_all_classes(real, bound):
    bound(real.jax.numpy.ones((2, 8, 7, 3)))
    live = weightwise.open(bound)
    check_tree(live, real.jax.tree.leaves(bound.variables))
    assert {weight.evidence for weight in live.weights} == {Evidence.DECLARED}
    assert {layer.name: layer.class_name for layer in live.layers} == {
        "block/Conv_0": "Conv",
        "block/norm": "BatchNorm",
        "dense_0": "Dense",
        "dense_1": "Dense",
        "heads": "MultiHeadDotProductAttention",
    }
    assert [weight.path for weight in live.weights if not weight.trainable] == ["block/norm/mean", "block/norm/var"]


def test_variables_of_linen_are_told_by_their_names(real, bound):
    names, pair = weightwise.open(bound.variables), weightwise.open((real.Linen(), bound.variables))
    check_tree(names, real.jax.tree.leaves(bound.variables))
    assert [weight.path for weight in names.weights] == [weight.path for weight in pair.weights]
    assert Evidence.DECLARED not in {weight.evidence for weight in names.weights}
    alone = real.linen.Dense(3)
    live = weightwise.open((alone, alone.init(real.jax.random.key(0), real.jax.numpy.ones((1, 2)))))
    assert live["Dense"]["kernel"].evidence is Evidence.DECLARED


def test_a_module_of_nnx_tells_its_classes(real):
    module = real.Nnx(real.nnx.Rngs(0))
    live = weightwise.open(module)
    state = real.nnx.state(module, real.nnx.Not(real.nnx.RngState))
    check_tree(live, real.jax.tree.leaves(state))
    assert [weight.path for weight in live.weights if weight.evidence is not Evidence.DECLARED] == ["gain"]
    assert live["blocks/1"]["kernel"].bound.text() == "in 6 · out 6"
    assert live["drop"].operation is not None
    assert len(live.stored.state) == len(real.jax.tree.leaves(real.nnx.state(module, real.nnx.RngState)))
    names = weightwise.open(real.nnx.state(module))
    check_tree(names, real.jax.tree.leaves(state))
    assert Evidence.DECLARED not in {weight.evidence for weight in names.weights}
