"""The modules of a PyTorch program and the calls that connect them, as its graph of operators tells them.

A module of `torch.nn` is a layer. So is an operator that a module of somebody's own applies: it is named by that module
and the operator, `encoder.leaky_relu`, and it owns the arrays that it is given, unless a module of `torch.nn` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any

from weightwise.formats.pytorch.functions import VIEWS
from weightwise.formats.pytorch.meanings import Meaning, of_shapes
from weightwise.formats.pytorch.objects import some
from weightwise.formats.state_dict import Module, root_of
from weightwise.records import dataclass
from weightwise.stored import Call, StoredArray, StoredLayer, Tensor

OWN = "torch.nn.modules."
CONTAINERS = "torch.nn.modules.container"
SAME = {
    "AlphaDropout": ("FeatureAlphaDropout",),
    "BatchNorm2d": ("BatchNorm1d", "BatchNorm3d", "SyncBatchNorm"),
    "Dropout": ("Dropout1d", "Dropout2d", "Dropout3d"),
    "Hardtanh": ("ReLU6",),
    "InstanceNorm2d": ("InstanceNorm1d", "InstanceNorm3d"),
    "Linear": ("NonDynamicallyQuantizableLinear",),
    "Softmax": ("Softmax2d",),
}
"""Classes of modules that compute with the same operator as another."""

ENTRY = "(input)"
"""What stands for a layer in the tensors that enter the model."""
UNKNOWN = "(unknown)"
"""What stands for a layer in tensors that no layer returns."""

SIZES = frozenset(("_operator", "dim", "floor_divide", "floordiv", "format", "sym_size", "warn"))
"""Operators that compute sizes, or texts, and no tensors."""

LAST_INSIDE = {"MultiheadAttention": "out_proj"}
"""Modules of PyTorch that compute with the arrays of a module in them, which is the last to do so."""
INSIDE = ("NonDynamicallyQuantizableLinear", "torch.nn.modules.linear")
"""The class of such a module, which is never called itself."""

ATTENDED = 3
"""Inputs of a module of attention: query, key, value."""

Shape = tuple[int | None, ...]


@dataclass
class Part:
    """A module, or an operator that is a layer, while its calls are found."""

    class_name: str
    package: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, str] = field(default_factory=dict)
    """The paths of its arrays, by their names in it."""
    inner: bool = False
    """Whether there are modules in it."""
    calls: list[Call] = field(default_factory=list)
    shape: Shape | None = None
    """The shape of what it first reads, where the file records it."""

    @property
    def is_leaf(self) -> bool:
        """Whether it is a module of PyTorch that computes something itself."""
        return is_native(self.package) and (bool(self.arrays) or not self.inner)

    def computes(self, found: Meaning) -> bool:
        """Returns whether such a module is what an operator computes."""
        name = found.class_name.replace("Norm1d", "Norm2d").replace("Norm3d", "Norm2d")
        return self.class_name == found.class_name or self.class_name in (name, *SAME.get(name, ()))


def is_native(package: str) -> bool:
    """Returns whether a class is one of PyTorch's own, and no container."""
    return package.startswith(OWN) and not package.startswith(CONTAINERS)


