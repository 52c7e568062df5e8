"""Colours of a terminal: few, and only the sixteen that every light and dark scheme defines readably.

https://no-color.org and https://bixense.com/clicolors decide when there are none.
"""

from __future__ import annotations

import os
from typing import TextIO

CODES = {"strong": "1", "faint": "2", "index": "36", "axes": "32", "warning": "31"}


def styled(text: str, style: str, color: bool) -> str:
    """Return the text in a style, or as it is without colours."""
    if not color or not style or not text.strip():
        return text
    return f"\x1b[{CODES[style]}m{text}\x1b[0m"


def wants_color(choice: str, stream: TextIO) -> bool:
    """Return whether to colour: `always`, `never`, or `auto`, which asks the stream and the environment."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"
