"""What people save with PyTorch: state dicts, checkpoints that hold one among other things, whole modules, tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.beside import CONFIG, configuration
from weightwise.formats.pickles import Pickle
from weightwise.formats.pickles.numpy_values import ndarray
from weightwise.formats.pytorch.arrays import stored_array
from weightwise.formats.pytorch.modules import Modules, class_of, inside, is_module, modules_in
from weightwise.formats.pytorch.values import Pieces, Tensor, is_harmless
from weightwise.formats.pytorch.walk import Named, holds_tensors, key_text, tensors_in
from weightwise.formats.state_dict import Module, root_of, unwrapped
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

WEIGHTS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "net",
    "network",
    "params",
    "weights",
    "ema_state_dict",
    "model_ema",
    "params_ema",
    "ema",
)
"""The keys under which checkpoints keep the weights, the likeliest first."""
BESIDE = {"pytorch_model": CONFIG, "consolidated.": "params.json"}
"""The configuration of files whose names begin so."""
MOST_LEVELS = 4
MOST_NAMED = 5
"""So many names are told in one remark."""


@dataclass
class Contents:
    """What a saved value holds."""

    kind: str
    weights: list[Named]
    modules: dict[str, Module] = field(default_factory=dict)
    optimizer: list[Named] = field(default_factory=list)
    state: list[Named] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def torch_model(source: Source, pickle: Pickle, container: str, problems: Sequence[str] = ()) -> StoredModel:
    """Returns the model that an unpickled value holds."""
    contents = contents_of(pickle.value)
    contents.remarks += executed(pickle)
    return assembled(source.path, source.size, contents, f"PyTorch {contents.kind} ({container})", problems)


def assembled(path: str, size: int, contents: Contents, form: str, problems: Sequence[str]) -> StoredModel:
    """Returns the model of what was found in a file or a folder; arrays that contradict themselves are problems."""
    told = [*problems, *(f"{path}: {problem}." for problem in contents.problems)]
    weights = arrays_of(path, contents.weights, told)
    names = unwrapped([array.path for array in weights])
    root = root_of(Path(path).stem, zip(names.names, weights, strict=True), contents.modules)
    if not contents.modules:
        root = replace(root, config=described(Path(path), told))
    return StoredModel(
        path,
        form,
        "PyTorch",
        "",
        root,
        Addressing.PATH,
        nbytes=size,
        optimizer=tuple(arrays_of(path, contents.optimizer, told)),
        state=tuple(arrays_of(path, contents.state, told)),
        listing=listing(root, weights),
        remarks=(*names.remarks, *contents.remarks),
        problems=tuple(told),
    )


def described(path: Path, problems: list[str]) -> Mapping[str, Any]:
    """Returns what lies beside files that are called as those of one network are, and says what was built.

    transformers calls them `pytorch_model.bin` and shards of that, and Meta `consolidated.00.pth`.
    """
    if path.is_dir():
        return configuration(path, (CONFIG,), problems)
    beside = next((beside for name, beside in BESIDE.items() if path.name.startswith(name)), None)
    return configuration(path.parent, (beside,), problems) if beside else {}


def listing(root: StoredLayer, arrays: Sequence[StoredArray]) -> tuple[str, ...]:
    """Returns the paths of arrays in the file's order where the order of the layers is another."""
    paths = tuple(array.path for array in arrays)
    return paths if paths != tuple(array.path for layer in (*root.layers, root) for array in layer.arrays) else ()


def arrays_of(path: str, found: Iterable[Named], problems: list[str]) -> list[StoredArray]:
    """Returns tensors as arrays, each name once; those that cannot be are problems."""
    arrays: dict[str, StoredArray] = {}
    owners: dict[Any, str] = {}
    for named in found:
        try:
            if named.name in arrays:
                raise FormatError(f"{named.name}: a second array of this name")
            array = array_of(path, named)
        except FormatError as error:
            problems.append(f"{path}: the array {error}; it is left out.")
            continue
        owner = owners.setdefault(place_of(named), named.name) if array.size else named.name
        arrays[named.name] = replace(array, tied=owner if owner != named.name else "")
    return list(arrays.values())


def array_of(path: str, named: Named) -> StoredArray:
    """Returns one tensor as an array; raises `FormatError` with its name."""
    if isinstance(named.value, Tensor):
        return stored_array(named.value, named.name)
    if isinstance(named.value, Pieces):
        return named.value.make(named.name)
    return ndarray(named.value, named.name, path)


