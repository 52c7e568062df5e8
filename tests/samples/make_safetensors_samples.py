"""Makes the safetensors samples and `safetensors_facts.json`, with the safetensors library and PyTorch.

    python -m tests.samples.make_safetensors_samples

Needs the `oracles` extra. The facts: for each file or folder, the arrays by name as the library loads them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import safetensors.numpy
import safetensors.torch
import torch

from tests.samples.array_fact import fact

SAMPLES = Path(__file__).parent
FACTS = {}
FLOATS = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
]
WHOLE = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]


def torch_fact(tensor):
    """The values in float64, which every dtype fits in."""
    values = (
        tensor if tensor.is_complex() else tensor.to(torch.float32 if "float8" in str(tensor.dtype) else tensor.dtype)
    )
    values = values.to(torch.float64) if values.dtype in (torch.bfloat16, torch.float16) else values
    return fact(values.numpy(), str(tensor.dtype).removeprefix("torch."))


def write(path, tensors, **metadata):
    safetensors.torch.save_file(tensors, path, metadata=metadata or None)
    loaded = safetensors.torch.load_file(path)
    return {name: torch_fact(tensor) for name, tensor in loaded.items()}


def every_dtype():
    torch.manual_seed(4)
    tensors = {f"part.{name}": torch.randn(3, 5).to(getattr(torch, name)) for name in FLOATS}
    tensors |= {f"part.{name}": torch.randint(0, 2, (2, 3, 5)).to(getattr(torch, name)) for name in WHOLE}
    tensors["part.complex64"] = torch.randn(2, 7, dtype=torch.complex64)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(3, 0, 2)
    FACTS["safetensors_dtypes.safetensors"] = write(SAMPLES / "safetensors_dtypes.safetensors", tensors, format="pt")


def packed():
    """Four bits per value, and scales that are powers of two; the library does not load the first."""
    codes = torch.arange(24, dtype=torch.uint8).reshape(2, 12) * 7
    tensors = {
        "packed": codes.view(torch.float4_e2m1fn_x2),
        "scale": torch.tensor([[120, 127], [130, 1], [254, 0]], dtype=torch.uint8).view(torch.float8_e8m0fnu),
    }
    safetensors.torch.save_file(tensors, SAMPLES / "safetensors_packed.safetensors")
    scale = tensors["scale"].to(torch.float32)
    FACTS["safetensors_packed.safetensors"] = {"scale": fact(scale.numpy(), "float8_e8m0fnu")}


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = torch.nn.Linear(5, 7, bias=False)
        self.norm = torch.nn.LayerNorm(7)


class Tower(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(11, 5)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(12))
        self.register_buffer("positions", torch.arange(6))


def shards():
    """As transformers writes them: shards in the model's order, the arrays of each sorted by the library."""
    torch.manual_seed(5)
    folder = SAMPLES / "safetensors_shards"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tensors = list(Tower().state_dict().items())
    parts = [dict(tensors[:10]), dict(tensors[10:27]), dict(tensors[27:])]
    table = {}
    FACTS["safetensors_shards"] = {}
    for number, part in enumerate(parts, 1):
        name = f"model-{number:05}-of-{len(parts):05}.safetensors"
        FACTS["safetensors_shards"] |= write(folder / name, part, format="pt")
        table |= dict.fromkeys(part, name)
    total = sum(tensor.nbytes for _, tensor in tensors)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(table.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps({"architectures": ["Tower"], "hidden_size": 5}) + "\n")


def adapter():
    """The names that PEFT gives: `base_model.model.` before the module, `lora_A.weight` after it."""
    torch.manual_seed(6)
    folder = SAMPLES / "safetensors_lora"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tensors = {}
    for module, (given, made) in {
        "layers.0.q_proj": (7, 5),
        "layers.0.v_proj": (7, 3),
        "layers.1.q_proj": (7, 5),
    }.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = torch.randn(2, given)
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(made, 2)
    FACTS["safetensors_lora"] = write(folder / "adapter_model.safetensors", tensors, format="pt")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config) + "\n")


def tree():
    """A Flax tree as people flatten it: slashes between the parts, and no word of the framework."""
    generator = numpy.random.default_rng(7)
    shapes = {"params/Dense_0/kernel": (3, 5), "params/Dense_0/bias": (5,), "batch_stats/BatchNorm_0/mean": (5,)}
    shapes["params/BatchNorm_0/scale"] = (5,)
    arrays = {name: generator.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    safetensors.numpy.save_file(arrays, SAMPLES / "safetensors_tree.safetensors")
    FACTS["safetensors_tree.safetensors"] = {name: fact(array) for name, array in arrays.items()}


if __name__ == "__main__":
    every_dtype()
    packed()
    shards()
    adapter()
    tree()
    (SAMPLES / "safetensors_facts.json").write_text(json.dumps(FACTS, indent=1) + "\n")
