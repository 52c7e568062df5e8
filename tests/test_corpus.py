"""Real files by other hands: every array is named, or honestly unknown, and the counts are what they should be."""

from __future__ import annotations

from collections import Counter

import pytest

import weightwise
from tests.samples import CORPUS
from weightwise.errors import FormatError
from weightwise.model import Evidence

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real files is not there: {CORPUS}")

TABLE = [
    # file, layers, arrays, declared, recognised, inferred, unknown
    ("keras-fer-mini-xception/fer2013_mini_XCEPTION.102-0.66.hdf5", 46, 80, 80, 0, 0, 0),
    ("keras-kdef-tiny-xception/tiny_XCEPTION_KDEF.hdf5", 46, 80, 80, 0, 0, 0),
    ("keras3-masking-mac/model.keras", 2, 3, 3, 0, 0, 0),
    ("keras-dtln-40h-weights/DTLN_norm_40h.h5", 22, 22, 0, 18, 4, 0),
    ("keras-textgenrnn/textgenrnn_weights.hdf5", 7, 10, 0, 1, 8, 1),
    ("keras1-alphago-policy/random_minimodel_policy_weights.hdf5", 9, 13, 0, 11, 0, 2),
    ("torch-aizoo360-module/model360.pth", 46, 128, 128, 0, 0, 0),
    ("torch-allennlp-classifier/best.th", 4, 9, 0, 0, 8, 1),
    ("torch-lpips-alex-01/alex.pth", 5, 5, 0, 0, 0, 5),
    ("torch-mnist-ggml/mnist_model.state_dict", 2, 4, 0, 0, 4, 0),
    ("torch-mtcnn-pnet-rnet/pnet.pt", 8, 13, 0, 0, 12, 1),
    ("torch-mtcnn-pnet-rnet/rnet.pt", 10, 16, 0, 0, 16, 0),
    ("torch-resnet20-cifar/resnet20-12fca82f.th", 39, 97, 0, 97, 0, 0),
    ("torch-rfb320/version-RFB-320.pth", 87, 244, 0, 0, 201, 43),
    ("torchscript-silero-micro/model_micro.jit", 104, 56, 56, 0, 0, 0),
    ("torchscript-silero-vad/silero_vad.jit", 49, 30, 30, 0, 0, 0),
    ("safetensors-silero-16k/silero_vad_16k.safetensors", 7, 15, 0, 0, 9, 6),
    ("eqx-multipart/multipart_serialised.eqx", 0, 8, 0, 0, 0, 8),
    ("orbax-aggregate-all/aggregate_all.checkpoint", 1, 4, 0, 0, 0, 4),
]


@pytest.mark.parametrize(("file", "layers", "arrays", "declared", "recognised", "inferred", "unknown"), TABLE)
def test_every_array_is_named_or_honestly_unknown(
    file, layers, arrays, declared, recognised, inferred, unknown, capsys
):
    model = weightwise.open(CORPUS / file)
    counts = Counter(weight.evidence for weight in model.weights)
    with capsys.disabled():
        print(f"\n{file}: {layers} layers, {arrays} arrays, {arrays - unknown} named, {unknown} unknown", end="")
    assert model.problems == ()
    assert (len(model.layers), len(model.weights)) == (layers, arrays)
    assert [counts[kind] for kind in Evidence] == [declared, recognised, inferred, unknown]
    assert all(weight.note for weight in model.weights if weight.evidence is Evidence.UNKNOWN)


def test_what_is_known_of_the_real_separable_network():
    """Its first block, by the configuration that the file carries, and by its authors' code."""
    model = weightwise.open(CORPUS / TABLE[0][0])
    assert model["conv2d_1"]["kernel"].bound.text() == "kh 3 · kw 3 · in 1 · out 8"
    separable = model["separable_conv2d_1"]
    assert separable["depthwise_kernel"].bound.text() == "kh 3 · kw 3 · in 8 · mult 1"
    assert separable["pointwise_kernel"].bound.text() == "1 · 1 · (in 8 · mult 1) · out 16"
    assert separable.outputs == ((None, 60, 60, 16),)


