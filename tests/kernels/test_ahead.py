"""Work done ahead: the items in order, one at a time, errors where they are used, and an end when nobody wants more."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from weightwise.kernels.ahead import MANY, ahead


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_the_items_are_the_same(count):
    assert list(ahead(range(count))) == list(range(count))


def test_little_is_made_before_it_is_used():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    for number in ahead(items()):
        assert len(made) <= number + MANY + 3


def test_items_are_made_while_one_is_used():
    made = threading.Semaphore(0)

    def items():
        for number in range(2 * MANY):
            made.release()
            yield number

    results = ahead(items())
    next(results)
    assert all(made.acquire(timeout=10) for _ in range(MANY + 1))
    results.close()


def test_the_thread_sees_the_variables_of_the_one_that_asks():
    colour = ContextVar("colour", default="none")
    token = colour.set("green")
    assert list(ahead(colour.get() for _ in range(2))) == ["green", "green"]
    colour.reset(token)


def test_an_error_is_raised_behind_the_items_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    results = ahead(items())
    assert next(results) == 1
    with pytest.raises(ValueError, match="broken"):
        next(results)


def test_nothing_goes_on_when_nobody_wants_more():
    before = threading.active_count()
    items = ahead(range(1000))
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before
