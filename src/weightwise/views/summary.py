"""Keras's own table of a model, as `Model.summary()` of the two generations prints it, character by character.

Keras 2 draws lines with `_` and `=` and breaks a text wherever its column ends
(https://github.com/keras-team/tf-keras/blob/v2.21.0/tf_keras/utils/layer_utils.py). Keras 3 draws boxes with the
package rich, which breaks at spaces and shortens a word that is longer than its column
(https://github.com/keras-team/keras/blob/v3.15.1/keras/src/utils/summary_utils.py). What the file does not tell is `?`,
which is also Keras's sign for a shape that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from weightwise.answers.summary import Row, Summary, Total, summarised
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.records import dataclass
from weightwise.stored import Addressing, Call, StoredModel, Tensor

UNKNOWN = "?"
HEADER = ("Layer (type)", "Output Shape", "Param #", "Connected to")
NARROWEST = 30
"""A terminal of fewer columns gets the table of this many; a little below it Keras refuses to print one."""


def summary(model: Model, style: str | None = None, expand_nested: bool = False, columns: int = 80) -> str:
    """Return the table as the lines that Keras prints, each with its line end.

    `style` is `keras2` or `keras3`, by default the generation that wrote the file; `columns` is the terminal's width,
    which Keras 3 heeds. Raises `UnsupportedError` for another style.
    """
    style = style or generation(model.stored)
    if style not in STYLES:
        raise UnsupportedError(f"there is no style {style!r} of Keras's summary; choose one of {', '.join(STYLES)}")
    return "".join(f"{line}\n" for line in STYLES[style](summarised(model), expand_nested, columns))


def generation(stored: StoredModel) -> str:
    """Return the style of the Keras that wrote the file, told by its way to address arrays where it has no version."""
    major = stored.version.partition(".")[0]
    if major.isdecimal():
        return "keras2" if int(major) < 3 else "keras3"
    return "keras2" if stored.addressing is Addressing.ORDER else "keras3"


def _title(row: Row) -> str:
    return f"({row.class_name or UNKNOWN})"


def _tensor_text(tensor: Tensor) -> str:
    return f"{tensor.layer}[{tensor.call}][{tensor.index}]"


def _memory(nbytes: int, smallest: str) -> str:
    """Return a number of bytes as Keras writes it; `smallest` is its word for a byte."""
    size = float(nbytes)
    for unit in (smallest, "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _totals(table: Summary, optimizer: Total | None) -> Iterator[tuple[str, Total]]:
    """Yield the totals below the table with their names; the first counts the optimizer where there is one."""
    parts = {"Trainable": table.trainable, "Non-trainable": table.non_trainable}
    parts |= {} if optimizer is None else {"Optimizer": optimizer}
    yield "Total", Total(sum(part.parameters for part in parts.values()), sum(part.nbytes for part in parts.values()))
    yield from parts.items()


# Keras 2


@dataclass(frozen=True)
class _Ruled:
    """The measures of a table of Keras 2."""

    length: int
    ends: tuple[int, ...]
    """The place where each column ends."""
    expand_nested: bool


def _ruled_lines(table: Summary, expand_nested: bool, columns: int) -> Iterator[str]:
    """Yield the lines that Keras 2 prints, whatever the terminal's width."""
    length, shares = (65, (0.45, 0.85, 1.0)) if table.is_chain else (98, (0.3, 0.6, 0.7, 1.0))
    measures = _Ruled(length, tuple(int(length * share) for share in shares), expand_nested)
    yield f'Model: "{table.name}"'
    yield "_" * length
    yield from _ruled_row(HEADER[: len(shares)], measures, 0)
    yield "=" * length
    for row in table.rows:
        yield from _ruled_layer(row, measures, 0, is_last=False)
    yield "=" * length
    for name, total in _totals(table, None):
        yield f"{name} params: {total.parameters} ({_memory(total.nbytes, 'Byte')})"
    yield "_" * length


def _ruled_layer(row: Row, measures: _Ruled, level: int, is_last: bool) -> Iterator[str]:
    """Yield a layer, the layers inside it, and the empty line that follows all but the last layer of a model."""
    texts = [f"{row.name} {_title(row)}", _ruled_shape(row), str(row.parameters) if row.built else "0 (unused)"]
    reads = [_tensor_text(tensor) for call in row.uses for tensor in call.inputs]
    yield from _ruled_row([*texts, str(reads)][: len(measures.ends)], measures, level)
    if row.rows and measures.expand_nested:
        yield _between("¯", measures, level + 1)
        for inner in row.rows:
            yield from _ruled_layer(inner, measures, level + 1, is_last=inner is row.rows[-1])
        yield _between("¯", measures, level)
    elif not is_last:
        yield _between(" ", measures, level)


def _between(sign: str, measures: _Ruled, level: int) -> str:
    return "|" * level + sign * (measures.length - 2 * level) + "|" * level


def _ruled_row(texts: Sequence[str], measures: _Ruled, level: int) -> Iterator[str]:
    """Yield the lines of one row between the bars of the models that it is in."""
    rest = list(texts)
    while any(rest):
        line = "|" * level + " "
        start = level
        for column, end in enumerate(measures.ends):
            last = column == len(measures.ends) - 1
            piece = _piece(rest[column], end - start - (0 if last else 3))
            rest[column] = rest[column][len(piece) :]
            line = f"{line}{piece}{'' if last else '  '}".ljust(end - (level if last else 0))
            start = end
        yield line + "|" * level


