"""A checkpoint of 141 GB in 30 shards, and how long a person waits for its screen: whole cold processes, medians.

    python bench/large_safetensors.py [FOLDER] [--runs 9]

The folder is laid out as that of a Llama of 70 billion parameters: 723 arrays in bfloat16, sorted by name in a shard,
with the table of shards. The files are sparse: they take no more room than their headers. The peer is the bare listing
with the safetensors library (extra `oracles`): every shard opened, every name, shape and dtype read, nothing printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HIDDEN, INNER, KEYS, WORDS, LAYERS = 8192, 28672, 1024, 128256, 80
SHARD_BYTES = 4_950_000_000
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "weightwise FOLDER": [str(Path(sys.executable).parent / "weightwise"), "FOLDER"],
    "open_stored(FOLDER)": [
        sys.executable,
        "-c",
        "from weightwise.formats import open_stored\n"
        "model = open_stored('FOLDER')\n"
        "for layer in model.root.layers:\n"
        "    for array in layer.arrays: array.path, array.shape, array.dtype",
    ],
    "safetensors": [
        sys.executable,
        "-c",
        "from pathlib import Path\n"
        "from safetensors import safe_open\n"
        "for shard in sorted(Path('FOLDER').glob('*.safetensors')):\n"
        "    with safe_open(shard, 'np') as file:\n"
        "        for name in file.keys():\n"
        "            part = file.get_slice(name); part.get_shape(), part.get_dtype()",
    ],
}
# An installed package has its bytecode; a checkout gets it in the first run, which is not counted.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def arrays() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the names and shapes of the arrays in the order of the state dict."""
    yield "model.embed_tokens.weight", (WORDS, HIDDEN)
    for number in range(LAYERS):
        layer = f"model.layers.{number}"
        yield f"{layer}.self_attn.q_proj.weight", (HIDDEN, HIDDEN)
        yield f"{layer}.self_attn.k_proj.weight", (KEYS, HIDDEN)
        yield f"{layer}.self_attn.v_proj.weight", (KEYS, HIDDEN)
        yield f"{layer}.self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield f"{layer}.mlp.gate_proj.weight", (INNER, HIDDEN)
        yield f"{layer}.mlp.up_proj.weight", (INNER, HIDDEN)
        yield f"{layer}.mlp.down_proj.weight", (HIDDEN, INNER)
        yield f"{layer}.input_layernorm.weight", (HIDDEN,)
        yield f"{layer}.post_attention_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (WORDS, HIDDEN)


def size_of(shape: tuple[int, ...]) -> int:
    """Return the bytes of an array in bfloat16."""
    size = 2
    for length in shape:
        size *= length
    return size


def shards() -> list[dict[str, tuple[int, ...]]]:
    """Return the arrays of each shard: the next one begins where the limit would be passed."""
    found: list[dict[str, tuple[int, ...]]] = [{}]
    for name, shape in arrays():
        if sum(map(size_of, found[-1].values())) + size_of(shape) > SHARD_BYTES:
            found.append({})
        found[-1][name] = shape
    return found


def write_shard(path: Path, held: dict[str, tuple[int, ...]]) -> int:
    """Write a sparse shard; return the bytes of its values."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(held):
        begin, end = end, end + size_of(held[name])
        header[name] = {"dtype": "BF16", "shape": held[name], "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return end


def write_folder(folder: Path) -> None:
    """Write the shards, their table and the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = shards()
    total, table = 0, {}
    for number, held in enumerate(parts, 1):
        name = f"model-{number:05}-of-{len(parts):05}.safetensors"
        total += write_shard(folder / name, held)
        table.update(dict.fromkeys(held, name))
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(table.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_attention_heads": 64,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": 8,
        "vocab_size": WORDS,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    print(f"{len(parts)} shards, {len(table)} arrays, {total / 1e9:.1f} GB")


def run_once(command: list[str]) -> tuple[float, float]:
    """Return the seconds and the peak memory in MiB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command} ended with status {status}")
    return seconds, usage.ru_maxrss / 1024


def measure(folder: Path, runs: int) -> dict[str, tuple[float, float]]:
    """Return the medians for each command, the commands taking turns so that a slow minute meets them all."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, command in COMMANDS.items():
            result = run_once([part.replace("FOLDER", str(folder)) for part in command])
            if turn:
                taken[name].append(result)
    return {name: tuple(map(statistics.median, zip(*found, strict=True))) for name, found in taken.items()}


def main() -> int:
    """Make the folder, measure and print; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="keep the files here")
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary) / "llama"
        write_folder(folder)
        measured = measure(folder, chosen.runs)
    for name, (seconds, mebibytes) in measured.items():
        print(f"{name:<24} {seconds:8.3f} s {mebibytes:8.1f} MiB")
    (seconds, mebibytes), (theirs, _) = measured["weightwise FOLDER"], measured["safetensors"]
    print(f"weightwise / safetensors: {seconds / theirs:.2f} (goal < 1), {mebibytes:.1f} MiB (goal < 60)")
    return 0 if seconds < theirs and mebibytes < 60 else 1


if __name__ == "__main__":
    raise SystemExit(main())
