"""Real files of PyTorch by other hands: they hold what PyTorch itself finds in them, or are refused for a reason."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from tests.samples import CORPUS, arrays
from weightwise.errors import FormatError
from weightwise.formats import open_stored

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")

ENTRIES = [
    # file, layers, arrays, parameters and other numbers, remarks
    ("torch-allennlp-classifier/best.th", 4, 9, 4_304, ()),
    ("torch-lpips-alex-01/alex.pth", 5, 5, 1_152, ()),
    ("torch-mnist-ggml/mnist_model.state_dict", 2, 4, 397_510, ()),
    ("torch-mtcnn-pnet-rnet/pnet.pt", 8, 13, 6_632, ()),
    ("torch-mtcnn-pnet-rnet/rnet.pt", 10, 16, 100_178, ()),
    (
        "torch-resnet20-cifar/resnet20-12fca82f.th",
        39,
        97,
        271_098,
        (
            "the names are given without the prefix module., which DataParallel adds",
            "the weights are what the file holds as state_dict",
        ),
    ),
    ("torch-rfb320/version-RFB-320.pth", 87, 244, 281_135, ()),
]


@pytest.mark.parametrize(("file", "layers", "count", "numbers", "remarks"), ENTRIES)
def test_a_real_state_dict_opens_whole(file, layers, count, numbers, remarks):
    stored = open_stored(CORPUS / file)
    found = arrays(stored)
    assert (stored.framework, stored.problems, stored.remarks) == ("PyTorch", (), remarks)
    assert (len(stored.root.layers), len(found), sum(array.size for array in found.values())) == (
        layers,
        count,
        numbers,
    )
    assert all(array.read().shape == array.shape for array in found.values())


@pytest.mark.oracle
@pytest.mark.parametrize("file", [entry[0] for entry in ENTRIES])
def test_a_real_state_dict_holds_what_pytorch_finds(file):
    import torch

    stored = open_stored(CORPUS / file)
    loaded = torch.load(CORPUS / file, weights_only=True, map_location="cpu")
    expected = loaded.get("state_dict", loaded)
    found = arrays(stored)
    assert list(stored.listing or found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == str(tensor.dtype).removeprefix("torch.")
        numpy.testing.assert_array_equal(found[name].read(), tensor.numpy(), strict=True)


def test_a_real_module_tells_its_classes():
    stored = open_stored(CORPUS / "torch-aizoo360-module/model360.pth")
    classes = Counter(layer.class_name for layer in stored.root.layers)
    assert (stored.root.class_name, stored.root.package) == ("KitModel", "MainModel")
    assert classes == {"Conv2d": 28, "BatchNorm2d": 18}
    assert stored.remarks == ("torch.load would import MainModel.KitModel",)
    assert (stored.problems, len(arrays(stored))) == ((), 128)
    assert all(layer.configured and layer.config["parameters"] for layer in stored.root.layers)
    assert all(array.read().shape == array.shape for array in arrays(stored).values())


def test_a_compressed_archive_is_refused():
    with pytest.raises(FormatError, match="it is compressed with gzip: unpack it first"):
        open_stored(CORPUS / "torch-allennlp-classifier/model.tar.gz")
