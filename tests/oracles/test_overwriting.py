"""Files whose arrays were overwritten are files of their frameworks, which load the new values from them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest

import weightwise
from tests.formats.test_overwriting import CHANGELESS, FILES, changes, write
from tests.samples import SAMPLES, everything
from weightwise.formats import open_stored

# Frameworks warn of one another and of NumPy's newer forms, which is not ours to mend.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

WEIGHTS_ONLY = [
    "torch_big_endian.pt",
    "torch_dtypes.pt",
    "torch_legacy.pth",
    "torch_list.pt",
    "torch_state_dict.pt",
    "torch_strides.pt",
    "torch_strides_legacy.pth",
]
"""What `torch.load` opens with `weights_only`."""
WHOLE = ["torch_checkpoint.ckpt", "torch_protocol_4.pt"]
"""What it opens without, as these files of our own may be."""
PACKED = "_packed_params"
"""What TorchScript does not list in a state dict."""
OF_NUMPY = [name for name in FILES if name.startswith("numpy_")]
IN_NO_RUN = {"numpy_fortran.npy", "numpy_objects.npy", "numpy_packed.npz"}
"""Files none of whose arrays can be overwritten."""
HDF5 = [name for name in FILES if name.endswith((".h5", ".keras")) and name not in CHANGELESS]
KERAS = [
    name
    for sample in (
        *("cnn", "recurrent", "nested", "residual", "twice", "norms"),
        *("convolutions", "attention", "embedding", "many_ends", "normalization"),
    )
    for name in (f"keras3_{sample}.keras", f"keras3_{sample}.h5")
    if name in FILES
]


def overwritten(name: str, folder: Path) -> tuple[Path, dict[str, numpy.ndarray]]:
    """Return a sample whose arrays have other values, and these."""
    model = open_stored(SAMPLES / name)
    values = changes(model)
    assert values
    write(model, folder / name, values)
    return folder / name, values


def flat(value: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the arrays in dictionaries and lists by their paths, with dots."""
    if isinstance(value, Mapping):
        inside = [flat(inner, (*path, str(key))) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        inside = [flat(inner, (*path, str(place))) for place, inner in enumerate(value)]
    else:
        return {".".join(path): value} if hasattr(value, "shape") and hasattr(value, "dtype") else {}
    return {name: array for found in inside for name, array in found.items()}


def check_tensors(found: dict[str, Any], values: dict[str, numpy.ndarray]) -> None:
    """Check that each new value is that of the tensor of its name."""
    import torch

    compared = 0
    for path, expected in values.items():
        names = [name for name in found if f".{name}".endswith(f".{path.strip('[]')}")]
        for tensor in (found[name] for name in names[:1]):
            plain = tensor.int_repr() if tensor.is_quantized else tensor
            wide = plain if str(plain.dtype)[6:] in (expected.dtype.name, "bool") else plain.to(torch.float32)
            numpy.testing.assert_array_equal(wide.detach().numpy().astype(expected.dtype), expected, err_msg=path)
            compared += 1
    assert compared == len(values)


@pytest.mark.parametrize("name", WEIGHTS_ONLY + WHOLE)
def test_torch_loads_the_new_values(tmp_path, name):
    import torch

    path, values = overwritten(name, tmp_path)
    check_tensors(flat(torch.load(path, weights_only=name in WEIGHTS_ONLY)), values)


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("torchscript")])
def test_torchscript_loads_the_new_values(tmp_path, name):
    import torch

    path, values = overwritten(name, tmp_path)
    module = torch.jit.load(path)
    found = {**module.state_dict(), **dict(module.named_buffers()), **module.code_with_constants[1].const_mapping}
    found |= {"note": module.note} if hasattr(module, "note") else {}  # a tensor that is an attribute
    listed = [name for name in values if PACKED not in name]
    check_tensors(found, {name.removeprefix("CONSTANTS."): values[name] for name in listed})


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".pt2")])
def test_exported_programs_load_the_new_values(tmp_path, name):
    import torch

    path, values = overwritten(name, tmp_path)
    program = torch.export.load(path)
    check_tensors({**program.state_dict, **program.constants}, values)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".safetensors")])
def test_safetensors_loads_the_new_values(tmp_path, name):
    from safetensors.torch import load_file

    path, values = overwritten(name, tmp_path)
    check_tensors(load_file(path), values)


@pytest.mark.parametrize("name", [name for name in OF_NUMPY if name not in IN_NO_RUN])
def test_numpy_loads_the_new_values(tmp_path, name):
    path, values = overwritten(name, tmp_path)
    loaded = numpy.load(path, allow_pickle=True)
    found = dict(loaded) if name.endswith(".npz") else {Path(name).stem: loaded}
    for array, expected in values.items():
        bits = found[array].dtype.kind == "V"
        codes = (found[array].view("uint16").astype("uint32") << 16).view("float32") if bits else found[array]
        numpy.testing.assert_array_equal(codes.reshape(expected.shape), expected)


@pytest.mark.parametrize("name", ["flax_parameters.msgpack", "flax_variables.msgpack", "flax_dtypes.msgpack"])
def test_flax_loads_the_new_values(tmp_path, name):
    from flax.serialization import msgpack_restore

    path, values = overwritten(name, tmp_path)
    found = flat(msgpack_restore(path.read_bytes()))
    for array, expected in values.items():
        numpy.testing.assert_array_equal(found[array.replace("/", ".")].astype(expected.dtype), expected, err_msg=array)


@pytest.mark.parametrize("name", HDF5)
def test_the_hdf5_library_reads_the_new_values(tmp_path, name):
    import h5py

    path, values = overwritten(name, tmp_path)
    data = zipfile.ZipFile(path).read("model.weights.h5") if name.endswith(".keras") else path.read_bytes()
    with h5py.File(io.BytesIO(data), "r") as file:
        names: list[str] = []
        file.visit(names.append)
        for array, expected in values.items():
            (place,) = [inner for inner in names if inner == array or inner.endswith(f"weights/{array}")]
            found = file[place][()]
            bits = found.dtype.kind == "V"
            codes = (found.view("uint16").astype("uint32") << 16).view("float32") if bits else found
            numpy.testing.assert_array_equal(codes.reshape(expected.shape), expected)


@pytest.mark.parametrize("name", KERAS)
def test_keras_loads_the_new_values(tmp_path, name):
    import keras

    path, values = overwritten(name, tmp_path)
    loaded = keras.models.load_model(path, compile=False).get_weights()
    ours = weightwise.open(path)
    assert {weight.stored.path for weight in ours.weights} <= set(values)
    for weight, array in zip(ours.weights, loaded, strict=True):
        numpy.testing.assert_array_equal(array, values[weight.stored.path])
    assert {array.path for array in everything(ours.stored)} == set(values)
