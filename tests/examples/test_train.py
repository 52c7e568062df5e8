"""The commands that made the shipped example, as far as they go without Keras."""

from __future__ import annotations

import gzip
import importlib
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = EXAMPLES / "mnist_cnn"

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(SCRIPTS)
    train = importlib.import_module("train")
    make_digits = importlib.import_module("make_digits")

SHAPE = (5, 3, 2)
VALUES = np.arange(30, dtype=np.uint8).reshape(SHAPE)
HEADER = bytes([0, 0, 8, 3]) + struct.pack(">3I", *SHAPE)
IDX = HEADER + VALUES.tobytes()


def idx(array):
    """Return the bytes of an IDX file that holds the array."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the four files, of five and three digits instead of MNIST's numbers."""
    monkeypatch.setattr(train, "COUNTS", {"train": 5, "t10k": 3})
    for part, count in train.COUNTS.items():
        images = np.full((count, 28, 28), count, np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(count, dtype="u1"))))
    return tmp_path


class FakeMnist:
    """Stands for keras.datasets.mnist: gives what it was made with, or raises it."""

    def __init__(self, outcome):
        self.outcome = outcome

    def load_data(self):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def fake_keras(monkeypatch, outcome):
    """Put a stand-in for Keras in place, whose downloader does nothing but give or raise `outcome`."""
    datasets = SimpleNamespace(mnist=FakeMnist(outcome))
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=datasets))


# ---- the IDX reader


@pytest.mark.parametrize(("name", "content"), [("plain", IDX), ("packed.gz", gzip.compress(IDX))])
def test_an_idx_file_is_read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    array = train.read_idx(path, SHAPE)
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, VALUES)


DAMAGED = {
    "empty": (
        b"",
        "expected the magic number 00000803 (unsigned bytes, 3 dimensions), found an empty file; "
        "check that this is MNIST's own file",
    ),
    "text": (
        b"<!DOCTYPE html><title>404</title>",
        "expected the magic number 00000803 (unsigned bytes, 3 dimensions), found 3c21444f; "
        "check that this is MNIST's own file",
    ),
    "labels for images": (
        bytes([0, 0, 8, 1]) + IDX[4:],
        "expected the magic number 00000803 (unsigned bytes, 3 dimensions), found 00000801; "
        "check that this is MNIST's own file",
    ),
    "floats": (
        bytes([0, 0, 13, 3]) + IDX[4:],
        "expected the magic number 00000803 (unsigned bytes, 3 dimensions), found 00000d03; "
        "check that this is MNIST's own file",
    ),
    "half a header": (IDX[:11], "expected a header of 16 bytes, found 11; get it again"),
    "other counts": (
        HEADER[:4] + struct.pack(">3I", 4_000_000_000, 3, 2) + IDX[16:],
        "expected 5 × 3 × 2 elements, found a header that says 4,000,000,000 × 3 × 2; "
        "check that this is MNIST's own file",
    ),
    "little-endian": (
        HEADER[:4] + struct.pack("<3I", *SHAPE) + IDX[16:],
        "expected 5 × 3 × 2 elements, found a header that says 83,886,080 × 50,331,648 × 33,554,432; "
        "check that this is MNIST's own file",
    ),
    "truncated": (IDX[:-1], "expected 30 bytes after the header, found 29; get the file again"),
    "too long": (IDX + b"\0", "expected 30 bytes after the header, found more; get the file again"),
}


