"""Where the values of one array of the target come from, and how they are arranged.

The source has an array of a role whole, or in blocks of a named axis, each an array of its own; so does the target. A
`Piece` is a weight of the source with the blocks that it is; an array of the target takes from each piece the blocks
that both have. Everything else is arranging, by the names of the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightwise.axes import Axes, Bound, parse
from weightwise.axes.notation import read
from weightwise.axes.terms import Term, atoms, replaced
from weightwise.conventions.row import Slot
from weightwise.conventions.spelling import Alone, Block, Feed, Filled, Joined, Laid, Same, Summed
from weightwise.errors import AxesError, UnsupportedError
from weightwise.formats.dtypes import read_as
from weightwise.model import Layer, Weight
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Blocks = Mapping[str, str]
"""The label of a block by the name of its axis."""


@dataclass(frozen=True)
class Fed:
    """One array of the target."""

    shape: tuple[int, ...]
    dtype: str
    sources: tuple[Weight, ...]
    pattern: str
    """The rearrangement in one line: `kh kw in out -> out in kh kw`; for a constant, what it is."""
    read: Callable[[], Array]
    """Returns the values, a view where NumPy has one."""
    lost: str = ""
    """What cannot be taken back, as a clause; empty for what is only arranged."""
    apart: Callable[[], Array] | None = None
    """Returns the values as a view of more dimensions and of the same order, where `read` may have to copy them."""


@dataclass(frozen=True)
class Piece:
    """A weight of the source, and the blocks that it is of what the target wants."""

    weight: Weight
    bound: Bound
    blocks: Blocks
    axes: str
    """The target's axes, in the source's names."""


def fed(layer: Layer | None, feed: Feed | None, slot: Slot, what: str) -> Fed:
    """Return what fills an array of the target; raises `UnsupportedError` where the source has nothing for it."""
    blocks = _blocks(slot.at)
    match feed:
        case Filled(value, reason, dtype):
            return _constant(slot, value, reason, dtype or _dtype(layer), what)
        case None | Same():
            renamed = feed.renamed if feed else {}
            return _gathered(_pieces(layer, feed.role if feed else slot.role, slot, renamed, what), slot, blocks, what)
        case Joined(axis, roles, renamed, apart):
            if axis in blocks:
                label = blocks[axis]
                names = {**renamed, **apart.get(label, {})}
                rest = {name: kept for name, kept in blocks.items() if name != axis}
                return _gathered(_pieces(layer, roles[label], slot, names, what), slot, rest, what)
            pieces = [
                piece
                for label, role in roles.items()
                for piece in _placed(
                    _pieces(layer, role, slot, {**renamed, **apart.get(label, {})}, what), {axis: label}
                )
            ]
            return _gathered(pieces, slot, blocks, what)
        case Block(role, axis, label, renamed):
            pieces = _pieces(layer, role, slot, renamed, what)
            chosen = dict(zip(axis.split(), label.split(), strict=True))
            return _gathered(pieces, slot, {**blocks, **chosen}, what)
        case Summed(role, axis):
            return _sum(_pieces(layer, role, slot, {}, what), slot, blocks, axis, what)
        case Alone(role, axis, label):
            return _alone(_pieces(layer, role, slot, {}, what), slot, blocks, (axis, label), what)
        case Laid(places):
            laid = [
                piece
                for role, at in places.items()
                for piece in _placed(_pieces(layer, role, slot, {}, what), _blocks(at))
            ]
            found = _gathered(laid, slot, blocks, what)
            return replace(found, pattern=f"{found.pattern}; 0 elsewhere")


def moved(weight: Weight, bound: Bound, axes: str, renamed: Mapping[str, str] | None = None) -> Fed:
    """Return a weight of the source, of these axes, under other ones; raises `AxesError` where their names differ.

    `renamed` says what the other ones call axes of the source.
    """
    found = parse(_renamed(str(bound.axes), renamed)).bind(bound.shape, bound.sizes) if renamed else bound
    return _moved(Piece(weight, found, {}, axes), {})


def in_source_order(layer: Layer | None, slot: Slot) -> Slot:
    """Return a slot whose rows are those of the source in their order, where one side tells only how many they are.

    That is so where nothing between the layers was laid otherwise: `in out` is then `(heads head_dim) out`, and where
    the source does not tell them, `(position c) out` is `in out`.
    """
    operation = layer.operation if layer is not None else None
    if layer is None or operation is None or not operation.input_axis:
        return slot
    axis = operation.input_axis
    for weight in layer.weights:
        if weight.role == slot.role and weight.bound is not None:
            plain = operation.roles()[weight.role]
            if axis not in weight.bound.axes.names:
                return replace(slot, axes=_renamed(slot.axes, {axis: _instead(weight, plain, axis)}))
            if axis not in parse(slot.axes).names and axis not in parse(slot.neutral).names:
                told = _told(plain, slot.neutral, axis)
                terms = (axis if str(term) == told else str(term) for term in parse(slot.axes).terms)
                return replace(slot, axes=" ".join(terms))
            return slot
    return slot


def _instead(weight: Weight, plain: str, axis: str) -> str:
    """Return what a weight has in the place of an axis: its one dimension beyond a plain string's, where names tell it.

    A weight that is declared says it by its neutral axes.
    """
    if weight.neutral or weight.bound is None:
        return _told(plain, weight.neutral, axis)
    more = [str(term) for term in weight.bound.axes.terms if str(term) not in map(str, parse(plain).terms)]
    return more[0] if len(more) == 1 else axis


def _told(plain: str, spelled: str, axis: str) -> str:
    """Return what an axes string has in the place of an axis of a plain one; the axis where that has none.

    >>> _told("in out", "(position c) out", "in")
    '(position c)'
    """
    pairs = zip(parse(plain).terms, parse(spelled).terms, strict=True)
    return next((str(told) for own, told in pairs if str(own) == axis), axis)


def _blocks(at: str) -> Blocks:
    return dict(part.split("=") for part in at.split()) if at else {}


def _pieces(layer: Layer | None, role: str, slot: Slot, renamed: Mapping[str, str], what: str) -> list[Piece]:
    """Return the weights of a role; raises `UnsupportedError` where there is none, or one that nobody knows."""
    found = [weight for weight in (layer.weights if layer else ()) if weight.role == role]
    if not found:
        raise UnsupportedError(f"{what}: the source has no {role} in {layer.name if layer else 'this layer'}")
    axes = _renamed(slot.axes, renamed)
    return [Piece(weight, _bound(weight, slot, renamed), _blocks(weight.at), axes) for weight in found]


def _renamed(axes: str, renamed: Mapping[str, str]) -> str:
    """Return an axes string with some of its terms said otherwise.

    >>> _renamed("(groups out/groups) in/groups kw", {"groups": "in", "in/groups": "1", "out/groups": "mult"})
    '(in mult) 1 kw'
    """
    if not renamed:
        return axes

    def change(term: Term) -> tuple[Term, ...]:
        return read(renamed[str(term)]) if str(term) in renamed else (term,)

    return str(Axes(replaced(parse(axes).terms, change)))


def _bound(weight: Weight, slot: Slot, renamed: Mapping[str, str]) -> Bound:
    """Return a weight's axes with the sizes that the target fixes beside its own, of names that both have."""
    if weight.bound is None:
        raise UnsupportedError(f"{weight.path}: its axes are unknown, so it cannot be arranged: {weight.note}")
    more = {name: size for name, size in slot.sizes.items() if name not in renamed and name not in weight.bound.sizes}
    own = set(weight.bound.axes.names)
    needed = {name: size for name, size in more.items() if name in own or name == "groups"}
    if not needed:
        return weight.bound
    try:
        return weight.bound.axes.bind(weight.shape, {**weight.bound.sizes, **needed}, what=weight.path)
    except AxesError:
        return weight.bound


