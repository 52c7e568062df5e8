"""Answers about what no sample holds: arrays that contradict their class, unequal blocks, products of unknown axes."""

from __future__ import annotations

import dataclasses

import pytest

from tests.answers.models import chain, counting
from weightwise.axes import parse
from weightwise.model import Evidence
from weightwise.views.explanation import explanation_text
from weightwise.views.explanation_document import explanation_document
from weightwise.views.location import location_text


def with_axes(model, axes, **changes):
    """Return the model of one layer whose one array has other axes."""
    (layer,) = model.layers
    bound = parse(axes).bind(layer.weights[0].shape, changes.pop("sizes", {}))
    weight = dataclasses.replace(layer.weights[0], bound=bound, **changes)
    changed = dataclasses.replace(layer, weights=(weight,))
    return dataclasses.replace(model, root=dataclasses.replace(model.root, weights=(weight,), layers=(changed,)))


def dense(rows, columns):
    config = {"units": columns, "use_bias": False}
    return chain((rows,), ("layer", "Dense", config, {"0": counting(rows, columns)}))


def flat(text):
    return " ".join(text.split())


def test_an_array_that_contradicts_its_class_is_shown_with_what_was_tried():
    model = chain((3,), ("layer", "Dense", {"units": 4, "use_bias": False}, {"0": counting(3, 5)}))
    text = flat(explanation_text(model.explain("layer/kernel"), 80))
    assert "What its axes mean is unknown: layer/kernel: axes 'in out' want 4 in dimension 1 (out 4)" in text
    assert "What was tried: `in out`." in text
    assert "Training" not in text


def test_unequal_blocks_are_told_without_a_formula():
    model = with_axes(dense(8, 4), "side{input: in | recurrent: units'} out", sizes={"in": 3, "units": 5})
    explanation = model.explain(0)
    text = flat(explanation_text(explanation, 80))
    assert "side 8 two sides, in this order: input, recurrent input sum over what arrives" in text
    merged = with_axes(dense(4, 8), "out (side{input: in | recurrent: units'} gate[i f])", sizes={"in": 1, "units": 3})
    text = flat(explanation_text(merged.explain(0), 80))
    assert "Its 8 columns hold several axes, in blocks: (side: input 1 | recurrent 3), gate[i f]." in text
    assert "For example, column 5 is side recurrent, units' 1, gate f, all counted from 0." in text
    (document,) = explanation_document(merged.explain(0))["merged"]
    assert document["example"] == {
        "place": 5,
        "formula": None,
        "coordinates": {"side": "recurrent", "units'": 1, "gate": "f"},
    }


def test_a_product_of_unknown_axes_is_told_as_one():
    model = with_axes(dense(6, 4), "(heads head_dim) out")
    text = flat(explanation_text(model.explain(0), 80))
    assert "heads·head_dim 6 the file does not tell how large each of the two is" in text
    found = flat(location_text(model.locate("[0][5, 3]"), 80))
    assert "heads·head_dim 5 place 5 of 6, which stand for several axes" in found


@pytest.mark.parametrize(
    ("evidence", "note", "sentence"),
    [
        (
            Evidence.RECOGNISED,
            "the names are those of ResNet",
            "These names are recognised: the names are those of ResNet.",
        ),
        (Evidence.RECOGNISED, "", "These names are recognised: they match a known rule."),
        (Evidence.INFERRED, "", "These names are inferred: names and shapes leave no other reading."),
    ],
)
def test_what_names_rest_on(evidence, note, sentence):
    model = with_axes(dense(6, 4), "in out", evidence=evidence, note=note)
    assert sentence in flat(explanation_text(model.explain(0), 80))


def test_a_frozen_layer_is_told():
    config = {"units": 4, "trainable": False}
    model = chain((3,), ("layer", "Dense", config, {"0": counting(3, 4), "1": counting(4)}))
    layer, array = (flat(explanation_text(model.explain(target), 80)) for target in ("layer", 0))
    assert "The layer is frozen: training leaves all of them as they are." in layer
    assert "The layer is frozen: training leaves them as they are." in array


def test_what_training_does_is_told_of_each_array_where_it_differs():
    config = {"axis": -1, "epsilon": 0.001}
    model = chain((5,), ("layer", "BatchNormalization", config, {str(key): counting(5) for key in range(4)}))
    text = flat(explanation_text(model.explain("layer"), 80))
    assert (
        "Training changes the numbers of gamma and beta. The numbers of moving_mean and moving_variance are not" in text
    )


def test_an_array_that_training_leaves_in_a_layer_that_is_not_frozen():
    model = with_axes(dense(6, 4), "in out", trainable=False)
    text = flat(explanation_text(model.explain(0), 80))
    assert "Training leaves them as they are." in text
    assert "frozen" not in text


def test_a_number_that_is_packed_has_no_byte_of_its_own():
    text = flat(location_text(dense(3, 4).locate("[0][1, 2]"), 80))
    assert "The file holds it packed or in pieces, so there is no one byte at which the number starts." in text


def test_numbers_that_json_lacks_are_texts():
    from weightwise.views.location import location_document

    values = counting(3, 4)
    values[1, 2], values[0, 0] = float("nan"), float("inf")
    model = chain((3,), ("layer", "Dense", {"units": 4, "use_bias": False}, {"0": values}))
    assert location_document(model.locate("[0][1, 2]"))["value"] == "nan"
    assert location_document(model.locate("[0]"))["values"][0] == "inf"
