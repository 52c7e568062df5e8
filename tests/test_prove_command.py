"""`weightwise prove` as a user meets it: exit codes, the table, the outputs and the file of outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

import weightwise
from tests.test_imports import FRAMEWORKS, loaded_by
from weightwise.cli import main
from weightwise.formats.safetensors.writer import Written, write_safetensors

EXAMPLES = Path(__file__).parents[1] / "examples"
EXAMPLE = EXAMPLES / "mnist_cnn.keras"


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the command without frameworks and returns exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["prove", *map(str, arguments), "--reference-only"])
        return code, *capsys.readouterr()

    return run


def test_outputs_of_real_digits(run):
    code, out, err = run(EXAMPLE, "--input", EXAMPLES / "digits.npz", "--scale", "1/255")
    assert (code, err) == (0, "")
    assert "images has shape (100, 28, 28); it is given an axis of length 1 at its end." in out
    assert "output 1: 100 × 10, float64" in out
    assert "… and 95 rows more" in out


def test_outputs_as_a_file_are_those_of_keras(run, tmp_path):
    path = tmp_path / "out.npy"
    code, out, _ = run(EXAMPLE, "--input", EXAMPLES / "digits.npz", "--scale", "1/255", "-o", path)
    with numpy.load(EXAMPLES / "digits.npz") as digits:
        numpy.testing.assert_allclose(numpy.load(path), digits["probabilities"], rtol=0, atol=1e-5)
    assert code == 0
    assert "output 1" not in out


def arrays_file(path: Path, change: float = 0) -> Path:
    weights = weightwise.open(EXAMPLE).weights
    items = [
        Written(f"{weight.path}", weight.shape, weight.dtype, lambda weight=weight: weight.values() + change)
        for weight in weights
    ]
    write_safetensors(path, items)
    return path


def test_equal_is_0_and_different_is_1(run, tmp_path):
    one, same = arrays_file(tmp_path / "one.safetensors"), arrays_file(tmp_path / "same.safetensors")
    other = arrays_file(tmp_path / "other.safetensors", 1)
    code, out, _ = run(one, same)
    assert (code, "All 8 arrays are equal, to the last bit." in out) == (0, True)
    code, out, _ = run(one, other)
    assert (code, "The first array that diverges is conv2d_1/" in out) == (1, True)
    assert run(one, other, "--tolerance", "100")[0] == 0


def test_what_cannot_be_proven_is_2(run, tmp_path):
    code, out, err = run(arrays_file(tmp_path / "one.safetensors"))
    assert (code, out) == (2, "")
    assert "it holds arrays and no graph, so nothing can be computed from it alone" in err
    assert run(EXAMPLE, "--input", EXAMPLE)[0] == 2
    assert run(EXAMPLE, "--input", EXAMPLES / "digits.npz", "--map", "conv2d_1")[0] == 2


def test_json(run):
    code, out, _ = run(EXAMPLE, EXAMPLE, "--json", "--seed", "3")
    document = json.loads(out)
    assert (code, document["verdict"], document["first"]) == (0, "equal", None)
    assert [line["name"] for line in document["comparisons"][0]["lines"]][:2] == ["conv2d_1", "conv2d_2"]
    assert "outputs" not in document


def test_a_factor_that_is_none(run):
    with pytest.raises(SystemExit, match="2"):
        run(EXAMPLE, "--input", EXAMPLES / "digits.npz", "--scale", "1/0")


def test_float32_has_its_own_tolerance(run):
    code, out, _ = run(EXAMPLE, EXAMPLE, "--float32", "--json")
    assert (code, json.loads(out)["comparisons"][0]["tolerance"]) == (0, 1e-5)


def test_no_framework_is_imported_where_none_is_asked():
    code = f"from weightwise.cli import main; main(['prove', {str(EXAMPLE)!r}, '--reference-only', '--json'])"
    loaded = loaded_by(code)
    assert "numpy" in loaded
    assert not loaded & FRAMEWORKS
