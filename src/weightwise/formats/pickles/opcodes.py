"""The instructions of pickles, protocols 0 to 5: what each byte does to the machine.

Specification: https://github.com/python/cpython/blob/main/Lib/pickletools.py
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

from weightwise.formats.cursor import BLOCK
from weightwise.formats.pickles.machine import Machine
from weightwise.formats.pickles.values import Dictionary, Global
from weightwise.source import Source

HIGHEST_PROTOCOL = 5
MOST_INTEGER = 1024
"""Bytes of an integer; Python itself refuses to print longer ones."""
UNSIGNED_1, UNSIGNED_2, UNSIGNED_4, UNSIGNED_8 = (struct.Struct(code) for code in ("<B", "<H", "<I", "<Q"))
SIGNED_4, DOUBLE = struct.Struct("<i"), struct.Struct(">d")

FALSE, TRUE = b"00", b"01"
ESCAPE = re.compile(rb"\\(?:x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-7]{1,3})|(?P<sign>.))", re.DOTALL)
ESCAPES = {
    **{sign: sign for sign in (b"\\", b"'", b'"')},
    **{b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\n": b""},
}

Action = Callable[[Machine], None]


def constant(value: Any) -> Action:
    """Returns the action that puts a value on the stack."""
    return lambda machine: machine.stack.append(value)


def made(make: Callable[[Machine], Any]) -> Action:
    """Returns the action that puts what is made on the stack."""

    def act(machine: Machine) -> None:
        value = make(machine)  # first, since it may change which stack is the current one
        machine.stack.append(value)

    return act


def integer_of(data: bytes) -> int:
    """Returns an integer in two's complement."""
    return int.from_bytes(data, "little", signed=True)


def integer_line(machine: Machine) -> int | bool:
    """Returns the integer, or the truth, of a line."""
    line = machine.line()
    if line in (FALSE, TRUE):
        return line == TRUE
    if len(line) > MOST_INTEGER:
        raise ValueError(f"an integer of {len(line):,} digits")
    return int(line.rstrip(b"L"))


def long_integer(layout: struct.Struct) -> Callable[[Machine], int]:
    """Returns what makes an integer whose size comes first."""

    def make(machine: Machine) -> int:
        size = machine.number(layout)
        if not 0 <= size <= MOST_INTEGER:
            raise ValueError(f"an integer of {size:,} bytes")
        return integer_of(machine.cursor.take(size))

    return make


def text(layout: struct.Struct) -> Callable[[Machine], str]:
    """Returns what makes a text whose size in bytes comes first."""
    return lambda machine: machine.cursor.take(machine.number(layout)).decode("utf-8", "surrogatepass")


def octets(layout: struct.Struct) -> Callable[[Machine], bytes | Source]:
    """Returns what makes a byte string whose size comes first; a long one stays in the file."""

    def make(machine: Machine) -> bytes | Source:
        size = machine.number(layout)
        return machine.cursor.take(size) if size <= BLOCK else machine.cursor.window(size)

    return make


