"""The tables that Keras itself printed of the samples, and what is told of files that do not tell everything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

import weightwise
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor
from weightwise.views.summary import generation, summary

TESTS = Path(__file__).parents[1]
SAMPLES = TESTS / "samples"
FACTS = json.loads((SAMPLES / "facts.json").read_text())
WIDTHS = json.loads((TESTS / "golden" / "summaries.json").read_text())

WITHOUT_CONFIGURATION = {
    "keras3_cnn.weights.h5": "weights alone: no classes, no options, no graph",
    "keras3_compiled.weights.json": "the same",
    "keras3_nested.weights.h5": "the same, and nothing says which layer is frozen",
    "keras3_numbered.weights.h5": "the same",
    "keras3_subclassed.keras": "the layers and their graph are Python code",
    "keras2_cnn_weights.h5": "the names of the layers alone",
}
"""Files that do not tell what Keras prints."""

UNTOLD = {
    # Whether an array of a class that nobody knows is trained stands in no file.
    "keras3_custom.keras": {
        "summary": [
            ("Trainable params: 103 (412.00 B)", "Trainable params: 116 (464.00 B)"),
            ("Non-trainable params: 13 (52.00 B)", "Non-trainable params: 0 (0.00 B)"),
        ],
    },
    # `inner` is called in two models; Keras counts the calls of both together, the file those of each by themselves.
    "keras3_shared_across.keras": {
        "summary": [("│ inner[1][0],      │", "│ inner[0][0],      │")],
        "summary_nested": [
            ("│ inner[1][0],      │", "│ inner[0][0],      │"),
            (
                "│ (None, 5)         │         56 │ middle[0][0]      │",
                "│ (None, 5)         │         56 │ -" + " " * 17 + "│",
            ),
        ],
    },
}
"""Single texts of a table that the file does not tell: Keras's, and ours."""
UNTOLD["keras3_custom.keras"]["summary_nested"] = UNTOLD["keras3_custom.keras"]["summary"]

TOLD = [(name, stem) for stem, fact in FACTS.items() for name in fact["files"] if name not in WITHOUT_CONFIGURATION]
BOTH = sorted(
    builder
    for builder in {stem.removeprefix("keras3_") for stem in FACTS}
    if {f"keras2_{builder}", f"keras3_{builder}"} <= set(FACTS)
    # Keras 2 counts in int64 and does not count the optimizer.
    and builder not in ("normalization", "compiled")
)


def opened(name: str) -> Model:
    return weightwise.open(SAMPLES / name)


def printed(stem: str, key: str = "summary") -> str:
    return FACTS[stem][key].removesuffix("\n") + "\n"


def lines(model: Model, **options: object) -> list[str]:
    return summary(model, **options).splitlines()


@pytest.mark.parametrize("key", ["summary", "summary_nested"])
@pytest.mark.parametrize(("name", "stem"), TOLD)
def test_the_table_is_the_one_that_keras_printed(name, stem, key):
    expected = printed(stem, key)
    for theirs, ours in UNTOLD.get(name, {}).get(key, ()):
        assert theirs in expected
        expected = expected.replace(theirs, ours, 1)
    assert summary(opened(name), expand_nested=key == "summary_nested") == expected


def test_every_sample_is_told_or_listed():
    assert len(TOLD) + len(WITHOUT_CONFIGURATION) == sum(len(fact["files"]) for fact in FACTS.values())
    assert len(TOLD) > 40


@pytest.mark.parametrize("name", WITHOUT_CONFIGURATION)
def test_what_a_file_does_not_tell_is_a_question_mark(name):
    fact = next(fact for fact in FACTS.values() if name in fact["files"])
    table = lines(opened(name))
    (total,) = [line for line in fact["summary"].splitlines() if "Total params:" in line]
    assert total in table
    names = [layer.name for layer in opened(name).layers]
    rows = [line for line in table if line.strip("│ ").split(" ")[0] in names]
    assert len(rows) == len(names)
    assert all("?" in row for row in rows)


