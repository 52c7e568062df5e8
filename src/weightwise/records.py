"""The dataclasses of this package: `dataclasses.dataclass`, made in a fraction of the time.

The library writes the source of six methods for a frozen class, each for itself, and compiles it when the class is made
(https://github.com/python/cpython/blob/v3.11.7/Lib/dataclasses.py, `_create_fn`): of a hundred classes that was a third
of the time in which a person waits for the screen. Here the library finds the fields, and `__init__` alone is written;
the other methods are those of all classes, and read the fields. `tests/test_records.py` compares both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")
Field = dataclasses.Field[Any]
Values = Callable[[Any], tuple[Any, ...]]
MISSING = dataclasses.MISSING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(
        cls: type[T] | None = None, /, *, eq: bool = True, frozen: bool = False, **others: bool
    ) -> type[T] | Callable[[type[T]], type[T]]:
        """Returns the class as a dataclass; of the library's other options, `repr`."""

        def made(cls: type[T]) -> type[T]:
            return _with_methods(dataclasses.dataclass(cls, init=False, repr=False, eq=False), eq, frozen, **others)

        return made if cls is None else made(cls)


def _with_methods(cls: type[T], eq: bool, frozen: bool, repr: bool = True) -> type[T]:  # noqa: A002, the library's name
    """Returns the class with the methods that it does not define itself."""
    methods: dict[str, Any] = {"__init__": _init(cls, frozen)}
    if repr:
        methods["__repr__"] = _repr
    if eq:
        methods["__eq__"] = _eq(_values(cls, lambda field: field.compare))
        hashed = _values(cls, lambda field: field.compare if field.hash is None else field.hash)
        methods["__hash__"] = _hash(hashed) if frozen else None
    if frozen:
        methods |= {"__setattr__": _set, "__delattr__": _delete}
    for name, method in methods.items():
        # Python itself sets no hash for a class that defines what is equal; that is no choice of the class.
        if name not in cls.__dict__ or (name == "__hash__" and cls.__dict__[name] is None):
            setattr(cls, name, method)
    return cls


def _init(cls: type[Any], frozen: bool) -> Callable[..., None]:
    """Returns what sets the fields, in the dictionary of an instance where it cannot be set otherwise."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"__missing__": MISSING}  # of a form that no field has
    parameters = ["self"]
    for keyword in (False, True):
        own = [field for field in fields if field.init and field.kw_only is keyword]
        parameters += ["*"] * (keyword and bool(own))
        for field in own:
            names[f"__default_{field.name}__"] = field.default  # MISSING where the value is made
            absent = field.default is MISSING and field.default_factory is MISSING
            parameters.append(field.name if absent else f"{field.name}=__default_{field.name}__")
    lines = ["__values__ = self.__dict__"] if frozen else []
    for field in fields:
        value = field.name if field.init else "__missing__"
        if field.default_factory is not MISSING:
            names[f"__make_{field.name}__"] = field.default_factory
            value = f"__make_{field.name}__() if {value} is __missing__ else {value}"
        elif not field.init:
            continue  # it has its default, which is the class's, or gets its value later
        lines.append(f"__values__[{field.name!r}] = {value}" if frozen else f"self.{field.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    exec(source, names)
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in fields if field.init} | {"return": None}
    return init


def _values(cls: type[Any], counts: Callable[[Field], bool]) -> Values:
    """Returns what gives the values of an instance, of those fields that count."""
    names = [field.name for field in dataclasses.fields(cls) if counts(field)]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda instance: tuple(getattr(instance, name) for name in names)


def _eq(compared: Values) -> Callable[[Any, Any], bool]:
    def eq(self: Any, other: Any) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    return eq


def _hash(hashed: Values) -> Callable[[Any], int]:
    return lambda self: hash(hashed(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _set(self: Any, name: str, value: object) -> None:
    if name in self.__dataclass_fields__ or _is_record(self):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:
    if name in self.__dataclass_fields__ or _is_record(self):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _is_record(self: Any) -> bool:
    """Returns whether the class of an instance is a dataclass itself, and not a plain class below one."""
    return "__dataclass_fields__" in self.__class__.__dict__


__all__ = ["dataclass"]
