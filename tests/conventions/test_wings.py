"""The index of classes is the modules' own, and a file loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from weightwise.conventions.keras.wings import WINGS as KERAS
from weightwise.conventions.pytorch.rows import ROWS
from weightwise.conventions.pytorch.wings import WINGS as PYTORCH
from weightwise.conventions.wings import Rules

FRAMEWORKS = (KERAS, PYTORCH)
MODULES = [(wings, wing) for wings in FRAMEWORKS for wing in wings.classes]
each_framework = pytest.mark.parametrize("wings", FRAMEWORKS, ids=lambda wings: wings.package)


@pytest.mark.parametrize(("wings", "wing"), MODULES, ids=lambda value: getattr(value, "package", value))
def test_the_index_is_the_modules_own(wings, wing):
    module = import_module(f"{wings.package}.{wing}")
    assert set(wings.classes[wing].split()) == set(module.RULES)


@pytest.mark.parametrize(("wings", "rows"), [(KERAS, KERAS.all_rows()), (PYTORCH, ROWS)], ids=["Keras", "PyTorch"])
def test_every_row_is_of_a_class_with_a_rule(wings, rows):
    assert {name for row in rows for name in row.layer.split()} <= set(wings.index)


@each_framework
def test_no_class_is_in_two_modules(wings):
    names = [name for classes in wings.classes.values() for name in classes.split()]
    assert len(names) == len(set(names)) == len(Rules(wings))


@each_framework
def test_an_unknown_class_has_no_rule(wings):
    assert Rules(wings).get("Gate") is None


def test_an_unknown_class_has_no_row():
    assert KERAS.rows_for("Gate") == ()


def test_a_convolutional_network_loads_no_recurrent_operation():
    code = "import sys, weightwise; weightwise.open('examples/mnist_cnn.keras'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"{KERAS.package}.convolution" in loaded
    assert f"{KERAS.package}.recurrent" not in loaded
