"""Which key of a Keras configuration fixes the size of which axis, so that explain can name it.

A key is only cited where the configuration has it and its value is the size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from weightwise.conventions.row import Config

KEYS: Mapping[str, tuple[str, ...]] = {
    "kd": ("kernel_size",),
    "kh": ("kernel_size",),
    "kw": ("kernel_size",),
    "out": ("filters", "units"),
    "out'": ("filters",),
    "groups": ("groups",),
    "mult": ("depth_multiplier",),
    "units": ("units",),
    "units'": ("units",),
    "vocab": ("input_dim",),
    "features": ("output_dim",),
    "heads": ("num_heads", "num_query_heads"),
    "kv_heads": ("num_key_value_heads",),
    "head_dim": ("key_dim", "head_dim"),
    "value_dim": ("value_dim",),
}


def setting(config: Config, axis: str, size: int) -> str:
    """Return the setting that fixes the size of an axis, `kernel_size is (3, 3)`; empty where none does."""
    for inner in _configs(config):
        for key in KEYS.get(axis, ()):
            value = inner.get(key)
            if value == size or (isinstance(value, (list, tuple)) and size in value):
                return f"{key} is {tuple(value) if isinstance(value, list) else value}"
    return ""


def _configs(config: Config) -> Iterator[Config]:
    """Yield the configuration, and those of the layers that it wraps."""
    yield config
    for key in ("layer", "cell"):
        wrapped = config.get(key)
        if isinstance(wrapped, Mapping) and isinstance(wrapped.get("config"), Mapping):
            yield from _configs(wrapped["config"])
