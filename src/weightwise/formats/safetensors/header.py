"""The header of a safetensors file: what each array is, and where its bytes lie.

    8 bytes   the length n of the header, little-endian, at most 100 MB
    n bytes   JSON: {"fc.weight": {"dtype": "F32", "shape": [5, 3], "data_offsets": [0, 60]}, "__metadata__": {…}}
    the rest  the values; the offsets count from here, and leave no byte out

Specification: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from weightwise.errors import FormatError
from weightwise.formats.dtypes import BITS
from weightwise.records import dataclass
from weightwise.source import Source

LENGTH = 8
MOST_HEADER = 100_000_000
"""The library refuses a longer header."""
MOST_VALUES = 1 << 64
METADATA = "__metadata__"
FIELDS = ("dtype", "shape", "data_offsets")
DTYPES: Mapping[str, str] = {
    "BOOL": "bool",
    "F4": "float4_e2m1fn",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}
"""The names of NumPy and ml_dtypes for those of the format, in the order that the library has them in."""


class Entry(NamedTuple):
    """One array; in the order of their bytes."""

    begin: int
    """The first byte, counted from the end of the header."""
    end: int
    """The byte after the last."""
    name: str
    dtype: str
    """NumPy's name; the file's own word where it is no dtype of the format."""
    shape: tuple[int, ...]
    problem: str = ""
    """Why its values cannot be told, or an empty string."""


@dataclass(frozen=True)
class Header:
    """All that a file says before its values."""

    entries: tuple[Entry, ...]
    """In the order in which their bytes lie."""
    metadata: Mapping[str, str]
    data: int
    """Where the values start in the file."""
    problems: tuple[str, ...]
    """What is wrong, one sentence each; the problems of the entries among them."""


class Repeated(dict[str, Any]):
    """A JSON object in which a name stands twice."""

    names: tuple[str, ...]


def read_header(source: Source) -> Header:
    """Returns what the header says; raises `FormatError` when nothing of it can be read."""
    size = int.from_bytes(source.read(0, LENGTH), "little")
    if size > MOST_HEADER:
        raise FormatError(f"{source.name}: expected a header of at most {MOST_HEADER:,} bytes, found {size:,}.")
    source.check(LENGTH, size)
    found = parsed(source, source.read(LENGTH, size))
    problems: list[str] = []
    entries = entries_of(found, problems)
    there = source.size - LENGTH - size
    entries = covered(entries, problems)
    problems += ending(entries, there)
    problems += (f"{shown(entry.name)}: {entry.problem}" for entry in entries if entry.problem)
    named = tuple(f"{source.name}: {problem}." for problem in problems)
    return Header(tuple(entries), texts(found.get(METADATA)), LENGTH + size, named)


def parsed(source: Source, header: bytes) -> dict[str, Any]:
    """Returns the header's JSON object, where names stand twice as `Repeated`; raises `FormatError`."""
    try:
        found = json.loads(header.decode(), object_pairs_hook=checked, parse_constant=refused)
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or nested without end
        raise FormatError(
            f"{source.name}: expected JSON in the header, found none ({error}); get the file again."
        ) from error
    if not isinstance(found, dict):
        raise FormatError(f"{source.name}: expected a JSON object as header, found {type(found).__name__}.")
    return found


def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object that says whether a name stands in it twice."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = Repeated(found)
    counts = Counter(name for name, _ in pairs)
    repeated.names = tuple(name for name, count in counts.items() if count > 1)
    return repeated


def refused(constant: str) -> None:
    """Raises `ValueError` for NaN and the infinities, which are no JSON."""
    raise ValueError(f"{constant} is no JSON")


def shown(name: str) -> str:
    """Returns an array's name as messages give it."""
    return f"the array {name:.200}"


def texts(metadata: object) -> dict[str, str]:
    """Returns the entries of the metadata that are text."""
    found = metadata.items() if isinstance(metadata, dict) else ()
    return {name: text for name, text in found if isinstance(text, str)}


