"""Rearranged arrays have NumPy's bytes, whatever the strides, in one piece and in slabs."""

from __future__ import annotations

from itertools import pairwise

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from weightwise.kernels import contiguous as kernel
from weightwise.kernels.contiguous import contiguous, copy, copy_tiles, padded, pieces, source_order, tile_of

DTYPES = ("bool", "int8", "<u2", ">f4", "float64", "complex128", "S3", "M8[s]", [("a", "i1"), ("b", "<f4")])


@st.composite
def views(draw, dtypes=DTYPES, most=4096):
    """Draw a view of numbered bytes with its axes permuted, flipped, cut, repeated or of size one."""
    dtype = numpy.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=40).filter(lambda s: size(s) <= most))
    largest = 2 if dtype.kind == "b" else 251
    values = numpy.resize(numpy.arange(251), size(shape) * dtype.itemsize) % largest
    view = values.astype("uint8").view(dtype).reshape(shape)
    view = view.transpose(draw(st.permutations(range(view.ndim))))
    view = view[(..., *(slice(None, None, draw(st.sampled_from([1, 1, -1, 2, -3]))) for _ in shape))]
    if draw(st.booleans()):
        view = numpy.broadcast_to(view[None], (draw(st.integers(1, 3)), *view.shape))
    return view


def size(shape):
    return int(numpy.prod(shape, dtype=int))


def assert_same(found, view):
    expected = view.copy(order="C")
    assert found.flags.c_contiguous
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


@given(views())
def test_any_view(view):
    assert_same(contiguous(view), view)


@given(views().filter(lambda view: view.ndim and view.size))
def test_any_view_by_tiles(view):
    """Small views, so that the tile of a run is often cut, and smaller ones, so that there are many."""
    order = source_order(view)
    for tile in (tile_of(view.shape, order), [max(1, length // 2) for length in view.shape]):
        result = numpy.empty(view.shape, view.dtype)
        copy_tiles(view, result, order, tile)
        assert_same(result, view)


@pytest.mark.parametrize("dtype", ["uint8", ">i2", "float32", "float64", "complex128", "S3", "object"])
@pytest.mark.parametrize(
    ("shape", "permutation"),
    [((1025, 1030), (1, 0)), ((3, 3, 300, 410), (3, 2, 0, 1)), ((300, 1, 410, 9), (2, 1, 3, 0))],
)
def test_large_views_are_tiled(shape, permutation, dtype, monkeypatch):
    counted = []
    monkeypatch.setattr(kernel, "copy_tiles", lambda *given: counted.append(given) or copy_tiles(*given))
    view = numpy.arange(size(shape)).astype(dtype).reshape(shape).transpose(permutation)[::-1]
    found = contiguous(view)
    assert found.flags.c_contiguous
    assert found.shape == view.shape
    assert found.dtype == view.dtype
    assert numpy.array_equal(found, view)
    assert len(counted) == 1


@pytest.mark.parametrize("payload", [0x7F800001, 0xFFC12345, 0x80000000])
def test_every_bit_of_a_nan_is_kept(payload):
    view = numpy.full((600, 500), payload, "uint32").view("float32").T
    assert set(contiguous(view).view("uint32").ravel().tolist()) == {payload}


def test_a_contiguous_view_is_returned_itself():
    values = numpy.arange(24).reshape(2, 3, 4)
    for view in (values, values[1:], numpy.array(5), numpy.empty((0, 3))):
        assert contiguous(view) is view


def test_runs_in_both_orders_are_left_to_numpy(monkeypatch):
    monkeypatch.setattr(kernel, "copy_tiles", None)
    view = numpy.zeros((1000, 4, 300), "float32").transpose(1, 0, 2)
    assert_same(contiguous(view), view)


@pytest.mark.parametrize(
    ("shape", "order", "tile"),
    [
        ((1000, 2000), (1, 0), [256, 256]),
        ((512, 300, 3, 3), (2, 3, 1, 0), [256, 29, 3, 3]),
        ((100, 1000, 50), (2, 1, 0), [100, 6, 50]),
        ((1000, 300), (0, 1), [1, 256]),
    ],
)
def test_a_tile_has_runs_in_both_orders(shape, order, tile):
    assert tile_of(shape, order) == tile


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([256, 256], [256, 272]),
        ([256, 29, 3, 3], [256, 31, 3, 3]),
        ([9, 29, 256], [9, 29, 272]),
        ([49, 3, 256], [49, 3, 272]),
        ([90, 100], [91, 100]),
    ],
)
def test_runs_of_a_buffer_are_padded(sizes, expected):
    assert padded(sizes) == expected


@pytest.mark.parametrize("shape", [(5, 7), (700, 900)])
def test_values_are_copied_into_another_order_of_bytes(shape):
    view = numpy.arange(size(shape), dtype="<f4").reshape(shape).T
    result = numpy.empty(view.shape, ">f4")
    copy(view, result)
    assert result.tobytes() == view.astype(">f4").tobytes(order="C")


@given(views(), st.integers(1, 5000))
def test_pieces_are_the_bytes_in_order(view, nbytes):
    found = list(pieces(view, nbytes))
    assert b"".join(piece.tobytes() for piece in found) == view.tobytes()
    assert all(piece.nbytes <= max(nbytes, view.dtype.itemsize) for piece in found)
    assert all(numpy.shares_memory(piece, view) for piece in found if piece.size)


@given(views(dtypes=("float64",)).filter(lambda view: view.size), st.integers(8, 5000))
def test_pieces_are_as_large_as_they_may(view, nbytes):
    """A piece and a row more would be too large, but where an axis before has come to its end."""
    found = list(pieces(view, nbytes))
    for piece, following in pairwise(found):
        if piece.ndim == following.ndim == view.ndim:
            assert piece.nbytes + piece[:1].nbytes > nbytes
    if view.nbytes <= nbytes:
        assert len(found) == 1
