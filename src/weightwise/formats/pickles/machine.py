"""The machine that a pickle is a program for: a stack that marks cut into parts, a memo, and a place in the pickle.

It calls nothing that a file names. A function on an allow-list of ours stands for each name that is understood; every
other name is a `Global`, a call of it is an `Instance`, and both are recorded.

Time and memory are bounded by the size of the file and by `MOST_STEPS`: no instruction does more work than the bytes
that it consumes, and what copies or compares pays for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.cursor import Cursor
from weightwise.formats.pickles.values import Dictionary, Global, Instance, Stateful, as_key
from weightwise.records import dataclass
from weightwise.source import Source

MOST_STEPS = 4_000_000
FREE_COPIES, MOST_COPIES = 64, 4
"""Steps of copying that are free, and those for each byte of the pickle."""
MOST_LINE = 1 << 26
MOST_NAME = 1024
"""Signs of a module and a name together."""
COMPARED = 1024
"""Signs of a key that are compared in one step."""
COPIED = 16
"""Signs of a text that are copied in one step."""
MOST_RECORDED = 1000
"""So many imports and calls are recorded."""
UNNAMED = "a function that the file makes"

Constructor = Callable[[tuple[Any, ...]], Any]
"""Makes an inert value of the arguments of a call; raises `TypeError`, `ValueError` or `LookupError` for others."""


@dataclass(frozen=True, eq=False)
class Persistent:
    """What lies outside of the pickle, by its id."""

    identity: Any


class Machine:
    """The machine: a stack that marks cut into parts, a memo, and a place in the pickle."""

    def __init__(
        self,
        source: Source,
        constructors: Mapping[str, Constructor | None],
        persistent: Callable[[Any], Any],
        start: int,
    ) -> None:
        """Starts at a byte of the source."""
        self.cursor = Cursor(source, start)
        self.constructors = constructors
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.start = start
        self.steps = self.copied = 0
        self.globals: dict[Global, None] = {}
        self.calls: dict[str, None] = {}

    def pay(self, steps: int) -> None:
        """Counts work; raises `FormatError` when it is too much."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            name = self.cursor.source.name
            raise FormatError(f"{name}: the pickle takes more than {MOST_STEPS:,} steps, which no model does.")

    def copy(self, steps: int) -> None:
        """Counts what is copied or compared; raises `FormatError` when that is much more than the pickle is long."""
        self.pay(steps)
        self.copied += steps
        if self.copied > FREE_COPIES + MOST_COPIES * (self.cursor.position - self.start):
            raise FormatError(f"{self.cursor.source.name}: the pickle repeats its parts as no model does.")

    def number(self, layout: struct.Struct) -> Any:
        """Returns the next number in the program."""
        return layout.unpack(self.cursor.take(layout.size))[0]

    def line(self) -> bytes:
        """Returns the next line in the program."""
        return self.cursor.line(MOST_LINE)

    def since_mark(self) -> list[Any]:
        """Returns what was put on the stack since the last mark, and takes it off."""
        items = self.stack
        self.stack = self.marked.pop()
        return items

    def found(self, module: Any, name: Any) -> Global:
        """Returns what a module and a name stand for: themselves."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a module and a name that are no texts")
        if len(module) + len(name) > MOST_NAME:
            raise ValueError(f"a name of {len(module) + len(name):,} signs")
        place = Global(module, name)
        if len(self.globals) < MOST_RECORDED:
            self.globals[place] = None
        return place

    def called(self, callee: Any, arguments: Any, named: Any = None, making: bool = False) -> Any:
        """Returns what a call makes, inert; `making` says that a class's `__new__` is called, which is not recorded."""
        if not isinstance(arguments, tuple):
            raise TypeError("arguments that are no tuple")
        name = str(callee) if isinstance(callee, Global) else UNNAMED
        constructor = self.constructors.get(name)
        if constructor is None:
            if not making and name not in self.constructors and len(self.calls) < MOST_RECORDED:
                self.calls[name] = None
            return Instance(callee, arguments, named)
        self.copy(len(arguments) + sum(map(copying, arguments)))
        try:
            return constructor(arguments)
        except (TypeError, ValueError, LookupError):
            return Instance(callee, arguments, named)

    def build(self) -> None:
        """Gives the object below the top its state."""
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, (Stateful, Dictionary)):
            raise TypeError(f"a state for {type(target).__name__}")
        before = getattr(target, "state", None)
        if isinstance(before, dict) and isinstance(state, dict):
            self.copy(len(before) + len(state))
            state = Dictionary({**before, **state})
        target.state = state

    def set_items(self, target: Any, pairs: list[Any]) -> None:
        """Sets keys and values, which alternate."""
        if isinstance(target, Instance) and target.entries is None:
            target.entries = Dictionary()
        entries = target.entries if isinstance(target, Instance) else target
        if not isinstance(entries, dict) or len(pairs) % 2:
            raise TypeError(f"keys and values for {type(target).__name__}")
        self.copy(sum(len(key) // COMPARED for key in pairs[::2] if isinstance(key, (str, bytes))))
        entries.update((as_key(key), value) for key, value in zip(pairs[::2], pairs[1::2], strict=True))

    def append(self, target: Any, items: list[Any]) -> None:
        """Appends items to a list, or adds them to a set."""
        if isinstance(target, Instance) and target.items is None:
            target.items = []
        place = target.items if isinstance(target, Instance) else target
        if not isinstance(place, list):
            raise TypeError(f"items for {type(target).__name__}")
        place.extend(items)


def copying(value: Any) -> int:
    """Returns how many steps it takes to copy a value."""
    if isinstance(value, (list, tuple, dict)):
        return len(value)
    return len(value) // COPIED if isinstance(value, (str, bytes)) else 0
