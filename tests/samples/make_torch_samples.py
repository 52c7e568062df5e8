"""Writes the samples of PyTorch, and what PyTorch itself finds in them (`torch_facts.json`).

    python -m tests.samples.make_torch_samples

What today's PyTorch cannot write (the tar archive of 0.1, files of big-endian machines) is written here as its source
says, and counts because PyTorch itself loads it.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy
import torch
import torch.distributed.checkpoint as distributed
from torch import nn

from tests.samples import checksum

SAMPLES = Path(__file__).parent
FLOATS_8 = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")


def network() -> nn.Sequential:
    """The question's network, with sizes that all differ."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 3, (3, 2)),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(3, 5, 3, stride=(2, 1)),
            norm=nn.BatchNorm2d(5),
            pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(20, 7, bias=False),
            fc2=nn.Linear(7, 4),
        )
    )


class Gated(nn.Module):
    """A module of one's own, with what else modules keep."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = 2.5
        self.sizes = (3, 4)
        self.note = {"not": "plain"}
        self.scale = nn.Parameter(torch.arange(3.0))
        self.register_parameter("nothing", None)
        self.register_buffer("kept", torch.arange(4))
        self.register_buffer("passing", torch.arange(6.0), persistent=False)
        self.inner = nn.GRU(3, 2, num_layers=2, bidirectional=True, batch_first=True)
        self.same = self.inner


def dtypes() -> dict[str, torch.Tensor]:
    numbers = torch.tensor([[-1.5, 0.0, 3.25], [2.0, -0.125, 7.0]])
    plain = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8")
    found = {name: numbers.to(getattr(torch, name)) for name in (*plain, "uint16", "uint32", "uint64")}
    found |= {name: numbers.abs().to(getattr(torch, name)) for name in FLOATS_8}
    found |= {"bool": numbers > 0, "complex64": torch.complex(numbers, -numbers), "number": torch.tensor(5)}
    found["complex128"] = found["complex64"].to(torch.complex128)
    found["empty"] = torch.zeros(0, 3)
    found["codes8"] = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn)
    return found


def quantised() -> dict[str, torch.Tensor]:
    numbers = torch.tensor([[-1.5, 0.0, 3.25], [2.0, -0.125, 7.0]])
    whole = torch.quantize_per_tensor(numbers, 0.25, 3, torch.qint8)
    scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([1, 2])
    return {"whole": whole, "rows": torch.quantize_per_channel(numbers, scales, zeros, 0, torch.quint8)}


def strides() -> dict[str, torch.Tensor]:
    whole = torch.arange(60.0).reshape(3, 4, 5)
    return {
        "whole": whole,
        "tied": whole,
        "transposed": whole.permute(2, 0, 1),
        "rows": whole[1:],
        "column": whole[:, :, 2],
        "steps": whole.flatten()[7::3],
        "expanded": torch.arange(3.0).reshape(3, 1).expand(3, 4),
        "same_bytes": whole.view(12, 5),
        "flat_tail": whole.flatten()[58:],
    }


def checkpoint() -> dict[str, Any]:
    model = nn.DataParallel(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 5)))
    optimizer = torch.optim.Adam(model.parameters())
    model.module(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "best": torch.tensor(0.5),
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": numpy.arange(6.0).reshape(2, 3),
        "args": {"lr": 0.1, "names": ["a", "b"]},
    }


def big_endian(path: Path, saved: dict[str, torch.Tensor]) -> None:
    """Writes an archive as a big-endian machine would."""
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    sizes = {
        str(place): tensor.element_size() // (2 if tensor.is_complex() else 1)
        for place, tensor in enumerate(saved.values())
    }
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as out:
        for name in source.namelist():
            content, last = source.read(name), name.rpartition("/")[2]
            if last == "byteorder":
                content = b"big"
            if "/data/" in name:
                content = numpy.frombuffer(content, f"u{sizes[last]}").byteswap().tobytes()
            out.writestr(name, content)


def tar(path: Path) -> None:
    """Writes what PyTorch 0.1 did: two views of one storage, and a storage of its own."""
    parts: dict[str, bytes] = {}
    storages = {10: torch.arange(12, dtype=torch.float32), 11: torch.arange(4, dtype=torch.int64)}
    classes = {10: torch.FloatStorage, 11: torch.LongStorage}
    parts["storages"] = pickle.dumps(2, 2)
    for key, values in storages.items():
        parts["storages"] += pickle.dumps((key, "cpu", classes[key]), 2)
        parts["storages"] += struct.pack("<q", len(values)) + values.numpy().tobytes()
    parts["storages"] += pickle.dumps([(12, 10, 2, 8)], 2)
    views = {20: (10, (3, 4), (4, 1), 0), 21: (12, (4, 2), (1, 4), 0), 22: (11, (4,), (1,), 0)}
    parts["tensors"] = pickle.dumps(3, 2)
    for key, (storage, shape, stride, offset) in views.items():
        parts["tensors"] += pickle.dumps((key, storage, torch.FloatTensor), 2)
        numbers = (*shape, *stride, offset)
        parts["tensors"] += struct.pack(f"<ii{len(numbers)}q", len(shape), 0, *numbers)
    parts["pickle"] = references({"fc.weight": 20, "fc.view": 21, "steps": 22})
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1.5
            archive.addfile(member, io.BytesIO(content))


def references(keys: dict[str, int]) -> bytes:
    """A pickle of tensors by their keys."""

    class Reference:
        def __init__(self, key: int) -> None:
            self.key = key

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> int | None:
            return value.key if isinstance(value, Reference) else None

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump(OrderedDict((name, Reference(key)) for name, key in keys.items()))
    return buffer.getvalue()


def sharded(folder: Path) -> None:
    """Writes a state dict in two shards."""
    folder.mkdir(exist_ok=True)
    arrays = list(network().state_dict().items())
    names = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
    parts = dict(zip(names, (dict(arrays[:5]), dict(arrays[5:])), strict=True))
    for name, part in parts.items():
        torch.save(part, folder / name)
    table = {array: name for name, part in parts.items() for array in part}
    content = {"metadata": {"total_size": 1}, "weight_map": dict(sorted(table.items()))}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(content, indent=2))


def in_pieces(rank: int, folder: str, rendezvous: str) -> None:
    """Writes a checkpoint as one of two processes, each with its part of the first array."""
    import torch.distributed as processes
    from torch.distributed.tensor import Shard, distribute_tensor, init_device_mesh

    processes.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    torch.manual_seed(7)
    mesh = init_device_mesh("cpu", (2,))
    whole = torch.arange(15.0).reshape(5, 3)
    state = {"model": {"fc.weight": distribute_tensor(whole, mesh, [Shard(0)]), "fc.bias": torch.arange(5.0)}}
    distributed.save(state, checkpoint_id=folder)
    processes.destroy_process_group()


def values(tensor: torch.Tensor) -> numpy.ndarray:
    """The numbers that weightwise gives for a tensor."""
    if tensor.is_quantized:
        return tensor.int_repr().numpy()
    if tensor.dtype == torch.bfloat16 or "float8" in str(tensor.dtype):
        return tensor.to(torch.float32).numpy()
    return tensor.detach().numpy()


def fact(name: str, tensor: Any) -> dict[str, Any]:
    array = tensor if isinstance(tensor, numpy.ndarray) else values(tensor)
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {
        "path": name,
        "shape": list(tensor.shape),
        "dtype": array.dtype.name if getattr(tensor, "is_quantized", False) else dtype,
        "sha256": checksum(array),
    }


def facts(arrays: dict[str, Any]) -> list[dict[str, Any]]:
    return [fact(name, tensor) for name, tensor in arrays.items()]


def loaded(name: str) -> Any:
    return torch.load(SAMPLES / name, weights_only=False)  # our own files


def main() -> None:
    torch.manual_seed(3)
    found: dict[str, Any] = {}
    torch.save(network().state_dict(), SAMPLES / "torch_state_dict.pt")
    torch.save(network().state_dict(), SAMPLES / "torch_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(network().state_dict(), SAMPLES / "torch_protocol_4.pt", pickle_protocol=4)
    torch.save(dtypes(), SAMPLES / "torch_dtypes.pt")
    torch.save(quantised(), SAMPLES / "torch_quantised.pt")
    torch.save(strides(), SAMPLES / "torch_strides.pt")
    torch.save(strides(), SAMPLES / "torch_strides_legacy.pth", _use_new_zipfile_serialization=False)
    unsigned = ("uint16", "uint32", "uint64")  # which PyTorch itself does not turn round
    big_endian(SAMPLES / "torch_big_endian.pt", {name: t for name, t in dtypes().items() if name not in unsigned})
    tar(SAMPLES / "torch_tar.pth")
    simple = ("state_dict.pt", "legacy.pth", "protocol_4.pt", "dtypes.pt", "quantised.pt", "strides.pt")
    for name in (*simple, "strides_legacy.pth", "big_endian.pt"):
        found[f"torch_{name}"] = {"arrays": facts(loaded(f"torch_{name}"))}
    found["torch_tar.pth"] = {"arrays": facts(loaded("torch_tar.pth"))}

    torch.save([torch.arange(3.0), {"inner": (torch.ones(2, 1), 5)}], SAMPLES / "torch_list.pt")
    first, second = loaded("torch_list.pt")
    found["torch_list.pt"] = {"arrays": facts({"0": first, "1.inner.0": second["inner"][0]})}

    torch.save(checkpoint(), SAMPLES / "torch_checkpoint.ckpt")
    saved = loaded("torch_checkpoint.ckpt")
    moments = {
        f"optimizer.state.{place}.{kind}": tensor
        for place, state in saved["optimizer"]["state"].items()
        for kind, tensor in state.items()
    }
    found["torch_checkpoint.ckpt"] = {
        "arrays": facts(saved["state_dict"]),
        "optimizer": facts(moments),
        "state": facts({"best": saved["best"], "history": saved["history"]}),
    }

    torch.save(network(), SAMPLES / "torch_module.pt")
    # The legacy format keeps the source text of classes, and the path of its file.
    with mock.patch("torch.serialization.get_source_lines_and_file", lambda place: (["class A: ..."], 1, "a.py")):
        parallel = nn.DataParallel(network())
        torch.save(parallel, SAMPLES / "torch_module_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(Gated(), SAMPLES / "torch_module_own.pt")
    for name in ("torch_module.pt", "torch_module_legacy.pth", "torch_module_own.pt"):
        module = loaded(name)
        module = module.module if isinstance(module, nn.DataParallel) else module
        found[name] = {
            "arrays": facts(module.state_dict()),
            "modules": {
                key: [type(inner).__module__, type(inner).__qualname__]
                for key, inner in module.named_modules(remove_duplicate=False)
                if key
            },
        }

    sharded(SAMPLES / "torch_sharded")
    parts = [loaded(f"torch_sharded/pytorch_model-0000{number}-of-00002.bin") for number in (1, 2)]
    found["torch_sharded"] = {"arrays": facts({**parts[0], **parts[1]})}

    os.chdir(SAMPLES)  # the metadata keep the folder's path
    with tempfile.TemporaryDirectory() as rendezvous:
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.multiprocessing.spawn(in_pieces, ("torch_distributed", f"{rendezvous}/meeting"), nprocs=2)
    state = {"model": {"fc.weight": torch.zeros(5, 3), "fc.bias": torch.zeros(5)}}
    distributed.load(state, checkpoint_id="torch_distributed", no_dist=True)
    found["torch_distributed"] = {"arrays": facts(state["model"])}

    (SAMPLES / "torch_facts.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
