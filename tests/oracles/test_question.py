"""The question's network in every form in which PyTorch and Flax save it: the totals, arrays and axes of Keras's file.

In PyTorch the network is that of its own MNIST example, with the names that everybody's files of it have, so that a
bare state dict is recognised too. A tree of Flax says the classes by the names of its modules, but neither in how many
groups a convolution works nor what is flattened in front of a Dense: there `in` is `in/groups`, and the rows are not
told apart. Under names of one's own a bare state dict cannot tell a convolution of 64 filters over 32 channels from a
transposed one in two groups, which has arrays of the same names and shapes. Its reading as a convolution is then among
those that are listed, and the arrays under it are compared.

The weights are those of `examples/mnist_cnn.keras`, arranged for each framework by hand here; the forms are written by
the frameworks themselves.
"""

from __future__ import annotations

import io
import tarfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

import weightwise
from weightwise.axes import Bound, parse
from weightwise.model import Model, Weight

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]  # PyTorch warns that its forms are old
EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist_cnn.keras"
AXES = ("kh kw in out", "out", "kh kw in out", "out", "in out", "out", "in out", "out")
"""The canonical axes of each array, in Keras's order."""
NAMES = ("conv1", "conv2", "fc1", "fc2")
"""What PyTorch's own MNIST example calls its layers."""
OWN_NAMES = ("0", "2", "6", "9")
"""What a `Sequential` without names calls them."""


@pytest.fixture(scope="module")
def arrays() -> list[numpy.ndarray]:
    return weightwise.open(EXAMPLE).get_weights()


def for_pytorch(arrays: list[numpy.ndarray], layers: Sequence[str] = NAMES) -> dict[str, Any]:
    """Return the state dict: kernels with their outputs first, and the rows of the Dense in the order c h w."""
    import torch

    flat = arrays[4].reshape(12, 12, 64, 128).transpose(3, 2, 0, 1).reshape(128, 9216)
    values = [
        arrays[0].transpose(3, 2, 0, 1),
        arrays[1],
        arrays[2].transpose(3, 2, 0, 1),
        arrays[3],
        flat,
        arrays[5],
        arrays[6].T,
        arrays[7],
    ]
    names = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    return {name: torch.from_numpy(numpy.ascontiguousarray(value)) for name, value in zip(names, values, strict=True)}


def torch_module(arrays: list[numpy.ndarray]) -> Any:
    from torch import nn

    module = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 32, 3),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 64, 3),
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            dropout1=nn.Dropout(0.25),
            flatten=nn.Flatten(),
            fc1=nn.Linear(9216, 128),
            relu3=nn.ReLU(),
            dropout2=nn.Dropout(0.5),
            fc2=nn.Linear(128, 10),
            softmax=nn.Softmax(-1),
        )
    )
    module.load_state_dict(for_pytorch(arrays))
    return module.eval()


def save_state_dict(arrays, path: Path) -> Path:
    import torch

    torch.save(for_pytorch(arrays), path)
    return path


def save_legacy(arrays, path: Path) -> Path:
    import torch

    torch.save(for_pytorch(arrays), path, _use_new_zipfile_serialization=False)
    return path


def save_checkpoint(arrays, path: Path) -> Path:
    import torch

    state = {f"module.{name}": value for name, value in for_pytorch(arrays).items()}
    torch.save({"epoch": 12, "state_dict": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3, 3)}}}}, path)
    return path


def save_module(arrays, path: Path) -> Path:
    import torch

    torch.save(torch_module(arrays), path)
    return path


def save_script(arrays, path: Path) -> Path:
    import torch

    torch.jit.script(torch_module(arrays)).save(str(path))
    return path


def save_trace(arrays, path: Path) -> Path:
    import torch

    torch.jit.trace(torch_module(arrays), torch.zeros(1, 1, 28, 28)).save(str(path))
    return path


def save_exported(arrays, path: Path) -> Path:
    import torch

    torch.export.save(torch.export.export(torch_module(arrays), (torch.zeros(2, 1, 28, 28),)), path)
    return path


def save_safetensors(arrays, path: Path) -> Path:
    from safetensors.torch import save_file

    save_file(for_pytorch(arrays), path, {"format": "pt"})
    return path


def for_flax(arrays: list[numpy.ndarray]) -> dict[str, Any]:
    """Return the variables of a linen module, whose arrays lie as Keras's do."""
    layers = ("Conv_0", "Conv_1", "Dense_0", "Dense_1")
    pairs = zip(layers, arrays[::2], arrays[1::2], strict=True)
    return {"params": {layer: {"kernel": kernel, "bias": bias} for layer, kernel, bias in pairs}}


def save_msgpack(arrays, path: Path) -> Path:
    from flax import serialization

    path.write_bytes(serialization.to_bytes(for_flax(arrays)))
    return path


def save_orbax(arrays, path: Path) -> Path:
    import orbax.checkpoint

    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(path.absolute(), for_flax(arrays))
    return path


