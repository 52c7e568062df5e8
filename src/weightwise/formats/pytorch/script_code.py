"""The code in TorchScript archives: Python text, of which classes, attributes and methods are read, and nothing is run.

    class Conv2d(Module):
      __parameters__ = ["weight", "bias", ]
      __buffers__ = []
      weight : Tensor
      stride : Final[Tuple[int, int]] = (2, 1)
      __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
      def forward(self: __torch__.Net, x: Tensor) -> Tensor: …

Specification: https://docs.pytorch.org/docs/stable/jit_language_reference.html; the printer:
https://github.com/pytorch/pytorch/blob/v2.13.0/torch/csrc/jit/serialization/python_print.cpp
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive
from weightwise.records import dataclass

MOST_CODE = 1 << 21
"""Bytes of one file."""
MOST_OF_ALL = 1 << 23
"""Bytes of all files together."""


@dataclass
class Declared:
    """What the code says of one class."""

    is_module: bool = True
    """Whether it is a class of modules, and not one of other objects."""
    parameters: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)
    """The attributes whose values stand in the code: `Final[…] = …`."""
    methods: dict[str, ast.FunctionDef] = field(default_factory=dict)


@dataclass
class Text:
    """The classes and functions of one file, by name."""

    classes: dict[str, Declared] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)


class Code:
    """The code of an archive, each file read when something in it is asked for."""

    def __init__(self, archive: Archive, folder: str) -> None:
        """Reads nothing yet; `folder` has its slash."""
        self.archive = archive
        self.folder = folder
        self.texts: dict[str, Text] = {}
        self.problems: list[str] = []
        self.left = MOST_OF_ALL

    def declared(self, module: str, name: str) -> Declared | None:
        """Returns what the code says of a class; None when it does not have it."""
        return self.text(module).classes.get(name)

    def function(self, module: str, name: str) -> ast.FunctionDef | None:
        """Returns a function; None when the code does not have it."""
        return self.text(module).functions.get(name)

    def text(self, module: str) -> Text:
        """Returns what a file of code has; nothing, and a problem, when it cannot be read."""
        if module not in self.texts:
            self.texts[module] = self.read(f"{self.folder}code/{module.replace('.', '/')}.py")
        return self.texts[module]

    def read(self, name: str) -> Text:
        """Returns what the file of this name has."""
        if name not in self.archive.members:
            return Text()
        try:
            tree = parsed(self.source(name), f"{self.archive.source.name}!{name}")
        except FormatError as error:
            self.problems.append(str(error))
            return Text()
        classes = {node.name: declared(node) for node in tree.body if isinstance(node, ast.ClassDef)}
        return Text(classes, {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)})

    def source(self, name: str) -> bytes:
        """Returns the text of a file; raises `FormatError` when it is too long to be read."""
        size = self.archive.info(name).file_size
        if size > min(MOST_CODE, self.left):
            raise FormatError(
                f"{self.archive.source.name}!{name}: {size:,} bytes of code, more than is read; the attributes of the "
                "classes in it are not known."
            )
        self.left -= size
        member = self.archive.member(name)
        return member.read(0, member.size)


def parsed(text: bytes, name: str) -> ast.Module:
    """Returns the syntax of a file of code; raises `FormatError` when it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser about a damaged file's text, which is told as it is
            return ast.parse(text.decode())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormatError(
            f"{name}: the code cannot be read ({type(error).__name__}); get the file again from where it came from."
        ) from error


def declared(node: ast.ClassDef) -> Declared:
    """Returns what a class declares."""
    found = Declared(any(isinstance(base, ast.Name) and base.id == "Module" for base in node.bases))
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__parameters__")], value=value):
                found.parameters = names(value)
            case ast.Assign(targets=[ast.Name(id="__buffers__")], value=value):
                found.buffers = names(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                found.constants.update(literal(name, value))
            case ast.FunctionDef(name=name):
                found.methods[name] = statement
    return found


def names(value: ast.expr) -> tuple[str, ...]:
    """Returns the texts of a list."""
    items = literal("", value).get("", ())
    return tuple(item for item in items if isinstance(item, str)) if isinstance(items, list) else ()


def literal(name: str, value: ast.expr) -> Mapping[str, Any]:
    """Returns the value of a constant under a name; nothing when it is computed."""
    try:
        return {name: ast.literal_eval(value)}
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return {}
