"""Settings of a configuration that are of another kind than the framework writes."""

from __future__ import annotations

import pytest

from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor


@pytest.mark.parametrize("units", [{"a": 1}, 2.5, "two", None, [2]])
def test_a_size_that_is_no_whole_number_leaves_the_layer_unknown(units):
    entry = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 3]}, calls=(Call(()),))
    layer = StoredLayer("dense", "Dense", {"units": units}, calls=(Call((Tensor("entry"),)),))
    root = StoredLayer(
        "net", "Functional", layers=(entry, layer), inputs=(Tensor("entry"),), outputs=(Tensor("dense"),)
    )
    model = named(StoredModel("net.keras", "made", "Keras", "3", root, Addressing.PATH))
    assert model["dense"].operation is None
    assert "cannot be read" in model["dense"].note
