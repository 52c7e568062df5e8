"""What Keras 2 wrote, in the spelling of Keras 3, and which convention a version follows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from tests.oracles.proof import bound, described, difference, fact_inputs, fact_weights
from weightwise.conventions import keras
from weightwise.conventions.choice import convention, keras_convention
from weightwise.conventions.keras import legacy
from weightwise.ops.operation import ShapeError
from weightwise.stored import Addressing, StoredLayer, StoredModel

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
CUDNN = [json.loads(line) for line in (GOLDEN / "keras2_cudnn.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("version", "describe", "trained_first"),
    [
        ("2.0.5", legacy.describe, True),
        ("2.3.1", legacy.describe, True),
        ("2.2.4-tf", legacy.describe, False),
        ("2.3.0-tf", legacy.describe, False),
        ("2.4.0", legacy.describe, False),
        ("2.15.0", legacy.describe, False),
        ("2.21.0", legacy.describe, False),
        ("3.0.5", keras.describe, False),
        ("3.15.1", keras.describe, False),
        ("a version of the future", keras.describe, False),
    ],
)
def test_a_version_follows_a_convention(version, describe, trained_first):
    chosen = keras_convention(version)
    assert (chosen.describe, chosen.trained_first) == (describe, trained_first)


@pytest.mark.parametrize(
    ("addressing", "describe"), [(Addressing.ORDER, legacy.describe), (Addressing.PATH, keras.describe)]
)
def test_a_file_without_a_version_follows_its_format(addressing, describe):
    stored = StoredModel("model.h5", "Keras", "Keras", "", StoredLayer("model", ""), addressing)
    assert convention(stored).describe is describe


def test_shapes_arrays_and_tuples_that_were_written_as_objects_are_plain():
    config = {
        "axis": {"class_name": "__tuple__", "items": [1, {"class_name": "__tuple__", "items": [2]}]},
        "shape": {"class_name": "TensorShape", "items": [None, 3]},
        "alpha": {"type": "ndarray", "value": 0.25},
        "kernel_initializer": {"class_name": "Zeros", "config": {}},
    }
    plain = {"axis": [1, [2]], "shape": [None, 3], "alpha": 0.25, "kernel_initializer": config["kernel_initializer"]}
    assert legacy.modern("Dense", config) == ("Dense", plain)


@pytest.mark.parametrize("value", ["hard_sigmoid", {"class_name": "function", "config": "hard_sigmoid"}])
def test_the_hard_sigmoid_of_keras_2_has_a_name_of_its_own_at_any_depth(value):
    inner = {"class_name": "SyncBatchNormalization", "config": {"activation": value, "name": "hard_sigmoid"}}
    _, config = legacy.modern("TimeDistributed", {"layer": inner, "cells": [inner]})
    expected = {
        "class_name": "BatchNormalization",
        "config": {"activation": "hard_sigmoid_5", "name": "hard_sigmoid"},
    }
    assert config == {"layer": expected, "cells": [expected]}


def test_a_gru_that_does_not_say_when_it_resets_resets_before():
    config = {"units": 3, "activation": "tanh", "recurrent_activation": "hard_sigmoid"}
    bias = legacy.describe("GRU", config, [(None, 4, 5)]).slots[-1]
    assert bias.axes == "(gate[z r h] units)"


@pytest.mark.parametrize("axes", [[2, 1], [-1, -2], (3, 1)])
def test_keras_2_mixes_up_axes_out_of_order(axes):
    with pytest.raises(ShapeError, match="ascending order"):
        legacy.describe("LayerNormalization", {"axis": axes}, [(None, 3, 4, 5)])


@pytest.mark.parametrize("implementation", [2, 3])
def test_other_arrays_of_a_locally_connected_layer_are_refused(implementation):
    config = {"filters": 2, "kernel_size": [2], "implementation": implementation}
    with pytest.raises(ShapeError, match=f"implementation {implementation}"):
        legacy.describe("LocallyConnected1D", config, [(None, 6, 3)])


@pytest.mark.parametrize("fact", CUDNN, ids=lambda fact: fact["name"])
def test_the_kernel_of_a_gate_holds_the_values_of_units_and_inputs_one_after_the_other(fact):
    description = described(fact, legacy.describe)
    kernel, recurrent_kernel, bias = fact_weights(fact)
    bounds = bound(description.slots, [kernel, recurrent_kernel, bias])
    size, units = kernel.shape[0], recurrent_kernel.shape[0]
    names = [factor.name for factor in bounds[0].factors]
    assert names == ["row", "gate", "column"]
    gates = len(bounds[0].factors[1].labels)
    blocks = [block.reshape(units, size).T for block in numpy.split(kernel, gates, axis=1)]
    roles = description.operation.roles()
    weights = {
        "kernel": numpy.stack(blocks, axis=1),
        "recurrent_kernel": bounds[1].arrange(recurrent_kernel, roles["recurrent_kernel"]),
        "bias": bounds[2].arrange(bias, roles["bias"]),
    }
    outputs = description.operation.forward(fact_inputs(fact), weights)
    assert difference(outputs, fact) <= fact["tolerance"]
