"""The command line: it parses, calls and prints. One module per command, imported when that command is asked for.

Exit codes: 0, all is told; 1, what was to be proven does not hold; 2, the file or the request is bad, or a part of the
file could not be told (that part is one sentence on stderr each, the rest is on stdout).
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from weightwise import __version__
from weightwise.records import dataclass


@dataclass(frozen=True)
class Command:
    """A command: the module that has its `options` and its `run`, and what its help says."""

    module: str
    help: str
    example: str


COMMANDS = {
    "show": Command("showing", "the one screen: layers, arrays, axes and arithmetic", "show examples/mnist_cnn.keras"),
    "summary": Command(
        "summarising", "Keras's own table, as model.summary() prints it", "summary examples/mnist_cnn.keras"
    ),
    "explain": Command(
        "explaining",
        "the long answer in sentences, for the model, a layer or an array",
        "explain examples/mnist_cnn.keras conv2d_2",
    ),
    "locate": Command(
        "locating",
        "what one single number is, where it lies and what it does",
        "locate examples/mnist_cnn.keras '[2][0,1,5,17]'",
    ),
    "port": Command(
        "porting",
        "the weights for another framework, array by array, and the model's code",
        "port examples/mnist_cnn.keras --to pytorch -o mnist_cnn.safetensors",
    ),
    "prove": Command(
        "proving",
        "whether a model, or two, compute what their named axes say, layer by layer",
        "prove examples/mnist_cnn.keras mnist_cnn.safetensors",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if arguments is None:
        gc.disable()  # a process of its own is over before anything could be gained from looking for cycles
    chosen = _parsed(list(sys.argv[1:] if arguments is None else arguments))
    from weightwise.errors import WeightwiseError

    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except WeightwiseError as error:
        if chosen.traceback:
            raise
        print(f"weightwise: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the pipe has seen enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        arguments = ["show", *arguments]
    parser = _parser(arguments[0] if arguments else "")
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        raise SystemExit(2)
    return chosen


def _parser(asked: str) -> argparse.ArgumentParser:
    """Return the parser, with the options of the one command that is asked for."""
    parser = argparse.ArgumentParser(
        prog="weightwise",
        usage="weightwise [COMMAND] MODEL [options]",
        description="Says what every weight array of a neural network is: its layer, its axes, its arithmetic.",
        epilog="example: weightwise examples/mnist_cnn.keras        (the same as: weightwise show …)",
    )
    parser.add_argument("--version", action="version", version=f"weightwise {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            prog=f"weightwise {name}",
            help=command.help,
            description=command.help,
            epilog=f"example: weightwise {command.example}",
        )
        if name == asked:
            module = import_module(f"weightwise.cli.{command.module}")
            sub.add_argument("model", metavar="MODEL", help="the file or the folder of a model")
            module.options(sub)
            sub.add_argument(
                "--traceback", action="store_true", help="on an error, show where in the program it was found"
            )
            sub.set_defaults(run=module.run)
    return parser
