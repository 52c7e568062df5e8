"""Pages that are generated are as their generators make them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_matrix_of_proofs_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_proofs", DOCS / "make_proofs.py")
    make_proofs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_proofs)
    assert make_proofs.PAGE.read_text() == make_proofs.page(make_proofs.facts()), "run: python docs/make_proofs.py"
