"""Which layer feeds which, over chains, branches, shared layers and models inside models."""

from __future__ import annotations

from pathlib import Path

import pytest

import weightwise
from tests.answers.models import chain
from weightwise.answers.neighbours import arrivals, connected, ends, origin, owner, readers

SAMPLES = Path(__file__).parents[1] / "samples"
CNN = weightwise.open(SAMPLES / "keras3_cnn.keras")
RESIDUAL = weightwise.open(SAMPLES / "keras3_residual.keras")
NESTED = weightwise.open(SAMPLES / "keras3_nested.keras")
PATHS = weightwise.open(SAMPLES / "keras3_cnn.weights.h5")


def sources(model, name):
    return [(arrival.layer.name if arrival.layer else None, arrival.shape) for arrival in arrivals(model, model[name])]


def test_a_chain():
    assert sources(CNN, "conv2d_1") == [(None, (None, 9, 8, 2))]
    assert sources(CNN, "conv2d_2") == [("conv2d_1", (None, 7, 7, 3))]
    assert [layer.name for layer in readers(CNN, CNN["conv2d_2"])] == ["max_pooling2d_1"]
    assert [layer.name for layer in CNN.layers if ends(CNN, layer)] == ["dense_2"]


def test_branches_and_shared_layers():
    assert [name for name, _ in sources(RESIDUAL, "joined")] == ["added", "shared", "entry"]
    assert {layer.name for layer in readers(RESIDUAL, RESIDUAL["shared"])} == {"back", "added", "joined"}
    assert arrivals(RESIDUAL, RESIDUAL["entry"]) == ()


def test_inside_a_model():
    inner = NESTED["middle/inner/normalized"]
    assert owner(NESTED, inner) is NESTED["middle/inner"]
    assert sources(NESTED, "middle/inner/normalized") == [("middle/inner/frozen", (None, 3))]
    assert owner(NESTED, NESTED["head"]) is NESTED.root


def test_a_file_of_weights_alone_says_nothing_of_the_graph():
    layer = PATHS["conv2d_2"]
    assert not connected(layer)
    assert (arrivals(PATHS, layer), readers(PATHS, layer), ends(PATHS, layer)) == ((), (), False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("flatten_1", "max_pooling2d_1"), ("dense_1", "max_pooling2d_1"), ("dense_2", "dense_1"), ("conv2d_1", None)],
)
def test_the_layer_that_made_the_values(name, expected):
    made = origin(CNN, CNN[name])
    assert (made.name if made else None) == expected


def test_where_two_tensors_arrive_nobody_made_all_values():
    assert origin(RESIDUAL, RESIDUAL["joined"]) is None


def test_a_layer_that_reads_itself_ends_the_walk():
    model = chain((3,), ("entry", "Dropout", {"rate": 0.5}, {}))  # called like the input: a file can say so
    assert origin(model, model["entry"]) in (None, model["entry"])
