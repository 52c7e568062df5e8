"""Writes TorchScript archives and exported programs, and what PyTorch itself finds in them (`torchscript_facts.json`).

    PYTHONHASHSEED=0 python -m tests.samples.make_torchscript_samples

Traces of where the code came from are left out, since they name places on the machine. What today's PyTorch no longer
writes (exported programs of before 2.8) is put together here from its parts, and counts because PyTorch loads it.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import nn
from torch._export.serde.serialize import serialize
from torch.nn import functional

from tests.samples.array_fact import fact
from tests.samples.torch_graphs import Attentive, Branching, Skipping

SAMPLES = Path(__file__).parent
DATE = (1980, 1, 1, 0, 0, 0)


class Pictures(nn.Module):
    """The question's network, with sizes that all differ, settings that matter, and operators without a module."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 3, (3, 5), padding=(1, 0)),
            nn.BatchNorm2d(3, eps=1e-3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 6, 3, groups=3, stride=(2, 1), bias=False),
            nn.Dropout(0.2),
        )
        self.up = nn.ConvTranspose2d(6, 4, (2, 3), stride=2, output_padding=1)
        self.flatten = nn.Flatten()
        self.first = nn.Linear(168, 7)
        self.second = nn.Linear(7, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.leaky_relu(self.up(self.features(x)), 0.1)
        x = torch.tanh(self.first(self.flatten(x)))
        return self.second(x)


class Rows(nn.Module):
    """Recurrent modules, an operator on parameters of the module's own, a module that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 5)
        self.both = nn.LSTM(5, 4, num_layers=2, batch_first=True, bidirectional=True)
        self.gated = nn.GRU(8, 3, batch_first=True)
        self.norm = nn.LayerNorm(3)
        self.act = nn.GELU()
        self.register_buffer("passing", torch.arange(2.0), persistent=False)
        self.register_buffer("kept", torch.arange(3.0))
        self.note = torch.arange(4.0)
        self.out = nn.Linear(3, 2)
        self.own = nn.Parameter(torch.randn(6, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.both(self.words(x))
        x, _ = self.gated(x)
        x = self.act(self.out(self.act(self.norm(x))))
        x = functional.linear(x, self.own)
        return x.reshape(x.size(0), -1)


class Branches(nn.Module):
    """Modules over one axis, and branches that depend on the input."""

    def __init__(self) -> None:
        super().__init__()
        self.reflected = nn.Conv1d(3, 4, 5, padding=2, padding_mode="reflect")
        self.same = nn.Conv1d(4, 6, 3, padding="same", dilation=2)
        self.batch = nn.BatchNorm1d(6)
        self.group = nn.GroupNorm(2, 6)
        self.instance = nn.InstanceNorm1d(6, affine=True)
        self.slope = nn.PReLU(6)
        self.up = nn.ConvTranspose1d(6, 4, 4, stride=2, padding=1, groups=2)
        self.cell = nn.LSTMCell(4, 2)
        self.register_buffer("window", torch.hann_window(9).reshape(1, 1, 9))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.same(self.reflected(x))
        x = self.slope(self.instance(self.group(self.batch(x))))
        x = self.up(x)
        x, _ = self.cell(functional.avg_pool1d(x, 20).squeeze(-1))
        return functional.conv1d(x.unsqueeze(1), self.window, padding=4)


class Choosing(nn.Module):
    """A branch that only running decides, around modules that one of the two has; one module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.small = nn.Linear(5, 3)
        self.large = nn.Linear(5, 3, bias=False)
        self.last = nn.Linear(3, 4)
        self.again = self.large
        self.scale = nn.Parameter(torch.tensor([0.5, 2.0, 1.5, 3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 1:
            y = self.small(x)
        else:
            y = self.large(x)
        return self.last(y + self.again(x)) * self.scale


class Attending(nn.Module):
    """Attention, alone and in a layer of a transformer, and recurrent modules that are given their first state."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(6, 3, 10, batch_first=True)
        self.first = nn.Linear(6, 4, bias=False)
        self.rows = nn.GRU(6, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.attention(x, x, x)
        state = torch.tanh(self.first(x[:, 0])).unsqueeze(0)
        return self.rows(self.encoder(y), state)[0]


def example(*shape: int) -> torch.Tensor:
    """Return values that are the same everywhere."""
    return torch.cos(torch.arange(int(numpy.prod(shape)), dtype=torch.float64)).reshape(shape)


def prepared(module: nn.Module) -> nn.Module:
    """Return a module in float64 at inference, its statistics other than those of a new one."""
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return module.double().eval()


def without_places(content: bytes) -> bytes:
    """Return an archive without what differs from machine to machine and from run to run, its JSON packed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(target, "w") as after:
        for info in before.infolist():
            if not info.filename.endswith((".debug_pkl", "serialization_id")):
                way = zipfile.ZIP_DEFLATED if info.filename.endswith(".json") else info.compress_type
                after.writestr(zipfile.ZipInfo(info.filename, DATE), before.read(info), way)
    return target.getvalue()


def scripted(module: torch.jit.ScriptModule) -> bytes:
    """Return the bytes of a TorchScript archive."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return without_places(buffer.getvalue())


def exported(program: torch.export.ExportedProgram) -> bytes:
    """Return the bytes of an exported program."""
    for node in program.graph.nodes:
        for key in ("stack_trace", "torch_fn", "from_node"):
            node.meta.pop(key, None)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return without_places(buffer.getvalue())


def of_2_6(program: torch.export.ExportedProgram) -> bytes:
    """Return an exported program as PyTorch 2.6 wrote it."""
    artifact = serialize(program)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        parts = {
            "version": b"8.20",
            "serialized_exported_program.json": artifact.exported_program,
            "serialized_state_dict.pt": artifact.state_dict,
            "serialized_constants.pt": artifact.constants,
            "serialized_example_inputs.pt": artifact.example_inputs,
        }
        for name, content in parts.items():
            way = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, DATE), content, way)
    return target.getvalue()


def of_2_7(content: bytes, state: Mapping[str, torch.Tensor]) -> bytes:
    """Return an exported program whose arrays are one pickle, as PyTorch 2.7 wrote them."""
    target = io.BytesIO()
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(target, "w") as after:
        for info in before.infolist():
            if "/data/weights/" not in info.filename:
                after.writestr(zipfile.ZipInfo(info.filename, DATE), before.read(info), info.compress_type)
        folder = before.namelist()[0].split("/")[0]
        after.writestr(zipfile.ZipInfo(f"{folder}/data/weights/model.pt", DATE), buffer.getvalue())
    return target.getvalue()


def quantised() -> torch.jit.ScriptModule:
    """Return a module whose weights are bytes in attributes."""
    plain = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.LayerNorm(3)).eval()
    return torch.jit.script(torch.ao.quantization.quantize_dynamic(plain))


def samples() -> dict[str, tuple[bytes, tuple[torch.Tensor, ...]]]:
    """Return the content of each sample, and the example that its outputs are computed for."""
    torch.manual_seed(11)
    pictures, rows, branches, choosing = (prepared(kind()) for kind in (Pictures, Rows, Branches, Choosing))
    attending, steps = prepared(Attending()), example(2, 5, 6)
    image, words, wave = example(3, 1, 14, 13), torch.arange(14).reshape(2, 7) % 11, example(2, 3, 10)
    batch = torch.export.Dim("batch", min=2)
    dynamic = torch.export.export(pictures, (image,), dynamic_shapes=({0: batch},))
    whole = exported(dynamic)
    row_program = torch.export.export(rows, (words,))
    return {
        "torchscript_traced.pt": (scripted(torch.jit.trace(pictures, image)), (image,)),
        "torchscript_scripted.pt": (scripted(torch.jit.script(pictures)), (image,)),
        "torchscript_rows.pt": (scripted(torch.jit.script(rows)), (words,)),
        "torchscript_rows_traced.pt": (scripted(torch.jit.trace(rows, words)), (words,)),
        "torchscript_branches.pt": (scripted(torch.jit.trace(branches, wave)), (wave,)),
        "torchscript_choosing.pt": (scripted(torch.jit.script(choosing)), (example(2, 5),)),
        "torchscript_frozen.pt": (scripted(torch.jit.freeze(torch.jit.script(pictures))), (image,)),
        "torchscript_attention.pt": (scripted(torch.jit.script(attending)), (steps,)),
        "exported_attention.pt2": (exported(torch.export.export(attending, (steps,))), (steps,)),
        "torchscript_quantised.pt": (scripted(quantised()), (example(2, 5).float(),)),
        "exported.pt2": (whole, (image,)),
        "exported_rows.pt2": (exported(row_program), (words,)),
        "exported_branches.pt2": (exported(torch.export.export(branches, (wave,))), (wave,)),
        "exported_decomposed.pt2": (exported(dynamic.run_decompositions()), (image,)),
        "exported_2_6.pt2": (of_2_6(dynamic), (image,)),
        "exported_2_7.pt2": (of_2_7(whole, dynamic.state_dict), (image,)),
        **connected(),
    }


def connected() -> dict[str, tuple[bytes, tuple[torch.Tensor, ...]]]:
    """Return the same of networks whose modules are connected by operators."""
    skipping, attentive, branching = (prepared(kind()) for kind in (Skipping, Attentive, Branching))
    picture, text, sequence = example(2, 3, 8, 6), torch.arange(14).reshape(2, 7) % 11, example(2, 7, 5)
    return {
        "exported_skipping.pt2": (exported(torch.export.export(skipping, (picture,))), (picture,)),
        "exported_attentive.pt2": (exported(torch.export.export(attentive, (text,))), (text,)),
        "exported_branching.pt2": (exported(torch.export.export(branching, (sequence,))), (sequence,)),
        "torchscript_skipping.pt": (scripted(torch.jit.script(skipping)), (picture,)),
        "torchscript_skipping_traced.pt": (scripted(torch.jit.trace(skipping, picture)), (picture,)),
        "torchscript_attentive_traced.pt": (scripted(torch.jit.trace(attentive, text)), (text,)),
        "torchscript_branching.pt": (scripted(torch.jit.script(branching)), (sequence,)),
        "torchscript_branching_traced.pt": (scripted(torch.jit.trace(branching, sequence)), (sequence,)),
    }


def frozen(module: torch.jit.ScriptModule) -> dict[str, torch.Tensor]:
    """Return the tensors in the code of a module that has no others, by their names there."""
    _, constants = module.code_with_constants
    return {f"CONSTANTS.{name}": array for name, array in constants.const_mapping.items()}


def loaded(content: bytes, name: str) -> tuple[Mapping[str, torch.Tensor], Callable[..., Any]]:
    """Return the state dict and the function that PyTorch loads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        if name.endswith(".pt"):
            module = torch.jit.load(path)
            return module.state_dict() or frozen(module), module
        program = torch.export.load(path)
        return program.state_dict, program.module()


def facts(content: bytes, name: str, inputs: tuple[torch.Tensor, ...]) -> dict[str, Any]:
    """Return what PyTorch finds in a sample: the arrays in its order, and its outputs for an example."""
    state, function = loaded(content, name)
    with torch.no_grad():
        output = function(*inputs)
    arrays = {key: fact(array.detach().numpy()) for key, array in state.items()}
    return {
        "arrays": arrays,
        "input": {"shape": list(inputs[0].shape), "whole": not inputs[0].is_floating_point()},
        "output": output.double().numpy().tolist(),
    }


def main() -> None:
    """Write all samples and their facts."""
    warnings.simplefilter("ignore")
    found = {}
    for name, (content, inputs) in samples().items():
        (SAMPLES / name).write_bytes(content)
        found[name] = facts(content, name, inputs)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(told)}" for name, told in found.items())
    (SAMPLES / "torchscript_facts.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
