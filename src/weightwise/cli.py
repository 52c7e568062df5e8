"""The command line: it parses, calls and prints.

Exit codes: 0, all is told; 2, the file or the request is bad, or a part of the file could not be told (that part is one
sentence on stderr each, the rest is on stdout).
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from weightwise import __version__

if TYPE_CHECKING:
    from weightwise.model import Model, Weight

PIPE_WIDTH = 200
"""The width of the table when nobody looks at a terminal: lines are then for `grep` and `less -S`."""
PROSE_WIDTH = 100
"""The longest line of sentences that reads well."""

Command = Callable[["Model", argparse.Namespace], str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if arguments is None:
        gc.disable()  # a process of its own is over before anything could be gained from looking for cycles
    chosen = _parsed(list(sys.argv[1:] if arguments is None else arguments))
    from weightwise.errors import WeightwiseError

    try:
        return _run(chosen)
    except WeightwiseError as error:
        if chosen.traceback:
            raise
        print(f"weightwise: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the pipe has seen enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(chosen: argparse.Namespace) -> int:
    import weightwise

    model = weightwise.open(chosen.model)
    text: str = chosen.command(model, chosen)
    sys.stdout.write(text)
    sys.stdout.flush()
    for problem in model.problems:
        named = problem if problem.startswith(model.stored.path) else f"{model.stored.path}: {problem}"
        print(f"weightwise: {named}", file=sys.stderr)
    return 2 if model.problems else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = _parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        arguments = ["show", *arguments]
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "command"):
        parser.print_help()
        raise SystemExit(2)
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="weightwise",
        usage="weightwise [COMMAND] MODEL [options]",
        description="Says what every weight array of a neural network is: its layer, its axes, its arithmetic.",
        epilog="example: weightwise examples/mnist_cnn.keras        (the same as: weightwise show …)",
    )
    parser.add_argument("--version", action="version", version=f"weightwise {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, (command, help_text, example, options) in COMMANDS.items():
        sub = commands.add_parser(name, help=help_text, description=help_text, epilog=f"example: weightwise {example}")
        sub.add_argument("model", metavar="MODEL", help="the file or the folder of a model")
        options(sub)
        sub.add_argument("--traceback", action="store_true", help="on an error, show where in the program it was found")
        sub.set_defaults(command=command)
    return parser


def _show_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layer", metavar="NAME", action="append", help="only this layer (may be repeated)")
    parser.add_argument(
        "--filter", metavar="PATTERN", default="", help="only what has this in its name: 'attn', '*.bias'"
    )
    parser.add_argument("--sort", choices=("size", "name"), default="", help="the largest first, or by name")
    parser.add_argument("--unfold", action="store_true", help="show every block, also those that are alike")
    parser.add_argument("--weights-only", action="store_true", help="only the arrays, in the framework's own order")
    _output_options(parser)


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")


def _show(model: Model, chosen: argparse.Namespace) -> str:
    from weightwise.answers.listing import layers_listed, weights_listed

    only = layers_listed(model, chosen.layer or (), chosen.filter, chosen.sort)
    if chosen.weights_only:
        return _weights(weights_listed(model, only, chosen.filter, chosen.sort), chosen)
    if chosen.json:
        from weightwise.views.document import model_document

        return _json_text(model_document(model, only))
    from weightwise.views.screen import screen
    from weightwise.views.style import wants_color

    fold = not (chosen.unfold or chosen.sort)
    return screen(model, _width(sys.stdout), wants_color(chosen.color, sys.stdout), only, fold)


def _weights(weights: Sequence[Weight], chosen: argparse.Namespace) -> str:
    if chosen.json:
        from weightwise.views.document import weight_document

        return _json_text([weight_document(weight) for weight in weights])
    from weightwise.views.screen import weight_list
    from weightwise.views.style import wants_color

    return weight_list(weights, wants_color(chosen.color, sys.stdout))


def _json_text(document: object) -> str:
    import json

    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _explain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="LAYER|INDEX|LAYER/WEIGHT",
        nargs="?",
        help="one layer or one array; by default the whole model",
    )
    _output_options(parser)


def _explain(model: Model, chosen: argparse.Namespace) -> str:
    explanation = model.explain(chosen.target)
    if chosen.json:
        from weightwise.views.explanation_document import explanation_document

        return _json_text(explanation_document(explanation))
    from weightwise.views.explanation import explanation_text
    from weightwise.views.style import wants_color

    return explanation_text(explanation, _prose_width(), wants_color(chosen.color, sys.stdout))


def _locate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "selector",
        metavar="SELECTOR",
        help="a number or a part of an array: '[2][0,1,5,17]', 'conv2d_2/kernel[kh=0, in=5]', '[2][:,:,5]'",
    )
    _output_options(parser)


def _locate(model: Model, chosen: argparse.Namespace) -> str:
    from weightwise.views.location import location_document, location_text
    from weightwise.views.style import wants_color

    found = model.locate(chosen.selector)
    if chosen.json:
        return _json_text(location_document(found))
    return location_text(found, _prose_width(), wants_color(chosen.color, sys.stdout))


def _summary_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--style", choices=("keras2", "keras3"), help="default: as the Keras that wrote the file")
    parser.add_argument("--expand-nested", action="store_true", help="also the layers of models inside the model")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _summary(model: Model, chosen: argparse.Namespace) -> str:
    if chosen.json:
        from dataclasses import asdict

        from weightwise.answers.summary import summarised

        return _json_text(asdict(summarised(model)))
    import shutil

    from weightwise.views.summary import summary

    return summary(model, chosen.style, chosen.expand_nested, shutil.get_terminal_size().columns)


def _prose_width() -> int:
    import shutil

    return min(shutil.get_terminal_size().columns, PROSE_WIDTH)


def _width(stream: TextIO) -> int:
    import shutil

    return shutil.get_terminal_size((PIPE_WIDTH if not stream.isatty() else 80, 24)).columns


COMMANDS = {
    "show": (
        _show,
        "the one screen: layers, arrays, axes and arithmetic",
        "show examples/mnist_cnn.keras",
        _show_options,
    ),
    "summary": (
        _summary,
        "Keras's own table, as model.summary() prints it",
        "summary examples/mnist_cnn.keras",
        _summary_options,
    ),
    "explain": (
        _explain,
        "the long answer in sentences, for the model, a layer or an array",
        "explain examples/mnist_cnn.keras conv2d_2",
        _explain_options,
    ),
    "locate": (
        _locate,
        "what one single number is, where it lies and what it does",
        "locate examples/mnist_cnn.keras '[2][0,1,5,17]'",
        _locate_options,
    ),
}
