"""Shapes that only the file knows: of layers of unknown classes, and of layers that are called more than once."""

from __future__ import annotations

from dataclasses import replace

import numpy

from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

FUNCTIONAL = "Functional"


def model(*layers: StoredLayer, inputs: tuple[str, ...] = ("entry",), outputs: tuple[str, ...] = ()) -> StoredLayer:
    """Return a model of these layers."""
    ends = tuple(map(Tensor, outputs or (layers[-1].name,)))
    return StoredLayer("model", FUNCTIONAL, {}, layers=layers, inputs=tuple(map(Tensor, inputs)), outputs=ends)


def opened(root: StoredLayer) -> Model:
    return named(StoredModel("model.keras", "Keras", "Keras", "3.15.1", root, Addressing.PATH))


def entry(*sizes: int | None) -> StoredLayer:
    return StoredLayer("entry", "InputLayer", {"batch_shape": [None, *sizes]}, calls=(Call(()),))


def layer(name: str, class_name: str, *inputs: Tensor, config: dict[str, object] | None = None) -> StoredLayer:
    return StoredLayer(name, class_name, {"name": name, **(config or {})}, calls=(Call(inputs),) if inputs else ())


def dense(name: str, units: int, *inputs: Tensor) -> StoredLayer:
    return layer(name, "Dense", *inputs, config={"units": units})


def mystery(name: str, *inputs: Tensor) -> StoredLayer:
    return layer(name, "Mystery", *inputs)


def test_an_unknown_layer_has_the_shape_that_its_reader_was_built_on():
    head = replace(dense("head", 3, Tensor("mystery")), build_shape=(None, 6))
    found = opened(model(entry(4), mystery("mystery", Tensor("entry")), head))
    assert found["mystery"].outputs == ((None, 6),)
    assert found["head"].outputs == ((None, 3),)


def test_an_unknown_layer_has_the_shapes_that_the_calls_of_its_readers_record():
    reader = layer("joined", "Concatenate", config={"axis": -1})
    call = Call((Tensor("mystery", 0, 1), Tensor("mystery", 0, 0)), shapes=((None, 5), (None, 7)))
    found = opened(model(entry(4), mystery("mystery", Tensor("entry")), replace(reader, calls=(call,))))
    assert found["mystery"].outputs == ((None, 7), (None, 5))
    assert found["joined"].outputs == ((None, 12),)


def test_several_inputs_that_a_layer_was_built_on_are_told_apart():
    reader = layer("joined", "Concatenate", Tensor("entry"), Tensor("mystery"), config={"axis": -1})
    reader = replace(reader, build_shape=((None, 4), (None, 7)))
    found = opened(model(entry(4), mystery("mystery", Tensor("entry")), reader))
    assert found["mystery"].outputs == ((None, 7),)


def test_a_computed_shape_is_not_replaced_by_a_recorded_one():
    head = replace(dense("head", 3, Tensor("known")), build_shape=(None, 99))
    found = opened(model(entry(4), dense("known", 5, Tensor("entry")), head))
    assert found["known"].outputs == ((None, 5),)


def test_an_output_far_beyond_the_others_takes_no_memory():
    head = layer("head", "Dense", config={"units": 3})
    call = Call((Tensor("mystery", 0, 10**15),), shapes=((None, 5),))
    found = opened(model(entry(4), mystery("mystery", Tensor("entry")), replace(head, calls=(call,))))
    assert found["mystery"].outputs == ()


def test_each_call_has_its_own_outputs():
    entries = entry(6, 3), replace(entry(5, 6, 3), name="other")
    shared = replace(dense("shared", 7), calls=(Call((Tensor("entry"),)), Call((Tensor("other"),))))
    found = opened(model(*entries, shared, inputs=("entry", "other")))
    assert found["shared"].outputs == ((None, 6, 7),)
    assert found["shared"].call_outputs == (((None, 6, 7),), ((None, 5, 6, 7),))


def test_the_shape_that_a_layer_was_built_on_is_not_that_of_a_later_call():
    calls = Call((Tensor("entry"),)), Call((Tensor("mystery"),))
    shared = replace(dense("shared", 7), calls=calls, build_shape=(None, 6, 3))
    found = opened(model(entry(6, 3), mystery("mystery", Tensor("entry")), shared, outputs=("shared",)))
    assert found["shared"].call_outputs == (((None, 6, 7),), (None,))


def test_a_model_that_is_fed_another_shape_does_not_have_the_recorded_ones():
    inside = replace(dense("inside", 7, Tensor("mystery")), build_shape=(None, None, 3))
    inner = replace(model(entry(None, 3), mystery("mystery", Tensor("entry")), inside), name="inner")

    def outputs_when_fed(*sizes: int | None) -> object:
        outer = model(entry(*sizes), replace(inner, calls=(Call((Tensor("entry"),)),)))
        return opened(outer)["inner/mystery"].outputs

    assert outputs_when_fed(None, 3) == ((None, None, 3),)
    assert outputs_when_fed(6, 3) == ()


def test_arrays_that_two_models_share_count_once():
    kernel = StoredArray("inner/kernel", "0", (4, 4), "float32", 64, lambda: numpy.zeros((4, 4)))
    bias = StoredArray("inner/bias", "1", (4,), "float32", 16, lambda: numpy.zeros(4))
    inside = replace(dense("inside", 4, Tensor("entry")), arrays=(kernel, bias))
    first = replace(model(entry(4), inside), name="first", calls=(Call((Tensor("entry"),)),))
    second = replace(first, name="second", calls=(Call((Tensor("first"),)),))
    own = replace(bias, path="head/bias"), replace(kernel, path="head/kernel")
    head = replace(dense("head", 4, Tensor("second")), arrays=own[::-1])
    found = opened(model(entry(4), first, second, head))
    assert [weight.path for weight in found.weights] == [
        "first/inside/kernel",
        "first/inside/bias",
        "head/kernel",
        "head/bias",
    ]
    assert [weight.index for weight in found["second"].weights] == [0, 1]
    assert found.parameters == 40