def _gathered(pieces: Sequence[Piece], slot: Slot, blocks: Blocks, what: str) -> Fed:
    """Return the array of what the pieces have in common with some blocks."""
    wanted = [piece for piece in pieces if all(blocks.get(axis, own) == own for axis, own in piece.blocks.items())]
    if not wanted:
        raise UnsupportedError(f"{what}: the source has no array for {', '.join(map('='.join, blocks.items()))}")
    try:
        if len(wanted) == 1 and not _beyond(wanted[0].blocks, blocks):
            return _moved(wanted[0], blocks)
        return _assembled(wanted, slot, blocks)
    except AxesError as error:
        raise UnsupportedError(f"{what}: {error}") from None


def _beyond(some: Blocks, others: Blocks) -> dict[str, str]:
    """Return the blocks of axes that only the first has."""
    return {axis: label for axis, label in some.items() if axis not in others}


def _moved(piece: Piece, blocks: Blocks) -> Fed:
    """Return one weight, or the blocks of it, under the target's axes."""
    weight, chosen = piece.weight, _beyond(blocks, piece.blocks)
    bound = _selected(piece.bound, chosen)
    target = bound.rearranged(piece.axes)

    def values(apart: bool = False) -> Array:
        array = weight.values()
        if chosen:
            array = piece.bound.select(array, chosen)[0]
        return bound.arrange(array, piece.axes, apart)

    pattern = f"{_chosen(piece.bound, chosen)} -> {target.notation}"
    return Fed(target.shape, weight.dtype, (weight,), pattern, values, apart=lambda: values(apart=True))


def _selected(bound: Bound, chosen: Blocks) -> Bound:
    """Return the axes of some blocks of an array."""
    if not chosen:
        return bound
    import numpy

    return bound.select(numpy.broadcast_to(numpy.uint8(0), bound.shape), chosen)[1]


def _chosen(bound: Bound, chosen: Blocks) -> str:
    """Return axes with the block that is chosen: `side[input recurrent] (gate[z r h] units), side=input`."""
    return ", ".join((bound.notation, *map("=".join, chosen.items())))


