"""A module of Flax as a layer: built by its first call, with weights that can be set, and told as a live one is.

Of nnx only the variables that are weights count, without the states of random generators.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy
from flax import linen, nnx, serialization, traverse_util

from weightwise.conventions.flax import qualified

FUNCTIONS = ("activation_fn", "gate_fn", "merge_fn", "attention_fn")
MODULES = ("cell", "base_module", "forward_rnn", "backward_rnn")
UNTOLD = ("parent", "name", "precision", "dtype", "param_dtype", "preferred_element_type", "kernel_shape")
"""Attributes that change neither arrays nor outputs; where nnx has no other, the shape of a kernel is one of those."""
WEIGHTS = nnx.Not(nnx.Any(nnx.RngState, nnx.Intermediate))


class FlaxLayer(ABC):
    """What a fact asks of a module."""

    @abstractmethod
    def __call__(self, *inputs: Any, **arguments: Any) -> Any:
        """Return what the module computes."""

    @abstractmethod
    def weights(self) -> list[tuple[tuple[str, ...], jax.Array, bool]]:
        """Return path, values and trainability of each weight, in the order of the tree of variables."""

    @abstractmethod
    def set_weights(self, values: Sequence[numpy.ndarray]) -> None:
        """Set the weights, in float64."""

    @abstractmethod
    def tree(self) -> Any:
        """Return the variables as the tree that is saved."""

    @abstractmethod
    def told(self) -> tuple[str, Any]:
        """Return the class and the attributes."""

    def places(self) -> list[str]:
        """Return where Flax's own file has each weight, found by its values, in the order of that file."""
        stored = serialization.msgpack_restore(serialization.to_bytes(self.tree()))
        flat = {"/".join(path): array for path, array in traverse_util.flatten_dict(stored).items()}
        found = []
        for _, array, _ in self.weights():
            found.append(next(key for key in flat if numpy.array_equal(flat[key], array)))
            flat.pop(found[-1])
        return found


class LinenLayer(FlaxLayer):
    """A module of linen with its variables."""

    def __init__(self, module: linen.Module) -> None:
        self.module = module
        self.variables: Any = None

    def __call__(self, *inputs: Any, **arguments: Any) -> Any:
        if self.variables is None:
            self.variables = self.module.init(jax.random.key(0), *inputs, **arguments)
        return self.module.apply(self.variables, *inputs, **arguments)

    def weights(self) -> list[tuple[tuple[str, ...], jax.Array, bool]]:
        leaves = jax.tree_util.tree_leaves_with_path(self.variables)
        paths = [tuple(part.key for part in path) for path, _ in leaves]
        return [(path[1:], array, path[0] == "params") for path, (_, array) in zip(paths, leaves, strict=True)]

    def set_weights(self, values: Sequence[numpy.ndarray]) -> None:
        treedef = jax.tree_util.tree_structure(self.variables)
        self.variables = jax.tree_util.tree_unflatten(treedef, [jax.numpy.asarray(array) for array in values])

    def tree(self) -> Any:
        return self.variables

    def places(self) -> list[str]:
        return [key.split("/", 1)[1] for key in super().places()]

    def told(self) -> tuple[str, Any]:
        return told(self.module)


class NnxLayer(FlaxLayer):
    """A module of nnx."""

    def __init__(self, module: nnx.Module) -> None:
        self.module = module

    def __call__(self, *inputs: Any, **arguments: Any) -> Any:
        return self.module(*inputs, **arguments)

    def _variables(self) -> list[tuple[tuple[Any, ...], nnx.Variable]]:
        return list(nnx.to_flat_state(nnx.state(self.module, WEIGHTS)))

    def weights(self) -> list[tuple[tuple[str, ...], jax.Array, bool]]:
        return [
            (tuple(map(str, path)), variable[...], isinstance(variable, nnx.Param))
            for path, variable in self._variables()
        ]

    def set_weights(self, values: Sequence[numpy.ndarray]) -> None:
        state = nnx.state(self.module, WEIGHTS)
        for (_, variable), array in zip(nnx.to_flat_state(state), values, strict=True):
            variable.set_value(jax.numpy.asarray(array))
        nnx.update(self.module, state)

    def tree(self) -> Any:
        return nnx.to_pure_dict(nnx.state(self.module, WEIGHTS))

    def told(self) -> tuple[str, Any]:
        return told(self.module)


def told(module: Any) -> tuple[str, Any]:
    """Return the class of a module, and its attributes that are data, functions or modules inside."""
    name = qualified(f"{type(module).__module__}.{type(module).__name__}")
    if isinstance(module, linen.Module):
        attributes = {field.name: getattr(module, field.name) for field in dataclasses.fields(module)}
    else:
        attributes = vars(module)
    settings = {
        key: _told(key, value) for key, value in attributes.items() if not key.startswith("_") and key not in UNTOLD
    }
    if name == "nnx.Einsum":
        settings["kernel_shape"] = list(module.kernel_shape)
    return name, {key: value for key, value in settings.items() if value is not _LEFT_OUT}


_LEFT_OUT = object()


def _told(key: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        items = [_told(key, item) for item in value]
        return _LEFT_OUT if _LEFT_OUT in items else items
    if isinstance(value, Mapping):
        inner = {str(item): _told(key, inside) for item, inside in value.items()}
        return _LEFT_OUT if _LEFT_OUT in inner.values() else inner
    if key in FUNCTIONS:
        return value.__name__
    if key in MODULES:
        class_name, config = told(value)
        return {"class_name": class_name, "config": config}
    return _LEFT_OUT


def linen_layer(module: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[], LinenLayer]:
    """Return what builds a module of linen."""
    return lambda: LinenLayer(module(*arguments, **options, param_dtype=jax.numpy.float64))


def nnx_layer(module: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[], NnxLayer]:
    """Return what builds a module of nnx."""
    return lambda: NnxLayer(module(*arguments, **options, param_dtype=jax.numpy.float64, rngs=nnx.Rngs(0)))
