"""Every fact, lowered to PyTorch and printed as code: PyTorch computes with that code what the fact says."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import weightwise
from tests.oracles.spelled_facts import SOURCES, expected, fact_inputs, far, judged, laid, model
from weightwise.answers.forward import forward
from weightwise.answers.sample_inputs import random_inputs
from weightwise.conventions.pytorch.spelling import SPELLER
from weightwise.errors import WeightwiseError
from weightwise.frameworks.pytorch import computed, made, outputs
from weightwise.model import Model
from weightwise.naming import named
from weightwise.porting.porting import lowered
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning"),
]


SPELLED = {"pytorch_": 590, "flax_linen_": 130, "flax_nnx_": 75, "keras_": 515}
"""How many facts PyTorch can have, at least."""


def difference(fact) -> float:
    """Return how far PyTorch is from the fact's outputs, of their largest value; raises `UnsupportedError`."""
    ported = lowered(model(fact), SPELLER)
    given = laid(fact_inputs(fact), [placed.layout for placed in ported.inputs])
    ours = computed(made(ported.model), ported.model, given)
    theirs = laid(expected(fact), [placed.layout for placed in ported.outputs])
    return far(ours, theirs)


@pytest.mark.parametrize("source", SOURCES)
def test_what_can_be_spelled_computes_the_same(source):
    spelled, wrong = judged(source, difference)
    assert not wrong, "\n".join(wrong)
    assert spelled >= SPELLED[source]


SAMPLES = Path(__file__).parents[1] / "samples"


def test_sample_files_compute_the_same():
    """The files of other programs, their graphs with branches, shared layers and models inside models."""
    refused = []
    computing = []
    for path in sorted(SAMPLES.iterdir()):
        try:
            model = weightwise.open(path)
            ported = lowered(model, SPELLER)
            inputs = random_inputs(model)
            theirs = forward(model, inputs)
            network = made(ported.model)
        except WeightwiseError as error:
            refused.append(f"{path.name}: {error}")
            continue
        given = laid(inputs, [placed.layout for placed in ported.inputs])
        ours = computed(network, ported.model, given)
        for our, their in zip(ours, laid(theirs, [placed.layout for placed in ported.outputs]), strict=True):
            assert our.shape == their.shape, path.name
            assert numpy.abs(our - their).max(initial=0) <= 1e-12 * max(numpy.abs(their).max(initial=0), 1), path.name
        computing.append(path.name)
    print(f"\n{len(computing)} files, {len(refused)} without a graph or refused")
    assert len(computing) > 45


def nested(name: str) -> Model:
    """Return a model of PyTorch with one module of a name."""
    weight = numpy.arange(6.0).reshape(2, 3)
    array = StoredArray("weight", "weight", (2, 3), "float64", 48, lambda: weight)
    config = {"in_features": 3, "out_features": 2, "parameters": ["weight"], "buffers": []}
    layer = StoredLayer(name, "Linear", config, arrays=(array,), calls=(Call((Tensor("(input)"),)),))
    root = StoredLayer("net", "", layers=(layer,), inputs=(Tensor("(input)"),), outputs=(Tensor(name),))
    return named(StoredModel("net.pt", "made", "PyTorch", "", root, Addressing.PATH))


@pytest.mark.parametrize("name", ["type", "lambda", "features.0", "a.0.b", "ünder", "_modules", "float.half", "x y"])
def test_names_of_modules_are_those_of_their_arrays(name):
    x = numpy.array([[1.0, -2.0, 3.0]])
    assert [array.tolist() for _, array in outputs(nested(name), [x])] == [[[4.0, 10.0]]]
