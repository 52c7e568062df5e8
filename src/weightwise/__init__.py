"""Names every axis of every weight array of a neural network, and proves each name.

>>> import weightwise
>>> model = weightwise.open("examples/mnist_cnn.keras")
>>> model["conv2d_2"]["kernel"].bound.text()
'kh 3 · kw 3 · in 32 · out 64'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from weightwise.model import Model

__version__ = "0.1.0"


def open(path: str | os.PathLike[str]) -> Model:  # noqa: A001 - `weightwise.open` reads as what it does
    """Return the model in the file at `path`, named; its arrays' bytes are read when their values are asked for.

    Raises `MissingFileError`, `FormatError` or `UnsupportedError`, each with one sentence.
    """
    import os

    from weightwise.formats import open_stored
    from weightwise.naming import named

    return named(open_stored(os.fspath(path)))


__all__ = ["__version__", "open"]
