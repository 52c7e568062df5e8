"""TorchScript archives: what `torch.jit.save` writes since version 1.4.

    archive/data.pkl        the pickle of the module: objects of classes that the code declares
    archive/data/0          the bytes of storage 0
    archive/code/…          the classes, their attributes and methods, as Python text
    archive/constants.pkl   the tensors that stand in the code as CONSTANTS.c0; bytes in archive/constants/
    archive/traced_inputs.pkl  the example that a traced module was made with, without its values

The arrays of a module are those that its class declares in `__parameters__` and `__buffers__`, which is what
`state_dict()` of the loaded module has; other tensors are attributes of it, and state here.
https://github.com/pytorch/pytorch/blob/v2.13.0/torch/csrc/jit/docs/serialization.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive
from weightwise.formats.pickles import Pickle, read_pickle
from weightwise.formats.pickles.machine import Constructor
from weightwise.formats.pickles.values import Global, Instance, attributes
from weightwise.formats.pytorch.arrays import LARGEST
from weightwise.formats.pytorch.graph import Graph, Part, Shape
from weightwise.formats.pytorch.meanings import Held
from weightwise.formats.pytorch.modules import MOST_MODULES, MOST_STEPS, is_name, is_plain, joined
from weightwise.formats.pytorch.objects import arrays_of, listing, some
from weightwise.formats.pytorch.script_code import Code, Declared
from weightwise.formats.pytorch.script_machine import Machine, Member, Reference, TooLongError
from weightwise.formats.pytorch.values import TORCH, Tensor
from weightwise.formats.pytorch.walk import MOST_SIGNS, Named, tensors_in
from weightwise.formats.pytorch.zipped import Storages, folder_of, unpickled
from weightwise.records import dataclass
from weightwise.stored import Addressing, StoredArray, StoredModel

OLD = "model.json"
"""What versions before 1.4 wrote in place of a pickle."""
MANGLED = re.compile(r"\.?___torch_mangle_\d+")
ROOT = "__torch__"
CONSTANTS = "CONSTANTS."
NUMBERS = ("float32", "float64", "int32", "int64")
"""What numbers in the code are."""
QUANTISED = ".quantized."
PACKED = ("PackedParams", "PackedParamsBase")
"""How the classes of objects end that hold the weights of a quantised module."""


def listed(arguments: tuple[Any, ...]) -> Any:
    """Returns a list of one type: `build_intlist([…])`."""
    (values,) = arguments
    return list(values)


def untagged(arguments: tuple[Any, ...]) -> Any:
    """Returns a value without its type: `restore_type_tag(value, "List[Any]")`."""
    value, _ = arguments
    return value


CONSTRUCTORS: Mapping[str, Constructor | None] = {
    **TORCH,
    **{f"torch.jit._pickle.build_{kind}list": listed for kind in ("int", "double", "bool", "tensor", "complex")},
    "torch.jit._pickle.restore_type_tag": untagged,
}


def match(archive: Archive) -> bool:
    """Returns whether an archive holds code of TorchScript beside a pickle, or what came before that."""
    folder = folder_of(archive)
    if folder is None:
        return old_folder(archive) is not None
    return any(name.startswith(f"{folder}code/") for name in archive.members)


def old_folder(archive: Archive) -> str | None:
    """Returns the folder of an archive of before 1.4, with its slash; None for any other."""
    folders = [name.removesuffix(OLD) for name in archive.members if name.endswith(f"/{OLD}")]
    return next((one for one in folders if any(name.startswith(f"{one}code/") for name in archive.members)), None)


def open_model(archive: Archive) -> StoredModel:
    """Returns the module of an archive; raises `FormatError` when its pickle cannot be read."""
    path = archive.source.path
    folder = folder_of(archive)
    if folder is None:
        raise FormatError(
            f"{archive.source.name}: a TorchScript archive of before PyTorch 1.4, which is not read; load it with "
            "torch.jit.load and save it again with torch.jit.save."
        )
    pickle, problems = unpickled(archive, CONSTRUCTORS)
    found = Found(Code(archive, folder))
    found.walk(pickle.value)
    told = [*problems, *(f"{archive.source.name}: {problem}." for problem in found.problems)]
    found.add_constants(list(constants(archive, folder)))
    everything = arrays_of(path, [*found.weights, *found.state], told)
    own = {named.name for named in found.weights}
    weights = [array for array in everything if array.path in own]
    state = [array for array in everything if array.path not in own and array.tied not in own]
    arrays = {array.path: array for array in weights}
    numbers = {array.path: array for array in everything if is_number(array)}
    graph, remarks = followed(found, arrays, numbers, example(archive, folder))
    root = graph.root(Path(path).stem, arrays)
    return StoredModel(
        path,
        "TorchScript archive",
        "PyTorch",
        "",
        root,
        Addressing.PATH,
        nbytes=archive.source.size,
        state=tuple(state),
        listing=listing(root, weights),
        remarks=(*found.remarks, *remarks, *quantised(found), *refused(pickle)),
        problems=(*told, *found.code.problems),
    )


def class_of(value: Any) -> tuple[str, str]:
    """Returns the module of a class in the code, and its name; empty for what is no object of such a class."""
    callee = value.callee if isinstance(value, Instance) else None
    if not isinstance(callee, Global) or callee.module.partition(".")[0] != ROOT:
        return "", ""
    return callee.module, callee.name


def package_of(module: str) -> str:
    """Returns where a class came from: `__torch__.torch.nn.modules.conv.___torch_mangle_1` is torch.nn.modules.conv.

    TorchScript writes `__torch__` for `__main__` too, and for the classes of programs.
    """
    return MANGLED.sub("", module).removeprefix(ROOT).removeprefix(".") or "__main__"


@dataclass
class Found:
    """The modules of a file by their paths, and their tensors."""

    code: Code
    weights: list[Named] = field(default_factory=list)
    """In the order of `state_dict()`."""
    state: list[Named] = field(default_factory=list)
    modules: dict[str, Instance] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    steps: int = 0

    def add_constants(self, constants: Sequence[Named]) -> None:
        """Adds the tensors in the code: state, but the weights of a module that has nothing else, as a frozen one."""
        frozen = bool(constants) and not self.weights and not self.state
        (self.weights if frozen else self.state).extend(constants)
        if frozen:
            self.remarks.append("the module is frozen: its arrays are constants of its code, not in state_dict()")

    def walk(self, root: Any) -> None:
        """Finds the modules in a module; raises `FormatError` when it is none."""
        if not class_of(root)[0]:
            raise FormatError(f"{self.code.archive.source.name}: expected a module of TorchScript, found other data.")
        levels: list[Iterator[tuple[str, Instance]]] = [iter([("", root)])]
        while levels:
            path, module = next(levels[-1], ("", None))
            if module is None:
                levels.pop()
                continue
            if len(self.modules) >= MOST_MODULES or self.steps > MOST_STEPS:
                self.problems.append("it holds more modules than can be told; the rest is left out")
                return
            self.modules[path] = module
            self.note(path, module)
            levels.append(self.inside(path, module))

    def note(self, path: str, module: Instance) -> None:
        """Adds a module's own tensors to the weights and to the state."""
        own = self.own(module)
        values = named_attributes(module)
        self.steps += 1 + len(values)
        self.weights += [Named(joined(path, key), value) for key, value in own.items()]
        rest = {key: value for key, value in values.items() if key not in own and not self.is_module(value)}
        if not values:
            rest = {"state": module.state}
        self.state += [replace(found, name=joined(path, found.name)) for found in tensors_in(rest)]

    def own(self, module: Instance) -> dict[str, Tensor]:
        """Returns a module's parameters, then its buffers."""
        values = named_attributes(module)
        declared = self.declared(module)
        names = (*declared.parameters, *declared.buffers) if declared else tuple(values)
        return {key: value for key in names if isinstance(value := values.get(key), Tensor)}

    def declared(self, module: Instance) -> Declared | None:
        """Returns what the code says of a module's class."""
        return self.code.declared(*class_of(module))

    def is_module(self, value: Any) -> bool:
        """Returns whether a value is an object of a class that is a module."""
        if not class_of(value)[0] or class_of(value)[1].endswith(PACKED):
            return False
        declared = self.declared(value)
        return declared is None or declared.is_module

    def inside(self, path: str, module: Instance) -> Iterator[tuple[str, Instance]]:
        """Yields the modules directly in a module, with their paths."""
        for key, value in named_attributes(module).items():
            full = joined(path, key)
            if self.is_module(value) and len(full) <= MOST_SIGNS:
                yield full, value

    def drawn(self, arrays: Mapping[str, StoredArray]) -> Graph:
        """Returns the modules as parts of a graph without calls."""
        graph = Graph(buffers={path for path in arrays if path.startswith(CONSTANTS)})
        for path, module in self.modules.items():
            own = [joined(path, key) for key in self.own(module)]
            config = self.configuration(module)
            graph.buffers.update(joined(path, key) for key in config["buffers"])
            module_name, class_name = class_of(module)
            inner = any(self.is_module(value) for value in named_attributes(module).values())
            held = {name.rpartition(".")[2]: name for name in own if name in arrays}
            graph.add(path, Part(class_name, package_of(module_name), config, held, inner))
        return graph

    def configuration(self, module: Instance) -> dict[str, Any]:
        """Returns a module's settings: attributes and constants of its class that are plain, and what arrays it has."""
        declared = self.declared(module) or Declared()
        plain = {**declared.constants, **named_attributes(module)}
        config = {key: value for key, value in plain.items() if is_name(key) and is_plain(value) and key != "training"}
        own = self.own(module)
        buffers = [key for key in own if key in declared.buffers]
        return {**config, "parameters": [key for key in own if key not in buffers], "buffers": buffers}

    def members(self, arrays: Mapping[str, StoredArray]) -> dict[str, Member]:
        """Returns the modules as the code sees them."""
        return {path: self.member(path, module, arrays) for path, module in self.modules.items()}

    def member(self, path: str, module: Instance, arrays: Mapping[str, StoredArray]) -> Member:
        """Returns a module as the code sees it."""
        declared = self.declared(module) or Declared()
        seen = dict(declared.constants)
        for key, value in named_attributes(module).items():
            full = joined(path, key)
            if full in self.modules:
                seen[key] = Reference(full)
            elif full in arrays:
                seen[key] = Held(full, arrays[full].shape)
            elif is_plain(value):
                seen[key] = value
        return Member(*class_of(module), seen, bool(declared.constants))


