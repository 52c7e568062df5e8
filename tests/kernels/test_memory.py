"""Memory is lent again when nothing uses it any more, and never before."""

from __future__ import annotations

import gc

import numpy
import pytest

from weightwise.kernels.memory import LEAST_BYTES, PAGE, Memory, empty, reused

COUNT = LEAST_BYTES // 4


def address(array: numpy.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_is_used_again():
    with reused():
        first = address(empty((4, COUNT), "float32"))
        assert address(empty(2 * COUNT, ">f4")) == first
        larger = address(empty(9 * COUNT, "float32"))
        assert address(empty(COUNT, "float32")) == larger


@pytest.mark.parametrize(
    "use",
    [
        lambda array: array[3:],
        lambda array: array.T.reshape(-1, 2),
        lambda array: array.view("uint8"),
        memoryview,
        lambda array: numpy.frombuffer(memoryview(array), "uint8"),
        numpy.asarray,
        iter,
    ],
)
def test_what_is_in_use_is_not_lent(use):
    with reused():
        array = empty(COUNT, "float32")
        place = address(array)
        view = use(array)
        del array
        gc.collect()
        other = empty(COUNT, "float32")
        assert address(other) != place
        del view
        gc.collect()
        assert address(empty(COUNT, "float32")) == place


def test_an_array_outlives_the_block():
    with reused():
        array = empty(COUNT, "float32")
        array[:] = 7
    with reused():
        empty(COUNT, "float32")[:] = 8
    assert (array == 7).all()


def test_elsewhere_and_for_little_memory_is_new():
    one, two = empty(COUNT, "float32"), empty(COUNT, "float32")
    assert address(one) != address(two)
    assert one.flags.owndata
    with reused():
        assert empty(COUNT - 1, "float32").flags.owndata
        assert not empty(COUNT, "float32").flags.owndata


def test_shapes_and_dtypes():
    with reused():
        array = empty((3, COUNT), "<u2")
        assert (array.shape, array.dtype.str, array.flags.c_contiguous, array.flags.writeable) == (
            (3, COUNT),
            "<u2",
            True,
            True,
        )
        assert empty((), "float32").shape == ()
        assert empty((0, 3), "float32").shape == (0, 3)


def test_many_are_lent_at_a_time_and_new_memory_beyond_them():
    memory = Memory(2)
    one, two, three = (memory.lent(LEAST_BYTES) for _ in range(3))
    places = {address(one), address(two)}
    assert len(places | {address(three)}) == 3
    del one, three
    assert address(memory.lent(LEAST_BYTES)) in places - {address(two)}


@pytest.mark.parametrize("position", [0, 1, 4095, 4096, 123_456_789])
def test_memory_lies_in_its_page_as_the_bytes_of_a_file(position):
    for memory in (Memory(1), Memory(0)):
        lent = memory.lent(LEAST_BYTES + 5, position)
        assert lent.nbytes == LEAST_BYTES + 5
        assert (address(lent) - position) % PAGE == 0
        lent[:] = 1
