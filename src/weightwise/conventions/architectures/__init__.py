"""Architectures that everybody's files have, told by the names of their arrays and by the configuration beside them.

A state dict says no classes. Where its names are those of a known architecture, its shapes agree with each other as
those of the architecture do, and nothing that the file says is against it, the source of the architecture says what
each array is. `family` says what a family is, `matching` how a file is compared with it; every other module here is one
family, as data. Only the families of which a file has the signature are loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from weightwise.conventions.architectures.matching import (
    PAIRED,
    SHARED,
    Recognition,
    identities,
    names_of,
    purposes,
    recognition,
)
from weightwise.stored import StoredModel

if TYPE_CHECKING:
    from weightwise.conventions.architectures.family import Family

SIGNATURES = {
    "model.layers.*.self_attn.q_proj.weight": "llama",
    "layers.*.self_attn.q_proj.weight": "llama",
    "layers.*.attention.wq.weight": "meta_llama",
    "transformer.h.*.attn.c_attn.weight": "gpt2",
    "h.*.attn.c_attn.weight": "gpt2",
    "bert.encoder.layer.*.attention.self.query.weight": "bert",
    "roberta.encoder.layer.*.attention.self.query.weight": "bert",
    "encoder.layer.*.attention.self.query.weight": "bert",
    "distilbert.transformer.layer.*.attention.q_lin.weight": "distilbert",
    "transformer.layer.*.attention.q_lin.weight": "distilbert",
    "vit.encoder.layer.*.attention.attention.query.weight": "vit",
    "encoder.layer.*.attention.attention.query.weight": "vit",
    "vit.layers.*.attention.q_proj.weight": "vit",
    "layers.*.attention.q_proj.weight": "vit",
    "layer1.*.bn1.weight": "resnet",
    "features.*.conv.*.*.weight": "mobilenet",
    "classifier.*.weight": "vgg",
    "conv2.weight": "mnist",
}
"""The module of a family by a name that its files have; `*` stands for a number."""


def recognised(stored: StoredModel) -> Recognition | None:
    """Return what the arrays of a model are by the one family that they are of; None where it is not one."""
    if any(layer.configured for layer in stored.root.layers):
        return None
    names = names_of(stored.root)
    present = {form for form, _ in names.values()}
    modules = dict.fromkeys(SIGNATURES[signature] for signature in SIGNATURES if signature in present)
    found = [recognition(family, stored, names) for module in modules for family in families(module)]
    told = [result for result in found if result]
    return told[0] if len(told) == 1 else None


def families(module: str) -> tuple[Family, ...]:
    """Return the families of one module."""
    found: tuple[Family, ...] = import_module(f"{__name__}.{module}").FAMILIES
    return found


__all__ = ["PAIRED", "SHARED", "SIGNATURES", "Recognition", "families", "identities", "purposes", "recognised"]
