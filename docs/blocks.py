"""The `console` blocks of the pages: `python docs/blocks.py` runs each command and writes its output into the page.

Commands run at 140 columns, without colours, with the `weightwise` of this interpreter, in a folder that has the
project's examples and samples, and keeps what the commands before have written.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the body of each block of a language in a page."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        if match["language"] == language:
            yield text[: match.start()].count("\n") + 1, match["body"]


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the page shows."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder in which commands run; it is gone when the program ends."""
    made = tempfile.TemporaryDirectory()
    for name in ("examples", "tests"):
        (Path(made.name) / name).symlink_to(ROOT / name)
    return made


def printed(command: str) -> str:
    """Return what a command prints, without trailing spaces and empty lines around it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "140", "NO_COLOR": "1"}
    run = subprocess.run(
        ["bash", "-c", command], cwd=folder().name, env=environment, capture_output=True, text=True, timeout=60
    )
    return trimmed(run.stdout + run.stderr)


def trimmed(text: str) -> str:
    """Return the text without trailing spaces and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def filled(text: str) -> str:
    """Return a page with the output of each command as it is now."""
    return FENCE.sub(lambda match: _filled(match) if match["language"] == "console" else match[0], text)


def _filled(match: re.Match[str]) -> str:
    parts = (f"$ {command}\n{printed(command)}\n" for command, _ in commands(match["body"]))
    return "```console\n" + "".join(parts) + "```"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