def old_text(data: bytes) -> str | bytes:
    """Returns a text of Python 2, or its bytes when they are no text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def old_string(layout: struct.Struct) -> Callable[[Machine], str | bytes]:
    """Returns what makes a string of Python 2 whose size comes first."""
    return lambda machine: old_text(machine.cursor.take(machine.number(layout)))


def unescaped(found: re.Match[bytes]) -> bytes:
    """Returns what an escape in the source text of a string stands for."""
    if found["hex"]:
        return bytes([int(found["hex"], 16)])
    if found["octal"]:
        return bytes([int(found["octal"], 8) & 0xFF])
    return ESCAPES.get(found["sign"], found[0])


def quoted(machine: Machine) -> str | bytes:
    """Returns a string of Python 2 from its source text."""
    line = machine.line().strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("a string without quotes")
    return old_text(ESCAPE.sub(unescaped, line[1:-1]))


def mark(machine: Machine) -> None:
    """Marks the place on the stack."""
    machine.marked.append(machine.stack)
    machine.stack = []


def pop(machine: Machine) -> None:
    """Takes the top off the stack, which may be a mark."""
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def pop_mark(machine: Machine) -> None:
    """Takes everything since the mark off the stack."""
    machine.since_mark()


def tuple_of(count: int) -> Action:
    """Returns the action that makes a tuple of the uppermost values."""

    def act(machine: Machine) -> None:
        if len(machine.stack) < count:
            raise IndexError("too few values on the stack")
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return act


def put(machine: Machine, place: int) -> None:
    """Keeps the top of the stack in the memo."""
    if place < 0:
        raise ValueError("a negative place in the memo")
    machine.memo[place] = machine.stack[-1]


def empty_dictionary(machine: Machine) -> Dictionary:
    """Returns a dictionary, which takes more memory than most of what takes one step."""
    machine.pay(1)
    return Dictionary()


def pairs_of(machine: Machine) -> Dictionary:
    """Returns a dictionary of the keys and values since the mark."""
    entries = Dictionary()
    machine.set_items(entries, machine.since_mark())
    return entries


def one_item(machine: Machine) -> None:
    """Appends the top to the list below it."""
    item = machine.stack.pop()
    machine.append(machine.stack[-1], [item])


def one_pair(machine: Machine) -> None:
    """Sets a key and a value in the dictionary below them."""
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items(machine.stack[-1], [key, value])


def many_items(machine: Machine) -> None:
    """Appends what stands since the mark."""
    items = machine.since_mark()
    machine.append(machine.stack[-1], items)


def many_pairs(machine: Machine) -> None:
    """Sets the keys and values since the mark."""
    pairs = machine.since_mark()
    machine.set_items(machine.stack[-1], pairs)


def global_line(machine: Machine) -> Global:
    """Returns what two lines name."""
    module, name = machine.line().decode(), machine.line().decode()
    return machine.found(module, name)


def stack_global(machine: Machine) -> Global:
    """Returns what two texts on the stack name."""
    name, module = machine.stack.pop(), machine.stack.pop()
    return machine.found(module, name)


def extension(layout: struct.Struct) -> Callable[[Machine], Global]:
    """Returns what makes a name of a code of the registry of extensions, which is not asked."""
    return lambda machine: machine.found("copyreg", f"extension {machine.number(layout)}")


def reduced(machine: Machine) -> Any:
    """Returns what the call of a function makes."""
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    return machine.called(callee, arguments)


def instance_line(machine: Machine) -> Any:
    """Returns an instance of a class that two lines name, of the arguments since the mark."""
    place = global_line(machine)
    return machine.called(place, tuple(machine.since_mark()))


def instance(machine: Machine) -> Any:
    """Returns an instance of the class that stands after the mark, before its arguments."""
    callee, *arguments = machine.since_mark()
    return machine.called(callee, tuple(arguments))


def new(machine: Machine) -> Any:
    """Returns what `__new__` makes."""
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    return machine.called(callee, arguments, making=True)


def new_named(machine: Machine) -> Any:
    """Returns what `__new__` makes, with keyword arguments."""
    named, arguments, callee = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    return machine.called(callee, arguments, named, making=True)


def protocol(machine: Machine) -> None:
    """Checks the protocol."""
    version = machine.number(UNSIGNED_1)
    if version > HIGHEST_PROTOCOL:
        raise ValueError(f"protocol {version}, the highest is {HIGHEST_PROTOCOL}")


def outside(machine: Machine) -> None:
    """Refuses a buffer that lies outside of the pickle."""
    raise ValueError("a buffer outside of the pickle")


ACTIONS: Mapping[int, Action] = {
    ord(code): action
    for code, action in {
        "\x80": protocol,
        "\x95": lambda machine: machine.cursor.source.check(machine.cursor.position, machine.number(UNSIGNED_8)),
        # Constants and numbers.
        "N": constant(None),
        "\x88": constant(True),
        "\x89": constant(False),
        "I": made(integer_line),
        "L": made(integer_line),
        "J": made(lambda machine: machine.number(SIGNED_4)),
        "K": made(lambda machine: machine.number(UNSIGNED_1)),
        "M": made(lambda machine: machine.number(UNSIGNED_2)),
        "\x8a": made(long_integer(UNSIGNED_1)),
        "\x8b": made(long_integer(SIGNED_4)),
        "F": made(lambda machine: float(machine.line())),
        "G": made(lambda machine: machine.number(DOUBLE)),
        # Texts and bytes.
        "S": made(quoted),
        "T": made(old_string(UNSIGNED_4)),
        "U": made(old_string(UNSIGNED_1)),
        "V": made(lambda machine: codecs.decode(machine.line(), "raw-unicode-escape")),
        "X": made(text(UNSIGNED_4)),
        "\x8c": made(text(UNSIGNED_1)),
        "\x8d": made(text(UNSIGNED_8)),
        "B": made(octets(UNSIGNED_4)),
        "C": made(octets(UNSIGNED_1)),
        "\x8e": made(octets(UNSIGNED_8)),
        "\x96": made(octets(UNSIGNED_8)),
        "\x97": outside,
        "\x98": lambda machine: None,
        # Containers; sets are lists.
        "(": mark,
        "0": pop,
        "1": pop_mark,
        "2": made(lambda machine: machine.stack[-1]),
        "]": made(lambda machine: []),
        "}": made(empty_dictionary),
        ")": constant(()),
        "\x8f": made(lambda machine: []),
        "l": made(lambda machine: machine.since_mark()),
        "t": made(lambda machine: tuple(machine.since_mark())),
        "d": made(pairs_of),
        "\x91": made(lambda machine: machine.since_mark()),
        "\x85": tuple_of(1),
        "\x86": tuple_of(2),
        "\x87": tuple_of(3),
        "a": one_item,
        "e": many_items,
        "\x90": many_items,
        "s": one_pair,
        "u": many_pairs,
        # The memo.
        "g": made(lambda machine: machine.memo[int(machine.line())]),
        "h": made(lambda machine: machine.memo[machine.number(UNSIGNED_1)]),
        "j": made(lambda machine: machine.memo[machine.number(UNSIGNED_4)]),
        "p": lambda machine: put(machine, int(machine.line())),
        "q": lambda machine: put(machine, machine.number(UNSIGNED_1)),
        "r": lambda machine: put(machine, machine.number(UNSIGNED_4)),
        "\x94": lambda machine: put(machine, len(machine.memo)),
        # What would import and call.
        "c": made(global_line),
        "\x93": made(stack_global),
        "\x82": made(extension(UNSIGNED_1)),
        "\x83": made(extension(UNSIGNED_2)),
        "\x84": made(extension(SIGNED_4)),
        "R": made(reduced),
        "i": made(instance_line),
        "o": made(instance),
        "\x81": made(new),
        "\x92": made(new_named),
        "b": Machine.build,
        "P": made(lambda machine: machine.persistent(machine.line().decode())),
        "Q": made(lambda machine: machine.persistent(machine.stack.pop())),
    }.items()
}
