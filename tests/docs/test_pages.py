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


CONSOLE = [
    pytest.param(body, id=f"{page.relative_to(ROOT)}:{line}")
    for page in pages.PAGES
    for line, body in pages.blocks(page, "console")
]


@pytest.mark.parametrize("body", CONSOLE)
def test_a_console_block_prints_what_it_shows(body):
    for command, output in pages.commands(body):
        assert pages.printed(command) == pages.trimmed(output), command


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_are_one_doctest(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = "".join(body for _, body in pages.blocks(page, "pycon"))
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    assert len(test.examples) == text.count(">>> ")
    assert runner.summarize(verbose=False).failed == 0
