"""What all commands print with: text or JSON on stdout, the model's problems on stderr, the widths and colours."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from weightwise.model import Model

PIPE_WIDTH = 200
"""The width of the table when nobody looks at a terminal: lines are then for `grep` and `less -S`."""
PROSE_WIDTH = 100
"""The longest line of sentences that reads well."""


def output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a command prints."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")


def printed(text: str, *models: Model) -> int:
    """Print an answer on stdout and the problems of the models on stderr; return the exit code."""
    sys.stdout.write(text)
    sys.stdout.flush()
    for model in models:
        for problem in model.problems:
            named = problem if problem.startswith(model.stored.path) else f"{model.stored.path}: {problem}"
            print(f"weightwise: {named}", file=sys.stderr)
    return 2 if any(model.problems for model in models) else 0


def json_text(document: object) -> str:
    """Return a document as JSON text."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def color(chosen: argparse.Namespace) -> bool:
    """Return whether to print in colours."""
    from weightwise.views.style import wants_color

    return wants_color(chosen.color, sys.stdout)


def table_width(stream: TextIO | None = None) -> int:
    """Return the columns that a table may take."""
    import shutil

    return shutil.get_terminal_size((PIPE_WIDTH if not (stream or sys.stdout).isatty() else 80, 24)).columns


def prose_width() -> int:
    """Return the columns that sentences may take."""
    import shutil

    return min(shutil.get_terminal_size().columns, PROSE_WIDTH)
