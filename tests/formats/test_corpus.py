"""Real files by other hands, where the folder of them is there (`WEIGHTWISE_CORPUS`, or `../shared/corpus`)."""

from __future__ import annotations

import pytest

from tests.samples import CORPUS, arrays, layers
from weightwise.formats import open_stored

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")


@pytest.mark.parametrize(
    ("file", "version", "layer_count", "array_count", "parameters", "optimizer"),
    [
        ("keras-fer-mini-xception/fer2013_mini_XCEPTION.102-0.66.hdf5", "2.0.5", 46, 80, 58_423, 105),
        ("keras-kdef-tiny-xception/tiny_XCEPTION_KDEF.hdf5", "2.0.5", 46, 80, 18_314, 105),
        ("keras3-masking-mac/model.keras", "3.8.0", 3, 3, 16, 0),
        ("keras-dtln-40h-weights/DTLN_norm_40h.h5", "2.3.0-tf", 22, 22, 987_267, 0),
        ("keras-textgenrnn/textgenrnn_weights.hdf5", "2.1.5", 7, 10, 462_717, 0),
        ("keras1-alphago-policy/random_minimodel_policy_weights.hdf5", "1", 9, 13, 14_474, 0),
    ],
)
def test_every_array_of_a_real_file_belongs_to_a_layer(file, version, layer_count, array_count, parameters, optimizer):
    stored = open_stored(CORPUS / file)
    found = arrays(stored)
    assert stored.problems == ()
    assert stored.version == version
    assert len(stored.root.layers) == layer_count
    assert (len(found), sum(array.size for array in found.values())) == (array_count, parameters)
    assert len(stored.optimizer) == optimizer
    assert all(array.read().shape == array.shape for array in found.values())
    assert stored.root.arrays == ()


def test_the_graph_of_a_real_residual_network():
    root = open_stored(CORPUS / "keras-fer-mini-xception/fer2013_mini_XCEPTION.102-0.66.hdf5").root
    added = next(layer for layer in root.layers if layer.class_name == "Add")
    assert [len(call.inputs) for call in added.calls] == [2]
    assert all(layer.calls for layer in layers(root) if layer is not root)
    assert [tensor.layer for tensor in root.outputs] == [root.layers[-1].name]
