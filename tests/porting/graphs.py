"""Random small networks of Keras's layers, in memory: images with branches and shortcuts, and sequences.

A network grows layer by layer from its input. What a layer stores, and the shape that it returns, is said by the table
of Keras, which is proven elsewhere. Left out is what PyTorch has not: averages at edges that do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from hypothesis import strategies as st

from weightwise.axes import parse
from weightwise.conventions.choice import newest_convention
from weightwise.model import Model
from weightwise.naming import named
from weightwise.ops.operation import Shape, ShapeError
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

Draw = Callable[[st.SearchStrategy[Any]], Any]
Config = dict[str, Any]
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "gelu", "swish", "elu", "softplus", "relu6", "hard_sigmoid", "selu")
LAST = {"data_format": "channels_last"}


@dataclass(repr=False)
class Network:
    """What has been built so far; `here` is where the next layer is put."""

    shape: Shape
    seed: int
    layers: list[StoredLayer] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    here: str = "entry"

    def __post_init__(self) -> None:
        """Begins with the input."""
        config = {"name": "entry", "batch_shape": list(self.shape), "dtype": "float64"}
        self.layers.append(StoredLayer("entry", "InputLayer", config, calls=(Call(()),)))
        self.shapes["entry"] = self.shape

    def __repr__(self) -> str:
        reads = {layer.name: [tensor.layer for tensor in layer.calls[0].inputs] for layer in self.layers}
        lines = (f"{layer.class_name} {dict(layer.config)} reads {reads[layer.name]}" for layer in self.layers)
        return "\n".join([*lines, f"ends at {self.here}, seed {self.seed}"])

    def add(self, class_name: str, config: Mapping[str, Any], *reads: str) -> bool:
        """Put a layer behind others, or where the network is; return whether it can take what they give."""
        reads = reads or (self.here,)
        name = f"{class_name.lower()}_{len(self.layers)}"
        inputs = [self.shapes[read] for read in reads]
        arrays, shape = self.made(class_name, config, inputs)
        if shape is None or any(size is not None and not 0 < size < 200 for size in shape):
            return False
        call = Call(tuple(map(Tensor, reads)))
        self.layers.append(StoredLayer(name, class_name, {"name": name, **config}, arrays=arrays, calls=(call,)))
        self.shapes[name] = shape
        self.here = name
        return True

    def made(
        self, class_name: str, config: Mapping[str, Any], inputs: Sequence[Shape]
    ) -> tuple[tuple[StoredArray, ...], Shape | None]:
        """Return the arrays of a layer and the shape of its output, None where it cannot take such inputs."""
        try:
            description = newest_convention("Keras").describe(class_name, config, inputs)
            assert description is not None
            assert description.operation is not None, description.note
            shape = description.operation.output_shapes(inputs)[0]
        except ShapeError:
            return (), None
        arrays = [self.array(slot, description.operation.sizes(inputs)) for slot in description.slots]
        return tuple(arrays), shape

    def array(self, slot: Any, sizes: Mapping[str, int]) -> StoredArray:
        """Return an array of random numbers for a slot; what is a variance is positive."""
        shape = parse(slot.axes).shape({**sizes, **slot.sizes})
        assert shape is not None, slot
        generator = numpy.random.default_rng([self.seed, len(self.layers), len(slot.key), ord(slot.key[-1])])
        values = generator.normal(size=shape)
        values = 0.5 + numpy.abs(values) if "variance" in slot.name else values
        return StoredArray(slot.key, slot.key, shape, "float64", values.nbytes, lambda: values, slot.name)

    def like_here(self) -> list[str]:
        """Return where tensors of the shape lie that the network has now, other than this one."""
        return [name for name, shape in self.shapes.items() if shape == self.shapes[self.here] and name != self.here]

    def beside_here(self) -> list[str]:
        """Return where tensors lie that differ in their last axis at most."""
        wanted = self.shapes[self.here][:-1]
        return [name for name, shape in self.shapes.items() if shape[:-1] == wanted and name != self.here]

    def model(self) -> Model:
        """Return the network as a named model."""
        root = StoredLayer(
            "network",
            "Functional",
            {"name": "network"},
            layers=tuple(self.layers),
            inputs=(Tensor("entry"),),
            outputs=(Tensor(self.here),),
        )
        return named(StoredModel("network", "made", "Keras", "3.15.0", root, Addressing.PATH))


def window(draw: Draw) -> Config:
    """Draw what slides over an image; a stride beside a dilation is not allowed by Keras."""
    config = {
        "kernel_size": [draw(st.integers(1, 3)), draw(st.integers(1, 4))],
        "padding": draw(st.sampled_from(["valid", "same"])),
        "strides": [1, 1],
        "dilation_rate": [1, 1],
        **LAST,
    }
    sizes = [draw(st.integers(1, 2)), draw(st.integers(1, 3))]
    config[draw(st.sampled_from(["strides", "dilation_rate"]))] = sizes
    return config


def ending(draw: Draw) -> Config:
    """Draw what follows a product."""
    return {"activation": draw(st.sampled_from(ACTIVATIONS)), "use_bias": draw(st.booleans())}


def conv(draw: Draw, channels: int) -> Config:
    """Draw a convolution, in groups where the channels can be shared out."""
    groups = draw(st.sampled_from([count for count in (1, 2, 3) if channels % count == 0]))
    return {**window(draw), **ending(draw), "filters": groups * draw(st.integers(1, 4)), "groups": groups}


def depthwise(draw: Draw) -> Config:
    """Draw a depthwise convolution, whose strides are equal in Keras."""
    config = {**window(draw), **ending(draw), "depth_multiplier": draw(st.integers(1, 3))}
    return {**config, "strides": [config["strides"][0]] * 2}


def separable(draw: Draw) -> Config:
    """Draw a separable convolution."""
    return {**depthwise(draw), "filters": draw(st.integers(1, 6))}


def transposed(draw: Draw) -> Config:
    """Draw a transposed convolution."""
    config = {**window(draw), **ending(draw), "filters": draw(st.integers(1, 5)), "output_padding": None}
    return {**config, "dilation_rate": [1, 1]}


def pooling(draw: Draw) -> Config:
    """Draw a pooling."""
    found = window(draw)
    size = draw(st.sampled_from([[2, 2], [2, 3], [3, 2]]))
    return {"pool_size": size, "strides": draw(st.sampled_from([size, [1, 2]])), "padding": found["padding"], **LAST}


def norm(draw: Draw) -> Config:
    """Draw a normalization."""
    return {
        "axis": -1,
        "epsilon": draw(st.sampled_from([1e-3, 1e-5])),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
    }


def recurrent(draw: Draw, sequences: bool, gru: bool) -> Config:
    """Draw a recurrent layer."""
    config = {
        "units": draw(st.integers(1, 5)),
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": draw(st.booleans()),
        "return_sequences": sequences,
        "return_state": False,
        "go_backwards": not sequences and draw(st.booleans()),
        "stateful": False,
        "zero_output_for_mask": False,
    }
    return {**config, "reset_after": True} if gru else config


def pairs(draw: Draw, most: int) -> list[list[int]]:
    """Draw how much each side of an image gets or loses."""
    return [[draw(st.integers(0, most)) for _ in range(2)] for _ in range(2)]


def on_anything(draw: Draw) -> dict[str, Callable[[], Config]]:
    """Return the layers that take tensors of any rank."""
    return {
        "Activation": lambda: {"activation": draw(st.sampled_from(ACTIVATIONS))},
        "LeakyReLU": lambda: {"negative_slope": draw(st.sampled_from([0.1, 0.3]))},
        "ReLU": lambda: {"max_value": draw(st.sampled_from([None, 6.0])), "negative_slope": 0.0, "threshold": 0.0},
        "Dropout": lambda: {"rate": 0.25, "seed": None, "noise_shape": None},
        "BatchNormalization": lambda: {**norm(draw), "momentum": 0.99},
        "LayerNormalization": lambda: {**norm(draw), "axis": [-1], "rms_scaling": False},
        "Dense": lambda: {**ending(draw), "units": draw(st.integers(1, 6))},
    }


def on_images(draw: Draw, channels: int) -> dict[str, Callable[[], Config]]:
    """Return the layers that take images."""
    return {
        "Conv2D": lambda: conv(draw, channels),
        "DepthwiseConv2D": lambda: depthwise(draw),
        "SeparableConv2D": lambda: separable(draw),
        "Conv2DTranspose": lambda: transposed(draw),
        "MaxPooling2D": lambda: pooling(draw),
        "AveragePooling2D": lambda: {**pooling(draw), "padding": "valid"},
        "UpSampling2D": lambda: {"size": [2, draw(st.integers(1, 3))], "interpolation": "nearest", **LAST},
        "ZeroPadding2D": lambda: {"padding": pairs(draw, 2), **LAST},
        "Cropping2D": lambda: {"cropping": pairs(draw, 1), **LAST},
    }


def joined(draw: Draw, network: Network) -> None:
    """Join what the network has now with what another branch has, where there is one that fits."""
    kind = draw(st.sampled_from(["Add", "Multiply", "Average", "Concatenate"]))
    others = network.beside_here() if kind == "Concatenate" else network.like_here()
    if others:
        reads = [network.here, draw(st.sampled_from(others))]
        network.add(kind, {"axis": -1} if kind == "Concatenate" else {}, *draw(st.permutations(reads)))


def grown(draw: Draw, network: Network, kinds: Callable[[], dict[str, Callable[[], Config]]]) -> None:
    """Put a few layers behind the network, from where it is or from an earlier place, and join branches."""
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.integers(0, 3)) == 0:
            rank = len(network.shapes[network.here])
            network.here = draw(st.sampled_from([name for name, shape in network.shapes.items() if len(shape) == rank]))
        found = kinds()
        kind = draw(st.sampled_from(sorted(found)))
        network.add(kind, found[kind]())
        if draw(st.booleans()):
            joined(draw, network)


def headed(draw: Draw, network: Network, ways: Sequence[str]) -> None:
    """Draw an end that makes an image, or a sequence, a row of numbers, and dense layers behind it."""
    way = draw(st.sampled_from(["", *ways]))
    if way and network.add(way, {} if way == "Flatten" else {"keepdims": False, **LAST}):
        for _ in range(draw(st.integers(0, 2))):
            network.add("Dense", {**ending(draw), "units": draw(st.integers(1, 6))})


@st.composite
def image_networks(draw: Draw) -> Network:
    """Draw a network that reads images."""
    sizes = [draw(st.integers(3, 7)), draw(st.integers(3, 8)), draw(st.integers(1, 6))]
    network = Network((None, *sizes), draw(st.integers(0, 99)))
    grown(draw, network, lambda: on_anything(draw) | on_images(draw, network.shapes[network.here][-1] or 1))
    headed(draw, network, ["Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"])
    return network


@st.composite
def sequence_networks(draw: Draw) -> Network:
    """Draw a network that reads sequences, of whole numbers where it begins with an embedding."""
    length, features = draw(st.integers(3, 6)), draw(st.integers(1, 5))
    words = draw(st.booleans())
    network = Network((None, length) if words else (None, length, features), draw(st.integers(0, 99)))
    if words:
        network.add("Embedding", {"input_dim": 7, "output_dim": features, "mask_zero": False})
    on_sequences = {
        "LSTM": lambda: recurrent(draw, sequences=True, gru=False),
        "GRU": lambda: recurrent(draw, sequences=True, gru=True),
    }
    network.here = network.layers[-1].name
    if words:
        del network.shapes["entry"]
    grown(draw, network, lambda: on_anything(draw) | on_sequences)
    last = draw(st.sampled_from(["LSTM", "GRU", ""]))
    if last:
        network.add(last, recurrent(draw, sequences=False, gru=last == "GRU"))
    else:
        headed(draw, network, ["Flatten", "GlobalAveragePooling1D"])
    return network


def inputs_of(network: Network) -> numpy.ndarray:
    """Return a batch of two inputs."""
    generator = numpy.random.default_rng(network.seed)
    shape = tuple(2 if size is None else size for size in network.shape)
    return generator.integers(0, 7, shape) if len(shape) == 2 else generator.normal(size=shape)
