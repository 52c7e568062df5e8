"""A model whose weights are named: the value that every answer and every view starts from.

Frozen, without input or output, and without any framework. Values are read from the file when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from weightwise.errors import SelectionError
from weightwise.records import dataclass
from weightwise.stored import Call, StoredArray, StoredLayer, StoredModel

if TYPE_CHECKING:
    import numpy

    from weightwise.answers.explain import Explanation
    from weightwise.answers.locate import Location, Slice
    from weightwise.axes import Bound
    from weightwise.ops.operation import Operation, Shape
    from weightwise.porting.single import Arranged


class Evidence(Enum):
    """What a name rests on, the strongest first."""

    DECLARED = "declared"
    """The file says it: layer class and configuration, operator and attributes."""
    RECOGNISED = "recognised"
    """The names match a known rule, which is cited."""
    INFERRED = "inferred"
    """Names and shapes leave exactly one reading, and the others are ruled out."""
    UNKNOWN = "unknown"
    """More than one reading is left, or none."""


@dataclass(frozen=True)
class Axis:
    """One named axis of a weight array, in stored order."""

    name: str
    size: int
    evidence: Evidence
    labels: tuple[str, ...] = ()
    """The names of its blocks, such as `i f g o` of the axis `gate`."""


@dataclass(frozen=True)
class Weight:
    """One array of a layer: its index, its name, its axes and what they rest on."""

    index: int
    """Its place in `get_weights()`."""
    name: str
    """Its name within the layer: `kernel`, `forward_lstm/lstm_cell/bias`."""
    layer: str
    """The layer's name; for nested models the path `inner/dense_1`."""
    role: str
    """Its role in the operation; empty when it is unknown."""
    neutral: str
    """The axes in which the operation takes it; empty when it is unknown, or does not enter the output."""
    stored: StoredArray
    bound: Bound | None
    """Its axes bound to its shape; None when they are unknown."""
    evidence: Evidence
    trainable: bool = True
    note: str = ""
    """Why the axes are unknown, or what else must be said."""
    readings: tuple[str, ...] = ()
    """For unknown axes: the axes strings that fit."""
    at: str = ""
    """The block of a named axis that it is, of an array that the operation takes whole: `gate=i`."""
    operation: Operation | None = field(default=None, repr=False)
    """What its layer computes; None when that is unknown."""

    @property
    def path(self) -> str:
        """The name that finds it in the model: `conv2d_2/kernel`."""
        return f"{self.layer}/{self.name}" if self.layer else self.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the array's dimensions."""
        return self.stored.shape

    @property
    def dtype(self) -> str:
        """The dtype of the stored values."""
        return self.stored.dtype

    @property
    def size(self) -> int:
        """The number of values, that is of parameters."""
        return self.stored.size

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The named axes in stored order, merged dimensions taken apart; empty when they are unknown."""
        if self.bound is None:
            return ()
        return tuple(Axis(factor.name, factor.size, self.evidence, factor.labels) for factor in self.bound.factors)

    def values(self) -> numpy.ndarray[Any, Any]:
        """Return the values, read from the file now, in the stored shape; raises `FormatError`."""
        return self.stored.read()

    def select(self, position: Mapping[str, int | str] | None = None, /, **named: int | str) -> numpy.ndarray[Any, Any]:
        """Return the values at fixed places of named axes; raises `SelectionError`.

        `kernel.select(kh=0, out=17)`; an axis whose name Python keeps for itself takes an underscore, `in_=5`, and any
        name can stand in a mapping: `kernel.select({"in": 5, "units'": 2})`.
        """
        if self.bound is None:
            raise SelectionError(f"{self.path}: its axes are unknown ({self.note}), so nothing can be selected by name")
        wanted = {**(position or {}), **{name.removesuffix("_"): place for name, place in named.items()}}
        return self.bound.select(self.values(), wanted)[0]

    def to(self, framework: str) -> Arranged:
        """Return it as `pytorch`, `keras` or `flax` has it: `pattern` tells how it is arranged, `values()` its values.

        Raises `UnsupportedError` where that framework has no such array.
        """
        # Imported when it is asked for: ports rest on the model, this is only where people look for them.
        from weightwise.porting.single import arranged

        return arranged(self, framework)


@dataclass(frozen=True)
class Layer:
    """A layer with its operation, its shapes and its weights; a model inside a model has `layers`."""

    name: str
    """For nested models the path `inner/dense_1`."""
    stored: StoredLayer = field(repr=False)
    operation: Operation | None
    """None when the class is unknown, or for a model."""
    weights: tuple[Weight, ...] = ()
    """Its own arrays in the order of its `get_weights()`; for a model those of its layers."""
    layers: tuple[Layer, ...] = ()
    inputs: tuple[Shape | None, ...] = ()
    """The input shapes of its first call; None where one cannot be told."""
    outputs: tuple[Shape | None, ...] = ()
    """The output shapes of its first call; None where one cannot be told."""
    call_outputs: tuple[tuple[Shape | None, ...], ...] = ()
    """The output shapes of each of its calls; empty for a layer whose graph is not known."""
    trainable: bool = True
    note: str = ""
    """Why the operation or its output shape is unknown."""
    purpose: str = ""
    """What it is for in a known architecture, as a clause whose subject it is, where its operation is unknown."""

    @property
    def class_name(self) -> str:
        """The framework's class; empty when the file does not tell it."""
        return self.stored.class_name

    @property
    def config(self) -> Mapping[str, Any]:
        """The layer's configuration in the framework's own spelling."""
        return self.stored.config

    @property
    def calls(self) -> tuple[Call, ...]:
        """The uses of this layer in the model that owns it."""
        return self.stored.calls

    @property
    def is_model(self) -> bool:
        """Whether this is a model inside the model."""
        return bool(self.layers)

    @property
    def parameters(self) -> int:
        """The number of its parameters, trainable or not."""
        return sum(weight.size for weight in self.weights)

    def get_weights(self) -> list[numpy.ndarray[Any, Any]]:
        """Return its arrays in the framework's order."""
        return [weight.values() for weight in self.weights]

    def __getitem__(self, name: str) -> Weight:
        """Return the weight called `name`; raises `SelectionError`."""
        for weight in self.weights:
            if weight.name == name:
                return weight
        known = ", ".join(weight.name for weight in self.weights) or "none: the layer has no weights"
        raise SelectionError(f"layer {self.name} has no weight {name!r}; its weights are {known}")