def test_what_is_known_of_the_real_language_model():
    """Its authors' code: CuDNNLSTM of 128 units, twice, and a Dense layer, under names of their own; one custom class.

    https://github.com/minimaxir/textgenrnn/blob/master/textgenrnn/model.py
    """
    model = weightwise.open(CORPUS / "keras-textgenrnn/textgenrnn_weights.hdf5")
    first, second = model["rnn_1"], model["rnn_2"]
    assert first["bias"].bound.text() == "(side[input recurrent] · gate[i f g o] · units 128)"
    assert first["kernel"].bound.text() == "row 100 · (gate[i f g o] · column 128)"
    assert second["kernel"].bound.text() == "units 128 · (gate[i f g o] · in 128)"
    assert model["output"]["kernel"].bound.text() == "in 356 · out 465"
    assert [weight.path for weight in model.weights if weight.bound is None] == ["attention/attention_W"]


def test_what_is_known_of_the_real_speech_network():
    """Its authors' layer normalization, which no table has, scales the last axis as all norms with these names do."""
    layer = weightwise.open(CORPUS / "keras-dtln-40h-weights/DTLN_norm_40h.h5")["instant_layer_normalization"]
    assert [weight.bound.text() for weight in layer.weights] == ["features 257", "features 257"]
    assert {weight.note for weight in layer.weights} == {
        "no name tells the class, but of the framework's own with variables of these names GroupNormalization and "
        "LayerNormalization call for these shapes"
    }
    assert layer.operation is None


def test_what_is_known_of_the_real_network_of_keras_1():
    """Twelve planes of a board; of a kernel of one place and one filter both orders of dimensions are possible."""
    model = weightwise.open(CORPUS / "keras1-alphago-policy/random_minimodel_policy_weights.hdf5")
    assert model["convolution2d_1"]["W"].bound.text() == "out 16 · in 12 · -kh 5 · -kw 5"
    last = model["convolution2d_6"]["W"]
    assert set(last.readings) == {"out in -kh -kw", "-kh -kw in out"}
    assert model["convolution2d_6"]["b"].bound.text() == "out 1"
    assert [weight.path for weight in model.weights if weight.bound is None] == ["convolution2d_6/W", "bias_1/param_0"]


def test_an_archive_that_is_packed_is_refused_with_what_to_do():
    with pytest.raises(FormatError, match="compressed with gzip: unpack it first"):
        weightwise.open(CORPUS / "torch-allennlp-classifier/model.tar.gz")


def test_what_is_known_of_the_real_face_detector():
    """Its first stage, by its authors' code: three convolutions with a PReLU each, then two heads.

    https://github.com/timesler/facenet-pytorch/blob/master/models/mtcnn.py
    """
    model = weightwise.open(CORPUS / "torch-mtcnn-pnet-rnet/pnet.pt")
    assert model["conv1"]["weight"].bound.text() == "out 10 · in/groups 3 · kh 3 · kw 3"
    assert model["prelu1"]["weight"].bound.text() == "features 10"
    assert model["conv3"]["weight"].readings == ("out in/groups kh kw", "(groups in/groups) out/groups kh kw")


def test_what_is_known_of_the_real_classifier_of_sentences():
    """An LSTM of 16 units between an embedding of 213 words and two linear layers, by its configuration."""
    model = weightwise.open(CORPUS / "torch-allennlp-classifier/best.th")
    assert model["_seq2seq_encoder._module"]["weight_ih_l0"].bound.text() == "(gate[i f g o] · units 16) · in 10"
    words = model["_text_field_embedder.token_embedder_tokens"]["weight"]
    assert {"vocab features", "out in"} <= set(words.readings)
