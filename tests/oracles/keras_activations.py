"""Cases of Keras's activations."""

from __future__ import annotations

from typing import Any

from keras import layers

from tests.oracles.case import Case, Input

WIDE = [Input((2, 20), scale=5.0)]
"""Values from -7.5 to 7.5, which reach every piece of every function."""
SEQUENCES = [Input((2, 3, 4))]
IMAGES = [Input((2, 3, 4, 5))]

# All names of keras.activations, but for `threshold`, which a name alone does not define, and `glu`, of which Keras
# tells another shape than it computes.
NAMES = (
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid"
    " log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid"
    " sparsemax squareplus swish tanh tanh_shrink"
)


def activation(name: str) -> Case:
    """Return the case of one function."""
    return Case(f"Activation {name}", lambda: layers.Activation(name), WIDE)


def prelu(**settings: Any) -> Any:
    """Return what builds a PReLU."""
    return lambda: layers.PReLU(**settings)


CASES = [
    *map(activation, NAMES.split()),
    Case("Activation over sequences", lambda: layers.Activation("softmax"), SEQUENCES),
    Case("Activation sparsemax over sequences", lambda: layers.Activation("sparsemax"), SEQUENCES),
    Case("ReLU", lambda: layers.ReLU(), WIDE),
    Case("ReLU with a maximum", lambda: layers.ReLU(max_value=2.5), WIDE),
    Case("ReLU with the maximum 6", lambda: layers.ReLU(max_value=6), WIDE),
    Case("ReLU with a slope", lambda: layers.ReLU(negative_slope=0.2), WIDE),
    Case("ReLU with a threshold", lambda: layers.ReLU(threshold=1.5), WIDE),
    Case("ReLU with all", lambda: layers.ReLU(max_value=3.0, negative_slope=0.2, threshold=1.5), WIDE),
    Case("ReLU with slope and maximum", lambda: layers.ReLU(max_value=3.0, negative_slope=0.2), WIDE),
    Case("LeakyReLU", lambda: layers.LeakyReLU(), WIDE),
    Case("LeakyReLU with a slope", lambda: layers.LeakyReLU(negative_slope=0.05), WIDE),
    Case("ELU", lambda: layers.ELU(), WIDE),
    Case("ELU with a factor", lambda: layers.ELU(alpha=0.5), WIDE),
    Case("Softmax", lambda: layers.Softmax(), SEQUENCES),
    Case("Softmax along the first", lambda: layers.Softmax(axis=1), SEQUENCES),
    Case("Softmax along two", lambda: layers.Softmax(axis=[1, 2]), IMAGES),
    Case("Softmax along one, as a list", lambda: layers.Softmax(axis=[-2]), IMAGES),
    Case("PReLU", prelu(), [Input((2, 5))]),
    Case("PReLU of sequences", prelu(), SEQUENCES),
    Case("PReLU of sequences, square", prelu(), [Input((2, 4, 4))]),
    Case("PReLU of images", prelu(), IMAGES),
    Case("PReLU of images, square", prelu(), [Input((2, 3, 3, 3))]),
    Case("PReLU with one slope for each channel", prelu(shared_axes=[1, 2]), IMAGES),
    Case("PReLU with one slope for each channel first", prelu(shared_axes=[2, 3]), IMAGES),
    Case("PReLU with shared columns", prelu(shared_axes=[2]), IMAGES),
    Case("PReLU with shared columns, square", prelu(shared_axes=[2]), [Input((2, 3, 4, 3))]),
    Case("PReLU with shared rows", prelu(shared_axes=1), SEQUENCES),
    Case("PReLU with one slope", prelu(shared_axes=[1, 2, 3]), IMAGES),
]
