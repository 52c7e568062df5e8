"""Work that is done ahead, in a thread: arrays are rearranged while those before are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import copy_context
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
MANY = 8
"""So many items wait at most, so that an array can be read while the last slabs of the one before are written."""
WAITING = 0.05
"""Seconds after which a thread with nowhere to put its work looks whether anybody still wants it."""


class _End:
    """What follows the last item: the error that ended the work, or none."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterable[T], many: int = MANY) -> Iterator[T]:
    """Yield the items, which are made while those before are used; raises what making them raises.

    At most `many` of them wait. The thread that makes them sees the context variables of the one that asks.

    >>> list(ahead(range(3)))
    [0, 1, 2]
    """
    made: Queue[T | _End] = Queue(many)
    unwanted = Event()
    worker = Thread(target=copy_context().run, args=(_make, items, made, unwanted), daemon=True)
    worker.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
            del item
        if item.error is not None:
            raise item.error
    finally:
        unwanted.set()
        _emptied(made)
        worker.join()


def _make(items: Iterable[T], made: Queue[T | _End], unwanted: Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _put(made, item, unwanted):
                return
            del item
    except BaseException as raised:  # whatever it is, it is raised again where the items are used
        error = raised
    _put(made, _End(error), unwanted)


def _put(made: Queue[T | _End], item: T | _End, unwanted: Event) -> bool:
    """Put an item where it is taken from; return whether anybody wanted it."""
    while not unwanted.is_set():
        try:
            made.put(item, timeout=WAITING)
        except Full:
            continue
        return True
    return False


def _emptied(made: Queue[T | _End]) -> None:
    try:
        while True:
            made.get_nowait()
    except Empty:
        return
