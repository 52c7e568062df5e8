"""Layers without a graph: what they read is told by their arrays."""

from __future__ import annotations

import numpy
import pytest

from weightwise.naming import named
from weightwise.porting.bare import entering
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel


@pytest.mark.parametrize(("groups", "channels"), [(1, 2), (4, 8)])
def test_the_channels_of_groups_are_those_of_all_of_them(groups, channels):
    kernel = StoredArray("0", "0", (3, 3, 2, 8), "float64", 8 * 144, lambda: numpy.zeros((3, 3, 2, 8)))
    config = {"filters": 8, "kernel_size": [3, 3], "groups": groups, "use_bias": False}
    conv = StoredLayer("conv", "Conv2D", config, "keras.layers", (kernel,))
    root = StoredLayer("model", "Functional", {}, layers=(conv,))
    (layer,) = named(StoredModel("model.keras", "Keras", "Keras", "3.15.1", root, Addressing.PATH)).layers
    assert entering(layer.operation, layer) == ((None, None, None, channels),)
