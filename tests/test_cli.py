"""The command line as a user meets it: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from weightwise.cli import COMMANDS, main
from weightwise.formats.safetensors.writer import Written, write_safetensors

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "mnist_cnn.keras"
COMPILED = ROOT / "tests" / "samples" / "keras3_compiled.keras"
CUSTOM = ROOT / "tests" / "samples" / "keras3_custom.keras"


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the command line and returns exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_the_model_alone_is_the_screen(run):
    assert run(EXAMPLE) == run("show", EXAMPLE)
    code, out, err = run(EXAMPLE)
    assert (code, err) == (0, "")
    assert "(3·3·32 + 1)·64 = 18,496" in out
    assert "So get_weights()[2] is conv2d_2's kernel; max_pooling2d_1 has no array at all." in out


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_screen_fits_and_tells_the_same(run, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    out = run(EXAMPLE)[1]
    for fact in ("kh 3 · kw 3 · in 32 · out 64", "(3·3·32 + 1)·64 = 18,496", "24 × 24 × 64", "[7]"):
        assert fact in out
    if width >= 80:
        assert max(map(len, out.splitlines())) <= width


def test_only_some_layers(run):
    out = run(EXAMPLE, "--layer", "conv2d_2", "--layer", "dense_2")[1]
    assert "conv2d_2 (Conv2D)" in out
    assert "dense_2 (Dense)" in out
    assert "dense_1" not in out


def test_only_the_arrays(run):
    lines = run(EXAMPLE, "--weights-only")[1].splitlines()
    assert [line.split()[0] for line in lines] == [f"[{index}]" for index in range(8)]
    assert lines[2].split()[1] == "conv2d_2/kernel"


def test_json_says_what_the_screen_says(run):
    document = json.loads(run(EXAMPLE, "--json")[1])
    assert document["parameters"] == {"total": 1199882, "trainable": 1199882, "non_trainable": 0, "optimizer": 0}
    kernel = document["layers"][1]["weights"][0]
    assert kernel["index"] == 2
    assert [(axis["name"], axis["size"], axis["evidence"]) for axis in kernel["axes"]] == [
        ("kh", 3, "declared"),
        ("kw", 3, "declared"),
        ("in", 32, "declared"),
        ("out", 64, "declared"),
    ]
    assert document["layers"][1]["arithmetic"] == "(3·3·32 + 1)·64"


def test_json_of_only_the_arrays(run):
    assert [array["path"] for array in json.loads(run(COMPILED, "--weights-only", "--json")[1])] == [
        "first/kernel",
        "first/bias",
        "second/kernel",
        "second/bias",
    ]


def test_the_optimizer_is_told_apart(run):
    out = run(COMPILED)[1]
    assert "4 weight arrays" in out
    assert "values of the optimizer's state, which are no weights" in out


def test_unknown_arrays_are_counted(run):
    code, out, _ = run(CUSTOM)
    assert code == 0
    assert "The axes of 8 arrays are unknown" in out


def test_a_missing_file_is_one_sentence(run):
    code, out, err = run("nothing.keras")
    assert (code, out) == (2, "")
    assert err == "weightwise: nothing.keras: cannot be opened (No such file or directory); check the path.\n"


def test_traceback_shows_the_rest():
    with pytest.raises(OSError, match="cannot be opened"):
        main(["nothing.keras", "--traceback"])


def test_damage_leaves_what_can_be_told(run, tmp_path):
    """The weights are cut off: the layers go to stdout, the damage to stderr, and the exit code is 2."""
    path = tmp_path / "cut.keras"
    path.write_bytes(EXAMPLE.read_bytes()[:100_000])
    code, out, err = run(path)
    assert code == 2
    assert "24 × 24 × 64" in out
    assert "over its input; the file lacks its kernel and bias" in " ".join(out.split())
    assert "max_pooling2d_1" in out
    assert all(line.startswith(f"weightwise: {path}") for line in err.splitlines())
    assert err.count("conv2d_1/kernel, conv2d_1/bias, conv2d_2/kernel, conv2d_2/bias and 4 more") == 1


def test_no_argument_is_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "example: weightwise examples/mnist_cnn.keras" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert f"example: weightwise {command} " in " ".join(out.split())
    assert "--json" in out


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"show"}))
def test_every_command_is_in_the_readme(command):
    assert f"$ weightwise {command} " in (ROOT / "README.md").read_text()


def test_every_commands_example_runs(run, monkeypatch, tmp_path):
    import shlex

    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS.values():
        code, out, err = run(*shlex.split(command.example))
        assert (code, err) == (0, "")
        assert out


def test_summary_in_json(run):
    assert json.loads(run("summary", EXAMPLE, "--json")[1])["trainable"]["parameters"] == 1199882


def test_colours_come_when_they_are_asked_for(run):
    assert "\x1b[" not in run(EXAMPLE)[1]
    assert "\x1b[1m" in run(EXAMPLE, "--color", "always")[1]


def test_colours_change_no_text(run):
    import re

    plain, colored = run(EXAMPLE)[1], run(EXAMPLE, "--color", "always")[1]
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain


def test_a_pipe_that_closes_early_is_no_error():
    command = f"{sys.executable} -m weightwise {EXAMPLE} --json | head -n 1"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert ended.stdout == "{\n"
    assert ended.stderr == ""
    assert ended.returncode == 0


@pytest.fixture
def blocks(tmp_path):
    """A checkpoint of five blocks that are alike, as a safetensors file."""
    names = [f"layers.{number}.{part}" for number in range(5) for part in ("norm.bias", "up.bias", "up.weight")]
    arrays = [numpy.zeros((3, 7) if name.endswith("weight") else (3,), "float32") for name in names]
    path = tmp_path / "blocks.safetensors"
    pairs = zip(names, arrays, strict=True)
    written = [Written(name, array.shape, "float32", lambda array=array: array) for name, array in pairs]
    write_safetensors(path, written, {"format": "pt"})
    return path


def test_blocks_that_are_alike_are_told_once(run, blocks):
    assert "layers.0–4.up ×5" in run(blocks)[1]
    unfolded = run(blocks, "--unfold")[1]
    assert "×" not in unfolded.replace(" × ", "")
    assert all(f"layers.{number}.up" in unfolded for number in range(5))


def test_only_what_has_the_pattern_in_its_name(run, blocks):
    assert "norm" not in run(blocks, "--filter", "*.up")[1]
    listed = run(blocks, "--weights-only", "--filter", "weight")[1].splitlines()
    assert [line.split()[1] for line in listed] == [f"layers.{number}.up/weight" for number in range(5)]


def test_a_pattern_that_nothing_has(run, blocks):
    code, out, err = run(blocks, "--filter", "query")
    assert (code, out) == (2, "")
    assert "no layer and no array has a name like 'query'" in err


def test_the_largest_first(run):
    listed = run(EXAMPLE, "--weights-only", "--sort", "size")[1].splitlines()
    assert [line.split()[0] for line in listed[:2]] == ["[4]", "[2]"]
    assert run(EXAMPLE, "--sort", "size")[1].index("dense_1") < run(EXAMPLE, "--sort", "size")[1].index("conv2d_2")
