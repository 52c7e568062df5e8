"""Blocks that are alike are told once, and nothing else is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from weightwise.answers.folding import folded
from weightwise.model import Evidence, Layer, Weight
from weightwise.stored import StoredArray, StoredLayer


def layer(name, shape=(3, 5), dtype="float32", class_name="Linear", key="weight"):
    array = StoredArray(f"{name}.{key}", key, shape, dtype, 0, read=lambda: None)
    weight = Weight(0, key, name, "", "", array, None, Evidence.UNKNOWN)
    return Layer(name, StoredLayer(name, class_name), None, (weight,))


def names(layers):
    return [(fold.name, fold.times) for fold in folded(layers)]


def test_blocks_that_are_alike_are_one():
    layers = [layer("embed", (7, 3))] + [layer(f"layers.{n}.{part}") for n in range(80) for part in ("up", "down")]
    assert names(layers) == [("embed", 1), ("layers.0–79.up", 80), ("layers.0–79.down", 80)]


def test_the_members_are_those_of_each_block_in_order():
    layers = [layer(f"layers.{n}.{part}") for n in range(4) for part in ("up", "down")]
    assert [member.name for member in folded(layers)[1].members] == [f"layers.{n}.down" for n in range(4)]


@pytest.mark.parametrize(
    "other",
    [
        layer("layers.2.up", shape=(5, 3)),
        layer("layers.2.up", dtype="bfloat16"),
        layer("layers.2.up", class_name="Other"),
        layer("layers.2.up", key="bias"),
        layer("layers.2.upper"),
    ],
)
def test_a_block_that_differs_in_anything_stays_by_itself(other):
    layers = [layer(f"layers.{n}.up") for n in range(7)]
    layers[2] = other
    assert names(layers) == [("layers.0.up", 1), ("layers.1.up", 1), (other.name, 1), ("layers.3–6.up", 4)]


def test_a_block_with_one_layer_more_stays_by_itself():
    layers = [layer(f"layers.{n}.up") for n in range(6)] + [layer("layers.5.bias")]
    assert names(layers) == [("layers.0–4.up", 5), ("layers.5.up", 1), ("layers.5.bias", 1)]


def test_blocks_in_blocks():
    layers = [layer(f"layers.{n}.experts.{m}.up") for n in range(3) for m in range(4)]
    assert names(layers) == [("layers.0–2.experts.0–3.up", 12)]
    assert [member.name for member in folded(layers)[0].members][:5] == [
        *(f"layers.0.experts.{m}.up" for m in range(4)),
        "layers.1.experts.0.up",
    ]


def test_the_order_of_names_is_that_of_numbers():
    layers = [layer(f"layers.{n}.up") for n in (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert names(layers) == [("layers.0–11.up", 12)]


def test_numbers_with_a_gap_are_two_ranges():
    layers = [layer(f"layers.{n}.up") for n in (0, 1, 2, 5, 6, 7)]
    assert names(layers) == [("layers.0–2.up", 3), ("layers.5–7.up", 3)]


def test_two_that_are_alike_are_told_one_by_one():
    assert names([layer("a.0.w"), layer("a.1.w")]) == [("a.0.w", 1), ("a.1.w", 1)]


def test_layers_without_numbers_stay_as_they_are():
    layers = [layer(name) for name in ("conv2d", "conv2d_1", "dense", "block/dense_1")]
    assert names(layers) == [(item.name, 1) for item in layers]


def test_every_layer_is_told_exactly_once():
    layers = [layer(f"a.{n}.b.{m}", shape=(1 + (n == 3), 2)) for n in range(5) for m in range(4)]
    assert sorted(member.name for fold in folded(layers) for member in fold.members) == sorted(x.name for x in layers)


def test_operations_that_differ_keep_blocks_apart():
    def of(number, operation):
        plain = layer(f"layers.{number}.conv")
        return Layer(plain.name, plain.stored, operation, plain.weights)

    one, other = SimpleNamespace(dilation=1), SimpleNamespace(dilation=2)
    assert names([of(0, one), of(1, other), of(2, one)]) == [(f"layers.{n}.conv", 1) for n in range(3)]
