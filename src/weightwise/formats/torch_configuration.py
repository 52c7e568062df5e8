"""What a module of PyTorch says of itself, in one spelling for files that hold it and for programs that do.

A module keeps its settings as attributes, and its parameters and buffers in dictionaries of their own
(https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/module.py). Which of these are there decides more than
the settings do: a layer without bias has the name `bias` with None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def configuration(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that the table reads, from a module's `__dict__`.

    It has the public attributes that are plain (numbers, texts, None, and tuples and lists of these), the names of the
    parameters that are there as `parameters`, and those of the buffers that a state dict has as `buffers`.

    >>> configuration({"in_features": 2, "_parameters": {"weight": ..., "bias": None}, "_buffers": {}})
    {'in_features': 2, 'parameters': ['weight'], 'buffers': []}
    """
    settings = {name: value for name, value in attributes.items() if name[:1] != "_" and _plain(value)}
    passing = attributes.get("_non_persistent_buffers_set") or ()
    parameters, buffers = (_present(attributes.get(name)) for name in ("_parameters", "_buffers"))
    return {**settings, "parameters": parameters, "buffers": [name for name in buffers if name not in passing]}


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _present(arrays: Any) -> list[str]:
    return [name for name, array in arrays.items() if array is not None] if isinstance(arrays, Mapping) else []
