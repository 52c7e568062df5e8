"""Pages that are generated are as their generators make them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def generator(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_matrix_of_proofs_is_up_to_date():
    make_proofs = generator("make_proofs")
    assert make_proofs.PAGE.read_text() == make_proofs.page(make_proofs.facts()), "run: python docs/make_proofs.py"


def test_the_table_of_formats_is_up_to_date():
    make_formats = generator("make_formats")
    assert make_formats.PAGE.read_text() == make_formats.page(), "run: python docs/make_formats.py"


def test_the_table_of_architectures_is_up_to_date():
    make_architectures = generator("make_architectures")
    text = make_architectures.PAGE.read_text()
    assert text == make_architectures.page(), "run: python docs/make_architectures.py"


def test_the_table_of_ports_is_up_to_date():
    make_ports = generator("make_ports")
    assert make_ports.PAGE.read_text() == make_ports.page(make_ports.facts()), "run: python docs/make_ports.py"
