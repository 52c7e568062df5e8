"""Carries a port out: the arrays go to a new file, to a copy of the target's file, or into a model in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import weightwise
from weightwise.errors import UnsupportedError
from weightwise.formats.safetensors.writer import Written, write_safetensors
from weightwise.kernels.memory import reused
from weightwise.model import Model
from weightwise.porting.plan import Plan, plan
from weightwise.stored import StoredModel

if TYPE_CHECKING:
    import numpy

PRINTERS = {
    "Flax": "weightwise.views.code_flax",
    "Keras": "weightwise.views.code_keras",
    "PyTorch": "weightwise.views.code_pytorch",
}
"""What prints the code of a model."""


def port(
    source: Any,
    to: str = "",
    *,
    into: Any = None,
    out: str | Path | None = None,
    choose: Mapping[str, str] | None = None,
    rows: Mapping[str, str] | None = None,
    axes: Mapping[str, str] | None = None,
    allow_lossy: bool = False,
) -> Plan:
    """Port the weights of a model to another framework, and return what fills which array, and how.

    `source` is a path, a model in memory, or a `Model`. `to` is `pytorch`, `keras` or `flax`; `into` is a model of that
    framework to be filled, as a path (then `out` is written, a copy of it with other values) or in memory (it is filled
    now). Without `into`, `out` is a new file: `.safetensors`, `.keras`, `.weights.h5`, `.msgpack`. Without either
    nothing is written. `choose` maps names of the source's layers, or their beginnings, to those of the target; `rows`
    says what was flattened into the rows of a dense layer, `c 64 h 12 w 12`, where the source has no graph, and `axes`
    which of the readings that are left an array of the source has.

    Raises `UnsupportedError` where more than one match is possible, where the framework cannot compute a layer, or
    where the target's dtype would lose values, unless `allow_lossy`.
    """
    model = source if isinstance(source, Model) else weightwise.open(source)
    target = None if into is None else weightwise.open(into)
    found = plan(model, to, target, choose, rows, axes)
    in_memory = into is not None and not isinstance(into, (str, os.PathLike))
    if in_memory and out is not None:
        raise UnsupportedError("a model in memory is filled where it is: leave out the file")
    if in_memory:
        check_lossless(found, allow_lossy)
        from weightwise.live.filling import fill

        fill(into, Values(found))
    elif out is not None:
        write(found, out, allow_lossy)
    return found


class Values(Mapping[str, "numpy.ndarray[Any, Any]"]):
    """The values of a plan by the paths of the target's arrays, each computed when it is asked for and not kept."""

    def __init__(self, found: Plan) -> None:
        """Takes what fills arrays, and leaves out what the target keeps."""
        self.ways = {filling.target.path: filling.values for filling in found.fillings if filling.fed is not None}

    def __getitem__(self, path: str) -> numpy.ndarray[Any, Any]:
        return self.ways[path]()

    def __iter__(self) -> Iterator[str]:
        return iter(self.ways)

    def __len__(self) -> int:
        return len(self.ways)


def check_lossless(found: Plan, allowed: bool) -> None:
    """Raise `UnsupportedError` where a dtype of the target cannot hold the source's values, unless that is allowed."""
    if found.lossy and not allowed:
        first = found.lossy[0]
        others = f", and of {len(found.lossy) - 1} more arrays" if len(found.lossy) > 1 else ""
        raise UnsupportedError(
            f"{first.target.path}: its values would lose digits, since {first.lossy}{others}; allow it with "
            "--allow-lossy"
        )


def write(found: Plan, out: str | Path, allow_lossy: bool = False) -> None:
    """Write a port as a file, whole or not at all; raises `UnsupportedError`, and `OSError` for the disk."""
    check_lossless(found, allow_lossy)
    with reused():
        _write(found, out)


def _write(found: Plan, out: str | Path) -> None:
    if found.target is None:
        from weightwise.formats.writing import write as write_new

        write_new(out, _filled(found))
        return
    path = found.target.stored.path
    filled = [filling for filling in found.fillings if filling.fed is not None]
    if Path(path).suffix.lower() == Path(out).suffix.lower():
        from weightwise.formats.overwriting import overwrite

        overwrite(path, out, [(replace(item.target, apart=item.apart), item.values) for item in filled])
    elif Path(out).suffix.lower() == ".safetensors":
        arrays = found.fillings
        write_safetensors(
            out, (Written(item.target.path, item.target.shape, item.target.dtype, item.values) for item in arrays)
        )
    else:
        raise UnsupportedError(f"{out}: expected the suffix of {path}, whose copy it is to be, or .safetensors")


def _filled(found: Plan) -> StoredModel:
    """Return the ported model with the values of the plan in its arrays, which declare their axes."""
    filled = {filling.target.path: filling for filling in found.fillings}
    axes = {weight.stored.path: weight.bound.notation for weight in found.ported.model.weights if weight.bound}
    stored = found.ported.model.stored
    layers = tuple(
        replace(
            layer,
            arrays=tuple(
                replace(
                    array,
                    read=filled[array.path].values,
                    apart=filled[array.path].apart,
                    axes=axes.get(array.path, ""),
                )
                for array in layer.arrays
            ),
        )
        for layer in stored.root.layers
    )
    return replace(stored, root=replace(stored.root, layers=layers))


def code(found: Plan, weights: str) -> str:
    """Return the code of a ported model that loads a file of weights; empty where the port has no graph.

    It is empty, too, where no code of Keras can be written, as of functions of `keras.ops`, and the file is a `.keras`,
    which carries its graph itself. Raises `UnsupportedError` for any other network of which no code can be written.
    """
    if not found.ported.outputs:
        return ""
    from importlib import import_module

    printer = import_module(PRINTERS[found.ported.model.stored.framework])
    try:
        text: str = printer.code(found.ported.model, weights=weights)
    except UnsupportedError:
        if weights.endswith(".keras"):
            return ""
        raise
    return text
