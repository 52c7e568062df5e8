"""Ports to Keras, printed as code: real Keras runs the code, loads the weights and computes what the reference does.

    KERAS_BACKEND=torch python -m tests.oracles.coded_in_keras

Prints how many samples have code, and ends where one computes otherwise.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy

from weightwise.answers.forward import forward
from weightwise.answers.sample_inputs import random_inputs
from weightwise.errors import WeightwiseError
from weightwise.formats import open_stored
from weightwise.formats.keras.writer import write_keras_weights
from weightwise.naming import named
from weightwise.porting.porting import lowered, speller
from weightwise.views.code_keras import code

ROOT = Path(__file__).parents[2]


def difference(path: Path, folder: Path) -> float:
    """Return how far Keras is from the reference, of the largest value; raises `WeightwiseError` for no code."""
    model = named(open_stored(str(path)))
    ported = lowered(model, speller("keras"))
    text = code(ported.model, str(folder / "net.weights.h5"))
    write_keras_weights(folder / "net.weights.h5", ported.model.stored)
    inputs = random_inputs(model)
    given = [
        x.transpose(placed.layout) if placed.layout else x for x, placed in zip(inputs, ported.inputs, strict=True)
    ]
    wanted = forward(ported.model, given)
    made: dict[str, object] = {}
    exec(compile(text, "<the port's code>", "exec"), made)
    network = made["load"]()
    outputs = network([x.astype("float32") if x.dtype.kind == "f" else x for x in given], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    found = [keras.ops.convert_to_numpy(output) for output in outputs]
    return max(
        float(numpy.abs(one - other).max() / max(numpy.abs(other).max(), 1e-30))
        for one, other in zip(found, wanted, strict=True)
    )


if __name__ == "__main__":
    computed, refused = [], []
    for path in [ROOT / "examples" / "mnist_cnn.keras", *sorted((ROOT / "tests" / "samples").iterdir())]:
        with tempfile.TemporaryDirectory() as made:
            try:
                found = difference(path, Path(made))
            except WeightwiseError as error:
                refused.append(f"{path.name}: {error}")
                continue
        assert found <= 1e-5, f"{path.name}: {found}"
        computed.append(path.name)
    print("\n".join(refused))
    print(len(computed), "computed:", *computed)
