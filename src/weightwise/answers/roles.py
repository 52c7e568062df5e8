"""What an array of each role does, in words: one entry for each role, and for the operations in which it means more.

Sentences about roles are typed here and nowhere else. A role of a part of a layer, such as `forward/kernel`, is the
role `kernel` of that part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from weightwise.ops.operation import Operation
from weightwise.records import dataclass


@dataclass(frozen=True)
class RoleMeaning:
    """What an array of one role does."""

    does: str
    """What its numbers are."""
    effect: str
    """What one number of it does, as a clause whose subject it is; `{read}` and `{made}` stand for the places."""
    noun: str = ""
    """What people call such an array of one dimension, with the article: `a bias`; empty where it is seldom met so."""
    origin: str = ""
    """Where its numbers come from, as a clause whose subject they are, if they are not learned by the gradient."""


_PRODUCT = "multiplies {read}, and the product is added to {made}"
_ITERATED = "are not learned by the gradient; training brings them closer to singular vectors at each step"

ROLES: Mapping[str, RoleMeaning] = {
    "kernel": RoleMeaning("the factors by which the layer multiplies what it reads", _PRODUCT),
    "bias": RoleMeaning(
        "the numbers that the layer adds to its sums", "multiplies nothing; it is added to {made}", "a bias"
    ),
    "other": RoleMeaning(
        "the numbers that the layer adds to its input, or multiplies it by, value by value",
        "is taken together with {made}, and with nothing else",
    ),
    "recurrent_kernel": RoleMeaning(
        "the factors by which the layer multiplies its own output of the step before", _PRODUCT
    ),
    "depthwise": RoleMeaning(
        "the factors by which the layer multiplies each channel by itself, before it mixes the channels", _PRODUCT
    ),
    "pointwise": RoleMeaning("the factors with which the layer mixes its channels at each place", _PRODUCT),
    "table": RoleMeaning(
        "one row of numbers for each token; the layer looks up the rows of the tokens that arrive",
        "multiplies nothing: wherever {read} arrives, it becomes {made} of the output",
    ),
    "reverse": RoleMeaning(
        "the factors that turn a row of numbers back into one number for each token",
        "multiplies {made}, and the product is added to the score of {read}",
    ),
    "gamma": RoleMeaning(
        "the scales: each feature, once it is normalised, is multiplied by its own",
        "multiplies the normalised value of {made}",
        "a gamma",
    ),
    "beta": RoleMeaning(
        "the shifts: each is added to its feature, once that is normalised and scaled",
        "multiplies nothing; it is added to the normalised and scaled value of {made}",
        "a beta",
    ),
    "mean": RoleMeaning(
        "the mean of each feature over the training data, which is subtracted",
        "multiplies nothing; it is subtracted from {made} before that is scaled",
        "a mean",
        "are not learned by the gradient; training updates them with a moving average of the data",
    ),
    "variance": RoleMeaning(
        "the variance of each feature over the training data, by whose square root the feature is divided",
        "multiplies nothing; {made}, less its mean, is divided by the square root of it plus a small epsilon",
        "a variance",
        "are not learned by the gradient; training updates them with a moving average of the data",
    ),
    "slope": RoleMeaning(
        "the slopes: a value below zero is multiplied by its own",
        "multiplies the values below zero of {made}; those above stay as they are",
        "a slope",
    ),
    "projection": RoleMeaning("the factors by which the layer makes its output of its units", _PRODUCT),
    "extra": RoleMeaning(
        "a key or a value beside those that arrive, to which every position can attend",
        "multiplies nothing; it is {made} of the one more key or value",
    ),
    "scale": RoleMeaning("the factors by which the layer multiplies its results", "multiplies {made}", "a scale"),
    "score_scale": RoleMeaning("the factor by which the layer multiplies its scores", "multiplies every score"),
    "lora_a": RoleMeaning("the first half of a low-rank update, which is multiplied by the second", _PRODUCT),
    "lora_b": RoleMeaning(
        "the second half of a low-rank update; the product of both is added to the array that it updates", _PRODUCT
    ),
    "magnitude": RoleMeaning(
        "the lengths g: the layer computes with g · v / |v|, and the directions v are an array of their own",
        "is the length to which the directions v of its place are brought",
    ),
    "direction": RoleMeaning(
        "the directions v: the layer computes with g · v / |v|, and the lengths g are an array of their own",
        "is divided by |v| and multiplied by its g before it " + _PRODUCT,
    ),
    "unscaled": RoleMeaning(
        "the factors W before they are divided by σ = uᵀ · W · v, which is about their largest singular value",
        "is divided by σ before it " + _PRODUCT,
    ),
    "left_vector": RoleMeaning(
        "the vector u of σ = uᵀ · W · v, by which the factors W are divided",
        "multiplies nothing that arrives; it is a factor in σ, by which all of W is divided",
        origin=_ITERATED,
    ),
    "right_vector": RoleMeaning(
        "the vector v of σ = uᵀ · W · v, by which the factors W are divided",
        "multiplies nothing that arrives; it is a factor in σ, by which all of W is divided",
        origin=_ITERATED,
    ),
    "-": RoleMeaning(
        "numbers that the framework keeps beside the weights",
        "does not enter the output",
        origin="are kept for training, and do not enter the output",
    ),
}

VARIANTS: Mapping[tuple[str, str], RoleMeaning] = {
    ("mean", "Standardization"): RoleMeaning(
        "the mean of each feature over the data, which is subtracted",
        "multiplies nothing; it is subtracted from {made}",
        origin="are measured from the data before training, and not learned",
    ),
    ("variance", "Standardization"): RoleMeaning(
        "the variance of each feature over the data, by whose square root the feature is divided",
        "multiplies nothing; {made}, less its mean, is divided by the square root of it",
        origin="are measured from the data before training, and not learned",
    ),
    ("mean", "inverted"): RoleMeaning(
        "the mean of each feature over the data, which is added back",
        "multiplies nothing; it is added to {made}, once that is multiplied by the deviation",
        origin="are measured from the data before training, and not learned",
    ),
    ("variance", "inverted"): RoleMeaning(
        "the variance of each feature over the data, by whose square root the feature is multiplied",
        "is the square of the factor that multiplies {made}",
        origin="are measured from the data before training, and not learned",
    ),
    ("other", "multiply"): RoleMeaning(
        "the scales: each value that arrives is multiplied by the one of its place", "multiplies {made}"
    ),
    ("other", "add"): RoleMeaning(
        "the numbers that the layer adds to its input, value by value", "multiplies nothing; it is added to {made}"
    ),
    ("gamma", "RMSNorm"): RoleMeaning(
        "the scales: each feature, once it is divided by the root mean square, is multiplied by its own",
        "multiplies the normalised value of {made}",
    ),
    ("scale", "dot"): RoleMeaning(
        "the factor by which the layer multiplies the dot product of a query and a key", "multiplies every dot product"
    ),
    ("scale", "concat"): RoleMeaning(
        "the factor by which the layer multiplies the sum of a query and a key", "multiplies every sum of query and key"
    ),
    ("scale", "additive"): RoleMeaning(
        "the factors of the features, once the sum of a query and a key has gone through tanh",
        "multiplies {made} of the tanh of query plus key; the sum over all features is the score",
    ),
    ("scale", "QuantizedDense"): RoleMeaning(
        "what the kernel was multiplied by before it was rounded to whole numbers; the sums are divided by it",
        "multiplies nothing; {made} is divided by it",
        origin="were computed when the kernel was rounded, and are not learned",
    ),
    ("scale", "Embedding"): RoleMeaning(
        "what each row of the table was multiplied by before it was rounded to whole numbers; the row is divided by it",
        "multiplies nothing; the row of {read} is divided by it",
        origin="were computed when the table was rounded, and are not learned",
    ),
}
"""Roles that mean more in one operation: by its class, by what it does, or by the kind of its scores."""

UNNAMED = RoleMeaning("numbers of which nothing more is known", "does what is not known")
"""A role that has no entry."""

PARTS: Mapping[str, str] = {
    "forward": "the direction from the first position to the last",
    "backward": "the direction from the last position to the first",
    "query": "the queries, what each position looks for",
    "key": "the keys, by which a position is found",
    "value": "the values, which are handed on",
    "gate": "the gate, which scales what is handed on",
    "projection": "the queries, the keys and the values, one after another",
    "output": "the output, which joins the heads again",
    "recurrent_kernel": "the recurrent kernel",
}
"""Parts of a layer that have roles of their own."""


def base_role(role: str) -> str:
    """Return the role without the part of the layer: `kernel` of `forward/kernel`."""
    return role.rsplit("/", 1)[-1]


def role_meaning(role: str, operation: Operation | None = None) -> RoleMeaning:
    """Return what an array of this role does in this operation; `UNNAMED` if it has no entry."""
    role = base_role(role)
    for variant in _variants(operation):
        if (role, variant) in VARIANTS:
            return VARIANTS[role, variant]
    return ROLES.get(role, UNNAMED)


def _variants(operation: Operation | None) -> Iterator[str]:
    """Yield what can tell an operation's role from the same role of another, the closest first."""
    if getattr(operation, "invert", False):
        yield "inverted"
    yield from (getattr(operation, "score", ""), getattr(operation, "how", ""), type(operation).__name__)
    inner = getattr(operation, "inner", None)
    if inner is not None:
        yield from _variants(inner)


def part_meaning(role: str) -> str:
    """Return of which part of the layer a role is: `the direction from …`; empty for a role of the whole layer."""
    return ", in ".join(_part(part) for part in role.split("/")[:-1])


def part_name(role: str) -> str:
    """Return what the part of the layer is called, without what it does; empty where the name says it already."""
    *parts, _ = role.split("/")
    return ", in ".join(_part(part).partition(",")[0] for part in parts if part != "output")


def _part(part: str) -> str:
    if re.fullmatch(r"\d+", part):
        return f"cell {part} of the stack"
    return PARTS.get(part, part.replace("_", " "))