@dataclass(frozen=True)
class Model:
    """A named model."""

    stored: StoredModel = field(repr=False)
    root: Layer
    problems: tuple[str, ...] = ()
    """One sentence for each damage or contradiction that did not stop the reading."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.root.name

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the framework's order."""
        return self.root.layers

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """All weight arrays in the order of `get_weights()`."""
        return tuple(sorted(self.root.weights, key=lambda weight: weight.index))

    def walk(self) -> Iterator[Layer]:
        """Yield every layer, a nested model before its own layers."""
        yield from _walk(self.root.layers)

    @property
    def has_graph(self) -> bool:
        """Whether the file says which layer reads which."""
        return any(layer.calls for layer in self.stored.root.layers)

    @property
    def own(self) -> Layer | None:
        """The model as a layer of the arrays that belong to none of its layers; None where there are none."""
        weights = tuple(weight for weight in self.weights if not weight.layer)
        return replace(self.root, weights=weights, layers=()) if weights else None

    def get_weights(self) -> list[numpy.ndarray[Any, Any]]:
        """Return all arrays in the order in which the framework's `get_weights()` gives them."""
        return [weight.values() for weight in self.weights]

    @property
    def parameters(self) -> int:
        """The number of parameters of all weights; an array that has two names counts once."""
        return sum(weight.size for weight in self.weights if not weight.stored.tied)

    @property
    def trainable_parameters(self) -> int:
        """The number of parameters that training changes."""
        return sum(weight.size for weight in self.weights if weight.trainable and not weight.stored.tied)

    @property
    def optimizer_parameters(self) -> int:
        """The number of values of the optimizer's state in the file."""
        return sum(array.size for array in self.stored.optimizer)

    def summary(
        self, style: str | None = None, expand_nested: bool = False, print_fn: Callable[[str], object] = print
    ) -> None:
        """Print Keras's own table; `style` is `keras2` or `keras3`, by default that of the Keras that wrote the file.

        `print_fn` is given the whole text once. Raises `UnsupportedError` for another style.
        """
        # Imported when it is asked for: the model does not rest on a view, this is only where people look for it.
        import shutil

        from weightwise.views.summary import summary

        columns = shutil.get_terminal_size().columns
        print_fn(summary(self, style, expand_nested, columns).removesuffix("\n"))

    def explain(self, target: str | int | None = None) -> Explanation:
        """Return what can be said of the model, of a layer (`conv2d_2`) or of an array (`2`, `conv2d_2/kernel`).

        `print` shows it as text. Raises `SelectionError` where there is no such layer or array.
        """
        # Imported when it is asked for: answers rest on the model, this is only where people look for them.
        from weightwise.answers.explain import explain

        return explain(self, target)

    def locate(self, selector: str) -> Location | Slice:
        """Return what one number is and where, `[2][0, 1, 5, 17]`, or what a part of an array is: `kernel[in=5]`.

        `print` shows it as text. Raises `SelectionError` for a selector that points at nothing.
        """
        # Imported when it is asked for: answers rest on the model, this is only where people look for them.
        from weightwise.answers.locate import locate

        return locate(self, selector)

    def __getitem__(self, name: str) -> Layer:
        """Return the layer called `name`, for nested models by its path; raises `SelectionError`."""
        for layer in self.walk():
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise SelectionError(f"{self.stored.path} has no layer {name!r}; its layers are {known}")


def _walk(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _walk(layer.layers)
