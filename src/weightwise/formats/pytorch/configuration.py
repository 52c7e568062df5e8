"""What a module of PyTorch says of itself, in one spelling for files that hold it and for programs that do.

A module keeps its settings as attributes, and its parameters and buffers in dictionaries of their own
(https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/module.py). Which of these are there decides more than
the settings do: a layer without bias has the name `bias` with None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DIMS = "_dims"
"""The setting that has the `dim` of each array that is computed from others; no public attribute is called so."""


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
    own = {"parameters": parameters, "buffers": [name for name in buffers if name not in passing]}
    return {**settings, **_with_norms(own, attributes)}


def norms(hooks: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, int]:
    """Return the `dim` of each array that is computed from others, from the classes and attributes of a module's hooks.

    https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/utils: weight_norm.py, spectral_norm.py
    """
    known = (told for name, told in hooks if name in ("WeightNorm", "SpectralNorm"))
    pairs = [(told.get("name"), told.get("dim")) for told in known]
    return {name: dim for name, dim in pairs if isinstance(name, str) and isinstance(dim, int)}


def _with_norms(own: Mapping[str, list[str]], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of arrays with those from which others are computed, and the `dim` of each of these others.

    https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/parametrize.py
    """
    hooks = (attributes.get("_forward_pre_hooks") or {}).values()
    dims = norms((type(hook).__name__, getattr(hook, "__dict__", {})) for hook in hooks)
    parameters, buffers = list(own["parameters"]), list(own["buffers"])
    parametrizations = (attributes.get("_modules") or {}).get("parametrizations")
    for name, chain in getattr(parametrizations, "_modules", {}).items():
        steps = list(chain._modules.values())
        parameters += [f"parametrizations.{name}.{key}" for key in chain._parameters]
        buffers += [f"parametrizations.{name}.{at}.{key}" for at, step in enumerate(steps) for key in step._buffers]
        if [type(step).__name__ for step in steps] in (["_WeightNorm"], ["_SpectralNorm"]):
            dims[name] = steps[0].dim
    return {"parameters": parameters, "buffers": buffers, **({DIMS: dims} if dims else {})}


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _present(arrays: Any) -> list[str]:
    return [name for name, array in arrays.items() if array is not None] if isinstance(arrays, Mapping) else []
