"""The arithmetic of a layer is spelled from its axes, and the spelled text has the value that it claims."""

from __future__ import annotations

from pathlib import Path

import pytest

import weightwise
from weightwise.answers.arithmetic import arithmetic

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "tests" / "samples").glob("keras*.keras"))


def formula(path: str, layer: str) -> str:
    return str(arithmetic(weightwise.open(ROOT / path)[layer].weights))


@pytest.mark.parametrize(
    ("path", "layer", "expected"),
    [
        ("examples/mnist_cnn.keras", "conv2d_1", "(3·3·1 + 1)·32 = 320"),
        ("examples/mnist_cnn.keras", "conv2d_2", "(3·3·32 + 1)·64 = 18,496"),
        ("examples/mnist_cnn.keras", "dense_1", "(12·12·64 + 1)·128 = 1,179,776"),
        ("tests/samples/keras3_nested.keras", "middle/inner/normalized", "4·3 = 12"),
        ("tests/samples/keras3_recurrent.keras", "both_ways", "2·(3 + 4 + 1)·4·4 = 256"),
        ("tests/samples/keras3_recurrent.keras", "simple", "(2 + 3)·3 = 15"),
        (
            "tests/samples/keras3_attention.keras",
            "attend",
            "(6 + 1)·3·2 + (9 + 1)·3·2 + (9 + 1)·3·4 + (3·4 + 1)·6 = 300",
        ),
    ],
)
def test_the_spelling(path, layer, expected):
    assert formula(path, layer) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_formula_has_the_value_that_it_claims(path):
    for layer in weightwise.open(path).walk():
        found = arithmetic(layer.weights)
        assert found.parameters == layer.parameters
        if found.formula:
            assert eval(found.formula.replace("·", "*")) == layer.parameters


def test_an_unknown_array_leaves_the_total():
    assert formula("tests/samples/keras3_custom.keras", "gate") == "30"