@pytest.mark.parametrize("builder", BOTH)
@pytest.mark.parametrize("key", ["summary", "summary_nested"])
@pytest.mark.parametrize(("writer", "style"), [("keras2", "keras3"), ("keras3", "keras2")])
def test_the_other_generation_would_print_the_same_model_so(builder, key, writer, style):
    model = opened(FACTS[f"{writer}_{builder}"]["files"][0])
    text = summary(model, style=style, expand_nested=key == "summary_nested")
    assert text == printed(f"{style}_{builder}", key)


def test_most_models_are_written_by_both_generations():
    assert len(BOTH) >= 10


@pytest.mark.parametrize(("name", "columns"), [(name, int(width)) for name in WIDTHS for width in WIDTHS[name]])
def test_keras_3_heeds_the_width_of_the_terminal(name, columns):
    assert summary(opened(name), expand_nested=True, columns=columns) == WIDTHS[name][str(columns)]


def test_a_terminal_that_is_too_narrow_gets_the_narrowest_table():
    assert summary(opened("keras3_cnn.keras"), columns=3) == WIDTHS["keras3_cnn.keras"]["30"]


def test_keras_2_does_not_heed_it():
    model = opened("keras2_cnn.h5")
    assert summary(model, columns=200) == summary(model, columns=30) == printed("keras2_cnn")


def test_the_method_prints_at_the_terminals_width(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "92")
    opened("keras3_residual.keras").summary(expand_nested=True)
    assert capsys.readouterr().out == WIDTHS["keras3_residual.keras"]["92"]


def test_the_method_gives_its_text_to_a_function():
    texts: list[str] = []
    opened("keras3_cnn.keras").summary(style="keras2", print_fn=texts.append)
    assert [text + "\n" for text in texts] == [printed("keras2_cnn")]


def test_another_style_is_refused():
    with pytest.raises(UnsupportedError, match="no style 'keras9' of Keras's summary; choose one of keras2, keras3"):
        summary(opened("keras3_cnn.keras"), style="keras9")


@pytest.mark.parametrize(
    ("version", "addressing", "style"),
    [
        ("3.15.1", Addressing.PATH, "keras3"),
        ("3.8.0", Addressing.ORDER, "keras3"),
        ("2.13.1", Addressing.PATH, "keras2"),
        ("2.3.0-tf", Addressing.ORDER, "keras2"),
        ("1.2.2", Addressing.ORDER, "keras2"),
        ("", Addressing.ORDER, "keras2"),
        ("", Addressing.PATH, "keras3"),
    ],
)
def test_the_style_is_that_of_the_writer(version, addressing, style):
    assert generation(StoredModel("", "", "Keras", version, StoredLayer("", ""), addressing)) == style


def steps(count: int, others: int = 0) -> tuple[StoredArray, ...]:
    """Return an optimizer's arrays after so many steps: their count, and others."""
    first = StoredArray("0", "0", (), "int64", 8, lambda: numpy.array(count))
    return (first, *(StoredArray(f"{i}", f"{i}", (5, 7), "float32", 140, numpy.array) for i in range(1, others + 1)))


@pytest.mark.parametrize(
    ("optimizer", "line"),
    [
        (steps(0, others=0), None),
        (steps(0, others=1), None),
        (steps(3, others=0), " Optimizer params: 1 (8.00 B)"),
        (steps(0, others=2), " Optimizer params: 71 (288.00 B)"),
    ],
)
def test_an_optimizer_counts_from_its_first_step_on(optimizer, line):
    model = opened("keras3_cnn.keras")
    table = lines(replace(model, stored=replace(model.stored, optimizer=optimizer)))
    assert [text for text in table if "Optimizer" in text] == ([line] if line else [])
    total = 383 + (sum(array.size for array in optimizer) if line else 0)
    assert any(text.startswith(f" Total params: {total} (") for text in table)