def save_state_npz(arrays, path: Path) -> Path:
    numpy.savez(path, **{name: value.numpy() for name, value in for_pytorch(arrays).items()})
    return path


def save_npz(arrays, path: Path) -> Path:
    flat = {
        f"{layer}/{name}": value for layer, pair in for_flax(arrays)["params"].items() for name, value in pair.items()
    }
    numpy.savez(path, **flat)
    return path


FORMS: Mapping[str, tuple[str, Callable[[Any, Path], Path]]] = {
    "PyTorch state dict": ("m.pt", save_state_dict),
    "PyTorch state dict, legacy": ("m.pth", save_legacy),
    "PyTorch checkpoint of DataParallel": ("m.ckpt", save_checkpoint),
    "PyTorch module": ("m.pt", save_module),
    "TorchScript, scripted": ("m.pt", save_script),
    "TorchScript, traced": ("m.pt", save_trace),
    "ExportedProgram": ("m.pt2", save_exported),
    "safetensors": ("m.safetensors", save_safetensors),
    "Flax msgpack": ("m.msgpack", save_msgpack),
    "Orbax": ("orbax", save_orbax),
    "NumPy, from PyTorch": ("m.npz", save_state_npz),
    "NumPy, from Flax": ("m.npz", save_npz),
}
TREES = ("Flax msgpack", "Orbax", "NumPy, from Flax")
"""Forms that tell neither settings nor a graph."""


@pytest.mark.parametrize("form", FORMS)
def test_the_same_network_in_every_form(form, arrays, tmp_path):
    name, save = FORMS[form]
    model = weightwise.open(save(arrays, tmp_path / name))
    check_totals(model)
    keras = weightwise.open(EXAMPLE)
    for weight, expected, axes, same in in_keras_order(model, arrays, keras):
        assert axes_of(weight) == untold(axes_of(same)) if form in TREES else axes_of(same), weight.path
        assert weight.role == same.role
        assert numpy.array_equal(canonical(weight, axes), expected), weight.path


def test_under_names_of_ones_own_a_bare_state_dict_leaves_the_convolutions_open(arrays, tmp_path):
    import torch

    torch.save(for_pytorch(arrays, OWN_NAMES), tmp_path / "m.pt")
    model = weightwise.open(tmp_path / "m.pt")
    check_totals(model)
    assert [weight.path for weight in model.weights if weight.bound is None] == ["0/weight", "2/weight"]
    for weight, expected, axes, _ in in_keras_order(model, arrays, weightwise.open(EXAMPLE)):
        assert numpy.array_equal(canonical(weight, axes), expected), weight.path


def check_totals(model: Model) -> None:
    assert not model.problems
    assert model.parameters == 1_199_882
    assert len(model.weights) == 8


def axes_of(weight: Weight) -> dict[str, int]:
    """Return the sizes of the named axes of an array, whatever their order."""
    assert weight.bound is not None, weight.path
    return {factor.name: factor.size for factor in weight.bound.factors}


def untold(axes: dict[str, int]) -> dict[str, int]:
    """Return the axes of Keras's array as a tree tells them."""
    if "h" in axes:
        return {"in": axes["h"] * axes["w"] * axes["c"], "out": axes["out"]}
    return {"in/groups" if name == "in" and "kh" in axes else name: size for name, size in axes.items()}


def in_keras_order(model: Model, arrays: list[numpy.ndarray], keras: Model):
    """Yield each array with Keras's values, canonical axes and weight; a layer's kernel before its bias, as there."""
    kernels = [weight for weight in model.weights if len(weight.shape) > 1]
    biases = [weight for weight in model.weights if len(weight.shape) == 1]
    ordered = [weight for pair in zip(kernels, biases, strict=True) for weight in pair]
    yield from zip(ordered, arrays, AXES, keras.weights, strict=True)


def canonical(weight: Weight, axes: str) -> numpy.ndarray:
    """Return the values in Keras's axes."""
    bound = weight.bound or as_a_convolution(weight)
    if "in/groups" in bound.notation:
        axes = axes.replace("in", "in/groups")
    if "c h w" in bound.notation or (9216 in weight.shape and weight.path.startswith("6")):
        rows = bound.arrange(weight.values(), "(c h w) out" if "c h w" in bound.notation else "in out")
        return rows.reshape(64, 12, 12, 128).transpose(1, 2, 0, 3).reshape(9216, 128)
    return bound.arrange(weight.values(), "(h w c) out" if "h w c" in bound.notation else axes)


def as_a_convolution(weight: Weight) -> Bound:
    (reading,) = (reading for reading in weight.readings if reading in ("out in/groups kh kw", "kh kw in/groups out"))
    return parse(reading).bind(weight.shape)


def test_the_tar_of_the_first_pytorch_is_told_apart_from_any_other_tar(tmp_path):
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"), io.BytesIO(b""))
    with pytest.raises(weightwise.errors.FormatError):
        weightwise.open(path)
