"""`weightwise explain`: the long answer."""

from __future__ import annotations

import argparse

import weightwise
from weightwise.cli.printing import color, json_text, output_options, printed, prose_width


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "target",
        metavar="LAYER|INDEX|LAYER/WEIGHT",
        nargs="?",
        help="one layer or one array; by default the whole model",
    )
    output_options(parser)


def run(chosen: argparse.Namespace) -> int:
    """Print the explanation and return the exit code."""
    model = weightwise.open(chosen.model)
    explanation = model.explain(chosen.target)
    if chosen.json:
        from weightwise.views.explanation_document import explanation_document

        return printed(json_text(explanation_document(explanation)), model)
    from weightwise.views.explanation import explanation_text

    return printed(explanation_text(explanation, prose_width(), color(chosen)), model)