def chain(*layers: StoredLayer) -> StoredModel:
    """Return a sequential model whose layers have these configurations and no arrays."""
    before: list[tuple[Tensor, ...]] = [(), *((Tensor(layer.name),) for layer in layers)]
    called = tuple(replace(layer, calls=(Call(inputs),)) for layer, inputs in zip(layers, before, strict=False))
    outputs = tuple(Tensor(layer.name) for layer in layers[-1:])
    root = StoredLayer("chain", "Sequential", layers=called, outputs=outputs)
    return StoredModel("chain.keras", "Keras", "Keras", "3.15.1", root, Addressing.PATH)


def relu(name: str) -> StoredLayer:
    return StoredLayer(name, "ReLU", {"name": name, "trainable": True})


ENTRY = StoredLayer("entry", "InputLayer", {"batch_shape": [None, 3]})


def test_a_model_without_inputs_is_not_built():
    rows = [line for line in lines(named(chain(relu("first"), relu("second")))) if "ReLU" in line]
    assert [row.split("│")[2:4] for row in rows] == [[f" {'?':22} ", "   0 (unbuilt) "]] * 2
    rows = [line for line in lines(named(chain(relu("first"))), style="keras2") if "ReLU" in line]
    assert rows == [f" {'first (ReLU)':26}  {'?':24}  0 (unused)"]


def test_a_long_name_goes_on_in_the_next_line_as_rich_breaks_it():
    model = named(chain(ENTRY, relu("y" * 40)))
    long = replace(model, root=replace(model.root, name="x" * 90))
    assert lines(long)[:3] == ["Model: ", '"' + "x" * 79, "x" * 11 + '"']
    spaced = replace(model, root=replace(model.root, name="ab " * 40))
    assert lines(spaced)[:2] == ['Model: "' + "ab " * 24, "ab " * 16 + '"']
    assert any(line.startswith(f"│ {'y' * 30}… │ (None, 3)  ") for line in lines(long))


def test_keras_2_breaks_a_name_where_its_column_ends():
    table = lines(named(chain(ENTRY, relu("y" * 40))), style="keras2")
    assert table[4].startswith(" " + "y" * 26 + "  (None, 3) ")
    assert table[5] == (" " + "y" * 14 + " (ReLU)").ljust(65)


def test_an_empty_model_has_an_empty_table():
    model = named(StoredModel("", "", "Keras", "3.15.1", StoredLayer("nothing", "Sequential"), Addressing.PATH))
    assert [line[:1] for line in lines(model)] == ["M", "┏", "┃", "┡", "└", " ", " ", " "]


def test_keras_2_says_multiple_of_a_layer_that_is_called_on_several_shapes():
    entries = ENTRY, StoredLayer("other", "InputLayer", {"batch_shape": [None, 5, 3]})
    calls = tuple(Call((Tensor(layer.name),)) for layer in entries)
    shared = replace(relu("shared"), calls=calls)
    root = StoredLayer(
        "twice", "Functional", layers=(*(replace(layer, calls=(Call(()),)) for layer in entries), shared)
    )
    model = named(StoredModel("", "", "Keras", "2.21.0", root, Addressing.PATH))
    assert lines(model)[8].split() == ["shared", "(ReLU)", "multiple", "0", "['entry[0][0]',"]
    (row,) = [line for line in lines(model, style="keras3") if "shared" in line]
    assert row.split("│")[2:4] == [" (None, 5, 3)      ", "          0 "]


@pytest.mark.parametrize(
    ("nbytes", "text"), [(1 << 41, "2.00 TB"), (1 << 60, "1024.00 PB"), (1023 << 40, "1023.00 TB")]
)
def test_memory_is_in_the_unit_that_keras_takes(nbytes, text):
    count, learning_rate, moment = steps(1, others=2)
    optimizer = count, learning_rate, replace(moment, nbytes=nbytes - count.nbytes - learning_rate.nbytes)
    model = opened("keras3_cnn.keras")
    table = lines(replace(model, stored=replace(model.stored, optimizer=optimizer)))
    assert f" Optimizer params: 71 ({text})" in table
