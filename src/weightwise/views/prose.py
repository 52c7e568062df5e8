"""Pages of sentences and small tables: wrapped where a reader wants it, however wide the terminal is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from weightwise.records import dataclass
from weightwise.views.style import styled
from weightwise.views.table import Row, lines

WIDEST = 88
"""Longer lines of prose are hard to read."""
INDENT = "  "
SIGNS = ("×", "·", "+", "-", "/", "//", "=")
"""What stands on both sides of these signs stays in one line."""
GLUE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Page:
    """How wide a text may be, and whether it has colours."""

    columns: int
    color: bool = False

    @property
    def width(self) -> int:
        """The width of its lines."""
        return min(self.columns, WIDEST)

    def prose(self, *sentences: str, indent: str = "") -> str:
        """Return sentences as one wrapped paragraph; empty ones are left out."""
        text = " ".join(sentence for sentence in sentences if sentence)
        for sign in SIGNS:
            text = text.replace(f" {sign} ", f"{GLUE}{sign}{GLUE}")
        wrapped = textwrap.wrap(text, self.width - len(indent), break_on_hyphens=False, break_long_words=False)
        return "\n".join(indent + line for line in wrapped).replace(GLUE, " ")

    def table(self, rows: Sequence[Row], indent: str = INDENT) -> str:
        """Return an indented table, its last column wrapped."""
        return textwrap.indent("\n".join(lines(rows, self.color, self.width - len(indent))), indent)

    def title(self, strong: str, rest: str = "") -> str:
        """Return a heading."""
        return f"{styled(strong, 'strong', self.color)}{rest}"


def as_sentence(remark: str) -> str:
    """Return a remark with a capital and a full stop; a name of a program, as `torch.load`, keeps its letters."""
    first = remark.partition(" ")[0]
    return f"{remark[:1].upper() if first.isalpha() else remark[:1]}{remark[1:].rstrip('.')}."
