"""Every block of every page runs: `console` blocks print exactly what they show, `pycon` blocks are doctests.

A block of any other language is not executed. `python docs/blocks.py` writes the outputs into the pages.
"""

from __future__ import annotations

import doctest
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("blocks", ROOT / "docs" / "blocks.py")
pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pages)


def parameters(language: str) -> list:
    return [
        pytest.param(body, id=f"{page.relative_to(ROOT)}:{line}")
        for page in pages.PAGES
        for line, body in pages.blocks(page, language)
    ]


@pytest.mark.parametrize("body", parameters("console"))
def test_a_console_block_prints_what_it_shows(body):
    for command, output in pages.commands(body):
        assert pages.printed(command) == pages.trimmed(output), command


@pytest.mark.parametrize("body", parameters("pycon"))
def test_a_python_block_is_a_doctest(body, monkeypatch):
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest(body, {}, "page", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    assert test.examples
    assert runner.summarize(verbose=False).failed == 0
