"""A line on stderr that says what is being done and for how long, while somebody waits at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

PATIENCE = 1.0
"""Seconds before the line appears, and between its changes."""


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what is being done while the block runs; nothing where stderr is no terminal, or where it is soon over."""
    if not sys.stderr.isatty():
        yield
        return
    over = Event()
    teller = Thread(target=_tell, args=(what, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(what: str, over: Event) -> None:
    began = monotonic()
    shown = ""
    while not over.wait(PATIENCE):
        shown = f"weightwise: {what}, {monotonic() - began:.0f} s"
        print(f"\r{shown}", end="", file=sys.stderr, flush=True)
    if shown:
        print(f"\r{' ' * len(shown)}\r", end="", file=sys.stderr, flush=True)
