"""`weightwise show`: the one screen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import weightwise
from weightwise.cli.printing import color, json_text, output_options, printed, table_width

if TYPE_CHECKING:
    from weightwise.model import Model, Weight


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--layer", metavar="NAME", action="append", help="only this layer (may be repeated)")
    parser.add_argument(
        "--filter", metavar="PATTERN", default="", help="only what has this in its name: 'attn', '*.bias'"
    )
    parser.add_argument("--sort", choices=("size", "name"), default="", help="the largest first, or by name")
    parser.add_argument("--unfold", action="store_true", help="show every block, also those that are alike")
    parser.add_argument("--weights-only", action="store_true", help="only the arrays, in the framework's own order")
    output_options(parser)


def run(chosen: argparse.Namespace) -> int:
    """Print the screen and return the exit code."""
    model = weightwise.open(chosen.model)
    return printed(_text(model, chosen), model)


def _text(model: Model, chosen: argparse.Namespace) -> str:
    from weightwise.answers.listing import layers_listed, weights_listed

    only = layers_listed(model, chosen.layer or (), chosen.filter, chosen.sort)
    if chosen.weights_only:
        return _weights(weights_listed(model, only, chosen.filter, chosen.sort), chosen)
    if chosen.json:
        from weightwise.views.document import model_document

        return json_text(model_document(model, only))
    from weightwise.views.screen import screen

    fold = not (chosen.unfold or chosen.sort)
    return screen(model, table_width(), color(chosen), only, fold)


def _weights(weights: Sequence[Weight], chosen: argparse.Namespace) -> str:
    if chosen.json:
        from weightwise.views.document import weight_document

        return json_text([weight_document(weight) for weight in weights])
    from weightwise.views.screen import weight_list

    return weight_list(weights, color(chosen))
