"""Imports a library without the packages that only some of its parts need.

pyfive imports numcodecs and fsspec when it is imported, for the checksums of chunks, which few files have, and for
remote files; the two and what they import take as long as NumPy does. While `postponed` lasts, their names stand for
placeholders that import the real package when one of its attributes is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later:
    """Something of a package that is imported when it is used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any, **named: Any) -> _Later:
        return _Later(lambda: self._make()(*arguments, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


class _Placeholder(ModuleType):
    """A package that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(lambda: getattr(import_module(self.__name__), name))


@contextmanager
def postponed(*packages: str) -> Iterator[None]:
    """Let imports in the block find placeholders for packages, those that are not imported already."""
    absent = [package for package in packages if package not in sys.modules]
    sys.modules.update({package: _Placeholder(package) for package in absent})
    try:
        yield
    finally:
        for package in absent:
            del sys.modules[package]


@cache
def library() -> ModuleType:
    """Returns the module that reads with pyfive, which the first call imports."""
    with postponed("fsspec", "fsspec.utils", "numcodecs"):
        from weightwise.formats.hdf5 import library
    return library