@dataclass
class Graph:
    """The modules of a program by their paths, in the order of the file, and its operators behind what ran before."""

    parts: dict[str, Part] = field(default_factory=dict)
    followers: dict[str, list[str]] = field(default_factory=dict)
    """The operators behind each module; those before all of them are behind the empty name."""
    places: dict[str, int] = field(default_factory=dict)
    """The places of the modules in the file's order."""
    last: str = ""
    """The module of the last place among those that were called."""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    others: dict[str, int] = field(default_factory=dict)
    """How many operators there are that are no layers."""
    buffers: set[str] = field(default_factory=set)
    """The paths of arrays that training does not change."""
    taken: set[str] = field(default_factory=set)
    """The paths of arrays that operators own."""

    entering: dict[str, list[Tensor]] = field(default_factory=dict)
    """What a module of attention that is not called yet has read."""
    written: dict[Tensor, Tensor] = field(default_factory=dict)
    """What is in the place of a tensor since an operator wrote there."""

    def current(self, value: Any) -> Any:
        """Returns what a tensor is now, or the tensors in a list are."""
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.current, value))
        while isinstance(value, Tensor) and value in self.written:
            value = self.written[value]
        return value

    def write(self, target: Any, result: Any) -> None:
        """Puts what an operator returns in the place of its input, of which views are not known any more."""
        if not isinstance(target, Tensor) or target.layer == UNKNOWN or target == result:
            return
        self.written[target] = result if isinstance(result, Tensor) else Tensor(UNKNOWN)
        viewed = self.parts.get(target.layer)
        if viewed is not None and viewed.class_name in VIEWS:
            for base in viewed.calls[target.call].inputs:
                self.write(self.current(base), Tensor(UNKNOWN))
        for name, part in self.parts.items():
            for number, call in enumerate(part.calls if part.class_name in VIEWS else ()):
                if target in call.inputs:
                    self.written.setdefault(Tensor(name, number), Tensor(UNKNOWN))

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """Makes what is written meanwhile unknown afterwards, because it may not be written at all."""
        before = dict(self.written)
        yield
        changed = [tensor for tensor, now in self.written.items() if before.get(tensor) != now]
        self.written = {**before, **dict.fromkeys(changed, Tensor(UNKNOWN))}

    def call(self, name: str, inputs: Sequence[Any], shapes: Sequence[Shape | None] = ()) -> Tensor:
        """Adds a call of a part, and returns its first output."""
        part = self.parts[name]
        if self.places.get(name, -1) > self.places.get(self.last, -1):
            self.last = name
        read = [place for place, value in enumerate(inputs) if isinstance(value, Tensor)]
        recorded = tuple(shapes[place] for place in read) if shapes else ()
        if not part.calls and len(inputs) == 1 and shapes:
            part.shape = shapes[0]
        part.calls.append(Call(tuple(inputs[place] for place in read), shapes=recorded))
        output = Tensor(name, len(part.calls) - 1)
        if part.config.get("inplace") and read:
            self.write(inputs[read[0]], output)
        inside = f"{name}.{LAST_INSIDE.get(part.class_name, '')}"
        return self.call(inside, [output]) if inside in self.parts and part.is_leaf else output

    def operator(
        self, owner: str, operator: str, found: Meaning | None, shapes: Sequence[Shape | None] = ()
    ) -> Tensor | None:
        """Adds a call of an operator in a module, and returns its first output; None where it is no layer."""
        if found is not None and is_fed(found):
            found = ranked(found, shapes)
            name = self.layer_of(owner, operator, found)
            if name is not None and name == f"{owner}.{LAST_INSIDE.get(self.parts[owner].class_name)}":
                return self.call(owner, attended(self.entering.pop(owner, [])))
            if name is not None:
                return self.call(name, found.inputs, shapes)
        if self.parts[owner].class_name not in LAST_INSIDE and operator not in SIZES:
            self.others[operator] = self.others.get(operator, 0) + 1
        return None

    def layer_of(self, owner: str, operator: str, found: Meaning) -> str | None:
        """Returns the layer whose call an operator is, which may be a new one; None for one inside a larger module."""
        name = self.module_of(owner, found)
        if name is not None or self.parts[owner].class_name in LAST_INSIDE:
            return name
        paths = {array.path for array in found.arrays.values()}
        if any(self.parts[module].is_leaf for path in paths if (module := path.rpartition(".")[0]) in self.parts):
            return None
        if paths & self.taken:
            owners = (name for name in self.operators if paths <= set(self.parts[name].arrays.values()))
            return next((name for name in owners if self.parts[name].class_name == found.class_name), None)
        return self.added(owner, operator, found)

    def module_of(self, owner: str, found: Meaning) -> str | None:
        """Returns the module of PyTorch that does what an operator does, with the operator's arrays."""
        places = [array.path.rpartition(".") for array in found.arrays.values()]
        owners = {place[0] for place in places} or {owner}
        name = next(iter(owners))
        part = self.parts.get(name)
        if part is None or len(owners) > 1 or not part.is_leaf or not part.computes(found):
            return None
        if any(key != place[2] for key, place in zip(found.arrays, places, strict=True)):
            return None
        part.config = {**found.config, **part.config}
        return name

    def added(self, owner: str, operator: str, found: Meaning) -> str:
        """Returns the name of a new layer for an operator, which owns its arrays from now on."""
        base = ".".join(filter(None, (owner, operator.removesuffix("_"))))
        name = next(name for name in numbered(base) if name not in self.parts)
        paths = {key: array.path for key, array in found.arrays.items()}
        self.taken.update(paths.values())
        config = {**found.config, "parameters": list(paths), "buffers": []}
        if paths and self.buffers.issuperset(paths.values()):
            config["trainable"] = False
        self.parts[name] = Part(found.class_name, config=config, arrays=paths)
        self.followers.setdefault(self.last, []).append(name)
        return name

    def remarks(self) -> list[str]:
        """Returns what must be said of operators that are no layers, as those are that make tensors or sizes."""
        told = sorted(self.others.items(), key=lambda item: -item[1])
        names = [name if count == 1 else f"{name} ×{count}" for name, count in told]
        return [f"between the layers it computes with operators that are none: {some(names)}"] * bool(names)

    def add(self, path: str, part: Part) -> None:
        """Adds a module, the next one in the file's order."""
        self.places[path] = len(self.places)
        self.parts[path] = part

    def order(self) -> Iterator[str]:
        """Yields the names of all parts: the modules in the file's order, and operators behind what ran before."""
        for path in self.places:
            yield path
            yield from self.followers.get(path, ())

    def root(self, name: str, arrays: Mapping[str, StoredArray]) -> StoredLayer:
        """Returns the model whose layers are the parts; `arrays` are all arrays by their paths."""
        described = {path: self.module(path, arrays) for path in self.order() if self.is_described(path)}
        model = root_of(name, self.placed(arrays), described)
        layers = tuple(self.with_calls(layer) for layer in model.layers)
        return replace(model, layers=layers, inputs=self.inputs, outputs=self.outputs)

    def is_described(self, path: str) -> bool:
        """Returns whether a part is a layer: the model itself, and what owns arrays or has no modules in it."""
        part = self.parts[path]
        return not path or path not in self.places or not part.inner or not self.taken >= set(part.arrays.values())

    @property
    def operators(self) -> Iterator[str]:
        """The names of the parts that are operators."""
        return (name for names in self.followers.values() for name in names)

    def module(self, path: str, arrays: Mapping[str, StoredArray]) -> Module:
        """Returns what the file says of a part."""
        part = self.parts[path]
        shapes = {key: arrays[name].shape for key, name in part.arrays.items() if name in arrays}
        told = of_shapes(part.class_name, shapes) if part.is_leaf else {}
        return Module(part.class_name, part.package, {**told, **part.config})

    def placed(self, arrays: Mapping[str, StoredArray]) -> Iterator[tuple[str, StoredArray]]:
        """Yields the arrays with their names below their layers."""
        names = {path: f"{name}.{key}" for name in self.operators for key, path in self.parts[name].arrays.items()}
        return ((names.get(path, path), array) for path, array in arrays.items())

    def with_calls(self, layer: StoredLayer) -> StoredLayer:
        """Returns a layer with its calls and the shape of what it reads."""
        part = self.parts.get(layer.name)
        return layer if part is None else replace(layer, calls=tuple(part.calls), build_shape=part.shape)


def attended(entering: Sequence[Tensor]) -> list[Tensor]:
    """Returns query, key and value, of which alike ones enter an attention once."""
    known = 0 < len(entering) <= ATTENDED
    return [*entering, *[entering[-1]] * (ATTENDED - len(entering))] if known else [Tensor(UNKNOWN)] * ATTENDED


def is_fed(found: Meaning) -> bool:
    """Returns whether a layer reads tensors alone; an operator that is no module must know all of them."""
    if not all(isinstance(value, Tensor) for value in found.inputs):
        return False
    return not found.class_name.islower() or all(value.layer != UNKNOWN for value in found.inputs)


def ranked(found: Meaning, shapes: Sequence[Shape | None]) -> Meaning:
    """Returns a normalization of channels as the class for the axes of its input, where these are known."""
    shape = shapes[0] if shapes else None
    if shape is None or not found.class_name.endswith("Norm2d") or not 2 <= len(shape) <= 5:
        return found
    return replace(found, class_name=found.class_name.replace("2d", f"{max(1, len(shape) - 2)}d"))


def numbered(base: str) -> Iterator[str]:
    """Yields a name, and the same with numbers."""
    yield base
    number = 1
    while True:
        yield f"{base}_{number}"
        number += 1