@pytest.mark.parametrize(("content", "sentence"), DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_a_wrong_idx_file_is_refused_in_one_sentence(tmp_path, content, sentence, pack):
    path = tmp_path / ("wrong" if pack is bytes else "wrong.gz")
    path.write_bytes(pack(content))
    with pytest.raises(train.ExampleError) as caught:
        train.read_idx(path, SHAPE)
    assert str(caught.value) == f"{path}: {sentence}"


@pytest.mark.parametrize("content", [IDX, gzip.compress(IDX)], ids=["plain", "gz"])
def test_every_truncation_is_refused(tmp_path, content):
    path = tmp_path / ("cut.gz" if content is not IDX else "cut")
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(train.ExampleError, match=r"^.*cut.*: expected .*, found .*; (get|check) "):
            train.read_idx(path, SHAPE)


def test_a_flipped_byte_in_a_packed_file_is_refused_or_changes_nothing(tmp_path):
    """Only the time and the system that gzip notes in its header may change unnoticed."""
    path = tmp_path / "flipped.gz"
    packed = gzip.compress(IDX)
    refused = set()
    for index in range(len(packed)):
        path.write_bytes(packed[:index] + bytes([packed[index] ^ 255]) + packed[index + 1 :])
        try:
            np.testing.assert_array_equal(train.read_idx(path, SHAPE), VALUES)
        except train.ExampleError as error:
            refused.add(index)
            assert str(error).startswith(f"{path}: expected ")
    assert set(range(len(packed))) - refused == {4, 5, 6, 7, 8, 9}


def test_a_name_that_lies_about_packing_is_refused(tmp_path):
    path = tmp_path / "plain.gz"
    path.write_bytes(IDX)
    with pytest.raises(train.ExampleError, match="expected a complete gzip file, found a damaged one"):
        train.read_idx(path, SHAPE)


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(train.ExampleError) as caught:
        train.read_idx(tmp_path, SHAPE)
    assert str(caught.value) == f"{tmp_path}: cannot be read (Is a directory); check the file"


def test_no_more_is_read_than_the_shape_needs(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(IDX + bytes(10_000_000)))
    assert len(train.read_start(path, len(IDX) + 1)) == len(IDX) + 1
    with pytest.raises(train.ExampleError, match="expected 30 bytes after the header, found more"):
        train.read_idx(path, SHAPE)


# ---- the four files


def test_the_folder_gives_both_parts(folder):
    digits = train.load_digits(folder)
    assert {part: found.images.shape for part, found in digits.items()} == {
        "train": (5, 28, 28),
        "t10k": (3, 28, 28),
    }
    assert digits["train"].images.max() == 5
    np.testing.assert_array_equal(digits["t10k"].labels, [0, 1, 2])


def test_unpacked_files_are_found_too(folder):
    packed = folder / "t10k-labels-idx1-ubyte.gz"
    (folder / packed.stem).write_bytes(idx(np.array([7, 2, 1], np.uint8)))
    packed.unlink()
    np.testing.assert_array_equal(train.load_digits(folder)["t10k"].labels, [7, 2, 1])


def test_a_missing_file_is_named(folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(train.ExampleError) as caught:
        train.load_digits(folder)
    assert str(caught.value) == (
        f"{folder}: expected train-labels-idx1-ubyte.gz or train-labels-idx1-ubyte, found neither; "
        "give --data the folder that holds MNIST's four files, or leave it out and Keras downloads the digits"
    )


def test_labels_above_nine_are_refused(folder):
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.array([0, 10, 1], np.uint8))))
    with pytest.raises(train.ExampleError, match=r"expected labels from 0 to 9, found 10; get the file again$"):
        train.load_digits(folder)


def test_the_counts_are_those_of_mnist():
    assert train.COUNTS == {"train": 60_000, "t10k": 10_000}


def test_the_network_is_fed_numbers_from_zero_to_one_with_a_channel():
    images = np.zeros((2, 28, 28), np.uint8)
    images[1, 3, 5] = 51
    images[1, 3, 6] = 255
    fed = train.as_input(images)
    assert (fed.dtype, fed.shape) == (np.float32, (2, 28, 28, 1))
    assert (fed[1, 3, 5, 0], fed[1, 3, 6, 0], np.count_nonzero(fed)) == (np.float32(0.2), 1, 2)


def test_keras_downloads_where_no_folder_is_given(monkeypatch):
    parts = [(np.zeros((n, 28, 28), np.uint8), np.arange(n, dtype=np.uint8)) for n in (4, 2)]
    fake_keras(monkeypatch, tuple(parts))
    digits = train.load_digits(None)
    assert [len(digits[part].labels) for part in ("train", "t10k")] == [4, 2]


# ---- the commands


def run(capsys, monkeypatch, command, *arguments):
    """Return a command's exit code, what it printed, and its sentence on stderr."""
    monkeypatch.setattr(sys, "argv", [f"examples/mnist_cnn/{command.__name__}.py"])
    code = command.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_neither_folder_nor_download_is_one_sentence(capsys, monkeypatch, tmp_path):
    fake_keras(monkeypatch, Exception("URL fetch failure on example.org: no network"))
    assert run(capsys, monkeypatch, train, "--out", tmp_path / "model.keras") == (
        2,
        "",
        "train.py: Keras could not download MNIST (URL fetch failure on example.org: no network); "
        "connect to the internet, or put MNIST's four files (train-images-idx3-ubyte.gz and so on) in "
        "a folder and name it with --data\n",
    )


