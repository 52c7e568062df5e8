"""The Keras 3 archive, `.keras`: a zip with `config.json`, `metadata.json` and `model.weights.h5`.

Keras 2.12 and later write it too. The weights member is not compressed, and is read where it lies.
"""

from __future__ import annotations

from weightwise.errors import FormatError
from weightwise.formats.archive import Archive
from weightwise.formats.hdf5 import Contents, read_hdf5
from weightwise.formats.json_text import read_json
from weightwise.formats.keras.config import ConfigReader, Entry
from weightwise.formats.keras.weights import weights_model
from weightwise.source import leads_out
from weightwise.stored import StoredModel

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def match(archive: Archive) -> bool:
    """Returns whether an archive has a configuration or weights of Keras."""
    return bool({CONFIG, WEIGHTS} & set(archive.members))


def open_model(archive: Archive) -> StoredModel:
    """Returns the model of an archive; raises `FormatError` when nothing in it can be read."""
    problems = complaints(archive)
    version = keras_version(archive, problems)
    entry = configuration(archive, problems)
    contents = weights(archive, problems)
    if entry is None and not contents.attributes:
        raise FormatError(problems[0])
    form = f"Keras {version.partition('.')[0]} archive (.keras)" if version else "Keras archive (.keras)"
    return weights_model(archive.source, contents, entry, form, version, problems)


def complaints(archive: Archive) -> list[str]:
    """Returns what is wrong with the archive as a whole: members whose names lead out of it are left alone."""
    names = [name for name in archive.members if leads_out(name)]
    return [archive.problem] * bool(archive.problem) + [
        f"{archive.source.name}: the member {name!r} leads out of the archive; it was left alone." for name in names[:1]
    ]


def keras_version(archive: Archive, problems: list[str]) -> str:
    """Returns the version of Keras that wrote the archive, or an empty string."""
    try:
        member = archive.member(METADATA)
        version = read_json(member.read(0, member.size), member.name).get("keras_version")
    except FormatError as error:
        problems.append(str(error))
        return ""
    return version if isinstance(version, str) else ""


def configuration(archive: Archive, problems: list[str]) -> Entry | None:
    """Returns the model's configuration, or None when it cannot be read."""
    try:
        member = archive.member(CONFIG)
        return ConfigReader(member.name, problems).model(read_json(member.read(0, member.size), member.name))
    except FormatError as error:
        problems.append(str(error))
        return None


def weights(archive: Archive, problems: list[str]) -> Contents:
    """Returns what the weights member holds, nothing when it cannot be read."""
    try:
        return read_hdf5(archive.member(WEIGHTS))
    except FormatError as error:
        problems.append(str(error))
        return Contents({}, {}, ())
