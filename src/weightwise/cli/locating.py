"""`weightwise locate`: what one number is."""

from __future__ import annotations

import argparse

import weightwise
from weightwise.cli.printing import color, json_text, output_options, printed, prose_width


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "selector",
        metavar="SELECTOR",
        help="a number or a part of an array: '[2][0,1,5,17]', 'conv2d_2/kernel[kh=0, in=5]', '[2][:,:,5]'",
    )
    output_options(parser)


def run(chosen: argparse.Namespace) -> int:
    """Print where and what it is, and return the exit code."""
    from weightwise.views.location import location_document, location_text

    model = weightwise.open(chosen.model)
    found = model.locate(chosen.selector)
    if chosen.json:
        return printed(json_text(location_document(found)), model)
    return printed(location_text(found, prose_width(), color(chosen)), model)
