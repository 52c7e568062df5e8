"""What PyTorch's pickles name: storages, tensors, dtypes, and the inert values that stand for them.

A tensor is a view of a storage: an offset, a shape and a stride per dimension, all counted in elements. Functions that
rebuild tensors: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from weightwise.formats.pickles.allowed import PYTHON
from weightwise.formats.pickles.machine import Constructor
from weightwise.formats.pickles.values import Global, Stateful
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import StoredArray

STORAGES: Mapping[str, str] = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
"""PyTorch's dtypes by the class of storage that a file names."""
DTYPE = re.compile(r"bool|(?:bfloat|float|complex|bits|q?u?int)\d+\w{0,20}")
QUANTIZED: Mapping[str, str] = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}
"""The dtypes of the integers that stand for quantised values."""


@dataclass(eq=False)
class Storage:
    """A run of values that tensors are views of."""

    key: str
    dtype: str
    """PyTorch's name of it, such as `float32`."""
    source: Source | None = None
    """Its bytes; None while, or when, they are not found."""
    problem: str = ""
    """Why there are no bytes."""
    order: str = "<"
    """The order of the bytes of one value."""


class Tensor(Stateful):
    """A view of a storage, as the pickle says it; nothing is checked yet."""

    __slots__ = ("dtype", "note", "offset", "shape", "storage", "strides")

    def __init__(self, storage: Storage | None, offset: Any, shape: Any, strides: Any, dtype: str) -> None:
        """Has no storage when it has no values (`meta`)."""
        super().__init__()
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.note = ""  # what must be said of its values, such as how they are quantised


@dataclass(eq=False)
class Pieces:
    """An array that lies elsewhere, in pieces."""

    make: Callable[[str], StoredArray]
    """Returns the array under a name; raises `FormatError` with the name."""


def dtype_of(place: Any) -> str:
    """Returns the dtype that a class of storages, or PyTorch's dtype, stands for; raises `ValueError` for others."""
    if not isinstance(place, Global):
        raise ValueError("a dtype that is none")
    name = STORAGES.get(place.name, "")
    if place.module in ("torch", "torch.cuda", "torch.storage", "torch.cuda.sparse") and name:
        return name
    if place.module == "torch" and DTYPE.fullmatch(place.name):
        return place.name
    raise ValueError(f"{place} instead of a dtype")


def view(arguments: tuple[Any, ...]) -> Tensor:
    """Returns a tensor: `_rebuild_tensor(storage, offset, size, stride, …)`."""
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(storage, Storage):
        raise TypeError("a tensor of something that is no storage")
    return Tensor(storage, offset, shape, strides, storage.dtype)


def typed_view(arguments: tuple[Any, ...]) -> Tensor:
    """Returns a tensor whose dtype is not the storage's: `_rebuild_tensor_v3(…, requires_grad, hooks, dtype, …)`."""
    tensor = view(arguments)
    tensor.dtype = dtype_of(arguments[6])
    return tensor


def quantized(arguments: tuple[Any, ...]) -> Tensor:
    """Returns a tensor of integers: `_rebuild_qtensor(storage, offset, size, stride, (scheme, …), …)`."""
    tensor = view(arguments)
    parameters = arguments[4][1:]  # after the scheme
    tensor.note = "quantised"
    if len(parameters) == 2 and all(isinstance(number, (int, float)) for number in parameters):
        scale, zero = parameters
        tensor.note = f"quantised: each value is {scale:.6g} · (the stored integer − {zero})"
    elif len(parameters) == 3 and isinstance(parameters[2], int):
        tensor.note = f"quantised with a scale per place of dimension {parameters[2]}"
    return tensor


def without_values(arguments: tuple[Any, ...]) -> Tensor:
    """Returns a tensor on the device `meta`: `_rebuild_meta_tensor_no_storage(dtype, size, stride, …)`."""
    dtype, shape, strides = arguments[:3]
    return Tensor(None, 0, shape, strides, dtype_of(dtype))


def wrapped(arguments: tuple[Any, ...]) -> Tensor:
    """Returns the tensor itself: `Parameter(tensor, …)`, `_rebuild_parameter(tensor, …)`."""
    tensor = arguments[0]
    if not isinstance(tensor, Tensor):
        raise TypeError("a parameter of something that is no tensor")
    return tensor


def of_type(arguments: tuple[Any, ...]) -> Any:
    """Returns a tensor of a class of its own: `_rebuild_from_type_v2(function, class, arguments, state)`."""
    function, _, inner, _ = arguments
    if not isinstance(function, Global) or not isinstance(inner, tuple):
        raise TypeError("a tensor made by something unknown")
    return REBUILDING[str(function)](inner)


def size(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the sizes of `torch.Size(sizes)`."""
    (sizes,) = arguments
    return tuple(sizes)


def text(arguments: tuple[Any, ...]) -> str:
    """Returns a device or a layout as its text: `torch.device("cuda", 0)`."""
    return ":".join(str(part) for part in arguments if isinstance(part, (str, int)))


REBUILDING: Mapping[str, Constructor] = {
    "torch._utils._rebuild_tensor": view,
    "torch._utils._rebuild_tensor_v2": view,
    "torch._utils._rebuild_tensor_v3": typed_view,
    "torch._utils._rebuild_qtensor": quantized,
    "torch._utils._rebuild_meta_tensor_no_storage": without_values,
    "torch._utils._rebuild_parameter": wrapped,
    "torch._utils._rebuild_parameter_with_state": wrapped,
}
TORCH: Mapping[str, Constructor | None] = {
    **PYTHON,
    **REBUILDING,
    "torch.nn.parameter.Parameter": wrapped,
    "torch.nn.parameter.Buffer": wrapped,
    "torch.autograd.variable.Variable": wrapped,
    "torch._tensor._rebuild_from_type_v2": of_type,
    "torch._tensor._rebuild_from_type": of_type,
    "torch.Size": size,
    "torch.device": text,
    "torch.serialization._get_layout": text,
    "torch._utils._rebuild_sparse_tensor": None,
    "torch._utils._rebuild_nested_tensor": None,
    "torch._utils._rebuild_wrapper_subclass": None,
    "torch._utils._rebuild_device_tensor_from_numpy": None,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": wrapped,
    "numpy.core.multiarray._reconstruct": None,
    "numpy._core.multiarray._reconstruct": None,
    "numpy.core.multiarray.scalar": None,
    "numpy._core.multiarray.scalar": None,
    "numpy._core.numeric._frombuffer": None,
    "numpy.core.numeric._frombuffer": None,
    "numpy.dtype": None,
    "collections.Counter": None,
    "pathlib.PosixPath": None,
    "pathlib._local.PosixPath": None,
    "datetime.datetime": None,
}
"""The allow-list: what stands for None is harmless, and is kept as the call that it is."""


def is_harmless(place: Global) -> bool:
    """Returns whether a name belongs to what every file of PyTorch has."""
    return str(place) in TORCH or place.module.split(".")[0] in ("torch", "collections", "builtins", "numpy")
