"""What the frameworks themselves compute for a model: one file per framework, imported only when a proof asks for it.

A module has `outputs(model, inputs, dtype)`, which yields each output of each layer by its tensor (the layer by its
path, the number of the run and that of the output, as `answers.tracing` counts them), in the layout of the model given,
and which raises `UnsupportedError` for a model that the framework cannot be given safely. Nothing that a file holds as
code is executed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from weightwise.errors import UnsupportedError, WeightwiseError
from weightwise.model import Model
from weightwise.records import dataclass
from weightwise.stored import Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Framework:
    """A framework that can be asked."""

    module: str
    """The module in this room that asks it."""
    packages: tuple[str, ...]
    """What must be installed: one of these."""
    install: str
    """How it is installed."""


FRAMEWORKS = {
    "Keras": Framework("keras", ("keras", "tf_keras"), "pip install keras tensorflow"),
    "PyTorch": Framework("pytorch", ("torch",), "pip install torch"),
    "Flax": Framework("flax", ("flax",), "pip install flax"),
}


@dataclass(frozen=True)
class Runner:
    """A framework that computes one model."""

    title: str
    """The framework with its version: `Keras 3.15.1`."""
    module: Any
    model: Model

    def outputs(self, inputs: Sequence[Array], dtype: str) -> Iterator[tuple[Tensor, Array]]:
        """Yield each output of each layer; raises `UnsupportedError` where the framework cannot compute it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # frameworks warn of one another, which says nothing of the model
                yield from self.module.outputs(self.model, inputs, dtype)
        except WeightwiseError:
            raise
        except Exception as error:  # frameworks raise errors of any kind, and each means that there is no answer
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise UnsupportedError(f"{self.title} does not compute it ({reason:.200})") from error


def runner(model: Model) -> Runner:
    """Return what asks the model's own framework; raises `UnsupportedError` with the reason where nothing can."""
    framework = FRAMEWORKS.get(model.stored.framework)
    if framework is None:
        raise UnsupportedError("the file does not say which framework it is of")
    if not _present(f"{__name__}.{framework.module}"):
        raise UnsupportedError(f"{model.stored.framework} is not asked yet")
    if not any(map(_present, framework.packages)):
        raise UnsupportedError(f"{model.stored.framework} is not installed ({framework.install})")
    module = import_module(f"{__name__}.{framework.module}")
    package = module.package(model) if hasattr(module, "package") else framework.packages[0]
    return Runner(f"{model.stored.framework} {_version(package)}".strip(), module, model)


def _present(package: str) -> bool:
    return find_spec(package) is not None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a package that was copied and not installed
        return ""


__all__ = ["FRAMEWORKS", "Runner", "runner"]
