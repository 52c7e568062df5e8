"""Trains the network of the question "How are weights organized in Conv2D layers?" on MNIST.

The network, its layers and their names are those of the summary in the question: two convolutions, a pooling,
a Flatten and two Dense layers with 1,199,882 parameters. The digits come from Keras's own downloader, or from
the four files in which MNIST was published. These are in the IDX format: two zero bytes, one byte for the
type of the elements (8: unsigned bytes), one for the number of dimensions, then every dimension as a
big-endian 32-bit number, then the elements in C order (https://github.com/cvdfoundation/mnist keeps the files
and the description of the format).
"""

from __future__ import annotations

import argparse
import gzip
import math
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # Keras takes seconds to import: only the functions that need it do
    import keras

OUT = Path(__file__).resolve().parents[1] / "mnist_cnn.keras"
EXAMPLE = """example:
  python examples/mnist_cnn/train.py --data mnist --epochs 12 --out mnist_cnn.keras
"""
UNSIGNED_BYTES = 8
SIDE = 28
COUNTS = {"train": 60_000, "t10k": 10_000}


class ExampleError(Exception):
    """Something that the user can put right; its text is one sentence that says how."""


@dataclass(frozen=True)
class Digits:
    """Images (digit h w, uint8, 0 is the paper and 255 the ink) and their labels (digit, uint8, 0 to 9)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the network is fed: the images as float32 from 0 to 1, with one channel (digit h w 1)."""
    scaled: NDArray[np.float32] = np.divide(images[..., np.newaxis], 255, dtype=np.float32)
    return scaled


# ---- the digits


def read_start(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a file, decompressed when its name ends in .gz."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ExampleError(
            f"{path}: expected a complete gzip file, found a damaged one ({error}); get it again"
        ) from error
    except OSError as error:
        raise ExampleError(f"{path}: cannot be read ({error.strerror}); check the file") from error


def header_size(shape: tuple[int, ...]) -> int:
    """Return the bytes before the elements of an IDX file: the magic number, and four for each dimension."""
    return 4 + 4 * len(shape)


def spelled(shape: tuple[int, ...]) -> str:
    """Return a shape in words for people: `60,000 × 28 × 28`."""
    return " × ".join(f"{size:,}" for size in shape)


def check_header(path: Path, header: bytes, shape: tuple[int, ...]) -> None:
    """Raise ExampleError unless the first bytes of an IDX file say: unsigned bytes, in this shape."""
    expected = bytes([0, 0, UNSIGNED_BYTES, len(shape)])
    if header[:4] != expected:
        raise ExampleError(
            f"{path}: expected the magic number {expected.hex()} (unsigned bytes, {len(shape)} dimensions), "
            f"found {header[:4].hex() or 'an empty file'}; check that this is MNIST's own file"
        )
    size = header_size(shape)
    if len(header) != size:
        raise ExampleError(f"{path}: expected a header of {size} bytes, found {len(header)}; get it again")
    found = struct.unpack(f">{len(shape)}I", header[4:])
    if found != shape:
        raise ExampleError(
            f"{path}: expected {spelled(shape)} elements, found a header that says {spelled(found)}; "
            "check that this is MNIST's own file"
        )


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the uint8 array of an IDX file that must hold exactly `shape`; else raise ExampleError."""
    start, size = header_size(shape), math.prod(shape)
    content = read_start(path, start + size + 1)
    check_header(path, content[:start], shape)
    if len(content) != start + size:
        found = f"{len(content) - start:,}" if len(content) < start + size else "more"
        raise ExampleError(f"{path}: expected {size:,} bytes after the header, found {found}; get the file again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def find_idx(folder: Path, name: str) -> Path:
    """Return the path of one of MNIST's files, published (.gz) or unpacked; raise ExampleError if missing."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise ExampleError(
        f"{folder}: expected {name}.gz or {name}, found neither; give --data the folder that holds "
        "MNIST's four files, or leave it out and Keras downloads the digits"
    )


def read_digits(folder: Path, part: str) -> Digits:
    """Return the digits of `part` ("train" or "t10k") from MNIST's files in `folder`; raise ExampleError."""
    count = COUNTS[part]
    images = read_idx(find_idx(folder, f"{part}-images-idx3-ubyte"), (count, SIDE, SIDE))
    path = find_idx(folder, f"{part}-labels-idx1-ubyte")
    labels = read_idx(path, (count,))
    if labels.max() > 9:
        raise ExampleError(f"{path}: expected labels from 0 to 9, found {labels.max()}; get the file again")
    return Digits(images, labels)


