"""Carries the architectures of keras.applications, with random weights, to PyTorch and Flax, and compares the outputs.

`python -m tests.oracles.ported_applications [NAME …]` prints a line of JSON for each.
"""

from __future__ import annotations

import builtins
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from keras.src.applications import convnext, efficientnet_v2, inception_resnet_v2, nasnet

from tests.oracles.ported import TARGETS, Keras, Source, compute_in, distance, generator, keras, laid, numpy, weightwise
from weightwise.errors import UnsupportedError

WHOLE = (
    "MobileNet",
    "MobileNetV2",
    "ResNet50",
    "ResNet50V2",
    "DenseNet121",
    "EfficientNetB0",
    "Xception",
    "VGG16",
    "InceptionV3",
    "MobileNetV3Small",
)
"""The architectures that are carried as they are."""


def convnext_(**settings: Any) -> Any:
    """Return a ConvNeXt of five blocks, with paths that are dropped while training."""
    narrow = {"depths": (1, 1, 2, 1), "projection_dims": (6, 8, 10, 12), "drop_path_rate": 0.2}
    return convnext.ConvNeXt(**narrow, **settings)


def efficientnet_v2_(**settings: Any) -> Any:
    """Return an EfficientNetV2 with each kind of block: fused, fused and expanded, and with squeeze and excitation."""
    names = ("conv_type", "num_repeat", "input_filters", "output_filters", "expand_ratio", "se_ratio", "strides")
    rows = [(1, 1, 8, 8, 1, 0, 1), (1, 2, 8, 16, 4, 0, 2), (0, 2, 16, 24, 4, 0.25, 2)]
    blocks = [{"kernel_size": 3, **dict(zip(names, row, strict=True))} for row in rows]
    return efficientnet_v2.EfficientNetV2(1.0, 1.0, 32, blocks_args=blocks, **settings)


def inception_resnet_v2_(**settings: Any) -> Any:
    """Return an InceptionResNetV2 in which each of its rows of equal blocks, which are loops, has one of them."""
    once = patch.object(inception_resnet_v2, "range", lambda first, _: builtins.range(first, first + 1), create=True)
    with once:
        return inception_resnet_v2.InceptionResNetV2(**settings)


def nasnet_(**settings: Any) -> Any:
    """Return a NASNetMobile with one normal cell between its reductions.

    Keras does not make the whole one on PyTorch; on JAX it is carried, too, with `KERAS_BACKEND=jax`.
    """
    narrow = {"num_blocks": 1, "penultimate_filters": 288, "stem_block_filters": 8}
    return nasnet.NASNet(skip_reduction=False, **narrow, **settings)


SHORT: Mapping[str, Callable[..., Any]] = {
    "ConvNeXt": convnext_,
    "EfficientNetV2": efficientnet_v2_,
    "InceptionResNetV2": inception_resnet_v2_,
    "NASNet": nasnet_,
}
"""The architectures that are carried with fewer blocks, of every kind."""
SIDES = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}
"""The smallest side of an image that an architecture takes, where that is not 32."""
CLASSES = 7


def drawn(numbers: numpy.random.Generator, path: str, like: Any) -> Any:
    """Return values for a variable that keep what a deep network computes within bounds."""
    if "variance" in path or "gamma" in path:
        return numbers.uniform(0.8, 1.2, like.shape).astype(like.dtype)
    if "kernel" in path:
        return like
    return numbers.uniform(-0.2, 0.2, like.shape).astype(like.dtype)


def network(name: str) -> Keras:
    """Return an architecture of keras.applications for small images."""
    keras.utils.clear_session()
    random.seed(1)  # Keras draws the seeds of its initializers from here
    side = SIDES.get(name, 32)
    build = SHORT.get(name) or getattr(keras.applications, name)
    model = build(weights=None, input_shape=(side, side + 3, 3), classes=CLASSES)
    numbers = generator(name)
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(drawn(numbers, variable.path, keras.ops.convert_to_numpy(variable)))
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
    names = [word for word in given if word not in TARGETS] or [*WHOLE, *SHORT]
    for line in proofs(names, targets):
        print(json.dumps(line, ensure_ascii=False), flush=True)