def _piece(text: str, width: int) -> str:
    """Return what of a text comes on one line: as much as fits, but nothing after the end of a tuple or a string."""
    fitting = text[: max(width, 1)]
    ends = [fitting.find(end) + 2 for end in ("),", "},", "],", "',") if end in fitting]
    return fitting[: min(ends, default=len(fitting))]


def _ruled_shape(row: Row) -> str:
    calls = {row.inside} if row.inside else set(row.calls)
    known = {shapes for shapes in calls if shapes and None not in shapes}
    if len(known) > 1:
        return "multiple"
    if not known or known < calls:
        return UNKNOWN
    (shapes,) = known
    if row.class_name.endswith("Attention"):  # these return a tuple where others return a list
        return str(shapes[0] if len(shapes) == 1 else shapes)
    return str(shapes[0] if len(shapes) == 1 and row.class_name != "InputLayer" else list(shapes))


# Keras 3


def _boxed_lines(table: Summary, expand_nested: bool, columns: int) -> Iterator[str]:
    """Yield the lines that Keras 3 prints on a terminal of so many columns."""
    columns = max(columns, NARROWEST)
    longest, shares = (88, (0.45, 0.8, 1.0)) if table.is_chain else (108, (0.3, 0.56, 0.74, 1.0))
    widths = _box_widths(min(longest, columns - 4), shares)
    yield from _wrapped(f'Model: "{table.name}"', columns, fold=True)
    yield _rule("┏━┳┓", widths)
    yield from _boxed_row(HEADER[: len(shares)], widths, "┃", bottom=True)
    yield _rule("┡━╇┩", widths)
    rows = [_boxed_texts(row, level)[: len(shares)] for row, level in _levels(table.rows, expand_nested)]
    for place, texts in enumerate(rows):
        if place:
            yield _rule("├─┼┤", widths)
        yield from _boxed_row(texts, widths, "│")
    yield _rule("└─┴┘", widths)
    for name, total in _totals(table, table.optimizer):
        line = f" {name} params: {total.parameters:,} ({_memory(total.nbytes, 'B')})"
        yield from _wrapped(line, columns, fold=True)


def _levels(rows: Sequence[Row], expand_nested: bool, level: int = 0) -> Iterator[tuple[Row, int]]:
    """Yield each row with the number of models that it is in."""
    for row in rows:
        yield row, level
        if expand_nested:
            yield from _levels(row.rows, expand_nested, level + 1)


def _boxed_texts(row: Row, level: int) -> list[str]:
    prefix = "   " * level + "└ " if level else ""
    reads = [_tensor_text(tensor) for call in row.uses for tensor in _by_name(call)]
    parameters = f"{row.parameters:,}" if row.built else "0 (unbuilt)"
    return [f"{prefix}{row.name} {_title(row)}", _boxed_shape(row), parameters, ", ".join(reads) or "-"]


def _by_name(call: Call) -> tuple[Tensor, ...]:
    """Return the tensors that a call reads as Keras 3 lists them: those passed by keyword in the order of the words."""
    passed = [call.arguments[name] for name in sorted(call.arguments)]
    named = [value for value in passed if isinstance(value, Tensor)]
    return (*call.inputs[: len(call.inputs) - len(named)], *named)


def _boxed_shape(row: Row) -> str:
    shapes = row.calls[-1] if row.calls else ()
    if not shapes or None in shapes:
        return UNKNOWN
    texts = [f"({', '.join(map(str, shape or ()))})" for shape in shapes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _box_widths(length: int, shares: Sequence[float]) -> list[int]:
    """Return the columns' widths with a space on either side; rich takes the room for those from all columns evenly."""
    ends = [int(share * length) for share in shares]
    widths = [end - start + 2 for start, end in zip([0, *ends], ends, strict=False)]
    excess = sum(widths) - (length - len(widths) - 1)
    for place in range(len(widths)):
        taken = round(excess / (len(widths) - place))
        widths[place] -= taken
        excess -= taken
    return widths


def _rule(signs: str, widths: Sequence[int]) -> str:
    """Return a line from its left end, stroke, crossing and right end."""
    return signs[0] + signs[2].join(signs[1] * width for width in widths) + signs[3]


def _boxed_row(texts: Sequence[str], widths: Sequence[int], bar: str, bottom: bool = False) -> Iterator[str]:
    """Yield the lines of one row; a cell of fewer lines than others is filled up above (`bottom`) or below."""
    cells = [_wrapped(text, width - 2) for text, width in zip(texts, widths, strict=True)]
    order = -1 if bottom else 1
    lines = list(zip_longest(*(cell[::order] for cell in cells), fillvalue=""))[::order]
    for parts in lines:
        padded = [
            part.rjust(width - 2) if name == "Param #" else part.ljust(width - 2)
            for part, width, name in zip(parts, widths, HEADER, strict=False)
        ]
        yield bar + bar.join(f" {part} " for part in padded) + bar


def _wrapped(text: str, width: int, fold: bool = False) -> list[str]:
    """Return a text in lines of at most `width`; a longer word is shortened, or goes on in the next line (`fold`)."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        if len(lines[-1]) + len(word.rstrip()) <= width:
            lines[-1] += word
        elif fold and len(word.rstrip()) > width:
            lines += [word[start : start + width] for start in range(0, len(word), width)]
        else:
            lines.append(word)
    lines = [line if fold else line.rstrip() for line in lines if line]
    return [line[:width] if len(line.rstrip()) <= width else f"{line[: width - 1]}…" for line in lines] or [""]


STYLES: dict[str, Callable[[Summary, bool, int], Iterator[str]]] = {"keras2": _ruled_lines, "keras3": _boxed_lines}
