from __future__ import annotations

import pytest

from weightwise.ops.dense import Dense
from weightwise.ops.low_rank import LowRank
from weightwise.ops.operation import ShapeError


def test_a_low_rank_layer_alone():
    layer = LowRank(5)
    assert layer.roles() == {"lora_a": "in rank", "lora_b": "rank out"}
    assert layer.sizes([(None, 3)]) == {"in": 3, "out": 5}
    assert layer.sizes([]) == {"out": 5}
    assert layer.output_shapes([(None, 4, 3)]) == ((None, 4, 5),)
    assert layer.sentence() == "computes 5 weighted sums of all its inputs through a narrow layer"


def test_the_layer_that_is_adapted_has_its_roles_within():
    layer = LowRank(5, Dense(5))
    assert layer.roles()["adapted/kernel"] == "in out"
    assert layer.sentence().endswith(", and adds what the layer inside computes 5 weighted sums of all its inputs")
    with pytest.raises(ShapeError, match="cannot be added"):
        LowRank(5, Dense(4)).output_shapes([(None, 3)])


def test_its_outputs_are_channels():
    assert LowRank(5).tensor_axes([("position", "c")]) == ("position", "c")
    assert LowRank(5).tensor_axes([("c", "h")]) is None
    assert LowRank(5).tensor_axes([None]) is None
