"""Modules of PyTorch in memory: every module says its class and its attributes, and `state_dict()` the order.

https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from weightwise.conventions.pytorch import configuration
from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import NUMPY
from weightwise.formats.pytorch.sequence import calls_in
from weightwise.formats.state_dict import WRAPPERS, Module, root_of, unwrapped
from weightwise.live.values import in_memory, is_instance, name_of
from weightwise.stored import Addressing, StoredArray, StoredModel

if TYPE_CHECKING:
    import numpy

AROUND = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
    "CheckpointWrapper": "_checkpoint_wrapped_module",
    "AveragedModel": "module",
}
"""Classes of modules that wrap another one, and what they call it."""
INNER = {prefix for prefix in WRAPPERS if prefix.startswith("_")}
"""What wrappers inside a module put into names."""
PARAMETRIZATIONS = "parametrizations"
CLASSES = ("Tensor", "Parameter", "Buffer")
"""Of tensors that are values in memory, and nothing beside."""


def match(thing: Any) -> bool:
    """Returns whether this is a module of a PyTorch that is imported."""
    return is_instance(thing, "torch", "nn", "Module")


def is_tensor(thing: Any) -> bool:
    """Returns whether this is a tensor of a PyTorch that is imported."""
    return is_instance(thing, "torch", "Tensor")


def open_model(thing: Any) -> StoredModel:
    """Returns a module with all those in it; nothing is copied before values are asked for."""
    module, remarks = inside(thing)
    state = module.state_dict(keep_vars=True)
    arrays = [replace(array, trainable=bool(state[array.path].requires_grad)) for array in stored_arrays(state)]
    found = unwrapped([array.path for array in arrays])
    modules = described(module)
    name = type(module).__name__
    within = f"{name}." if is_own(module) else ""  # a layer alone is the one layer of a model
    if within:
        modules = {f"{within}{inner}".rstrip("."): description for inner, description in modules.items()}
    return StoredModel(
        path=f"<live {name_of(module)}>",
        format="PyTorch module in memory",
        framework="PyTorch",
        version=str(sys.modules["torch"].__version__),
        root=root_of(name, ((within + path, array) for path, array in zip(found.names, arrays, strict=True)), modules),
        addressing=Addressing.PATH,
        nbytes=sum(array.nbytes for array in arrays if not array.tied),
        listing=tuple(array.path for array in arrays),
        remarks=(*remarks, *found.remarks),
    )


def inside(module: Any) -> tuple[Any, list[str]]:
    """Returns the module in the wrappers around it, and one remark for each of these."""
    remarks = []
    while (inner := getattr(module, AROUND.get(type(module).__name__, ""), None)) is not None:
        remarks.append(f"the module is given without {type(module).__name__} around it")
        module = inner
    return module, remarks


def described(root: Any) -> dict[str, Module]:
    """Returns what the modules say of themselves by dotted name: the outermost, those with arrays, those without parts.

    One that was compiled by TorchScript does not say its settings, so of such a one there is nothing.
    """
    if is_instance(root, "torch", "jit", "ScriptModule"):
        return {}
    named = {plain(name): module for name, module in root.named_modules(remove_duplicate=False)}
    found = {
        name: description(module)
        for name, module in named.items()
        if PARAMETRIZATIONS not in name.split(".") and (not name or is_layer(module))
    }
    calls = calls_in(found, {name: (type(module).__name__, type(module).__module__) for name, module in named.items()})
    return {name: replace(module, calls=calls.get(name, ())) for name, module in found.items()}


def plain(name: str) -> str:
    """Returns a dotted name without what wrappers put into it."""
    return ".".join(part for part in name.split(".") if part not in INNER)


def is_layer(module: Any) -> bool:
    """Returns whether a module has arrays of its own, or no modules in it; parametrizations belong to it."""
    own = (*module._parameters.values(), *module._buffers.values())
    return any(array is not None for array in own) or not module._modules or is_parametrized(module)


def is_own(module: Any) -> bool:
    """Returns whether a module is one of PyTorch's layers, and no container of them."""
    return type(module).__module__.startswith("torch.nn.") and is_layer(module)


def is_parametrized(module: Any) -> bool:
    """Returns whether parameters of a module are computed from others, as `torch.nn.utils.parametrize` does it."""
    return PARAMETRIZATIONS in module._modules


def description(module: Any) -> Module:
    """Returns a module's class and its attributes; that of one that is parametrized is what it was before."""
    kind = type(module).__bases__[0] if is_parametrized(module) else type(module)
    return Module(kind.__name__, kind.__module__, configuration(module.__dict__))


def stored_arrays(state: Mapping[str, Any]) -> Iterator[StoredArray]:
    """Yields the tensors of a state dict; those that are the same values as one before are tied to it."""
    owners: dict[Any, str] = {}
    for name, tensor in state.items():
        if is_tensor(tensor):
            owner = owners.setdefault(place_of(tensor), name)
            yield replace(stored_array(name, tensor), tied=owner if owner != name else "")


def stored_array(name: str, tensor: Any) -> StoredArray:
    """Returns one tensor as an array."""
    return in_memory(name, tensor, partial(numbers, name, tensor), fixed(tensor) or partial(assign, tensor))


def place_of(tensor: Any) -> Any:
    """Returns what is the same for tensors that are the same bytes in the same order."""
    plain = type(tensor).__name__ in CLASSES and tensor.layout == dense() and not tensor.is_meta
    if not plain or not tensor.numel():
        return id(tensor)
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype


def numbers(name: str, tensor: Any) -> numpy.ndarray:
    """Returns the values of a tensor now, as float32 where NumPy lacks the dtype; raises `UnsupportedError`."""
    if tensor.is_meta:
        raise UnsupportedError(f"{name} has no values: it is on PyTorch's device meta, which keeps shapes alone.")
    found = tensor.detach()
    found = found.dequantize() if found.is_quantized else found.to_dense() if found.layout != dense() else found
    known = str(found.dtype).rpartition(".")[2] in NUMPY
    values: numpy.ndarray = (found if known else found.float()).cpu().numpy()
    return values


def fixed(tensor: Any) -> str:
    """Returns why the values of a tensor cannot be set, or an empty string."""
    if tensor.is_meta:
        return "it is on PyTorch's device meta, which keeps shapes alone: give it values first, as with to_empty()"
    if type(tensor).__name__ not in CLASSES:
        return f"it is a {type(tensor).__name__}, whose values only its own package can set"
    if tensor.is_quantized or tensor.layout != dense():
        return "it is quantised or sparse: give the module that it was made from"
    if tensor.is_inference():
        return "it was made in inference mode: make the module outside of it"
    if any(size > 1 and not step for size, step in zip(tensor.shape, tensor.stride(), strict=True)):
        return "several of its values are one in memory, as expand() makes them: use clone()"
    return ""


def assign(tensor: Any, values: numpy.ndarray) -> None:
    """Sets the values of a tensor where it is, in its dtype."""
    torch: Any = sys.modules["torch"]
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(values))


def dense() -> Any:
    """Returns PyTorch's name of the ordinary layout."""
    return sys.modules["torch"].strided
