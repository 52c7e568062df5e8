"""Pickles that are small and would grow: each is opened in a process with little memory and processor time."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.pickles import entries, name, number, saved, tensor, text

N = 200_000
MILLION = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6
KEEP, AGAIN = b"q\x000", b"h\x00"
"""Keeps what is on the stack in the memo and takes it off, and puts it there again."""


def repeated(function: bytes, arguments: bytes) -> bytes:
    """Calls a function on the same arguments again and again, and keeps all results."""
    return arguments + KEEP + b"(" + function + b"q\x010" + b"h\x01h\x00R" * N + b"t."


def one_hash() -> bytes:
    """A dictionary of integers that all have the same hash in Python."""
    keys = ((2**61 - 1) * (place + 2**130) for place in range(N))
    return b"}(" + b"".join(b"\x8a\x19" + key.to_bytes(25, "little") + b"N" for key in keys) + b"u."


def modules() -> bytes:
    """Modules that have the module before them twice: 2 ** 40 names."""
    twice = b"}(" + text("a") + AGAIN + text("b") + AGAIN + b"u"
    module = name("torch.nn.modules.container", "Sequential") + b")\x81" + entries(_modules=twice) + b"b"
    return b"N" + (KEEP + module) * 40 + b"."


BOMBS: dict[str, Callable[[], bytes]] = {
    "lists in lists": lambda: b"(" * N + b"l" * N + b".",
    "tuples in tuples": lambda: b"N" + b"\x85" * N + b".",
    "dictionaries in dictionaries": lambda: b"N" + (KEEP + b"}" + text("a") + AGAIN + b"s") * N + b".",
    "instances in instances": lambda: b"N" + (KEEP + name("a", "b") + AGAIN + b"\x85\x81") * N + b".",
    "states of states": lambda: b"N" + (KEEP + name("a", "b") + b")\x81" + AGAIN + b"b") * N + b".",
    "a deep tuple as a key": lambda: b"}N" + b"\x85" * N + b"Ns.",
    "laughs as a key": lambda: b"}N\x85" + b"2\x86" * N + b"Ns.",
    "laughs of lists": lambda: b"]" + (KEEP + b"](" + AGAIN * 2 + b"e") * N + b".",
    "laughs under likely names": lambda: b"N" + (KEEP + entries(model=AGAIN, ema=AGAIN, net=AGAIN)) * 10_000 + b".",
    "itself": lambda: b"}q\x00" + text("model") + AGAIN + b"s.",
    "a list of itself": lambda: b"]q\x00" + AGAIN + b"a.",
    "the memo": lambda: b"N" + b"".join(b"r" + struct.pack("<I", 2**32 - 1 - place) for place in range(N)) + b".",
    "keys of one hash": one_hash,
    "long keys": lambda: b"}" + (MILLION + b"q\x000") + (MILLION + b"q\x010") + b"h\x00Nsh\x01Ns" * N + b".",
    "a list that is copied": lambda: repeated(name("builtins", "list"), b"](" + b"N" * N + b"e\x85"),
    "arguments that are copied": lambda: repeated(name("copyreg", "__newobj__"), b"(" + b"N" * N + b"t"),
    "text that is encoded": lambda: repeated(name("_codecs", "encode"), MILLION + text("latin1") + b"\x86"),
    "a state that is joined": lambda: (
        b"}("
        + b"".join(number(place) + b"N" for place in range(N))
        + b"u"
        + KEEP
        + name("a", "b")
        + b")\x81"
        + (AGAIN + b"b") * N
        + b"."
    ),
    "marks": lambda: b"(" * 10**7 + b".",
    "dictionaries": lambda: b"(" + b"}" * 10**7 + b"t.",
    "instances": lambda: b"(" + name("a", "b") + b"q\x000" + b"h\x00)\x81" * 5 * N + b"t.",
    "calls": lambda: b"(" + b"".join(name("a", f"b{place}") + b")R" for place in range(N)) + b"t.",
    "modules in modules": modules,
    "long names": lambda: b"N" + (KEEP + b"}" + text("a" * 400) + AGAIN + b"s") * 1000 + b".",
    "many arrays": lambda: b"(" + tensor() + KEEP + AGAIN * 10**6 + b"l.",
}
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from weightwise.errors import WeightwiseError
from weightwise.formats import open_stored
try:
    stored = open_stored(sys.argv[1])
    print("opened", *stored.problems[:1])
except WeightwiseError as error:
    print("refused", error)
"""


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_take_little_memory_and_time(case, tmp_path):
    """A gibibyte and a minute are the limits of the process, which a bomb would take many times."""
    path = saved(tmp_path / "m.pt", b"\x80\x02" + BOMBS[case]())
    done = subprocess.run([sys.executable, "-c", PROGRAM, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(("opened", "refused"))
