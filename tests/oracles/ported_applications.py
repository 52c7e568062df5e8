"""Carries the architectures of keras.applications, with random weights, to PyTorch and Flax, and compares the outputs.

`python -m tests.oracles.ported_applications [NAME …]` prints a line of JSON for each.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.oracles.ported import TARGETS, Keras, Source, compute_in, distance, generator, keras, laid, numpy, weightwise
from weightwise.errors import UnsupportedError

SIZES = {
    "MobileNet": 32,
    "MobileNetV2": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "Xception": 71,
    "VGG16": 32,
    "InceptionV3": 75,
    "NASNetMobile": 32,
}
"""The architectures, and the smallest side of an image that each takes."""
LEFT_OUT = ("NASNetMobile",)
"""What Keras cannot compute on PyTorch; on JAX, with KERAS_BACKEND=jax, it is proven when it is named."""
CLASSES = 7


def drawn(random: numpy.random.Generator, path: str, like: Any) -> Any:
    """Return values for a variable that keep what a deep network computes within bounds."""
    if "variance" in path or "gamma" in path:
        return random.uniform(0.8, 1.2, like.shape).astype(like.dtype)
    if "kernel" in path:
        return like
    return random.uniform(-0.2, 0.2, like.shape).astype(like.dtype)


def network(name: str) -> Keras:
    """Return an architecture of keras.applications for small images."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    side = SIZES[name]
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side + 3, 3), classes=CLASSES)
    random = generator(name)
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(drawn(random, variable.path, keras.ops.convert_to_numpy(variable)))
    return Keras(model)


def ported(source: Source, target: str, folder: Path) -> float:
    """Return how far the port of an architecture is from Keras."""
    out = folder / f"ported{TARGETS[target].SUFFIX}"
    plan = weightwise.port(source.path, target, out=out)
    other = TARGETS[target].of_port(plan, out, "float64")
    ours = other.outputs(laid(source.inputs, [placed.layout for placed in plan.ported.inputs]))
    return distance(ours, laid(source.outputs, [placed.layout for placed in plan.ported.outputs]))


def saved(name: str, folder: Path) -> Source:
    """Return an architecture as a file, with outputs that differ among each other."""
    real = network(name)
    inputs = real.inputs(generator(name), "float64")
    outputs = real.outputs(inputs)
    assert outputs[0].std() > 0.01
    return Source(real.save(folder, "", ""), inputs, outputs)


def proofs(names: Sequence[str], targets: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield how far each port is from Keras, or why it was refused."""
    compute_in("float64")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            source = saved(name, Path(folder))
            for target in targets:
                framework = "PyTorch" if target == "pytorch" else "Flax"
                found: dict[str, Any] = {
                    "direction": f"Keras .keras → {framework} code",
                    "network": name,
                    "dtype": "float64",
                }
                began = time.monotonic()
                try:
                    found["difference"] = ported(source, target, Path(folder))
                except UnsupportedError as error:
                    found["refused"] = str(error).replace(f"{folder}/", "")
                yield found | {"seconds": round(time.monotonic() - began, 2)}


if __name__ == "__main__":
    given = sys.argv[1:]
    targets = [word for word in given if word in TARGETS] or ["pytorch", "flax"]
    names = [name for name in SIZES if name in given] or [name for name in SIZES if name not in LEFT_OUT]
    for line in proofs(names, targets):
        print(json.dumps(line, ensure_ascii=False), flush=True)
