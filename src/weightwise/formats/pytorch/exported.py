"""Exported programs, `.pt2`: what `torch.export.save` writes.

    archive_format                            `pt2`
    models/model.json                         the graph
    data/weights/model_weights_config.json    which array lies in which member, its shape, strides and dtype
    data/weights/weight_0                     the bytes of an array
    data/constants/…                          the same of tensors that are in no state dict

Before PyTorch 2.8 the arrays were a pickle, `data/weights/model.pt`; before 2.7 there were only
`serialized_exported_program.json` and `serialized_state_dict.pt`.
https://docs.pytorch.org/docs/stable/export/pt2_archive.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive, read_archive
from weightwise.formats.json_text import read_json
from weightwise.formats.pytorch.exported_graph import Program, entries, inner, items, size_of
from weightwise.formats.pytorch.objects import arrays_of, listing, some
from weightwise.formats.pytorch.values import Storage, Tensor
from weightwise.formats.pytorch.walk import Named, left_out, tensors_in
from weightwise.formats.pytorch.zipped import folder_of, unpickled
from weightwise.stored import Addressing, StoredModel

FORMAT = "archive_format"
PT2 = b"pt2"
"""What the member of that name contains."""
GRAPH = "serialized_exported_program.json"
DTYPES: Mapping[int, str] = {
    **dict(enumerate(("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"), 1)),
    **dict(enumerate(("complex32", "complex64", "complex128", "bool", "bfloat16"), 9)),
    **dict(enumerate(("uint16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), 28)),
    **dict(enumerate(("float8_e8m0fnu", "uint32", "uint64"), 33)),
}
"""PyTorch's dtypes by their numbers in the file."""


def match(archive: Archive) -> bool:
    """Returns whether an archive says that it is one of PyTorch 2, or has an exported program of old."""
    if GRAPH in archive.members:
        return True
    names = [name for name in archive.members if name.endswith(f"/{FORMAT}")]
    return any(archive.info(name).file_size == len(PT2) and content(archive, name) == PT2 for name in names)


def content(archive: Archive, name: str) -> bytes:
    """Returns the bytes of a member."""
    member = archive.member(name)
    return member.read(0, member.size)


def open_model(archive: Archive) -> StoredModel:
    """Returns the program of an archive; raises `FormatError` when its graph cannot be read."""
    path = archive.source.path
    folder = next((name.removesuffix(FORMAT) for name in archive.members if name.endswith(f"/{FORMAT}")), "")
    graph, others = graph_of(archive, folder)
    told = [archive.problem] * bool(archive.problem)
    document = read_json(content(archive, graph), f"{archive.source.name}!{graph}")
    name = Path(graph).stem
    weights = arrays_of(path, held(archive, folder, name, "weights", told), told)
    state = arrays_of(path, held(archive, folder, name, "constants", told), told)
    program = Program(entries(document.get("graph_module")), {array.path: array for array in weights})
    drawn = program.drawn()
    root = drawn.root(Path(path).stem, program.arrays)
    version = document.get("torch_version")
    return StoredModel(
        path,
        "PyTorch exported program (.pt2)",
        "PyTorch",
        version if isinstance(version, str) else "",
        root,
        Addressing.PATH,
        nbytes=archive.source.size,
        state=tuple(state),
        listing=listing(root, weights),
        remarks=(*drawn.remarks(), *others),
        problems=tuple(told),
    )


def graph_of(archive: Archive, folder: str) -> tuple[str, list[str]]:
    """Returns the name of the member with the graph, and what is said of others; raises `FormatError` for none."""
    if GRAPH in archive.members:
        return GRAPH, []
    start = f"{folder}models/"
    found = [name for name in archive.members if name.startswith(start) and name.endswith(".json")]
    if not found:
        raise FormatError(
            f"{archive.source.name}: expected an exported program in {start}, found none; compiled packages "
            "(AOTInductor) have no arrays that can be told, so give the program that torch.export.save wrote."
        )
    rest = [Path(name).stem for name in found[1:]]
    return found[0], [f"the archive also holds the programs {some(rest)}, which are not shown"] * bool(rest)


def held(archive: Archive, folder: str, name: str, kind: str, problems: list[str]) -> list[Named]:
    """Returns the tensors of one kind, `weights` or `constants`; why there are none is a problem."""
    old = {"weights": "serialized_state_dict.pt", "constants": "serialized_constants.pt"}[kind]
    place = f"{folder}data/{kind}/"
    try:
        for pickle in (old, f"{place}{name}.pt"):
            if pickle in archive.members:
                return list(tensors_in(saved(archive, pickle)))
        return list(payloads(archive, place, f"{place}{name}_{kind}_config.json"))
    except FormatError as error:
        problems.append(str(error))
        return []


def saved(archive: Archive, name: str) -> Any:
    """Returns what `torch.save` wrote into a member."""
    inside = read_archive(archive.member(name))
    if folder_of(inside) is None:
        raise FormatError(inside.problem or f"{archive.source.name}!{name}: expected an archive with a pickle.")
    pickle, problems = unpickled(inside)
    if problems:
        raise FormatError(problems[0])
    return pickle.value


def payloads(archive: Archive, place: str, name: str) -> Iterator[Named]:
    """Yields the tensors that a list of members describes."""
    document = read_json(content(archive, name), f"{archive.source.name}!{name}")
    for array, entry in entries(document.get("config")).items():
        member = inner(entry, "path_name")
        if not isinstance(member, str):
            yield left_out(array, "the list of members does not say where it is")
        elif inner(entry, "use_pickle"):
            yield from pickled(archive, f"{place}{member}", array)
        else:
            yield Named(array, described(archive, f"{place}{member}", entries(inner(entry, "tensor_meta"))))


def pickled(archive: Archive, member: str, array: str) -> Iterator[Named]:
    """Yields the tensor, or the tensors, of a member that is a pickle."""
    try:
        yield from tensors_in(saved(archive, member), array)
    except FormatError as error:
        yield left_out(array, str(error))


def described(archive: Archive, member: str, meta: Mapping[str, Any]) -> Tensor:
    """Returns a tensor by its description; what is wrong with it is found when it becomes an array."""
    number = meta.get("dtype")
    dtype = DTYPES.get(number, "unknown") if isinstance(number, int) else "unknown"
    storage = Storage(member, dtype)
    try:
        storage.source = archive.lazy(member)
    except FormatError as error:
        storage.problem = str(error)
    shape, strides = (tuple(size_of(size) for size in items(meta.get(key))) for key in ("sizes", "strides"))
    return Tensor(storage, size_of(meta.get("storage_offset")), shape, strides, dtype)
