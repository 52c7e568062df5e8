"""`weightwise port`: the weights for another framework."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import weightwise
from weightwise.cli.printing import color, json_text, output_options, printed, table_width
from weightwise.cli.working import working
from weightwise.errors import UnsupportedError

if TYPE_CHECKING:
    from weightwise.porting.plan import Plan


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--to", choices=("pytorch", "keras", "flax"), default="", help="the framework to port to")
    parser.add_argument("--into", metavar="TARGET", help="a file of the model to fill; OUT is a copy of it")
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        help="the file to write: .safetensors, .keras, .weights.h5, .msgpack, or as TARGET",
    )
    parser.add_argument(
        "--map",
        metavar="SOURCE=TARGET",
        action="append",
        default=[],
        help="which layer is which: 'conv2d_1=features.0', or a file of such lines (may be repeated)",
    )
    parser.add_argument(
        "--rows",
        metavar="LAYER=AXES",
        action="append",
        default=[],
        help="what was flattened into the rows of a dense layer: 'fc1=c 64 h 12 w 12', or 'fc1=in' for no image",
    )
    parser.add_argument(
        "--axes",
        metavar="ARRAY=AXES",
        action="append",
        default=[],
        help="which reading an array has that names and shapes leave open: 'conv1/weight=out in/groups kh kw'",
    )
    parser.add_argument("--allow-lossy", action="store_true", help="also where the target's dtype loses digits")
    parser.add_argument("--code", metavar="FILE", help="where the model's code goes; default: OUT with .py")
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and write nothing")
    output_options(parser)


def run(chosen: argparse.Namespace) -> int:
    """Port, print the report, and return the exit code."""
    from weightwise.porting.carrying import write
    from weightwise.porting.plan import plan
    from weightwise.views.port_report import report_document, report_text

    if not chosen.to and not chosen.into:
        raise UnsupportedError("port: say --to FRAMEWORK, or --into TARGET, the file of a model to fill")
    if not chosen.out and not chosen.dry_run:
        raise UnsupportedError("port: say where to write with -o OUT, or --dry-run to see the plan")
    source = weightwise.open(chosen.model)
    target = weightwise.open(chosen.into) if chosen.into else None
    said = [choices(f"--{name}", getattr(chosen, name)) for name in ("map", "rows", "axes")]
    found = plan(source, chosen.to, target, *said)
    written: list[str] = []
    if not chosen.dry_run:
        text = _code(found, chosen)
        with working(f"writing {chosen.out}"):
            write(found, chosen.out, chosen.allow_lossy)
        written = [chosen.out, *_write_code(text, chosen)]
    if chosen.json:
        return printed(json_text(report_document(found, written)), source)
    return printed(report_text(found, written, table_width(), color(chosen)), source)


def choices(option: str, given: list[str]) -> dict[str, str]:
    """Return what was said of layers, in options and in the files that they name; raises `UnsupportedError`."""
    found: dict[str, str] = {}
    for text in given:
        lines = [text] if "=" in text else _lines(option, text)
        for line in lines:
            name, sign, place = (part.strip() for part in line.partition("="))
            if not (name and sign and place):
                raise UnsupportedError(f"{option}: expected NAME=VALUE, such as conv2d_1=features.0, found {line!r}")
            found[name] = place
    return found


def _lines(option: str, path: str) -> list[str]:
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UnsupportedError(f"{option}: {path!r} is neither NAME=VALUE nor a file of such lines: {error}") from None
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _code(found: Plan, chosen: argparse.Namespace) -> str:
    """Return the code to write, which must not take the place of a file that is not asked for."""
    from weightwise.porting.carrying import code

    text = code(found, Path(chosen.out).name) if found.target is None else ""
    path = _code_path(chosen)
    if text and not chosen.code and path.exists() and not path.read_text().startswith(text.splitlines()[0]):
        raise UnsupportedError(
            f"{path}: it is there already, and is no code of a port; say --code FILE for another place"
        )
    return text


def _code_path(chosen: argparse.Namespace) -> Path:
    return Path(chosen.code) if chosen.code else Path(chosen.out).with_suffix(".py")


def _write_code(text: str, chosen: argparse.Namespace) -> list[str]:
    if not text:
        return []
    from weightwise.formats.durable import whole

    path = _code_path(chosen)
    with whole(path) as file:
        file.write(text.encode())
    return [str(path)]