def place_of(named: Named) -> Any:
    """Returns what is the same for arrays that are the same bytes in the same order."""
    tensor = named.value
    if not isinstance(tensor, Tensor) or tensor.storage is None or tensor.storage.source is None:
        return id(tensor)
    file, key = tensor.storage.source.name, tensor.storage.key
    return file, key, tensor.offset, tuple(tensor.shape), tuple(tensor.strides), tensor.dtype


def contents_of(value: Any) -> Contents:
    """Returns what a saved value holds: its weights, told apart from the optimizer's arrays and other state."""
    path, weights = weights_in(value)
    if is_module(weights):
        contents = of_module(weights)
    elif isinstance(weights, Tensor):
        contents = Contents("tensor", [Named("tensor", weights)])
    else:
        contents = of_dictionary(weights, whole=not path)
    contents.remarks += [f"the weights are what the file holds as {'.'.join(path)}"] * bool(path)
    contents.remarks += notes(contents.weights)
    for named in tensors_in(value, apart=weights) if path else ():
        (contents.optimizer if is_optimizer_name(named.name) else contents.state).append(named)
    return replace(contents, kind="checkpoint") if path and contents.kind == "state dict" else contents


def weights_in(value: Any) -> tuple[tuple[str, ...], Any]:
    """Returns the part of a value that holds the weights, and the keys that lead there."""
    path: tuple[str, ...] = ()
    while isinstance(value, dict) and len(path) < MOST_LEVELS:
        modules = [key for key, inner in value.items() if is_module(inner)]
        likely = [*WEIGHTS, *modules[:1]] if len(modules) == 1 else WEIGHTS
        key = next((key for key in likely if isinstance(key, str) and is_weights(value.get(key))), None)
        if key is None:
            break
        path, value = (*path, key), value[key]
    return path, value


def is_weights(value: Any) -> bool:
    """Returns whether a value under a likely key holds weights: a module, or a dictionary with tensors."""
    return is_module(value) or (isinstance(value, dict) and holds_tensors(value))


def of_module(value: Any) -> Contents:
    """Returns what a whole module holds."""
    module, wrappers = inside(value)
    found: Modules = modules_in(module)
    remarks = [f"the module is given without {wrapper} around it" for wrapper in wrappers]
    kind = f"module {class_of(module)[0]}".rstrip()
    return Contents(kind, found.tensors, found.described, [], found.passing, remarks, found.problems)


def of_dictionary(value: Any, whole: bool) -> Contents:
    """Returns what a dictionary, a list or another value holds; `whole` says that it is all that the file holds."""
    contents = Contents("state dict" if isinstance(value, dict) else "tensors", [])
    if is_optimizer(value):
        return Contents("optimizer state", [], optimizer=list(tensors_in(value)))
    apart = {key_text(key) for key, inner in value.items() if is_optimizer(inner)} if isinstance(value, dict) else set()
    for named in tensors_in(value):
        first = named.name.partition(".")[0]
        if whole and (first in apart or (first.startswith("optim") and is_optimizer_name(first))):
            contents.optimizer.append(named)
        else:
            contents.weights.append(named)
    return contents


def is_optimizer(value: Any) -> bool:
    """Returns whether a value is what `Optimizer.state_dict()` returns."""
    return isinstance(value, dict) and "state" in value and "param_groups" in value


def is_optimizer_name(name: str) -> bool:
    """Returns whether a name says that something belongs to an optimizer."""
    return any(part.startswith("optim") for part in name.lower().replace("_", ".").split("."))


def notes(weights: Sequence[Named]) -> list[str]:
    """Returns what must be said of the values of arrays."""
    values = [(named.name, named.value) for named in weights]
    said = [f"{name} is {value.note}" for name, value in values if isinstance(value, Tensor) and value.note]
    return said[:MOST_NAMED] + [f"{len(said) - MOST_NAMED} more arrays are quantised"] * (len(said) > MOST_NAMED)


def executed(pickle: Pickle) -> list[str]:
    """Returns what loading the file with `torch.load` would import and call."""
    called = [f"torch.load would call {some(pickle.calls)} here"] if pickle.calls else []
    calls = set(pickle.calls)
    imported = [str(place) for place in pickle.globals if not is_harmless(place) and str(place) not in calls]
    return called + [f"torch.load would import {some(imported)}"] * bool(imported)


def some(names: Sequence[str]) -> str:
    """Returns the first names of a list, and how many more there are."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