def _assembled(pieces: Sequence[Piece], slot: Slot, blocks: Blocks) -> Fed:
    """Return an array that is put together from several."""
    import numpy

    target = _whole(pieces, slot)
    places = [(piece, _beyond(piece.blocks, blocks), _beyond(blocks, piece.blocks)) for piece in pieces]

    def values() -> Array:
        result = numpy.zeros(target.shape, read_as(pieces[0].weight.dtype))
        for piece, into, chosen in places:
            array, bound = piece.bound.select(piece.weight.values(), chosen)
            place, axes = target.select(result, into)
            place[...] = bound.arrange(array, _renamed_like(piece, slot, str(axes.axes)))
        return result

    for piece, into, chosen in places:  # what cannot be arranged is told now, not when the values are asked for
        dummy = numpy.broadcast_to(numpy.uint8(0), target.shape)
        axes = str(target.select(dummy, into)[1].axes)
        _selected(piece.bound, chosen).rearranged(_renamed_like(piece, slot, axes))
    parts = " + ".join(_chosen(piece.bound, {**into, **chosen}) for piece, into, chosen in places)
    weights = tuple(piece.weight for piece in pieces)
    return Fed(target.shape, weights[0].dtype, weights, f"{parts} -> {target.notation}", values)


def _renamed_like(piece: Piece, slot: Slot, axes: str) -> str:
    """Return the axes of one block of the target in the names of the piece that fills it."""
    own, target = list(atoms(parse(piece.axes).terms)), list(atoms(parse(slot.axes).terms))
    names = {str(theirs): str(ours) for theirs, ours in zip(target, own, strict=True) if theirs != ours}
    return _renamed(axes, names)


def _whole(pieces: Sequence[Piece], slot: Slot) -> Bound:
    """Return the target's axes with the sizes that the slot and all pieces tell."""
    sizes = dict(slot.sizes)
    for piece in pieces:
        sizes = {**piece.bound.sizes, **sizes}
    axes = parse(slot.axes)
    shape = axes.shape(sizes)
    if shape is None:
        raise UnsupportedError(f"the sizes of '{axes}' do not follow from what the source has")
    return axes.bind(shape, sizes)


def _sum(pieces: Sequence[Piece], slot: Slot, blocks: Blocks, axis: str, what: str) -> Fed:
    """Return the sum of the blocks of an axis."""
    summands = [_gathered(pieces, slot, {**blocks, axis: label}, what) for label in _labels(pieces, axis)]

    def values() -> Array:
        total = summands[0].read()
        for summand in summands[1:]:
            total = total + summand.read()
        return total

    sources = tuple(dict.fromkeys(source for summand in summands for source in summand.sources))
    pattern = " + ".join(summand.pattern.split(" -> ")[0] for summand in summands)
    lost = f"only the sum of {len(summands)} blocks of {axis} is kept, which is all that the mathematics reads"
    target = summands[0].pattern.split(" -> ")[1]
    return Fed(summands[0].shape, summands[0].dtype, sources, f"{pattern} -> {target}", values, lost)


def _labels(pieces: Sequence[Piece], axis: str) -> tuple[str, ...]:
    """Return the labels of an axis that the pieces have or are blocks of."""
    for piece in pieces:
        for factor in piece.bound.factors:
            if factor.name == axis:
                return factor.labels
    return tuple(dict.fromkeys(piece.blocks[axis] for piece in pieces if axis in piece.blocks))


def _alone(pieces: Sequence[Piece], slot: Slot, blocks: Blocks, place: tuple[str, str], what: str) -> Fed:
    """Return the source's array as one block, zeros as another, or an array of both."""
    axis, label = place
    found = _gathered(_placed(pieces, {axis: label}), slot, {**blocks, axis: label} if axis in blocks else blocks, what)
    if axis not in blocks:
        return replace(found, pattern=f"{found.pattern}; 0 elsewhere")
    if blocks[axis] == label:
        return found
    import numpy

    zero = f"0: the other one is all of {pieces[0].weight.name}, and the two are added"
    return Fed(found.shape, found.dtype, (), zero, lambda: numpy.zeros(found.shape, read_as(found.dtype)))


def _placed(pieces: Sequence[Piece], blocks: Blocks) -> list[Piece]:
    """Return pieces as blocks of an axis."""
    return [replace(piece, blocks={**piece.blocks, **blocks}) for piece in pieces]


def _constant(slot: Slot, value: float | tuple[float, ...], reason: str, dtype: str, what: str) -> Fed:
    """Return an array of one number."""
    shape = parse(slot.axes).shape(slot.sizes)
    if shape is None:
        raise UnsupportedError(f"{what}: its size does not follow from what the source has")

    def values() -> Array:
        import numpy

        return numpy.full(shape, numpy.reshape(value, shape) if isinstance(value, tuple) else value, dtype)

    numbers = ", ".join(f"{number:g}" for number in (value if isinstance(value, tuple) else (value,)))
    return Fed(shape, dtype, (), f"{numbers}, since {reason}", values)


def _dtype(layer: Layer | None) -> str:
    """Return the dtype of a layer's weights."""
    return layer.weights[0].dtype if layer and layer.weights else "float32"