def named_attributes(module: Instance) -> dict[str, Any]:
    """Returns the attributes of a module by name; none where it keeps its state in another form."""
    found = attributes(module.state)
    return {name: value for name, value in found.items() if isinstance(name, str)}


def followed(
    found: Found, arrays: Mapping[str, StoredArray], numbers: Mapping[str, StoredArray], inputs: Sequence[Shape]
) -> tuple[Graph, list[str]]:
    """Returns the modules with the calls that their code tells, and what must be said of them."""
    graph = found.drawn(arrays)
    try:
        Machine(found.code, found.members(arrays), graph, held(arrays), numbers).run(inputs)
    except (TooLongError, RecursionError):
        return found.drawn(arrays), ["its code is longer than is followed: which layer reads which is not known"]
    said = "the shapes are those of the example with which it was traced, whatever the size of the batch"
    return graph, [said] * bool(inputs) + graph.remarks()


def held(arrays: Mapping[str, StoredArray]) -> dict[str, Held]:
    """Returns the arrays that stand in the code, by their names there."""
    return {path: Held(path, array.shape) for path, array in arrays.items() if path.startswith(CONSTANTS)}


def is_number(array: StoredArray) -> bool:
    """Returns whether an array stands in the code and has no axes: `x * 2` has such a one in traced code."""
    return array.path.startswith(CONSTANTS) and array.shape == () and array.dtype in NUMBERS


