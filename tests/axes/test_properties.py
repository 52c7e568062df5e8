"""What holds for every line of the language, on generated lines whose sizes are small, zero among them."""

from itertools import product
from math import prod

import numpy as np
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from weightwise.axes import Axes, Labels, Merge, Name, One, Parts, Quotient, Reversed, parse
from weightwise.errors import AxesError, SelectionError

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SIZES = st.sampled_from([0, 1, 2, 2, 3, 3])


@st.composite
def products(draw, letters, least=0):
    """Distinct counted axes with their sizes, and the sizes of their names."""
    sizes, axes = {}, []
    for letter in letters[: draw(st.integers(least, len(letters)))]:
        sizes[letter] = draw(SIZES)
        name = Name(letter, draw(st.integers(0, 1)))
        axes.append((draw(st.sampled_from([name, Reversed(name)])), sizes[letter]))
    return axes, sizes


@st.composite
def shares(draw):
    """`groups` and one or two axes that are shared among them."""
    groups, share, other = draw(st.integers(1, 3)), draw(SIZES), draw(SIZES)
    axes = [(Name("groups"), groups), (Quotient(Name("in"), "groups"), share)]
    sizes = {"groups": groups, "in": groups * share}
    if draw(st.booleans()):
        axes.append((Quotient(Name("out"), "groups"), other))
        sizes["out"] = groups * other
    return axes, sizes


@st.composite
def unequal(draw):
    """`part{x: p q | y: p r | z: 1}` with as many blocks, and as many axes in each."""
    axes, sizes = draw(products("pqr", least=1))
    blocks = draw(st.lists(st.sets(st.sampled_from(range(len(axes)))), min_size=1, max_size=3))
    terms = tuple(tuple(axes[number][0] for number in sorted(block)) or (One(),) for block in blocks)
    size = sum(prod(axes[number][1] for number in block) for block in blocks)
    used = {name: sizes[name] for block in terms for name in Axes(block).names}
    return [(Parts("part", tuple("xyz"[: len(blocks)]), terms), size)], used


@st.composite
def lines(draw):
    """The axes of one array with their sizes, in no order yet, and the sizes of their names."""
    axes, sizes = draw(products("abcd"))
    if draw(st.booleans()):
        axes.append((Labels("gate", tuple("ifgo"[: draw(st.integers(1, 4))])), 0))
        axes[-1] = (axes[-1][0], len(axes[-1][0].labels))
    for kind in (shares(), unequal()):
        if draw(st.integers(0, 2)) == 2:
            more, names = draw(kind)
            axes, sizes = axes + more, sizes | names
    return axes, sizes


def turned(draw, term):
    """The same axis stored in another way."""
    match term:
        case Name() | Reversed():
            axis = term.axis if isinstance(term, Reversed) else term
            return draw(st.sampled_from([axis, Reversed(axis)]))
        case Labels(name, labels):
            return Labels(name, tuple(draw(st.permutations(labels))))
        case Parts(name, labels, blocks):
            pairs = draw(st.permutations(list(zip(labels, blocks, strict=True))))
            blocks = (tuple(turned(draw, inner) for inner in draw(st.permutations(block))) for _, block in pairs)
            return Parts(name, tuple(label for label, _ in pairs), tuple(blocks))
        case _:
            return term


def laid_out(draw, axes):
    """The axes in any order, stored in any way and merged in any way: a line, and the shape of its array."""
    rest = [(turned(draw, term), size) for term, size in draw(st.permutations(axes))]
    terms, shape = [], []
    while rest or draw(st.integers(0, 4)) == 4:
        count = draw(st.integers(0 if not rest else 1, min(3, len(rest))))
        taken, rest = rest[:count], rest[count:]
        dimension = tuple(term for term, _ in taken) or (One(),)
        terms.append(dimension[0] if len(dimension) == 1 else Merge(dimension))
        shape.append(prod(size for _, size in taken))
    line = Axes(tuple(terms))
    note(f"{line} with shape {tuple(shape)}")
    return line, tuple(shape)


