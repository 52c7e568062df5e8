"""Explanations and locations as people read them, on real files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import weightwise
from tests.views.answers import CASES, EXAMPLE, GOLDEN, ROOT
from weightwise.cli import main
from weightwise.views.explanation import explanation_text
from weightwise.views.explanation_document import explanation_document
from weightwise.views.location import location_document, location_text
from weightwise.views.prose import WIDEST

SAMPLES = [*sorted((ROOT / "tests" / "samples").glob("keras*.keras")), ROOT / EXAMPLE]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def printed(capsys, *arguments):
    code = main(arguments)
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_word_for_word(name, capsys):
    code, text, errors = printed(capsys, *CASES[name])
    assert (code, errors) == (0, "")
    assert text == (GOLDEN / f"{name}.txt").read_text()


def everything(model):
    """Yield everything that can be asked of a model."""
    yield model.explain()
    for layer in model.walk():
        yield model.explain(layer.name)
    for weight in model.weights:
        yield model.explain(weight.index)


def numbers(model):
    for weight in model.weights:
        if weight.size:
            yield model.locate(
                f"[{weight.index}]" + (f"[{', '.join('0' for _ in weight.shape)}]" if weight.shape else "")
            )
        yield model.locate(f"[{weight.index}]")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_answer_is_readable_at_eighty_columns(path):
    model = weightwise.open(path)
    texts = [explanation_text(answer, 80) for answer in everything(model)]
    texts += [location_text(found, 80) for found in numbers(model)]
    for text in texts:
        for line in text.splitlines():
            assert len(line) <= 80 or " " not in line.strip() or re.match(r"^( *\[?\d|[^ ]+ \(|\S*\[)", line), line
            assert line == line.rstrip()
        assert text.endswith("\n")
        assert "\n\n\n" not in text
        assert "  ." not in text
        assert ".." not in text.replace("...", "")
        assert not re.search(r"\{|\}|None|Evidence\.", text)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_answer_is_a_document(path):
    model = weightwise.open(path)
    for answer in everything(model):
        assert json.loads(json.dumps(explanation_document(answer)))
    for found in numbers(model):
        assert json.loads(json.dumps(location_document(found)))["weight"]


def test_prose_is_not_wider_than_a_reader_wants(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    _, text, _ = printed(capsys, "explain", EXAMPLE, "conv2d_2")
    assert 80 < max(map(len, text.splitlines())) <= WIDEST


def test_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    _, text, _ = printed(capsys, "explain", EXAMPLE, "max_pooling2d_1")
    assert max(map(len, text.splitlines())) <= 50


def test_colours_change_no_word(capsys):
    _, plain, _ = printed(capsys, "explain", EXAMPLE, "[2]")
    _, coloured, _ = printed(capsys, "explain", EXAMPLE, "[2]", "--color", "always")
    assert plain != coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


def test_the_document_of_a_layer_says_what_the_text_says(capsys):
    _, text, _ = printed(capsys, "explain", EXAMPLE, "conv2d_2", "--json")
    document = json.loads(text)
    assert document["number"] == "2"
    assert document["reads"] == [{"layer": "conv2d_1", "shape": [None, 26, 26, 32]}]
    assert document["read_by"] == ["max_pooling2d_1"]
    assert document["sizes"][0] == {
        "axis": "h",
        "formula": "26 - 3 + 1",
        "size": 24,
        "reason": "the window has 3 rows",
    }
    kernel = document["weights"][0]
    assert kernel["holds"] == "the factors by which the layer multiplies what it reads"
    assert [axis["cause"] for axis in kernel["axes"]] == [
        "kernel_size is (3, 3)",
        "kernel_size is (3, 3)",
        "conv2d_1 makes 32",
        "filters is 64",
    ]
    assert (kernel["arithmetic"], kernel["training"], kernel["evidence"]) == ("3·3·32·64", "learned", "declared")


def test_the_document_of_a_model_holds_the_mistake_and_all_layers(capsys):
    _, text, _ = printed(capsys, "explain", EXAMPLE, "--json")
    document = json.loads(text)
    assert document["coincidence"] == {"place": 2, "layer": "max_pooling2d_1", "weight": "conv2d_2/kernel"}
    assert document["owners"] == {"2": 4, "0": 4}
    assert document["one_dimensional"] == {"bias": 4}
    assert [layer["name"] for layer in document["layers"]][:2] == ["conv2d_1", "conv2d_2"]
    merged = document["layers"][5]["weights"][0]["merged"]
    assert merged[0]["example"] == {
        "place": 1234,
        "formula": "(1·12 + 7)·64 + 18",
        "coordinates": {"h": 1, "w": 7, "c": 18},
    }
    assert merged[0]["output_of"] == "max_pooling2d_1"


def test_layers_of_models_inside_stand_inside_the_document():
    document = explanation_document(weightwise.open("tests/samples/keras3_nested.keras").explain())
    assert [layer["number"] for layer in document["layers"]] == ["1", "2", "3", "4", "5"]
    assert [layer["number"] for layer in document["layers"][1]["layers"]] == ["2.1", "2.2"]
    assert document["layers"][1]["layers"][0]["layers"][1]["name"] == "middle/inner/frozen"


def test_the_document_of_a_number(capsys):
    _, text, _ = printed(capsys, "locate", EXAMPLE, "[2][0,1,5,17]", "--json")
    document = json.loads(text)
    kernel = weightwise.open(EXAMPLE).get_weights()[2]
    assert document["value"] == kernel[0, 1, 5, 17].item()
    assert document["position"] == {"kh": 0, "kw": 1, "in": 5, "out": 17}
    assert document["index"] == [0, 1, 5, 17]
    assert document["effect"].startswith("multiplies channel 5 of the output of conv2d_1 at row y, column x + 1")
    offset, size = document["stored"]["offset"], document["stored"]["bytes"]
    assert Path(EXAMPLE).read_bytes()[offset : offset + size] == kernel[0, 1, 5, 17].tobytes()


def test_the_document_of_a_part(capsys):
    _, text, _ = printed(capsys, "locate", EXAMPLE, "[2][:,:,5,17]", "--json")
    document = json.loads(text)
    kernel = weightwise.open(EXAMPLE).get_weights()[2][:, :, 5, 17]
    assert document["axes"] == "kh 3 · kw 3"
    assert document["shape"] == [3, 3]
    assert document["values"] == kernel.ravel().tolist()
    assert document["statistics"]["count"] == 9
    assert [place["axis"] for place in document["fixed"]] == ["in", "out"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", EXAMPLE, "pooling"), "has no layer or array 'pooling'"),
        (("locate", EXAMPLE, "[2][9,9,9,9]"), "dimension 0 (kh 3) has 0 to 2; 9 is not one of them"),
        (("locate", EXAMPLE, "[2]["), "points at nothing"),
    ],
)
def test_a_request_for_what_is_not_there_is_one_sentence_and_two(arguments, message, capsys):
    code, text, errors = printed(capsys, *arguments)
    assert (code, text) == (2, "")
    assert errors.startswith("weightwise: ")
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("command", ["explain", "locate"])
def test_help_has_an_example_that_works(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    example = capsys.readouterr().out.rsplit("example: weightwise ", 1)[1].split()
    assert example[0] == command
    assert main([word.strip("'") for word in example]) == 0
