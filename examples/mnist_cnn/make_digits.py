"""Makes `examples/digits.npz`: a hundred real digits, and what Keras says of them with the shipped model.

The digits are the first ten of each class among MNIST's test digits, class after class. The arrays are
`images` (digit h w, uint8), `labels` (digit, uint8) and `probabilities` (digit class, float32): the output of
`examples/mnist_cnn.keras` for `images / 255`, computed by Keras.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from train import OUT as MODEL
from train import Digits, ExampleError, as_input, exit_code, load_digits

OUT = MODEL.with_name("digits.npz")
EXAMPLE = """example:
  python examples/mnist_cnn/make_digits.py --data mnist
"""
CLASSES = 10
OF_EACH = 10


def first_of_each(digits: Digits) -> Digits:
    """Return the first ten digits of each class, in the order of the classes."""
    chosen = np.concatenate([np.flatnonzero(digits.labels == label)[:OF_EACH] for label in range(CLASSES)])
    return Digits(digits.images[chosen], digits.labels[chosen])


def probabilities_of(path: Path, digits: Digits) -> NDArray[np.float32]:
    """Return what Keras computes for the digits with the model at `path` (digit class, float32)."""
    if not path.is_file():
        raise ExampleError(f"{path}: expected the trained model, found no file; run train.py or change --model")
    import keras

    probabilities: NDArray[np.float32] = keras.saving.load_model(path).predict(as_input(digits.images), verbose=0)
    return probabilities


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line, with their defaults; exit with 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        description="Write a hundred test digits of MNIST with Keras's outputs for them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of MNIST's four IDX files (default: Keras downloads)"
    )
    parser.add_argument("--model", type=Path, default=MODEL, metavar="FILE", help="default: examples/mnist_cnn.keras")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="to write (default: examples/digits.npz)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Choose, compute and write as the options say; raise ExampleError or, without Keras, ImportError."""
    digits = first_of_each(load_digits(options.data)["t10k"])
    probabilities = probabilities_of(options.model, digits)
    np.savez_compressed(options.out, images=digits.images, labels=digits.labels, probabilities=probabilities)
    correct = np.count_nonzero(probabilities.argmax(axis=-1) == digits.labels)
    print(f"saved: {options.out} ({len(digits.labels)} digits, the model names {correct} of them right)")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = parse_arguments(arguments)
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    raise SystemExit(main())
