"""Which convention a file follows: that of the framework, of the version, that wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module

from weightwise.conventions import architectures
from weightwise.conventions.architectures import Recognition
from weightwise.conventions.row import Config, Description, Shapes, Slot
from weightwise.conventions.table import Table
from weightwise.records import dataclass
from weightwise.stored import Addressing, StoredModel

Describe = Callable[[str, Config, Shapes], Description | None]
"""What a framework stores, by class name, configuration and input shapes; None for a class that it does not have."""


Hypotheses = Callable[[Mapping[str, Sequence[int]]], Iterable[tuple[str, Sequence[Slot]]]]
"""The classes that call for arrays of some names and shapes, each with its slots."""

Architecture = Callable[[StoredModel], Recognition | None]
"""What the arrays of a model are by the known architecture that it is of; None where it is of none."""

Owners = Callable[[Mapping[str, Sequence[int]]], Mapping[str, Mapping[str, Sequence[int]]]]
"""From the shapes of all arrays by their paths: those of each module by their names in it."""
PACKAGES = {"Flax": "weightwise.conventions.flax", "PyTorch": "weightwise.conventions.pytorch"}
"""Where the tables of the frameworks are that have one table for all versions."""


@dataclass(frozen=True)
class Convention:
    """What a file's framework stores, and in which order."""

    describe: Describe
    bare: Table | None = None
    """The table that also tells what a layer stores of which the file has no configuration; None where none does."""
    hypotheses: Hypotheses | None = None
    """What tells this for frameworks whose files may say no class at all."""
    told: Callable[[str], str] | None = None
    """What tells the class of a module by its name, where the framework calls modules after their classes."""
    owners: Owners | None = None
    """What tells which arrays are one module's that a file has under the names of the layers inside it."""
    architecture: Architecture | None = None
    """What tells the arrays of a whole file of a known architecture, where the file says no classes."""
    trained_first: bool = False
    """Whether `get_weights()` of a model inside a model lists what is trained first."""


def convention(stored: StoredModel) -> Convention:
    """Return the convention that a file follows."""
    if not stored.framework:
        from weightwise.conventions import anywhere

        return Convention(
            anywhere.describe,
            hypotheses=anywhere.readings,
            told=anywhere.told_class,
            architecture=architectures.recognised,
        )
    if stored.framework in PACKAGES:
        return framework_convention(stored.framework)
    version = stored.version or ("2" if stored.addressing is Addressing.ORDER else "3")
    return keras_convention(version, stored.backend)


def architecture_of(stored: StoredModel) -> Recognition | None:
    """Return what the arrays of a file are by the known architecture that it is of; None where it is of none."""
    found = convention(stored).architecture
    return found(stored) if found else None


def newest_convention(framework: str) -> Convention:
    """Return the convention of a framework's newest version, which a port is made for."""
    return keras_convention("3") if framework == "Keras" else framework_convention(framework)


def framework_convention(framework: str) -> Convention:
    """Return the convention of a framework whose versions all store the same."""
    package = PACKAGES[framework]
    bare = import_module(f"{package}.bare")
    architecture = architectures.recognised if framework == "PyTorch" else None
    describe = import_module(package).describe
    owners = getattr(bare, "owned", None)
    return Convention(
        describe, hypotheses=bare.readings, told=bare.told_class, owners=owners, architecture=architecture
    )


def keras_convention(version: str, backend: str = "") -> Convention:
    """Return the convention of a version of Keras, such as `2.3.0-tf`, on the backend that a file names.

    A model inside a model listed what is trained first until Keras became tf.keras
    (https://github.com/keras-team/keras/blob/2.3.1/keras/engine/network.py).
    """
    found = re.match(r"(\d+)(?:\.(\d+))?", version)
    generation, minor = (int(found[1]), int(found[2] or 0)) if found else (3, 0)
    if generation > 2:
        from weightwise.conventions import keras

        return Convention(keras.describe, keras.TABLE)
    if generation == 1:
        from weightwise.conventions.keras import keras1, legacy

        table = keras1.table(int(found[2]) if found and found[2] else 1, backend == "theano")
        bare = replace(table, ambiguous=legacy.AMBIGUOUS)
        return Convention(partial(keras1.describe, table), bare, trained_first=True)
    from weightwise.conventions.keras import legacy

    table = legacy.table_on_theano() if backend == "theano" else legacy.TABLE
    describe = partial(legacy.described, table) if backend == "theano" else legacy.describe
    alone = minor < 4 and "-tf" not in version
    bare = replace(table, ambiguous=legacy.AMBIGUOUS, newer=legacy.NEWER if alone else frozenset())
    return Convention(describe, bare, trained_first=alone)
