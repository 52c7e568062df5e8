"""Writes `docs/formats.md`, what can be read, from the readers themselves: `python docs/make_formats.py`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from weightwise.formats import ARCHIVES, FOLDERS, SOURCES

PAGE = Path(__file__).parent / "formats.md"
KINDS = {"file": SOURCES, "zip archive": ARCHIVES, "folder": FOLDERS}
INTRODUCTION = """# What can be read

This page is made by `docs/make_formats.py` from the readers in `src/weightwise/formats`.

What a file is, is found from its bytes and never from its name. No framework is imported, nothing in a file is
executed, and opening costs the headers. Where a file says the classes of its layers, its names are `declared`; where it
says only names and shapes, they are `recognised`, `inferred` or `unknown`.

| what | read as | reader |
|---|---|---|
"""
CLOSING = """
`weightwise.open` also takes what is in memory: a Keras model, a module of PyTorch, the variables of Flax or an nnx
module, and dictionaries of arrays. Only a framework that the program has imported already is touched.
"""


def page() -> str:
    """Return the page."""
    return INTRODUCTION + "".join(f"| {line} |\n" for line in sorted(rows())) + CLOSING


def rows() -> Iterator[str]:
    """Yield a row for each reader: what it says of itself, and whether it reads files, archives or folders."""
    for name in dict.fromkeys((*SOURCES, *ARCHIVES, *FOLDERS)):
        kinds = ", ".join(kind for kind, names in KINDS.items() if name in names)
        yield f"{summary(name)} | {kinds} | `{name.replace('.', '/')}`"


def summary(name: str) -> str:
    """Return the first sentence of a reader's module."""
    source = Path(str(import_module(f"weightwise.formats.{name}").__file__)).read_text()
    text = ast.get_docstring(ast.parse(source)) or ""
    return text.partition("\n\n")[0].replace("\n", " ").removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(page())
