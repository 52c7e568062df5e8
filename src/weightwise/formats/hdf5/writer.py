"""Writes HDF5 files of the oldest form, which every version of the library reads: groups, texts as attributes, arrays.

    superblock   version 0, 96 bytes; it says where the root group and the end are
    values       of one array after the other, each in one run
    metadata     a global heap with the texts, then the headers of all objects; a group has a local heap with the names
                 of its members, nodes with these names sorted, and a tree of one level that lists the nodes

Sizes are known before values are, so a file is written from its first byte to its last, and nothing is kept in memory
but one array.

Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (versions 0 and 1)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import accumulate
from struct import pack
from typing import IO

from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import BITS
from weightwise.formats.hdf5.messages import ATTRIBUTE, DATASPACE, DATATYPE, FLOATS, LAYOUT
from weightwise.formats.octets import Block, Octets, size_of, write_ahead
from weightwise.records import dataclass
from weightwise.stored import StoredArray

SIGNATURE = b"\x89HDF\r\n\x1a\n"
START = 96
"""The size of the superblock."""
NOWHERE = (1 << 64) - 1
FILL, SYMBOLS = 0x05, 0x11
NODE_MEMBERS = 8
"""So many members of a group has one node, as the library makes them."""
SMALLEST_HEAP = 4096
EXPONENTS = {dtype: (size, exponent) for (size, exponent), dtype in FLOATS.items() if dtype != "bfloat16"}
VARIABLE_TEXT = bytes.fromhex("19010100 10000000 10000000 01000000 00000800 00000000")
"""The datatype of a text in UTF-8 that lies in the global heap."""


@dataclass(frozen=True)
class Dataset:
    """An array with its attributes."""

    array: StoredArray
    attributes: Mapping[str, str] = field(default_factory=dict)

    def datasets(self) -> Iterator[Dataset]:
        """Yields itself."""
        yield self


@dataclass(frozen=True)
class Group:
    """Objects by their names."""

    members: dict[str, Group | Dataset] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def datasets(self) -> Iterator[Dataset]:
        """Yields all arrays here and below."""
        for member in self.members.values():
            yield from member.datasets()

    def objects(self) -> Iterator[Group | Dataset]:
        """Yields this group and all that is in it and below."""
        yield self
        for member in self.members.values():
            yield from member.objects() if isinstance(member, Group) else (member,)

    def group(self, path: str) -> Group:
        """Returns the group at a path from here, made where it is not there."""
        found = self
        for name in filter(None, path.split("/")):
            inner = found.members.setdefault(name, Group())
            if not isinstance(inner, Group):
                raise UnsupportedError(f"{path}: {name} cannot be an array and a group of others; rename one of them.")
            found = inner
        return found


def write_hdf5(file: IO[bytes], root: Group, start: int = 0) -> None:
    """Writes a file with these objects; raises `UnsupportedError` for a dtype that is not written.

    `start` is where it begins in the file on the disk.
    """
    write_ahead(file, lambda octets: blocks(octets, root), start)


def blocks(octets: Octets, root: Group) -> Iterator[Block]:
    """Yields the bytes of a file; raises `UnsupportedError`."""
    arrays = [dataset.array for dataset in root.datasets()]
    starts = list(accumulate((padded(size_of(array)) for array in arrays), initial=START))
    addresses = {id(array): start for array, start in zip(arrays, starts, strict=False)}
    metadata = Metadata(starts[-1], addresses, root)
    header = metadata.group(root)
    yield superblock(header, metadata.end, metadata.most_nodes)
    for array in arrays:
        yield from octets.of(array)
        yield bytes(padded(size_of(array)) - size_of(array))
    yield bytes(metadata.data)


def padded(size: int) -> int:
    """Returns a size filled up to whole words."""
    return size + -size % 8


def words(data: bytes) -> bytes:
    """Returns bytes filled up to whole words."""
    return data.ljust(padded(len(data)), b"\0")


def superblock(root: int, end: int, most_nodes: int) -> bytes:
    """Returns the first bytes of a file: the address of the root group's header, and where the file ends."""
    sizes = pack("<8B2HI", 0, 0, 0, 0, 0, 8, 8, 0, NODE_MEMBERS // 2, -(-most_nodes // 2), 0)
    return SIGNATURE + sizes + pack("<4Q", 0, NOWHERE, end, NOWHERE) + entry(0, root)


def entry(name: int, header: int) -> bytes:
    """Returns what a node says of a member: where its name lies in the local heap, and where its header is."""
    return pack("<QQ24x", name, header)


def message(kind: int, body: bytes) -> bytes:
    """Returns one message of a header."""
    body = words(body)
    return pack("<HHB3x", kind, len(body), 0) + body


def dataspace(shape: Sequence[int]) -> bytes:
    """Returns the message body of a shape; that of one value has no dimensions."""
    return pack(f"<3B5x{len(shape)}Q", 1, len(shape), 0, *shape)


def datatype(array: StoredArray) -> bytes:
    """Returns the message body of a dtype, little-endian; raises `UnsupportedError` for one that HDF5 has not."""
    dtype, size = array.dtype, BITS[array.dtype] // 8
    if dtype == "bfloat16":  # h5py's two opaque bytes without a tag, which Keras reads as bfloat16
        return pack("<B3xI", 0x15, 2)
    if dtype in EXPONENTS:
        size, exponent = EXPONENTS[dtype]
        mantissa, bits = 8 * size - exponent - 1, (0x20, 8 * size - 1, 0)
        places = pack("<HH4BI", 0, 8 * size, mantissa, exponent, 0, mantissa, (1 << exponent - 1) - 1)
        return pack("<4BI", 0x11, *bits, size) + places
    if dtype.startswith(("int", "uint")) and BITS[dtype] >= 8:
        return pack("<4BIHH", 0x10, 0 if dtype.startswith("u") else 8, 0, 0, size, 0, 8 * size)
    if dtype == "bool":  # h5py's enumeration
        base = pack("<4BIHH", 0x10, 8, 0, 0, 1, 0, 8)
        return pack("<BH1xI", 0x18, 2, 1) + base + words(b"FALSE\0") + words(b"TRUE\0") + b"\0\1"
    raise UnsupportedError(f"{array.path}: HDF5 files are written without {dtype}; convert it first.")


@dataclass
class Metadata:
    """What follows the values: the headers of objects, placed one after the other from `start` on."""

    start: int
    addresses: Mapping[int, int]
    """Where the values of each array lie, by its identity."""
    root: Group
    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        """Places the heap of the texts, which the headers refer to."""
        objects = list(self.root.objects())
        members = [len(found.members) for found in objects if isinstance(found, Group)]
        self.most_nodes = max(2, -(-max(members) // NODE_MEMBERS))
        texts = dict.fromkeys(text for found in objects for text in found.attributes.values())
        self.texts = {text: number for number, text in enumerate(texts, 1)}
        self.heap = self.place(global_heap(list(texts)))

    @property
    def end(self) -> int:
        """The address of what will be placed next."""
        return self.start + len(self.data)

    def place(self, block: bytes) -> int:
        """Returns the address of a block that is put at the end."""
        address = self.end
        self.data += words(block)
        return address

    def group(self, group: Group) -> int:
        """Returns the address of the header of a group; its members are placed before."""
        headers = {
            name: self.group(member) if isinstance(member, Group) else self.dataset(member)
            for name, member in sorted(group.members.items(), key=lambda item: item[0].encode())
        }
        names = [name.encode() for name in headers]
        ends = list(accumulate((padded(len(name) + 1) for name in names), initial=8))
        heap_data = self.place(bytes(8) + b"".join(words(name + b"\0") for name in names))
        heap = self.place(b"HEAP" + pack("<4xQQQ", ends[-1], 1, heap_data))  # 1: no place in it is free
        entries = [entry(*pair) for pair in zip(ends, headers.values(), strict=False)]
        starts = range(0, len(names), NODE_MEMBERS)
        nodes = [self.place(node(entries[start : start + NODE_MEMBERS])) for start in starts]
        lasts = [ends[min(start + NODE_MEMBERS, len(names)) - 1] for start in starts]
        tree = self.place(self.tree(nodes, lasts))
        return self.header(group.attributes, message(SYMBOLS, pack("<QQ", tree, heap)))

    def tree(self, nodes: Sequence[int], lasts: Sequence[int]) -> bytes:
        """Returns the tree of a group: the addresses of its nodes, and between them the last name of each."""
        between = b"".join(pack("<QQ", address, last) for address, last in zip(nodes, lasts, strict=True))
        room = 2 * -(-self.most_nodes // 2)
        start = b"TREE" + pack("<BBHQQQ", 0, 0, len(nodes), NOWHERE, NOWHERE, 0)
        return (start + between).ljust(24 + 8 + 16 * room, b"\0")

    def dataset(self, dataset: Dataset) -> int:
        """Returns the address of the header of an array."""
        array = dataset.array
        place = self.addresses[id(array)] if size_of(array) else NOWHERE
        return self.header(
            dataset.attributes,
            message(DATASPACE, dataspace(array.shape)),
            message(DATATYPE, datatype(array)),
            message(FILL, pack("<4BI", 2, 2, 2, 1, 0)),
            message(LAYOUT, pack("<BBQQ", 3, 1, place, size_of(array))),
        )

    def header(self, attributes: Mapping[str, str], *messages: bytes) -> int:
        """Returns the address of an object's header."""
        listed = [*messages, *(self.attribute(name, text) for name, text in attributes.items())]
        body = b"".join(listed)
        return self.place(pack("<BxHII4x", 1, len(listed), 1, len(body)) + body)

    def attribute(self, name: str, text: str) -> bytes:
        """Returns the message of an attribute, whose text lies in the global heap."""
        spelled, space = name.encode() + b"\0", dataspace(())
        sizes = pack("<BxHHH", 1, len(spelled), len(VARIABLE_TEXT), len(space))
        value = pack("<IQI", len(text.encode()), self.heap, self.texts[text])
        return message(ATTRIBUTE, sizes + words(spelled) + words(VARIABLE_TEXT) + space + value)


def node(entries: Sequence[bytes]) -> bytes:
    """Returns a node of a group with these members, with room for as many as any has."""
    return (b"SNOD" + pack("<BxH", 1, len(entries)) + b"".join(entries)).ljust(8 + 40 * NODE_MEMBERS, b"\0")


def global_heap(texts: Sequence[str]) -> bytes:
    """Returns a collection of texts, which count from 1; what is left of it is object 0."""
    encoded = [text.encode() for text in texts]
    objects = b"".join(
        pack("<HH4xQ", number, 1, len(text)) + words(text) for number, text in enumerate(encoded, start=1)
    )
    size = max(SMALLEST_HEAP, 16 + len(objects) + 16)
    return (b"GCOL" + pack("<B3xQ", 1, size) + objects + pack("<HH4xQ", 0, 0, size - 16 - len(objects))).ljust(
        size, b"\0"
    )
