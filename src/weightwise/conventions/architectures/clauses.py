"""What layers of known architectures are for, as clauses whose subject is the layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weightwise.conventions.architectures.family import Pattern

TOKENS = "gives each token its row of features"
POSITIONS = "gives each position a row of features, which is added to that of its token"
SEGMENTS = "gives each of the texts that are read together a row of features, which is added to those of its tokens"
QUERIES = "makes the queries of the attention: with one per head, each position asks which others matter to it"
KEYS = "makes the keys of the attention, which the queries are compared with"
VALUES = "makes the values of the attention, which are mixed as far as queries and keys agree"
JOINS = "makes the output of the attention from what all its heads have mixed"
WIDENS = "makes the inner numbers of the feed-forward part, to which its activation is applied"
NARROWS = "makes the output of the feed-forward part from its inner numbers"
RMS = "divides the features of each position by the root of their mean square, and scales them, {}"
NORM = "brings the features of each position to mean 0 and variance 1, then scales and shifts them, {}"
MASKED = "gives each token of the vocabulary a score, to be the one that was masked"
NEXT = "gives each token of the vocabulary a score, to be the next one"
CLASSES = "gives each class a score"
ANSWERS = "gives each position two scores, to be the first and the last of an answer"
PREPARES = "makes the features from which the scores are made"
CONVOLVES = "moves its filters over the image, and makes one channel with each"
MIXES = "mixes the channels at each place of the image"
DEPTHWISE = "moves one filter over each channel by itself"
BATCH_NORM = "brings each channel to mean 0 and variance 1 as they were in training, then scales and shifts it"
LINEAR = "makes each of its outputs as a sum of all inputs times factors, and a bias"


def image_purposes(patterns: Iterable[Pattern]) -> Iterator[tuple[str, str]]:
    """Yield the layers of an image network, each with what its arrays say that it is for."""
    for pattern in patterns:
        layer = pattern.name.rpartition(".")[0]
        if pattern.role == "kernel":
            yield layer, _kernel_purpose(pattern)
        elif pattern.role == "mean":
            yield layer, BATCH_NORM


def _kernel_purpose(pattern: Pattern) -> str:
    sizes = pattern.dimensions.split()
    if len(sizes) == 2:
        return LINEAR
    if sizes[1] == "1" and "groups" in pattern.sizes:
        return DEPTHWISE
    return MIXES if sizes[2:] == ["1", "1"] else CONVOLVES
