"""Pickles, interpreted and never executed.

A pickle is a program for a small machine; two kinds of its instructions import and call what the file names. Here
nothing is imported or called: what is understood becomes inert values of ours, and the rest is recorded by name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.pickles.machine import Constructor, Machine, Persistent
from weightwise.formats.pickles.opcodes import ACTIONS
from weightwise.formats.pickles.values import Global
from weightwise.records import dataclass
from weightwise.source import Source

STOP = ord(".")


@dataclass(frozen=True)
class Pickle:
    """What a pickle holds, and what unpickling it would have done."""

    value: Any
    end: int
    """The place in the source behind the pickle."""
    globals: tuple[Global, ...]
    """What it would have imported, each once, in the order of the first use."""
    calls: tuple[str, ...]
    """The functions that it would have called, without those on the allow-list and those that only make instances."""


def read_pickle(
    source: Source,
    constructors: Mapping[str, Constructor | None],
    persistent: Callable[[Any], Any] = Persistent,
    start: int = 0,
) -> Pickle:
    """Returns the value of the pickle that starts at a byte of the source, made inert; raises `FormatError`.

    `constructors` are the allow-list, by module and name (`collections.OrderedDict`); what stands for None is known and
    harmless, and becomes an `Instance` that its reader understands. `persistent` makes a value of a
    persistent id, and may raise `ValueError`.
    """
    machine = Machine(source, constructors, persistent, start)
    position = start
    try:
        while (code := machine.cursor.take(1)[0]) != STOP:
            machine.pay(1)
            ACTIONS[code](machine)
            position = machine.cursor.position
        value = machine.stack.pop()
    except FormatError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise FormatError(
            f"{source.name}: the pickle cannot be read at byte {position:,} ({type(error).__name__}: "
            f"{str(error)[:80]}); get the file again from where it came from."
        ) from error
    return Pickle(value, machine.cursor.position, tuple(machine.globals), tuple(machine.calls))
