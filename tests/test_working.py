"""The line that says what is being done."""

from __future__ import annotations

import io
import sys
import time

import pytest

from weightwise.cli import working


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch, stream, seconds: float) -> str:
    """Return what is written on stderr while a block takes so long."""
    monkeypatch.setattr(working, "PATIENCE", 0.01)
    monkeypatch.setattr(sys, "stderr", stream)
    with working.working("computing net.keras"):
        time.sleep(seconds)
    return stream.getvalue()


def test_who_waits_at_a_terminal_is_told_and_the_line_is_taken_away(monkeypatch):
    text = shown(monkeypatch, Terminal(), 0.2)
    assert "\rweightwise: computing net.keras, 0 s" in text
    assert text.endswith("\r")
    assert not text.split("\r")[-2].strip()


def test_nothing_is_told_to_a_pipe(monkeypatch):
    assert not shown(monkeypatch, io.StringIO(), 0.1)


def test_what_is_soon_over_is_not_told(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with working.working("computing net.keras"):
        pass
    assert not stream.getvalue()


def test_an_error_ends_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ValueError, match="broken"), working.working("computing net.keras"):
        raise ValueError("broken")
