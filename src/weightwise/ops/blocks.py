"""Arrays that a file keeps in blocks, each an array of its own, and that an operation takes whole.

Keras 1 has twelve arrays for an LSTM, one for each gate of the kernel, of the recurrent kernel and of the bias. Which
block an array is stands beside its axes, as `gate=i`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightwise.axes import Labels, parse

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def block_axes(axes: str, at: str) -> str:
    """Return the axes of one block of an array, which are all but the named one; all axes where `at` is empty.

    >>> block_axes("in gate[i f g o] units", "gate=f")
    'in units'
    """
    name = at.partition("=")[0]
    return " ".join(str(term) for term in parse(axes).terms if not (isinstance(term, Labels) and term.name == name))


def joined_blocks(axes: str, blocks: Mapping[str, Array]) -> Array:
    """Return an array in these axes from its blocks, by what `at` says of each; raises `KeyError` for a missing one."""
    import numpy

    if "" in blocks:
        return blocks[""]
    name = next(iter(blocks)).partition("=")[0]
    terms = enumerate(parse(axes).terms)
    place, term = next((at, term) for at, term in terms if isinstance(term, Labels) and term.name == name)
    return numpy.stack([blocks[f"{name}={label}"] for label in term.labels], place)
