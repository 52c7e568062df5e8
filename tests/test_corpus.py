"""Real files by other hands: every array is named, or honestly unknown, and the counts are what they should be."""

from __future__ import annotations

from collections import Counter

import pytest

import weightwise
from tests.samples import CORPUS
from weightwise.model import Evidence

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")

TABLE = [
    # file, layers, arrays, declared, recognised, unknown
    ("keras-fer-mini-xception/fer2013_mini_XCEPTION.102-0.66.hdf5", 46, 80, 80, 0, 0),
    ("keras-kdef-tiny-xception/tiny_XCEPTION_KDEF.hdf5", 46, 80, 80, 0, 0),
    ("keras3-masking-mac/model.keras", 2, 3, 3, 0, 0),
    ("keras-dtln-40h-weights/DTLN_norm_40h.h5", 22, 22, 0, 18, 4),
    ("keras-textgenrnn/textgenrnn_weights.hdf5", 7, 10, 0, 1, 9),
    ("keras1-alphago-policy/random_minimodel_policy_weights.hdf5", 9, 13, 0, 0, 13),
]


@pytest.mark.parametrize(("file", "layers", "arrays", "declared", "recognised", "unknown"), TABLE)
def test_every_array_is_named_or_honestly_unknown(file, layers, arrays, declared, recognised, unknown, capsys):
    model = weightwise.open(CORPUS / file)
    counts = Counter(weight.evidence for weight in model.weights)
    with capsys.disabled():
        print(f"\n{file}: {layers} layers, {arrays} arrays, {arrays - unknown} named, {unknown} unknown", end="")
    assert model.problems == ()
    assert (len(model.layers), len(model.weights)) == (layers, arrays)
    assert (counts[Evidence.DECLARED], counts[Evidence.RECOGNISED], counts[Evidence.UNKNOWN]) == (
        declared,
        recognised,
        unknown,
    )
    assert all(weight.note for weight in model.weights if weight.evidence is Evidence.UNKNOWN)


def test_what_is_known_of_the_real_separable_network():
    """Its first block, by the configuration that the file carries, and by its authors' code."""
    model = weightwise.open(CORPUS / TABLE[0][0])
    assert model["conv2d_1"]["kernel"].bound.text() == "kh 3 · kw 3 · in 1 · out 8"
    separable = model["separable_conv2d_1"]
    assert separable["depthwise_kernel"].bound.text() == "kh 3 · kw 3 · in 8 · mult 1"
    assert separable["pointwise_kernel"].bound.text() == "1 · 1 · (in 8 · mult 1) · out 16"
    assert separable.outputs == ((None, 60, 60, 16),)
