"""How arrays in memory that are no framework's own get other values.

What can change is changed where it is; an array of JAX, or of NumPy that is read-only, is replaced where it stands, by
one of its kind, dtype and devices.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any

from weightwise.live.values import is_instance
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

Way = Callable[["numpy.ndarray"], None] | str
"""How an array gets other values, or why it cannot."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where an array stands: in a dictionary or a list."""

    container: Any
    key: Any

    def put(self, array: Any) -> None:
        """Puts an array there, into the box that stands there if there is one."""
        there = self.container[self.key]
        self.container[self.key] = there.replace_boxed(array) if is_boxed(there) else array


def place_in(tree: Any, path: Iterable[Any]) -> Place:
    """Returns the place to which a path leads in nested dictionaries."""
    *above, last = path
    for key in above:
        tree = tree[key]
    return Place(tree, last)


def is_boxed(value: Any) -> bool:
    """Returns whether this is a box in which Flax keeps what is known of how an array is spread over devices."""
    return type(value).__module__.startswith("flax.") and hasattr(value, "unbox")


def unboxed(value: Any) -> Any:
    """Returns an array without its box."""
    return value.unbox() if is_boxed(value) else value


def setting(array: Any, place: Place | None = None) -> Way:
    """Returns how an array gets other values, or why it cannot."""
    import numpy

    if is_instance(array, "flax.nnx", "Variable"):
        return partial(renew, array)
    if isinstance(array, numpy.ndarray) and array.flags.writeable:
        return partial(overwrite, array)
    if not isinstance(array, numpy.ndarray) and not is_instance(array, "jax", "Array"):
        return f"it is a {type(array).__name__}, whose values only its own package can set"
    if place is None:
        return "it cannot be changed, and stands in no dictionary in which it could be replaced: give it in one"
    if not isinstance(place.container, (MutableMapping, list)):
        return f"it stands in a {type(place.container).__name__}, which cannot be changed: give it in a dict"
    return partial(exchange, array, place)


def overwrite(array: numpy.ndarray, values: numpy.ndarray) -> None:
    """Sets the values of an array of NumPy, in its dtype."""
    array[...] = values


def renew(variable: Any, values: numpy.ndarray) -> None:
    """Sets the array of a variable of nnx."""
    variable[...] = alike(variable[...], values)


def exchange(array: Any, place: Place, values: numpy.ndarray) -> None:
    """Puts an array with other values where this one stands."""
    place.put(alike(array, values))


def alike(array: Any, values: numpy.ndarray) -> Any:
    """Returns an array of these values, which nobody else has, in the kind, dtype and devices of another."""
    own = values.astype(array.dtype)
    return sys.modules["jax"].device_put(own, array.sharding) if is_instance(array, "jax", "Array") else own
