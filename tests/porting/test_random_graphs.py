"""Random networks, ported to another framework and back: each computes the same, and gets its weights back."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest
from hypothesis import given, settings

from tests.porting.graphs import Network, image_networks, inputs_of, sequence_networks
from weightwise.answers.forward import forward
from weightwise.model import Model
from weightwise.porting.lowering import Placed
from weightwise.porting.porting import Ported, lowered, speller


def laid(array: numpy.ndarray, placed: Placed) -> numpy.ndarray:
    """Return an array of the source as it lies in the target."""
    return array if placed.layout is None else array.transpose(placed.layout)


def laid_back(array: numpy.ndarray, placed: Placed) -> numpy.ndarray:
    """Return an array of the target as it lies in the source."""
    return array if placed.layout is None else array.transpose(numpy.argsort(placed.layout))


def computed(ports: list[Ported], inputs: numpy.ndarray) -> numpy.ndarray:
    """Return the output of the last of some ports, each of that before, for an input as the first source takes it."""
    for ported in ports:
        inputs = laid(inputs, ported.inputs[0])
    (output,) = forward(ports[-1].model, [inputs])
    for ported in reversed(ports):
        output = laid_back(output, ported.outputs[0])
    return output


def assert_the_same(network: Network, framework: str) -> None:
    """Port a network there and back, and compare."""
    source, inputs = network.model(), inputs_of(network)
    (wanted,) = forward(source, [inputs])
    there = lowered(source, speller(framework))
    back = lowered(there.model, speller("keras"))
    for ports in ([there], [there, back]):
        found = computed(ports, inputs)
        assert found.shape == wanted.shape
        assert numpy.abs(found - wanted).max() <= 1e-10 * max(numpy.abs(wanted).max(), 1e-3)
    if not any(transfer.fed.lost for transfer in (*there.transfers, *back.transfers)):
        assert kept(source) <= kept(back.model)


def kept(model: Model) -> Counter[bytes]:
    """Return the values of all arrays that enter the output, bit for bit and in their order in each array."""
    return Counter(weight.values().tobytes() for weight in model.weights if weight.role != "-")


@pytest.mark.parametrize("framework", ["pytorch", "flax"])
@settings(max_examples=30)
@given(network=image_networks())
def test_images(framework, network):
    assert_the_same(network, framework)


@pytest.mark.parametrize("framework", ["pytorch", "flax"])
@settings(max_examples=20)
@given(network=sequence_networks())
def test_sequences(framework, network):
    assert_the_same(network, framework)


@pytest.mark.parametrize("framework", ["pytorch", "flax"])
def test_rows_that_only_one_framework_tells_by_names(framework):
    network = Network((None, 3), 0)
    network.add("Embedding", {"input_dim": 7, "output_dim": 2, "mask_zero": False})
    network.add("Flatten", {})
    network.add("Dense", {"units": 5, "activation": "linear", "use_bias": True})
    assert_the_same(network, framework)
