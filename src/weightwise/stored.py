"""What a file holds, before anything is named: arrays, the layers that own them, and the calls that connect the layers.

Readers in `formats/` produce these values; nothing here knows what an axis means. Opening a file fills in shapes,
dtypes and places; the bytes of an array are read when `StoredArray.read` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum
from math import prod
from typing import TYPE_CHECKING, Any

from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy


class Addressing(Enum):
    """How a file says which array of a layer is which."""

    PATH = "path"
    """By a key of its own: Keras 3 stores `cell/0`, the first variable of the layer's attribute `cell`."""
    ORDER = "order"
    """By its place in a list of names: the `weight_names` of Keras's legacy HDF5 format."""
    LISTED = "listed"
    """By its place in the layer's own `get_weights()`, as a model of Keras in memory has it."""


@dataclass(frozen=True)
class StoredArray:
    """One array as the file has it: where it lies, its shape and dtype, and how to read it."""

    path: str
    """Its full path inside the file, such as `layers/conv2d/vars/0`."""
    key: str
    """What tells it from the other arrays of its layer: `0`, `cell/1` (`Addressing.PATH`) or its place in the list."""
    shape: tuple[int, ...]
    dtype: str
    """NumPy's name of the dtype (`float32`), or `bfloat16`."""
    nbytes: int
    """Size of the values in bytes, decoded."""
    read: Callable[[], numpy.ndarray] = field(repr=False, compare=False)
    """Reads the values; raises `FormatError` when the file does not hold them whole."""
    name: str = ""
    """The variable's own name where the file gives one: `conv2d_1/kernel:0`."""
    file: str = ""
    """The file that holds the bytes; `model.keras!model.weights.h5` for a member of an archive."""
    offset: int | None = None
    """Byte offset of the first value from the start of the file on disk; None if the storage is not contiguous."""
    run: Callable[[int, int], numpy.ndarray] | None = field(default=None, repr=False, compare=False)
    """Reads so many values from a place on, in the order in which they lie; None where they do not lie in one run."""
    order: str = "<"
    """The order of the bytes of one value at `offset`: `<`, the lowest first, or `>`."""
    axes: str = ""
    """The axes that the file itself declares, in the language of `weightwise.axes`; empty where it does not."""
    tied: str = ""
    """The path of an array listed before whose values these are; empty for an array of its own."""
    trainable: bool | None = None
    """Whether training changes it, where that is known of the array itself, as of a model in memory."""
    assign: Callable[[numpy.ndarray], None] | str = field(default="", repr=False, compare=False)
    """Gives an array in memory other values, of its shape; a text says why that cannot be, empty for one of a file."""
    apart: Callable[[], numpy.ndarray] | None = field(default=None, repr=False, compare=False)
    """Reads the values as a view with more dimensions, of the same order, where that saves a copy of them."""
    made: str = ""
    """Why the array is in no file, and what it is instead; empty for one that a file holds."""

    @property
    def size(self) -> int:
        """The number of values."""
        return prod(self.shape)


@dataclass(frozen=True)
class Tensor:
    """One output of one call of a layer."""

    layer: str
    call: int = 0
    index: int = 0


@dataclass(frozen=True)
class SizeOf:
    """The size of one axis of a tensor, or `times · size ** power`, as a setting that the graph computes."""

    tensor: Tensor
    axis: int
    times: float = 1.0
    power: float = 1.0
    single: bool = False
    """Whether it is rounded to single precision, where it is no whole number."""


@dataclass(frozen=True)
class Call:
    """One use of a layer in the graph: the tensors it reads, in the order of its arguments."""

    inputs: tuple[Tensor, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The other arguments, such as `training` or an axis; a tensor passed by keyword stands here and in `inputs`."""
    shapes: tuple[tuple[int | None, ...] | None, ...] = ()
    """The shape of each of `inputs`, batch axis first, where the file records them; empty where it never does."""


@dataclass(frozen=True)
class StoredLayer:
    """A layer, or a model (which is a layer with layers), as the file describes it."""

    name: str
    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """The layer's configuration in the framework's own spelling; empty when the file has none."""
    package: str = ""
    """Where the class comes from, as the file says it: `keras.layers`, or a registered name: `my_package>Gate`."""
    arrays: tuple[StoredArray, ...] = ()
    """The layer's own arrays in the file's order, without those of `layers`."""
    layers: tuple[StoredLayer, ...] = ()
    """For a model: its layers in the framework's order."""
    calls: tuple[Call, ...] = ()
    """The uses of this layer in the model that owns it; empty for a layer whose graph is not known."""
    inputs: tuple[Tensor, ...] = ()
    """For a model: its inputs."""
    outputs: tuple[Tensor, ...] = ()
    """For a model: its outputs."""
    build_shape: tuple[Any, ...] | None = None
    """The input shape that the file records (`build_config`), batch axis first, None where it is open."""
    configured: bool = True
    """Whether the class and its configuration were in the file, and not only told by a path."""


@dataclass(frozen=True)
class StoredModel:
    """A whole file: the model and what else the file carries."""

    path: str
    format: str
    """The format's display name, such as `Keras 3 archive (.keras)`."""
    framework: str
    """`Keras`: which table of conventions applies."""
    version: str
    """The version of the framework that wrote the file, or an empty string."""
    root: StoredLayer
    addressing: Addressing
    backend: str = ""
    """What computed for the framework, such as `theano`, or an empty string."""
    nbytes: int = 0
    """Size on disk in bytes."""
    optimizer: tuple[StoredArray, ...] = ()
    state: tuple[StoredArray, ...] = ()
    """Arrays that are no weights: seed states, metrics."""
    listing: tuple[str, ...] = ()
    """The paths of all arrays in the framework's own order; empty where that is the order of the layers."""
    remarks: tuple[str, ...] = ()
    """One sentence for each thing that must be said and is no damage: what loading the file would have executed."""
    problems: tuple[str, ...] = ()
    """One sentence for each damage that did not stop the reading."""