def download_digits() -> dict[str, Digits]:
    """Return both parts as Keras downloads (or has kept) them; raise ExampleError when it cannot."""
    import keras

    try:
        train, test = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise ExampleError(
            f"Keras could not download MNIST ({error}); connect to the internet, or put MNIST's four files "
            "(train-images-idx3-ubyte.gz and so on) in a folder and name it with --data"
        ) from error
    return {"train": Digits(*train), "t10k": Digits(*test)}


def load_digits(folder: Path | None) -> dict[str, Digits]:
    """Return "train" (60,000 digits) and "t10k" (10,000) from a folder, or from Keras when there is none."""
    if folder is None:
        return download_digits()
    return {part: read_digits(folder, part) for part in COUNTS}


# ---- the network


def build_network() -> keras.Sequential:
    """Return the question's network, a keras.Sequential with new weights, not compiled."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1), name="input"),
            layers.Conv2D(32, (3, 3), activation="relu", name="conv2d_1"),
            layers.Conv2D(64, (3, 3), activation="relu", name="conv2d_2"),
            layers.MaxPooling2D((2, 2), name="max_pooling2d_1"),
            layers.Dropout(0.25, name="dropout_1"),
            layers.Flatten(name="flatten_1"),
            layers.Dense(128, activation="relu", name="dense_1"),
            layers.Dropout(0.5, name="dropout_2"),
            layers.Dense(10, activation="softmax", name="dense_2"),
        ],
        name="sequential_1",
    )


def train(digits: Digits, epochs: int, batch_size: int) -> keras.Sequential:
    """Return the network, trained on the digits; Keras prints its progress bar."""
    network = build_network()
    network.summary()
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(as_input(digits.images), digits.labels, batch_size=batch_size, epochs=epochs)
    return network


def count_correct(network: keras.Sequential, digits: Digits) -> int:
    """Return how many of the digits the network names right."""
    probabilities = network.predict(as_input(digits.images), verbose=0)
    return int(np.count_nonzero(probabilities.argmax(axis=-1) == digits.labels))


def save(network: keras.Sequential, out: Path) -> None:
    """Write the network as `.keras`, not compiled: Keras saves the optimizer of a compiled one."""
    uncompiled = build_network()
    uncompiled.set_weights(network.get_weights())
    uncompiled.save(out)


# ---- the command


def whole_number(text: str, least: int, most: int) -> int:
    """Return the whole number that the text spells; raise argparse's error outside `least` to `most`."""
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least:,} to {most:,}, found {text!r}")
    return int(text)


def amount(text: str) -> int:
    """Return the number of epochs, or of digits in a step, that the text spells."""
    return whole_number(text, 1, COUNTS["train"])


def seed(text: str) -> int:
    """Return the seed that the text spells; NumPy's take 32 bits."""
    return whole_number(text, 0, 2**32 - 1)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line, with their defaults; exit with 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        description="Train the question's network on MNIST and save it without optimizer state.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of MNIST's four IDX files (default: Keras downloads)"
    )
    parser.add_argument("--epochs", type=amount, default=12, metavar="N", help="passes over the data (default: 12)")
    parser.add_argument("--batch-size", type=amount, default=128, metavar="N", help="digits in a step (default: 128)")
    parser.add_argument("--seed", type=seed, default=1, metavar="N", help="start of the random numbers (default: 1)")
    parser.add_argument(
        "--out", type=Path, default=OUT, metavar="FILE", help="to write (default: examples/mnist_cnn.keras)"
    )
    return parser.parse_args(arguments)


def check_out(out: Path) -> None:
    """Raise ExampleError where Keras could not save, before a training is lost."""
    if out.suffix != ".keras":
        raise ExampleError(f"{out}: expected a name that ends in .keras, found {out.name}; change --out")
    if not out.parent.is_dir():
        raise ExampleError(f"{out}: expected the folder {out.parent}, found none; make it or change --out")


def run(options: argparse.Namespace) -> None:
    """Train, report and save as the options say; raise ExampleError or, without Keras, ImportError."""
    check_out(options.out)
    digits = load_digits(options.data)
    import keras

    keras.utils.set_random_seed(options.seed)
    network = train(digits["train"], options.epochs, options.batch_size)
    correct, count = count_correct(network, digits["t10k"]), COUNTS["t10k"]
    print(f"test accuracy: {correct / count:.2%} ({correct:,} of {count:,} digits)")
    save(network, options.out)
    print(f"saved: {options.out}")


def exit_code(work: Callable[[], None]) -> int:
    """Do the work and return 0, or 2 after one sentence on stderr."""
    try:
        work()
    except ExampleError as error:
        message = str(error)
    except ImportError as error:
        message = f"Keras 3 and a backend are needed ({error}); run `python -m pip install keras tensorflow-cpu`"
    else:
        return 0
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    return 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = parse_arguments(arguments)
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    raise SystemExit(main())