def example(archive: Archive, folder: str) -> list[Shape]:
    """Returns the shapes of the inputs with which a module was traced, their first axis open; none for others."""
    found = beside(archive, folder, "traced_inputs")
    inputs = found.get("forward") if isinstance(found, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(value, Tensor) for value in inputs):
        return []
    shapes = [value.shape for value in inputs]
    return [(None, *shape[1:]) for shape in shapes] if all(is_shape(shape) for shape in shapes) else []


def is_shape(value: Any) -> bool:
    """Returns whether a value is the shape of a tensor with an axis of examples."""
    return isinstance(value, tuple) and bool(value) and all(type(size) is int and 0 < size < LARGEST for size in value)


def beside(archive: Archive, folder: str, name: str) -> Any:
    """Returns what the pickle of another name holds; None when there is none, or none that can be read."""
    if f"{folder}{name}.pkl" not in archive.members:
        return None
    try:
        storages = Storages(archive, folder, name)
        return read_pickle(archive.member(f"{folder}{name}.pkl"), CONSTRUCTORS, storages.storage).value
    except FormatError:
        return None


def constants(archive: Archive, folder: str) -> Iterator[Named]:
    """Yields the tensors that stand in the code."""
    found = beside(archive, folder, "constants")
    if isinstance(found, (tuple, list)):
        yield from tensors_in({f"{CONSTANTS}c{place}": value for place, value in enumerate(found)})


def quantised(found: Found) -> list[str]:
    """Returns what must be said of quantised modules."""
    count = sum(QUANTISED in class_of(module)[0] for module in found.modules.values())
    said = "quantised modules keep their weights in attributes, which are not in state_dict()"
    return [f"{count} {said}"] * bool(count)


def refused(pickle: Pickle) -> list[str]:
    """Returns what the pickle would call, which TorchScript does not do."""
    return [f"its pickle would call {some(pickle.calls)}, which torch.jit.load refuses"] * bool(pickle.calls)
