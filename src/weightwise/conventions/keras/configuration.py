"""How Keras writes settings that many of its layers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightwise.conventions.keras.functions import neutral
from weightwise.conventions.row import Config, Made


def class_of(layer: Config) -> str:
    """Return the class of a layer that is written inside another, with its package where it is somebody else's."""
    registered = layer.get("registered_name")
    return registered if isinstance(registered, str) and ">" in registered else str(layer["class_name"])


def use_bias(config: Config) -> bool:
    """Return whether the layer has a bias; every Keras class has one by default."""
    return bool(config.get("use_bias", True))


def activation(config: Config, key: str = "activation") -> str:
    """Return the neutral spelling of the activation that `config[key]` is; raises `ShapeError` for what is none."""
    return neutral(config.get(key))


def lora(config: Config) -> bool:
    """Return whether the layer has a low-rank adaptation, which freezes its kernel."""
    return bool(config.get("lora_rank"))


def adaptation(config: Config) -> float | None:
    """Return what Keras multiplies the product of the low-rank pair by; None where the layer has no pair."""
    rank = config.get("lora_rank")
    return (config.get("lora_alpha") or rank) / rank if rank else None


def _rank(config: Config) -> Mapping[str, int]:
    """Return the size of the axis that the two arrays of a low-rank adaptation have in common."""
    return {"rank": config["lora_rank"]}


PAIR: Mapping[str, Any] = {
    "when": lora,
    "sizes": _rank,
    "made": Made(
        "float32",
        4,
        "Keras saves a low-rank pair as a part of the array that it adapts, so this file does not have the pair, which "
        "comes back as zeros",
    ),
}
"""What the rows of a low-rank adaptation have in common."""


def channels_first(config: Config) -> bool:
    """Return whether the layer keeps its channels before the spatial axes."""
    return config.get("data_format") == "channels_first"
