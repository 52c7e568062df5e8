"""Arrays in memory: one, or dictionaries and lists of them, nested or not, of NumPy or of any other package.

An array is what has a shape and a dtype. A dictionary of PyTorch's tensors is a state dict, and a tree below `params`
is the variables of Flax; of other arrays the framework is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from weightwise.errors import UnsupportedError
from weightwise.formats.named import model_by_names, model_of_tree
from weightwise.formats.tree import Path
from weightwise.live import pytorch
from weightwise.live.setting import Place, setting, unboxed
from weightwise.live.values import in_memory
from weightwise.stored import StoredArray, StoredModel

if TYPE_CHECKING:
    import numpy

VARIABLES = "params"
"""The collection of Flax that holds what is trained."""
ALONE = "array"
"""What an array is called that is in no dictionary."""


class Found(NamedTuple):
    """What is in a thing, and is no container."""

    path: Path
    array: Any
    place: Place | None
    """Where it is; None for a thing that is an array itself."""


def match(thing: Any) -> bool:
    """Returns whether this is an array, or a dictionary, list or tuple in which there is one."""
    return next(leaves(thing), None) is not None


def open_model(thing: Any) -> StoredModel:
    """Returns the arrays as those of the layers that their names tell of."""
    found = list(leaves(thing))
    kind = type(thing).__name__
    if all(pytorch.is_tensor(leaf.array) for leaf in found):
        state = {".".join(leaf.path): leaf.array for leaf in found}
        model = by_names(kind, list(pytorch.stored_arrays(state)), "PyTorch")
    elif all(len(leaf.path) == 1 for leaf in found):
        model = by_names(kind, list(stored_arrays(found)), "")
    else:
        model = of_tree(kind, found)
    left_out = sum(1 for _ in others(thing))
    remark = f"{left_out} values in it are no arrays, and are left out"
    return replace(model, remarks=(*model.remarks, *[remark] * bool(left_out)))


def by_names(kind: str, arrays: Sequence[StoredArray], framework: str) -> StoredModel:
    """Returns the model of a flat dictionary or list."""
    form = "PyTorch state dict in memory" if framework else f"{kind} of arrays in memory"
    model = model_by_names(f"<live {kind}>", form, kind, arrays, framework=framework, nbytes=size_of(arrays))
    return replace(model, listing=tuple(array.path for array in arrays))


def of_tree(kind: str, found: Sequence[Found]) -> StoredModel:
    """Returns the model of nested dictionaries; those of Flax are listed in the order of JAX, which sorts the names."""
    arrays = list(stored_arrays(found))
    paths = [leaf.path for leaf in found]
    flax = any(path[0] == VARIABLES for path in paths)
    model = model_of_tree(
        f"<live {kind}>",
        "Flax variables in memory" if flax else "tree of arrays in memory",
        kind,
        list(zip(paths, arrays, strict=True)),
        framework="Flax" if flax else "",
        nbytes=size_of(arrays),
    )
    in_order = sorted(zip(paths, arrays, strict=True), key=lambda leaf: leaf[0])
    return replace(model, listing=tuple(array.path for _, array in in_order) if flax else ())


def size_of(arrays: Iterable[StoredArray]) -> int:
    """Returns the size of arrays in bytes, each once."""
    return sum(array.nbytes for array in arrays if not array.tied)


def stored_arrays(found: Iterable[Found]) -> Iterator[StoredArray]:
    """Yields arrays with their paths; one that is met again is tied to its first path."""
    owners: dict[int, str] = {}
    for path, array, place in found:
        name = "/".join(path)
        owner = owners.setdefault(id(array), name)
        stored = pytorch.stored_array(name, array) if pytorch.is_tensor(array) else stored_array(name, array, place)
        yield replace(stored, tied=owner if owner != name else "")


def stored_array(name: str, array: Any, place: Place | None) -> StoredArray:
    """Returns one array as it is."""
    return in_memory(name, array, partial(numbers, name, array), setting(array, place))


def numbers(name: str, array: Any) -> numpy.ndarray:
    """Returns the values of an array; raises `UnsupportedError` for one that is a shape and a dtype alone."""
    import numpy

    if not hasattr(array, "__array__"):
        raise UnsupportedError(f"{name} has no values: it is a {type(array).__name__}, a shape and a dtype alone.")
    return numpy.asarray(array)


def leaves(thing: Any) -> Iterator[Found]:
    """Yields the arrays in a thing with their paths, in its order."""
    return (leaf for leaf in walk(thing) if is_array(leaf.array))


def others(thing: Any) -> Iterator[Any]:
    """Yields what stands between the arrays and is none."""
    return (leaf.array for leaf in walk(thing) if leaf.array is not None and not is_array(leaf.array))


def walk(thing: Any) -> Iterator[Found]:
    """Yields whatever is in a thing that is no container, with its path; what a container repeats of itself is left."""
    if is_array(thing):
        yield Found((ALONE,), thing, None)
        return
    levels = [iter(members(thing, ()))]
    around = [id(thing)]
    while levels:
        leaf = next(levels[-1], None)
        if leaf is None:
            levels.pop()
            around.pop()
        elif is_container(leaf.array) and id(leaf.array) not in around:
            levels.append(iter(members(leaf.array, leaf.path)))
            around.append(id(leaf.array))
        elif not is_container(leaf.array):
            yield leaf


def members(thing: Any, path: Path) -> list[Found]:
    """Returns what is directly in a container; a key that is a tuple is a path, as Flax flattens dictionaries."""
    if isinstance(thing, Mapping):
        return [Found((*path, *parts(key)), unboxed(value), Place(thing, key)) for key, value in thing.items()]
    if isinstance(thing, (list, tuple)):
        names = [str(number) if path else f"[{number}]" for number in range(len(thing))]
        return [
            Found((*path, name), unboxed(value), Place(thing, number))
            for number, (name, value) in enumerate(zip(names, thing, strict=True))
        ]
    return []


def parts(key: Any) -> Path:
    """Returns the part of a path that a key is, or the parts."""
    return tuple(map(str, key)) if isinstance(key, tuple) else (str(key),)


def is_container(thing: Any) -> bool:
    """Returns whether a thing may hold arrays."""
    return isinstance(thing, (Mapping, list, tuple))


def is_array(thing: Any) -> bool:
    """Returns whether a thing has a shape and a dtype, and is no type."""
    return hasattr(thing, "shape") and hasattr(thing, "dtype") and not isinstance(thing, type)
