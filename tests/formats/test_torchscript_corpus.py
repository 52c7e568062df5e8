"""Real TorchScript archives by other hands: they hold what PyTorch itself loads, and all their arrays are named."""

from __future__ import annotations

import numpy
import pytest

from tests.samples import CORPUS, arrays
from weightwise.formats import open_stored
from weightwise.naming import named

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")

ENTRIES = [
    # file, arrays, numbers in them, tensors that are no weights
    ("torchscript-silero-vad/silero_vad.jit", 30, 545_282, 3),
    ("torchscript-silero-micro/model_micro.jit", 56, 5_316, 32),
]
FILES = [entry[0] for entry in ENTRIES]


@pytest.mark.parametrize(("file", "count", "numbers", "others"), ENTRIES)
def test_a_real_archive_opens_whole_and_every_array_is_named(file, count, numbers, others):
    stored = open_stored(CORPUS / file)
    found = arrays(stored)
    assert stored.problems == ()
    assert (len(found), sum(array.size for array in found.values()), len(stored.state)) == (count, numbers, others)
    model = named(stored)
    unknown = [weight.name for layer in model.root.layers for weight in layer.weights if weight.bound is None]
    assert (unknown, model.problems) == ([], ())


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's, of TorchScript and of quantised tensors
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("file", FILES)
def test_a_real_archive_holds_what_pytorch_loads(file):
    import torch

    stored = open_stored(CORPUS / file)
    expected = torch.jit.load(CORPUS / file, map_location="cpu").state_dict()
    found = arrays(stored)
    assert list(stored.listing or found) == list(expected)
    for name, tensor in expected.items():
        numpy.testing.assert_array_equal(found[name].read(), tensor.numpy(), strict=True)


def test_an_operator_names_an_array_of_a_module_of_ones_own():
    layers = {layer.name: layer for layer in named(open_stored(CORPUS / FILES[0])).root.layers}
    (basis,) = layers["_model.stft.conv1d"].weights
    assert (basis.stored.path, basis.bound.shape) == ("_model.stft.forward_basis_buffer", (258, 1, 256))
    assert layers["_model.stft.conv1d"].stored.config["stride"] == (128,)


def test_bytes_of_quantised_modules_are_no_weights_and_told():
    stored = open_stored(CORPUS / FILES[1])
    assert any(remark.startswith("16 quantised modules keep") for remark in stored.remarks)
    assert {array.dtype for array in stored.state} == {"int8", "float32"}
    assert all(array.read().shape == array.shape for array in stored.state)