@st.composite
def bound_lines(draw, known=True):
    """A line bound to its shape, with all sizes given or with some."""
    axes, sizes = draw(lines())
    line, shape = laid_out(draw, axes)
    assume(prod(shape) <= 300)
    facts = sizes if known else {name: size for name, size in sizes.items() if draw(st.booleans())}
    note(f"{line} with shape {shape} and {facts}")
    return line.bind(shape, facts), axes, sizes


def numbered(bound):
    """An array in which each value is its own place."""
    return np.arange(prod(bound.shape)).reshape(bound.shape)


def indices(bound):
    return product(*map(range, bound.shape))


@given(lines(), st.data())
def test_a_line_is_read_back_from_what_it_prints(line, data):
    axes, _ = laid_out(data.draw, line[0])
    assert parse(str(axes)) == axes


@given(st.text(alphabet="ab1 2()[]{}:|/-'.c", max_size=12))
def test_any_text_is_read_or_refused_and_what_is_read_prints_canonically(text):
    try:
        axes = parse(text)
    except AxesError as error:
        assert text in str(error)
    else:
        assert parse(str(axes)) == axes


@given(bound_lines(known=False))
def test_the_factors_of_a_dimension_multiply_to_its_length(drawn):
    bound, _, _ = drawn
    assert tuple(prod(factor.size for factor in dimension.factors) for dimension in bound.dimensions) == bound.shape
    assert bound.text().count(" · ") >= len(bound.shape) - 1


@given(bound_lines(known=False))
def test_a_size_that_is_told_is_the_true_one(drawn):
    bound, _, sizes = drawn
    assert bound.sizes.items() <= sizes.items()


@given(bound_lines(known=False))
def test_what_a_line_turned_out_to_be_is_a_line_that_binds_to_the_same(drawn):
    bound, _, _ = drawn
    assert parse(bound.notation).bind(bound.shape, bound.sizes).dimensions == bound.dimensions


@given(bound_lines(known=False))
def test_every_index_has_a_position_of_its_own_and_is_found_by_it(drawn):
    bound, _, _ = drawn
    for index in indices(bound):
        assert bound.index(bound.position(index)) == index


@given(bound_lines(), st.data())
def test_arranging_puts_each_value_where_its_position_says(drawn, data):
    source, axes, _ = drawn
    target, shape = laid_out(data.draw, axes)
    array = numbered(source)
    arranged = source.arrange(array, target)
    rebound = source.rearranged(target)
    assert arranged.shape == shape == rebound.shape
    for index in indices(rebound):
        assert arranged[index] == array[source.index(rebound.position(index))]


@given(bound_lines(), st.data())
def test_arranging_there_and_back_is_the_identity(drawn, data):
    source, axes, _ = drawn
    target, _ = laid_out(data.draw, axes)
    there = source.arrange(numbered(source), target)
    back = source.rearranged(target).arrange(there, source.axes)
    assert np.array_equal(back, numbered(source))


@given(bound_lines(known=False), st.data())
def test_what_can_be_arranged_with_few_sizes_known_is_arranged_as_with_all_known(drawn, data):
    partial, axes, sizes = drawn
    target, _ = laid_out(data.draw, axes)
    array = numbered(partial)
    try:
        arranged = partial.arrange(array, target)
    except AxesError:
        assume(False)
    assert np.array_equal(arranged, partial.axes.bind(partial.shape, sizes).arrange(array, target))


@given(bound_lines(known=False), st.data())
def test_a_selection_holds_the_elements_with_those_coordinates_and_no_other(drawn, data):
    bound, _, _ = drawn
    assume(prod(bound.shape))
    array = numbered(bound)
    position = bound.position([data.draw(st.integers(0, length - 1)) for length in bound.shape])
    chosen = {name: coordinate for name, coordinate in position.items() if data.draw(st.booleans())}
    try:
        part, rest = bound.select(array, chosen)
    except SelectionError as error:
        assert "choose one" in str(error)
        assume(False)
    expected = {array[index] for index in indices(bound) if chosen.items() <= bound.position(index).items()}
    assert set(part.ravel()) == expected
    assert len(expected) == part.size
    for index in indices(rest):
        assert rest.position(index).items() <= bound.position(np.unravel_index(part[index], array.shape)).items()
