"""`weightwise port` and `prove` as a user meets them."""

from __future__ import annotations

import json

import pytest

from tests.porting.targets import EXAMPLE, QUESTION, SAMPLES, linears, state_dict
from weightwise.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Return a function that runs the command line in an empty folder and returns exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_a_port_writes_weights_and_code(run, tmp_path):
    code, out, err = run("port", EXAMPLE, "--to", "pytorch", "-o", "net.safetensors")
    assert (code, err) == (0, "")
    assert "written to net.safetensors and net.py" in out
    assert "dense_1.weight   ←  dense_1/kernel   (h w c) out -> out (c h w)" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py", "net.safetensors"]
    assert "nn.Conv2d(32, 64, 3)" in (tmp_path / "net.py").read_text()


@pytest.mark.parametrize("width", [60, 80, 140, 200])
def test_the_report_fits(run, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    out = run("port", EXAMPLE, "--to", "pytorch", "--dry-run")[1]
    assert "(h w c) out -> out (c h w)" in out
    assert max(map(len, out.splitlines()[1:])) <= width


def test_a_dry_run_writes_nothing(run, tmp_path):
    code, out, err = run("port", EXAMPLE, "--to", "flax", "-o", "net.msgpack", "--dry-run")
    assert (code, err) == (0, "")
    assert "nothing is written" in out
    assert not list(tmp_path.iterdir())


def test_the_plan_in_json(run):
    document = json.loads(run("port", EXAMPLE, "--to", "pytorch", "--dry-run", "--json")[1])
    assert document["arrays"][0] == {
        "target": "conv2d_1.weight",
        "sources": ["conv2d_1/kernel"],
        "pattern": "kh kw in out -> out in kh kw",
        "shape": [32, 1, 3, 3],
        "dtype": "float32",
        "why": "made from it",
        "lost": None,
        "lossy": None,
    }


def test_code_of_somebody_else_is_not_overwritten(run, tmp_path):
    (tmp_path / "net.py").write_text("print('mine')\n")
    code, out, err = run("port", EXAMPLE, "--to", "pytorch", "-o", "net.safetensors")
    assert (code, out) == (2, "")
    assert "net.py: it is there already" in err
    assert (tmp_path / "net.py").read_text() == "print('mine')\n"
    assert not (tmp_path / "net.safetensors").exists()
    assert run("port", EXAMPLE, "--to", "pytorch", "-o", "net.safetensors", "--code", "made.py")[0] == 0
    assert run("port", EXAMPLE, "--to", "pytorch", "-o", "net.safetensors", "--code", "made.py")[0] == 0


def test_choices_come_from_options_and_files(run, tmp_path):
    source = linears(tmp_path / "s.safetensors", one=(6, 6), two=(6, 6), three=(6, 6))
    target = linears(tmp_path / "t.safetensors", a=(6, 6), b=(6, 6), c=(6, 6))
    (tmp_path / "choices.txt").write_text("# a comment\none = b\n\n")
    arguments = ("port", source, "--into", target, "--dry-run")
    code, out, err = run(*arguments, "--map", "choices.txt", "--map", "two=a")
    assert (code, err) == (0, "")
    filled = {line.split()[0]: line.split()[2] for line in out.splitlines() if "←" in line}
    assert (filled["b.weight"], filled["a.weight"], filled["c.weight"]) == ("one/weight", "two/weight", "three/weight")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "x.safetensors"), "say --to FRAMEWORK, or --into TARGET"),
        (("--to", "pytorch"), "say where to write with -o OUT"),
        (("--to", "pytorch", "-o", "x.keras"), "x.keras: files in .keras are Keras's"),
        (("--to", "pytorch", "-o", "x.bin"), "x.bin: expected a name that ends in"),
        (("--to", "pytorch", "-o", "nowhere/x.safetensors"), "nowhere"),
        (
            ("--to", "pytorch", "--dry-run", "--map", "missing.txt"),
            "--map: 'missing.txt' is neither NAME=VALUE nor a file",
        ),
        (("--to", "pytorch", "--dry-run", "--map", "a="), "--map: expected NAME=VALUE"),
        (("--to", "pytorch", "--dry-run", "--map", "a=b"), "--map goes with --into"),
        (("--to", "pytorch", "--dry-run", "--rows", "none=in"), "it has no layer 'none'"),
    ],
)
def test_bad_requests_are_one_sentence(run, tmp_path, arguments, sentence):
    code, out, err = run("port", EXAMPLE, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.safetensors"))


def test_other_mathematics_are_refused_with_the_reason(run):
    code, out, err = run("port", SAMPLES / "keras3_gated.keras", "--to", "pytorch", "--dry-run")
    assert (code, out) == (2, "")
    assert "before (GRU): PyTorch cannot have it: it resets the state before the recurrent product" in err


def test_a_port_is_proven(run):
    run("port", EXAMPLE, "--to", "pytorch", "-o", "net.safetensors")
    code, out, err = run("prove", EXAMPLE, "net.safetensors", "--reference-only")
    assert (code, err) == (0, "")
    assert "All 8 layers are equal" in out


def test_a_wrong_port_names_the_first_layer_that_diverges(run, tmp_path):
    wrong = state_dict(tmp_path / "wrong.safetensors", QUESTION)
    run("port", EXAMPLE, "--into", wrong, "-o", "net.safetensors")
    code, out, err = run("prove", EXAMPLE, "wrong.safetensors", "--reference-only")
    assert (code, err) == (1, "")
    assert "The first layer that diverges is conv2d_1" in out
