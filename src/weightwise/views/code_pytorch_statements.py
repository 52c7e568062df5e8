"""The statements that make up the `forward` of a PyTorch model: the calls of its layers, in an order to be read in."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property

from weightwise.records import dataclass
from weightwise.stored import Call, StoredLayer, Tensor
from weightwise.views.code_pytorch_functions import is_activation
from weightwise.views.code_pytorch_modules import SIGNATURES

ATTENTION = "MultiheadAttention"
LAST_INSIDE = "out_proj"
"""What an attention calls its last projection, which is a layer of its own in the table of conventions."""
LINEAR = ("Linear", "NonDynamicallyQuantizableLinear")
STATES = {
    "LSTM": ("h", "c"),
    "GRU": ("h",),
    "RNN": ("h",),
    "LSTMCell": ("h", "c"),
    "GRUCell": ("h",),
    "RNNCell": ("h",),
}
"""Modules that return states, and what these are called."""
PARTS = ("chunk", "split", "unbind")
"""Operators that return several tensors."""
SEVERAL = (*STATES, *PARTS, ATTENTION)
WITH_ARRAYS = ("add", "cat", "div", "mul", "sub")
"""Operators that may have an array of their own."""
BEHIND: Mapping[str, tuple[str, ...]] = {
    "Unflatten": (*LINEAR,),
    "transpose": ("Unflatten", "LayerNorm"),
    "Flatten": ("transpose", "stack"),
}
"""Methods that are written behind what they read, where that is one of these: the heads of an attention."""

Key = tuple[str, int]
"""A layer, and the number of its call."""


@dataclass
class Statement:
    """One statement: what it returns, from which tensors, by which layer."""

    layer: StoredLayer
    call: int
    reads: tuple[Tensor, ...]
    around: list[tuple[StoredLayer, int]] = field(default_factory=list)
    """Activations around it and methods behind it, with the numbers of their calls."""

    @property
    def output(self) -> Tensor:
        """Its first output."""
        layer, call = self.around[-1] if self.around else (self.layer, self.call)
        return Tensor(layer.name, call)

    @property
    def returns_one(self) -> bool:
        """Whether it returns one tensor."""
        name = self.layer.class_name
        return bool(self.around) or name in ("GRUCell", "RNNCell") or name not in SEVERAL

    def takes(self, layer: StoredLayer) -> bool:
        """Return whether a layer that reads it alone is written around it, or behind it."""
        last = self.around[-1][0] if self.around else self.layer
        if is_activation(layer.class_name):
            return self.returns_one and not self.around and not is_activation(last.class_name)
        return last.class_name in BEHIND.get(layer.class_name, ())


def operand(layer: StoredLayer) -> tuple[int, ...]:
    """Return the shape of the array that an operator between a tensor and an array has; empty for any other layer."""
    shape = layer.config.get("other_shape", ())
    return tuple(shape) if layer.class_name in WITH_ARRAYS and "other" in layer.config.get("parameters", ()) else ()


@dataclass(frozen=True)
class Statements:
    """The calls of a model."""

    root: StoredLayer

    @cached_property
    def layers(self) -> Mapping[str, StoredLayer]:
        """The layers by name."""
        return {layer.name: layer for layer in self.root.layers}

    @cached_property
    def projections(self) -> Mapping[str, str]:
        """The last projection of each attention, which PyTorch has in the module."""
        attentions = (layer.name for layer in self.root.layers if layer.class_name == ATTENTION)
        names = ((name, f"{name}.{LAST_INSIDE}") for name in attentions)
        return {name: inside for name, inside in names if self._is_projection(name, inside)}

    def _is_projection(self, attention: str, name: str) -> bool:
        layer = self.layers.get(name)
        calls = layer.calls if layer is not None and layer.class_name in LINEAR else ()
        return bool(calls) and all(call.inputs == (Tensor(attention, at),) for at, call in enumerate(calls))

    @cached_property
    def same(self) -> Mapping[Tensor, Tensor]:
        """The tensors that are another one: what an Identity returns, and the end of an attention."""
        inside = set(self.projections.values())
        passing = (layer for layer in self.root.layers if layer.class_name == "Identity" or layer.name in inside)
        return {
            Tensor(layer.name, number): call.inputs[0] for layer in passing for number, call in enumerate(layer.calls)
        }

    def tensor(self, tensor: Tensor) -> Tensor:
        """Return the tensor that this one is."""
        while tensor in self.same:
            tensor = self.same[tensor]
        return tensor

    @cached_property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs of the model."""
        return tuple(map(self.tensor, self.root.outputs))

    @cached_property
    def in_order(self) -> tuple[Statement, ...]:
        """A statement for each call, in an order in which they can run."""
        return tuple(
            Statement(self.layers[name], number, tuple(map(self.tensor, call.inputs)))
            for (name, number), call in self._ordered()
            if Tensor(name, number) not in self.same
        )

    def _ordered(self) -> Iterator[tuple[Key, Call]]:
        """Yield the calls: one branch after the other, the first layers first."""
        places = {layer.name: place for place, layer in enumerate(self.root.layers)}
        calls = {(layer.name, number): call for layer in self.root.layers for number, call in enumerate(layer.calls)}
        followers: dict[Key, list[Key]] = {}
        missing: Counter[Key] = Counter()
        for key, call in calls.items():
            for source in {(tensor.layer, tensor.call) for tensor in call.inputs} & calls.keys():
                followers.setdefault(source, []).append(key)
                missing[key] += 1
        ready = [(places[name], number, name) for name, number in calls if not missing[name, number]]
        heapq.heapify(ready)
        while ready:
            place: tuple[int, int, str] | None = heapq.heappop(ready)
            while place is not None:
                key = (place[2], place[1])
                yield key, calls[key]
                missing.subtract(followers.get(key, ()))
                freed = sorted(
                    (places[name], number, name) for name, number in followers.get(key, ()) if not missing[name, number]
                )
                place = freed[0] if freed else None
                for later in freed[1:]:
                    heapq.heappush(ready, later)

    @cached_property
    def folded(self) -> tuple[Statement, ...]:
        """The statements, each with the activation or the method that alone reads what it returns."""
        readers = Counter(tensor for statement in self.in_order for tensor in statement.reads)
        readers.update(self.outputs)
        found: list[Statement] = []
        for statement in self.in_order:
            before = found[-1] if found else None
            alone = before is not None and statement.reads == (before.output,) and readers[before.output] == 1
            if before is not None and alone and before.takes(statement.layer):
                before.around.append((statement.layer, statement.call))
            else:
                found.append(Statement(statement.layer, statement.call, statement.reads))
        return tuple(found)

    @cached_property
    def modules(self) -> tuple[StoredLayer, ...]:
        """The layers that are attributes of the network, in the order of their use."""
        used = dict.fromkeys(statement.layer.name for statement in self.in_order)
        return tuple(layer for layer in (self.layers[name] for name in used) if self.is_module(layer))

    def is_module(self, layer: StoredLayer) -> bool:
        """Return whether a layer is an attribute of the network."""
        return layer.class_name in SIGNATURES or bool(operand(layer))
