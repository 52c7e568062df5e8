"""Configurations beside files of PyTorch are read where the files are called as those of one network are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import weightwise
from weightwise.errors import FormatError

SAMPLES = Path(__file__).parents[1] / "samples"
META = SAMPLES / "llama_meta"


@pytest.mark.parametrize(
    ("file", "beside", "read"),
    [
        ("pytorch_model.bin", "config.json", True),
        ("consolidated.00.pth", "params.json", True),
        ("pytorch_model.bin", "params.json", False),
        ("consolidated.00.pth", "config.json", False),
        ("net.pt", "config.json", False),
    ],
)
def test_what_lies_beside_is_the_configuration_of_what_it_belongs_to(tmp_path, file, beside, read):
    shutil.copy(SAMPLES / "torch_state_dict.pt", tmp_path / file)
    (tmp_path / beside).write_text('{"kind": "one"}')
    for path in (tmp_path, tmp_path / file):
        assert weightwise.open(path).stored.root.config == ({"kind": "one"} if read else {})


def test_a_whole_module_says_what_it_is_itself(tmp_path):
    shutil.copy(SAMPLES / "torch_module.pt", tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text('{"kind": "one"}')
    assert "kind" not in weightwise.open(tmp_path).stored.root.config


def test_a_damaged_configuration_is_a_problem_and_names_are_told_without_it(tmp_path):
    shutil.copy(META / "consolidated.00.pth", tmp_path)
    (tmp_path / "params.json").write_text("{")
    model = weightwise.open(tmp_path)
    assert len(model.problems) == 1
    assert "params.json" in model.problems[0]
    assert model["layers.0.attention.wk"]["weight"].bound.text() == "(kv_heads 2 · pairs 2 · half[re im]) · in 16"


def test_pieces_of_a_split_model_are_not_opened_as_one(tmp_path):
    for number in (0, 1):
        shutil.copy(META / "consolidated.00.pth", tmp_path / f"consolidated.0{number}.pth")
    with pytest.raises(FormatError, match=r"expected a folder with one model, found 2: consolidated\.00\.pth"):
        weightwise.open(tmp_path)
