"""The networks of PyTorch's own MNIST example, whose state dict it saves as `mnist_cnn.pt`.

Two convolutions, then two linear layers, the first of which reads a flattened image. Since 2019 the example is the
network of Keras's. The names are those of many networks, so a file is its own only where every shape is.

https://github.com/pytorch/examples/blob/77f55b912142e11fcfdf5b530231fb9c52f181e8/mnist/main.py
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.conventions.architectures.clauses import image_purposes
from weightwise.conventions.architectures.family import Family, Pattern, biased_convolution, linear

SOURCE = "https://github.com/pytorch/examples/blob/{}/mnist/main.py"


def _patterns(channels: tuple[int, int], window: int, side: int, hidden: int) -> Iterator[Pattern]:
    first, second = channels
    yield from biased_convolution("conv1", f"{first} 1 {window} {window}")
    yield from biased_convolution("conv2", f"{second} {first} {window} {window}")
    image = {"c": str(second), "h": str(side), "w": str(side)}
    yield Pattern("fc1.weight", "kernel", "out (c h w)", f"{hidden} {second * side * side}", image)
    yield Pattern("fc1.bias", "bias", "out", str(hidden))
    yield from linear("fc2", "out", f"10 {hidden}")


def _family(commit: str, channels: tuple[int, int], window: int, side: int, hidden: int) -> Family:
    patterns = tuple(_patterns(channels, window, side, hidden))
    names = tuple(pattern.name for pattern in patterns)
    purposes = {**dict(image_purposes(patterns)), "fc2": "gives each digit a score"}
    return Family("the MNIST example of PyTorch", SOURCE.format(commit), patterns, names, purposes=purposes)


FAMILIES = (
    _family("77f55b912142e11fcfdf5b530231fb9c52f181e8", (32, 64), 3, 12, 128),
    _family("60108edfa3838a823220e16428cb5f98e8e88d53", (20, 50), 5, 4, 500),
    _family("35a9d849a5b8cad4a426a3539b4dc5bf6c6bf66b", (10, 20), 5, 4, 50),
)
