"""Models in memory: one file per framework. An object becomes a `StoredModel`.

A framework is touched only where a program has imported it already: what is not in `sys.modules` can have made no
object. A reader is a module with `match` and `open_model`, as in `formats/`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from weightwise.errors import NotAModelError
from weightwise.stored import StoredModel

READERS = ("keras", "pytorch", "flax", "arrays")
"""The modules that know a thing, asked in this order: on its PyTorch backend a model of Keras is one of PyTorch too."""
OPENED = (
    "the path of a file or a folder, a model or layer of Keras, a torch.nn.Module, a flax.nnx.Module, the variables of "
    "a flax.linen.Module (also as a pair of module and variables), and dictionaries and lists of arrays"
)


def live_model(thing: Any) -> StoredModel:
    """Returns the model that an object is, without copying values; raises `NotAModelError` for any other object."""
    readers = (import_module(f"weightwise.live.{name}") for name in READERS)
    reader: Any = next((reader for reader in readers if reader.match(thing)), None)
    if reader is None:
        kind = f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")
        raise NotAModelError(f"expected something with weights to open, found {thing!r:.40} ({kind}): use {OPENED}.")
    model: StoredModel = reader.open_model(thing)
    return model


__all__ = ["live_model"]
