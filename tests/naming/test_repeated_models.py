"""Models that call models again and again are followed once for the same input, and not without end."""

from __future__ import annotations

import pytest

from weightwise.errors import FormatError
from weightwise.naming import assemble, named
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor


def model(depth: int, widened: bool) -> StoredLayer:
    """Return a model that calls a model twice, and so on: 2 to the power of `depth` calls of the innermost."""
    inner = StoredLayer("dense", "Dense", {"units": 3}) if depth == 0 else model(depth - 1, widened)
    entry = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 2]}, calls=(Call(()),))
    again = "Concatenate" if widened else "Activation"
    second = StoredLayer(
        "between",
        again,
        {"axis": -1, "activation": "relu"},
        calls=(Call((Tensor("entry"), Tensor("entry")) if widened else (Tensor("entry"),)),),
    )
    source = Tensor("between") if widened else Tensor("entry")
    inner = StoredLayer(
        inner.name if depth == 0 else f"level_{depth}",
        inner.class_name,
        inner.config,
        layers=inner.layers,
        inputs=inner.inputs,
        outputs=inner.outputs,
        calls=(Call((Tensor("entry"),)), Call((source,))),
    )
    name = inner.name
    return StoredLayer(
        f"model_{depth}",
        "Functional",
        layers=(entry, second, inner),
        inputs=(Tensor("entry"),),
        outputs=(Tensor(name, 1),),
    )


def stored(depth: int, widened: bool) -> StoredModel:
    return StoredModel("deep.keras", "", "Keras", "3.15.1", model(depth, widened), Addressing.PATH)


def test_equal_calls_are_followed_once(monkeypatch):
    monkeypatch.setattr(assemble, "MOST_CALLS", 200)
    assert named(stored(20, widened=False)).layers[-1].outputs == ((None, 3),)


def test_different_calls_come_to_an_end(monkeypatch):
    monkeypatch.setattr(assemble, "MOST_CALLS", 2_000)
    with pytest.raises(FormatError, match=r"deep.keras: the models in it call each other .* 2,000 times"):
        named(stored(20, widened=True))
