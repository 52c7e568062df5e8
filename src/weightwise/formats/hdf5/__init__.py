"""HDF5, the container of Keras: groups with attributes, and datasets.

Headers, structure and values are read here in bounds, so that a start imports nothing; what the newest format keeps in
heaps is left to pyfive, a reader in pure Python. `docs/hdf5-reader.md` says why.

Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightwise.formats.hdf5.headers import signature_place
from weightwise.formats.hdf5.structure import walked
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import StoredArray


@dataclass(frozen=True)
class Contents:
    """What an HDF5 file holds, by path; the root's path is an empty string."""

    attributes: Mapping[str, Mapping[str, Any]]
    """The attributes of each group, in the file's order; texts are `str`, arrays are lists."""
    arrays: Mapping[str, StoredArray]
    """The datasets in the file's order; their key is their path."""
    problems: tuple[str, ...]
    """One sentence for each part that could not be read."""


def is_hdf5(source: Source) -> bool:
    """Returns whether the bytes are HDF5: the signature stands at byte 0, 512, 1024, 2048 …"""
    return signature_place(source) is not None


def read_hdf5(source: Source) -> Contents:
    """Returns what the file holds without reading values; raises `FormatError` when not even the root can be read."""
    walk = walked(source)
    return Contents(walk.attributes, walk.arrays, tuple(walk.problems))
