"""`weightwise summary`: Keras's own table."""

from __future__ import annotations

import argparse

import weightwise
from weightwise.cli.printing import json_text, printed


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--style", choices=("keras2", "keras3"), help="default: as the Keras that wrote the file")
    parser.add_argument("--expand-nested", action="store_true", help="also the layers of models inside the model")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(chosen: argparse.Namespace) -> int:
    """Print the table and return the exit code."""
    model = weightwise.open(chosen.model)
    if chosen.json:
        from dataclasses import asdict

        from weightwise.answers.summary import summarised

        return printed(json_text(asdict(summarised(model))), model)
    import shutil

    from weightwise.views.summary import summary

    columns = shutil.get_terminal_size().columns
    return printed(summary(model, chosen.style, chosen.expand_nested, columns), model)
