"""Names every axis of every weight array of a neural network, and proves each name.

>>> import weightwise
>>> model = weightwise.open("examples/mnist_cnn.keras")
>>> model["conv2d_2"]["kernel"].bound.text()
'kh 3 · kw 3 · in 32 · out 64'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from weightwise.model import Model

__version__ = "0.1.0"


def open(thing: Any) -> Model:  # noqa: A001 - `weightwise.open` reads as what it does
    """Return the model in a file or a folder, given its path, or a model in memory, named.

    Of Keras a model or a layer, of PyTorch a module, of Flax an nnx module, or the variables of a linen module alone
    or as a pair (module, variables); and a dictionary or a list of arrays of any kind. Values are read when they are
    asked for. Raises `MissingFileError`, `FormatError` or `UnsupportedError` for a file, and `NotAModelError` for a
    thing that is none of these, each with one sentence.
    """
    import os

    from weightwise.naming import named

    if isinstance(thing, (str, os.PathLike)):
        from weightwise.formats import open_stored

        return named(open_stored(os.fspath(thing)))
    from weightwise.live import live_model

    return named(live_model(thing))


def __getattr__(name: str) -> Any:
    """Return what is imported when it is first asked for: `port` and `prove`."""
    if name == "port":
        from weightwise.porting.carrying import port

        return port
    if name == "prove":
        from weightwise.frameworks.asking import prove

        return prove
    raise AttributeError(f"module 'weightwise' has no attribute {name!r}")


__all__ = ["__version__", "open", "port", "prove"]
