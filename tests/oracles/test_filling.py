"""Models of real frameworks are filled, and have the values: all, or none when one does not fit."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

import weightwise
from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import read_as
from weightwise.live.filling import fill

ROOT = Path(__file__).parents[2]

# Frameworks warn of one another and of NumPy's newer forms, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def real() -> ModuleType:
    """Return models of real frameworks, which nobody imports who runs other tests."""
    return importlib.import_module("tests.oracles.live_examples")


def random_values(thing: Any, seed: int = 0) -> dict[str, numpy.ndarray]:
    """Return other values for all weights of a model, in the dtypes in which they are read."""
    generator = numpy.random.default_rng(seed)
    arrays = [weight.stored for weight in weightwise.open(thing).weights if not weight.stored.tied]
    return {
        array.path: numpy.array(3 * generator.normal(size=array.shape)).astype(read_as(array.dtype)) for array in arrays
    }


def check_nothing_is_filled_in_part(thing: Any, values: dict[str, numpy.ndarray]) -> None:
    """Check that one shape that does not fit, the last, keeps all arrays as they are."""
    before = [weight.values() for weight in weightwise.open(thing).weights]
    *_, last = values
    with pytest.raises(UnsupportedError, match="has the shape"):
        fill(thing, {**values, last: numpy.zeros((99, 98), "float32")})
    for was, weight in zip(before, weightwise.open(thing).weights, strict=True):
        numpy.testing.assert_array_equal(weight.values(), was)


@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow", "keras2"])
def test_a_model_of_keras(backend):
    command = [sys.executable, "-W", "ignore", "-m", "tests.oracles.filled_keras", backend]
    environment = {**os.environ, "KERAS_BACKEND": backend.replace("keras2", "tensorflow")}
    output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert output.splitlines()[-1] == "filled 21"


def test_a_convnext_is_filled_by_the_file_of_another(real, tmp_path):
    convnext = importlib.import_module("keras.src.applications.convnext").ConvNeXt
    settings = {"depths": (1, 1, 1, 1), "projection_dims": (6, 8, 9, 7), "input_shape": (32, 35, 3), "classes": 7}
    one, other = convnext(**settings), convnext(**settings)
    one.set_weights(list(random_values(one).values()))
    one.save(tmp_path / "one.keras")
    assert not any(weight.bound is None for weight in weightwise.open(other).weights)
    weightwise.port(tmp_path / "one.keras", into=other)
    for ours, theirs in zip(other.get_weights(), one.get_weights(), strict=True):
        numpy.testing.assert_array_equal(ours, theirs)


def test_a_module_of_pytorch(real):
    torch = real.torch
    module = real.Network()
    module.gain.requires_grad_(False)
    pointers = {name: tensor.data_ptr() for name, tensor in module.state_dict().items()}
    values = random_values(module)
    check_nothing_is_filled_in_part(module, values)
    fill(module, values)
    state = module.state_dict(keep_vars=True)
    assert set(state) - set(values) == {"tied.weight"}
    for name, expected in values.items():
        wanted = torch.tensor(expected).to(state[name].dtype)
        assert torch.equal(state[name].detach(), wanted), name
    assert torch.equal(state["tied.weight"], state["tail.weight"])
    assert {name: tensor.data_ptr() for name, tensor in module.state_dict().items()} == pointers
    assert [name for name, tensor in module.named_parameters() if not tensor.requires_grad] == ["gain"]
    assert state["body.1.num_batches_tracked"].dtype == torch.int64
    for array in values.values():
        array[...] = 0
    assert state["gain"].any()


def test_tied_tensors_of_pytorch(real):
    module = real.Network()
    values = numpy.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    fill(module, {"tied.weight": values})
    assert real.torch.equal(module.tail.weight, real.torch.tensor(values))
    assert module.tail.weight is module.tied.weight
    with pytest.raises(UnsupportedError, match=r"tail\.weight and tied\.weight are tied, and cannot get"):
        fill(module, {"tail.weight": values + 1, "tied.weight": values})
    assert real.torch.equal(module.tail.weight, real.torch.tensor(values))


def test_a_state_dict_and_wrapped_modules_of_pytorch(real):
    module = real.Network()
    values = random_values(module)
    fill(module.state_dict(), values)
    assert real.torch.equal(module.gain, real.torch.tensor(values["gain"]))
    module = real.torch.nn.DataParallel(real.Network())
    fill(module, values)
    assert real.torch.equal(module.module.gain, real.torch.tensor(values["gain"]))


def test_modules_of_every_dtype_of_pytorch(real):
    torch = real.torch
    floats = ("float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128")
    whole = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")
    module = torch.nn.Module()
    for name in floats + whole:
        module.register_buffer(f"of_{name}", torch.zeros((3, 5), dtype=getattr(torch, name)))
    values = {name: numpy.abs(array.real).astype(array.dtype) for name, array in random_values(module).items()}
    fill(module, values)
    for name, tensor in module.state_dict().items():
        wide = torch.complex128 if tensor.is_complex() else torch.float64
        assert torch.equal(tensor.to(wide), torch.tensor(values[name]).to(tensor.dtype).to(wide)), name
        assert tensor.to(wide).abs().sum() > 1


def test_layouts_of_pytorch_are_kept(real):
    torch = real.torch
    module = torch.nn.Conv2d(3, 5, (2, 4)).to(memory_format=torch.channels_last)
    strides = module.weight.stride()
    values = random_values(module)
    fill(module, values)
    assert module.weight.stride() == strides != torch.empty((5, 3, 2, 4)).stride()
    assert torch.equal(module.weight, torch.tensor(values["weight"]))


def test_parametrized_modules_of_pytorch(real):
    module = real.torch.nn.utils.parametrizations.weight_norm(real.torch.nn.Linear(3, 2))
    values = random_values(module)
    fill(module, values)
    for name, tensor in module.state_dict().items():
        assert real.torch.equal(tensor, real.torch.tensor(values[name]))


def strange(torch: Any) -> dict[str, tuple[Any, str]]:
    """Return tensors that cannot be filled, and why."""
    with torch.inference_mode():
        inferred = torch.zeros((3, 5))
    return {
        "meta": (torch.zeros((3, 5), device="meta"), "it is on PyTorch's device meta"),
        "expanded": (torch.zeros((3, 1)).expand(3, 5), r"several of its values are one in memory, .*clone\(\)"),
        "sparse": (torch.zeros((3, 5)).to_sparse(), "it is quantised or sparse"),
        "quantised": (torch.quantize_per_tensor(torch.zeros((3, 5)), 0.5, 3, torch.qint8), "it is quantised or sparse"),
        "inferred": (inferred, "it was made in inference mode"),
    }


@pytest.mark.parametrize("name", ["meta", "expanded", "sparse", "quantised", "inferred"])
def test_tensors_that_cannot_be_filled(real, name):
    tensor, why = strange(real.torch)[name]
    module = real.torch.nn.Linear(3, 2)
    before = module.weight.detach().clone()
    module.register_buffer("last", tensor)
    with pytest.raises(UnsupportedError, match=f"last cannot be filled: {why}"):
        fill(module, {"weight": numpy.ones((2, 3)), "last": numpy.ones((3, 5), "int8")})
    assert real.torch.equal(module.weight, before)


def test_a_module_of_nnx(real):
    module = real.Nnx(real.nnx.Rngs(0))
    values = random_values(module)
    check_nothing_is_filled_in_part(module, values)
    fill(module, values)
    state = {"/".join(map(str, path)): variable for path, variable in real.nnx.to_flat_state(real.nnx.state(module))}
    for path, expected in values.items():
        numpy.testing.assert_array_equal(state[path][...], expected)
        assert isinstance(state[path][...], real.jax.Array)
    numpy.testing.assert_array_equal(module.conv.kernel[...], values["conv/kernel"])
    assert module.again.kernel is module.blocks[0].kernel
    gain = values["gain"].copy()
    values["gain"][...] = 0
    numpy.testing.assert_array_equal(module.gain[...], gain)


def test_a_state_of_nnx(real):
    module = real.Nnx(real.nnx.Rngs(0))
    state = real.nnx.state(module)
    values = random_values(state)
    fill(state, values)
    real.nnx.update(module, state)
    numpy.testing.assert_array_equal(module.conv.kernel[...], values["conv/kernel"])


def test_low_precision_of_nnx(real):
    module = real.nnx.Linear(3, 5, rngs=real.nnx.Rngs(0), param_dtype=real.jax.numpy.bfloat16)
    values = random_values(module)
    fill(module, values)
    assert module.kernel[...].dtype == "bfloat16"
    expected = real.jax.numpy.asarray(values["kernel"]).astype("bfloat16")
    numpy.testing.assert_array_equal(module.kernel[...], expected)


@pytest.fixture
def variables(real) -> dict[str, Any]:
    return real.Linen().init(real.jax.random.key(0), real.jax.numpy.ones((2, 8, 7, 3)))


def check_variables(real: ModuleType, variables: Any, values: dict[str, numpy.ndarray]) -> None:
    """Check that nested dictionaries have the values, and that the module takes them."""
    for path, expected in values.items():
        found = variables
        for key in path.split("/"):
            found = found[key]
        assert isinstance(found, real.jax.Array)
        numpy.testing.assert_array_equal(found, expected)
    real.Linen().apply(variables, real.jax.numpy.ones((2, 8, 7, 3)))


def test_variables_of_linen_are_replaced_in_their_dictionaries(real, variables):
    inner = variables["params"]["block"]["Conv_0"]
    values = random_values(variables)
    check_nothing_is_filled_in_part(variables, values)
    fill(variables, values)
    check_variables(real, variables, values)
    assert variables["params"]["block"]["Conv_0"] is inner
    assert len(values) == len(real.jax.tree.leaves(variables))


def test_a_pair_of_a_module_of_linen_and_its_variables(real, variables):
    pair = (real.Linen(), variables)
    values = random_values(pair)
    fill(pair, values)
    check_variables(real, variables, values)


def test_a_module_of_linen_that_is_bound(real, variables):
    bound = real.Linen().bind(variables)
    values = random_values(bound)
    with pytest.raises(UnsupportedError, match=r"a module of linen is bound to it, .*: give the dictionary"):
        fill(bound, values)


def test_frozen_variables_of_linen(real, variables):
    from flax.core import freeze

    frozen = freeze(variables)
    values = random_values(frozen)
    for thing in (frozen, (real.Linen(), frozen)):
        with pytest.raises(UnsupportedError, match=r"it stands in a FrozenDict, which cannot be changed: give it"):
            fill(thing, values)


def test_boxes_of_linen_stay(real):
    from flax.linen import Dense, Partitioned, initializers, with_partitioning

    module = Dense(5, kernel_init=with_partitioning(initializers.lecun_normal(), ("in", "out")))
    variables = module.init(real.jax.random.key(0), real.jax.numpy.ones((2, 3)))
    for thing in (variables, (module, variables)):
        values = random_values(thing)
        fill(thing, values)
        box = variables["params"]["kernel"]
        assert isinstance(box, Partitioned)
        assert box.names == ("in", "out")
        numpy.testing.assert_array_equal(box.value, next(v for v in values.values() if v.shape == (3, 5)))


def test_arrays_of_jax_keep_their_devices_and_are_nobody_elses(real):
    tree = {"params": {"w": real.jax.numpy.zeros((3, 5), "bfloat16")}}
    values = numpy.arange(15, dtype="float32").reshape(3, 5)
    sharding = tree["params"]["w"].sharding
    fill(tree, {"params/w": values})
    values[...] = 0
    assert tree["params"]["w"].sharding == sharding
    numpy.testing.assert_array_equal(tree["params"]["w"].astype("float32"), numpy.arange(15).reshape(3, 5))


def test_tensors_of_tensorflow_are_refused(real):
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is an extra (oracles)")
    with pytest.raises(UnsupportedError, match="it is a EagerTensor, whose values only its own package can set"):
        fill({"w": tensorflow.zeros((3, 5))}, {"w": numpy.ones((3, 5))})
