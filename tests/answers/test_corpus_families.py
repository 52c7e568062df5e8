"""Files by other hands that hold the same weights are shown equal, and those that only look related are not.

The manifest of the corpus says which belong together: the safetensors file of the voice detector has the shapes of one
half of the TorchScript file and another training, `only stft_conv equal`.
"""

from __future__ import annotations

from functools import partial

import numpy
import pytest

import weightwise
from tests.samples import CORPUS
from weightwise.answers.proof import Verdict
from weightwise.answers.proving import prove
from weightwise.formats.safetensors.writer import Written, write_safetensors

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")


def resaved(file: str, path, change=lambda array: array):
    """Return a file of the corpus as safetensors, with its arrays changed."""
    arrays = [weight.stored for weight in weightwise.open(CORPUS / file).weights]
    items = [
        Written(array.path, array.shape, array.dtype, partial(lambda array: change(array.read()), array))
        for array in arrays
    ]
    write_safetensors(path, items)
    return weightwise.open(path)


def test_another_training_of_the_same_network_is_different_but_for_its_fixed_first_layer():
    one = weightwise.open(CORPUS / "torchscript-silero-vad/silero_vad.jit")
    other = weightwise.open(CORPUS / "safetensors-silero-16k/silero_vad_16k.safetensors")
    proof = prove(one, other)
    (comparison,) = proof.comparisons
    assert proof.verdict is Verdict.DIFFERENT
    assert [line.other for line in comparison.lines if line.verdict is Verdict.EQUAL] == ["stft_conv/weight"]
    assert len(comparison.lines) == len(other.weights)
    assert min(line.difference.relative for line in comparison.lines[1:]) > 0.01
    assert "_model_8k.stft.conv1d/weight" in comparison.failure


@pytest.mark.parametrize(
    "file",
    [
        "torch-rfb320/version-RFB-320.pth",
        "torch-mtcnn-pnet-rnet/pnet.pt",
        "torch-resnet20-cifar/resnet20-12fca82f.th",
        "torchscript-silero-vad/silero_vad.jit",
    ],
)
def test_the_same_weights_in_another_format_are_equal_to_the_last_bit(file, tmp_path):
    one, other = weightwise.open(CORPUS / file), resaved(file, tmp_path / "same.safetensors")
    proof = prove(one, other)
    (comparison,) = proof.comparisons
    assert proof.verdict is Verdict.EQUAL
    assert len(comparison.lines) == len(one.weights)
    assert comparison.largest.difference.absolute == 0


def test_one_changed_value_is_found(tmp_path):
    file = "torch-rfb320/version-RFB-320.pth"

    def change(array: numpy.ndarray) -> numpy.ndarray:
        changed = array.copy()
        if changed.shape == (16, 3, 3, 3):
            changed[3, 1, 2, 0] += 1e-6
        return changed

    proof = prove(weightwise.open(CORPUS / file), resaved(file, tmp_path / "other.safetensors", change))
    (comparison,) = proof.comparisons
    assert proof.verdict is Verdict.DIFFERENT
    assert [line.name for line in comparison.lines if line.verdict is Verdict.DIFFERENT] == ["base_net.0.0/weight"]
    assert proof.first.difference.absolute == pytest.approx(1e-6, rel=0.2)
