"""The index of classes is the modules' own, and a file loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from weightwise.conventions.keras.wings import WINGS, Rules

PACKAGE = "weightwise.conventions.keras"


@pytest.mark.parametrize("wing", WINGS)
def test_the_index_is_the_modules_own(wing):
    module = import_module(f"{PACKAGE}.{wing}")
    assert set(WINGS[wing].split()) == set(module.RULES)
    assert {name for row in module.ROWS for name in row.layer.split()} <= set(module.RULES)


def test_no_class_is_in_two_modules():
    names = [name for classes in WINGS.values() for name in classes.split()]
    assert len(names) == len(set(names)) == len(Rules())


def test_an_unknown_class_has_no_rule():
    assert Rules().get("Gate") is None


def test_a_convolutional_network_loads_no_recurrent_operation():
    code = "import sys, weightwise; weightwise.open('examples/mnist_cnn.keras'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"{PACKAGE}.convolution" in loaded
    assert f"{PACKAGE}.recurrent" not in loaded
