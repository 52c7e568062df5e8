"""Weights of Keras 1 alone: what real files of it tell without their configuration is what they tell with it."""

from __future__ import annotations

import pytest

from tests.naming.bare import without_configuration
from tests.samples import SAMPLES
from weightwise.formats import open_stored
from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import StoredModel

NAMED = {"keras1_cnn_tf.h5": 4, "keras1_cnn_th.h5": 4, "keras1_branches.h5": 7, "keras1_recurrent.h5": 15}
"""How many arrays are named: not those of layers inside layers, nor a kernel that two classes would read otherwise."""


def bare(stored: StoredModel) -> Model:
    return named(without_configuration(stored))


@pytest.mark.parametrize("file", NAMED)
def test_what_the_names_tell_is_what_the_configuration_declares(file):
    stored = open_stored(SAMPLES / file)
    found = bare(stored).weights
    told = [(weight, twin) for weight, twin in zip(found, named(stored).weights, strict=True) if weight.bound]
    assert len(told) == NAMED[file]
    for weight, twin in told:
        assert (weight.name, weight.role, weight.at, weight.shape) == (twin.name, twin.role, twin.at, twin.shape)
        if "(" not in twin.bound.notation.split(" (gate")[0]:  # a Dense layer does not know what was flattened
            assert weight.bound.notation == twin.bound.notation


def test_the_backend_turns_the_kernel_and_the_order_of_dimensions_moves_it():
    kernels = [
        bare(open_stored(SAMPLES / file))["convolution2d_1"]["W"].bound.notation
        for file in ("keras1_cnn_tf.h5", "keras1_cnn_th.h5")
    ]
    assert kernels == ["kh kw in out", "out in -kh -kw"]


def test_the_gates_of_a_recurrent_layer_are_told_apart():
    model = bare(open_stored(SAMPLES / "keras1_recurrent.h5"))
    assert [weight.at for weight in model["lstm_1"].weights][::3] == ["gate=i", "gate=g", "gate=f", "gate=o"]
    assert model["lstm_2"]["U"].bound.text() == "units' 3 · (gate[i f g o] · units 3)"
