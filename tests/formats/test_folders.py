"""A folder opens as one model; one that holds none or several says so."""

from __future__ import annotations

import shutil

import pytest

from tests.samples import SAMPLES
from weightwise import formats
from weightwise.errors import FormatError
from weightwise.formats import open_stored


def test_the_one_model_of_a_folder_opens(tmp_path):
    (tmp_path / "README.md").write_text("# a model")
    (tmp_path / "empty").touch()
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "inner").mkdir()
    shutil.copy(SAMPLES / "keras3_cnn.keras", tmp_path)
    stored = open_stored(tmp_path)
    assert stored.path == str(tmp_path / "keras3_cnn.keras")
    assert stored.root.layers == open_stored(tmp_path / "keras3_cnn.keras").root.layers


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(FormatError) as caught:
        open_stored(tmp_path)
    expected = "expected a folder with one model, found none; give the path of a model file."
    assert str(caught.value) == f"{tmp_path}: {expected}"


def test_a_folder_of_several_models(tmp_path):
    for name in ("keras3_cnn.keras", "keras3_cnn.h5"):
        shutil.copy(SAMPLES / name, tmp_path)
    with pytest.raises(FormatError) as caught:
        open_stored(tmp_path)
    assert "found 2: keras3_cnn.h5, keras3_cnn.keras; give the path of a model file." in str(caught.value)


def test_names_of_files_are_printed_harmlessly(tmp_path):
    for name in (b"a\n\xff.keras", b"b\x1b[31m.keras"):
        shutil.copy(SAMPLES / "keras3_cnn.keras", bytes(tmp_path) + b"/" + name)
    with pytest.raises(FormatError) as caught:
        open_stored(tmp_path)
    assert str(caught.value).isprintable()
    assert r"found 2: a\n\udcff.keras, b\x1b[31m.keras;" in str(caught.value)


def test_a_folder_of_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MOST_TRIED", 2)
    for name in "abc":
        (tmp_path / name).touch()
    with pytest.raises(FormatError, match="a folder of 3 files; give the path of the model's file"):
        open_stored(tmp_path)