def entries_of(found: dict[str, Any], problems: list[str]) -> list[Entry]:
    """Returns the arrays of which a shape can be told, sorted by their bytes; the others are problems."""
    twice = frozenset(found.names) if isinstance(found, Repeated) else frozenset()
    entries = []
    for name, value in found.items():
        if name == METADATA:
            problems += metadata_problems(value, name in twice)
            continue
        try:
            entry = entry_of(name, value)
        except ValueError as error:
            problems.append(f"{shown(name)}: {error}")
            continue
        entries.append(entry._replace(problem="its name stands twice in the header") if name in twice else entry)
    return sorted(entries)


def metadata_problems(value: object, twice: bool) -> Iterator[str]:
    """Yields what is wrong with the metadata."""
    if twice:
        yield f"{METADATA} stands twice in the header"
    if isinstance(value, Repeated):
        yield f"{METADATA} says {value.names[0]:.80} twice"
    if value is not None and (not isinstance(value, dict) or len(texts(value)) < len(value)):
        yield f"expected {METADATA} as an object of texts, found {value!r:.80}"


def entry_of(name: str, value: object) -> Entry:
    """Returns what the header says of one array; raises `ValueError` when it does not say a shape and a place."""
    name.encode()  # half of a pair of surrogates is no text: UnicodeEncodeError, which is a ValueError
    if not isinstance(value, dict):
        raise ValueError(f"expected an object with {', '.join(FIELDS)}, found {value!r:.80}")
    missing = [field for field in FIELDS if field not in value]
    if missing:
        raise ValueError(f"expected {', '.join(FIELDS)}, but {missing[0]} is missing")
    dtype, shape, offsets = (value[field] for field in FIELDS)
    if not is_sizes(shape):
        raise ValueError(f"expected a shape of whole numbers, found {shape!r:.80}")
    if not is_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"expected data_offsets as two places, found {offsets!r:.80}")
    begin, end = offsets
    problem = f"says {value.names[0]:.80} twice" if isinstance(value, Repeated) else ""
    known = DTYPES.get(dtype, "") if isinstance(dtype, str) else ""
    problem = problem or size_problem(known, shape, end - begin) or ""
    return Entry(begin, end, name, known or f"{dtype!s:.40}", tuple(shape), problem)


def is_sizes(value: object) -> bool:
    """Returns whether this is a list of whole numbers that 64 bits can hold."""
    return isinstance(value, list) and all(type(size) is int and 0 <= size < MOST_VALUES for size in value)


def size_problem(dtype: str, shape: Sequence[int], length: int) -> str:
    """Returns why an array of this dtype and shape cannot take so many bytes, or an empty string."""
    if not dtype:
        return "its dtype is none of the format's"
    count = 1
    for size in shape:
        count *= size
        if count >= MOST_VALUES:
            return f"a shape of {len(shape)} dimensions has more values than 64 bits can count"
    bits = count * BITS[dtype]
    if bits % 8:
        return f"its {count:,} values of {BITS[dtype]} bits do not fill whole bytes"
    return f"expected {bits // 8:,} bytes for {dtype} {tuple(shape)}, found {length:,}" if bits != 8 * length else ""


def covered(entries: Sequence[Entry], problems: list[str]) -> list[Entry]:
    """Returns the arrays, with those that share bytes marked; bytes between them that are no array's are problems."""
    result: list[Entry] = []
    reached = furthest = 0
    for place, entry in enumerate(entries):
        if entry.begin > reached:
            problems.append(
                f"bytes {reached:,}–{entry.begin:,} of the data, before {shown(entry.name)}, are no array's"
            )
        elif entry.begin < reached:
            result[furthest], entry = marked(result[furthest], entry.name), marked(entry, result[furthest].name)
        result.append(entry)
        if entry.end > reached:
            reached, furthest = entry.end, place
    return result


def marked(entry: Entry, other: str) -> Entry:
    """Returns an array as one whose bytes are also another's."""
    return entry if entry.problem else entry._replace(problem=f"its bytes are also those of {shown(other)}")


def ending(entries: Sequence[Entry], there: int) -> Iterator[str]:
    """Yields why the data do not end where the arrays do."""
    reached = max((entry.end for entry in entries), default=0)
    if reached < there:
        yield f"the last {there - reached:,} bytes are no array's"
    cut = [entry for entry in entries if entry.end > there]
    if cut:
        yield (
            f"the file is too short: the arrays take {reached:,} bytes, but {there:,} are there; "
            f"{len(cut):,} of {len(entries):,} arrays are cut off, from {cut[0].name:.200} on"
        )