@pytest.mark.parametrize("command", [train, make_digits], ids=["train", "make_digits"])
def test_a_machine_without_keras_is_one_sentence(capsys, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "keras", None)
    code, printed, sentence = run(capsys, monkeypatch, command)
    assert (code, printed) == (2, "")
    assert sentence.startswith(f"{command.__name__}.py: Keras 3 and a backend are needed (")
    assert sentence.endswith("); run `python -m pip install keras tensorflow-cpu`\n")
    assert sentence.count("\n") == 1


def test_an_empty_folder_is_one_sentence(capsys, monkeypatch, tmp_path):
    code, printed, sentence = run(capsys, monkeypatch, make_digits, "--data", tmp_path)
    assert (code, printed, sentence.count("\n")) == (2, "", 1)
    assert sentence.startswith(f"make_digits.py: {tmp_path}: expected train-images-idx3-ubyte.gz or ")


def test_a_missing_model_is_one_sentence(capsys, monkeypatch, folder):
    model = folder / "none.keras"
    assert run(capsys, monkeypatch, make_digits, "--data", folder, "--model", model) == (
        2,
        "",
        f"make_digits.py: {model}: expected the trained model, found no file; run train.py or change --model\n",
    )


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("model.h5", "expected a name that ends in .keras, found model.h5; change --out"),
        ("none/model.keras", "expected the folder {folder}/none, found none; make it or change --out"),
    ],
)
def test_a_wrong_out_is_told_before_the_training(capsys, monkeypatch, folder, out, sentence):
    code, printed, error = run(capsys, monkeypatch, train, "--data", folder, "--out", folder / out)
    assert (code, printed) == (2, "")
    assert error == f"train.py: {folder / out}: {sentence.format(folder=folder)}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--epochs", "0"], "--epochs: expected a whole number from 1 to 60,000, found '0'"),
        (["--batch-size", "1.5"], "--batch-size: expected a whole number from 1 to 60,000, found '1.5'"),
        (["--seed=-1"], "--seed: expected a whole number from 0 to 4,294,967,295, found '-1'"),
        (
            ["--seed", "4294967296"],
            "--seed: expected a whole number from 0 to 4,294,967,295, found '4294967296'",
        ),
    ],
)
def test_a_wrong_number_is_refused(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as left:
        train.main(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: argument {sentence}\n")


def test_the_options_have_the_defaults_of_the_shipped_model():
    options = train.parse_arguments([])
    assert vars(options) == {
        "data": None,
        "epochs": 12,
        "batch_size": 128,
        "seed": 1,
        "out": EXAMPLES / "mnist_cnn.keras",
    }
    options = train.parse_arguments(["--epochs", "3", "--batch-size", "64", "--seed", "0"])
    assert (options.epochs, options.batch_size, options.seed) == (3, 64, 0)


@pytest.mark.parametrize("command", ["train", "make_digits"])
def test_help_has_an_example(command):
    """The script runs as a script, from any folder."""
    script = SCRIPTS / f"{command}.py"
    helped = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert f"python examples/mnist_cnn/{command}.py --data " in helped.stdout


def test_no_framework_is_imported_before_it_is_needed():
    program = "import sys; sys.path.insert(0, sys.argv[1]); import train, make_digits; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", program, SCRIPTS], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"train", "make_digits"} <= set(imported)
    assert not {"keras", "tensorflow", "torch", "jax"} & set(imported)


def test_the_first_ten_of_each_class_are_chosen():
    labels = np.tile(np.arange(9, -1, -1, dtype=np.uint8), 12)
    images = np.arange(120, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    chosen = make_digits.first_of_each(train.Digits(images, labels))
    np.testing.assert_array_equal(chosen.labels, np.repeat(np.arange(10), 10))
    np.testing.assert_array_equal(chosen.images[:3, 0, 0], [9, 19, 29])
    np.testing.assert_array_equal(chosen.images[-2:, 0, 0], [80, 90])
