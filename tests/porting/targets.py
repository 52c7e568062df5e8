"""Small files to port from and into, written without any framework: state dicts as safetensors, and their arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy

from weightwise.formats.safetensors.writer import Written, write_safetensors

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mnist_cnn.keras"
SAMPLES = ROOT / "tests" / "samples"
QUESTION = {
    "conv1.weight": (32, 1, 3, 3),
    "conv1.bias": (32,),
    "conv2.weight": (64, 32, 3, 3),
    "conv2.bias": (64,),
    "fc1.weight": (128, 9216),
    "fc1.bias": (128,),
    "fc2.weight": (10, 128),
    "fc2.bias": (10,),
}
"""The arrays of the question's network in PyTorch's own MNIST example, which is recognised."""
OWN = {f"my_{name}": shape for name, shape in QUESTION.items()}
"""The same under names of one's own, which nobody knows."""


def state_dict(path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: str = "float32") -> Path:
    """Write a state dict of random numbers and return its path."""
    random = numpy.random.default_rng(1)
    arrays = {name: random.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return write_arrays(path, arrays)


def write_arrays(path: Path, arrays: Mapping[str, numpy.ndarray]) -> Path:
    """Write arrays as PyTorch's and return the path."""
    written = [
        Written(name, array.shape, str(array.dtype), lambda array=array: array) for name, array in arrays.items()
    ]
    write_safetensors(path, written, {"format": "pt"})
    return path


def linears(path: Path, **sizes: tuple[int, int]) -> Path:
    """Write a state dict of dense layers, given as outputs and inputs, and return its path."""
    shapes = {f"{name.replace('__', '.')}.weight": size for name, size in sizes.items()}
    biases = {f"{name.replace('__', '.')}.bias": size[:1] for name, size in sizes.items()}
    return state_dict(path, shapes | biases)
