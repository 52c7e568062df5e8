"""The axes language: one line of text says what every axis of an array means.

`kh kw in out` is notation, documentation and program at once: bound to a shape it tells the sizes and the
sentence, names each element, selects by name, and moves the values under any other line with the same names.

The grammar is this, and no more; `tests/axes/test_notation.py` has each construct by the same name:

    axes     = { term }                          a space separates the dimensions; no term: a single number
    term     = one | name | quotient | labels | parts | merge | reversed | expand

    one      = "1"                               a dimension of length one, which stays where it is
    name     = word { "'" }                      `in`; `in'` is a second axis of the same size
    quotient = name "/" divisor                  `in/groups`: a group's share of `in`, a contiguous run of it
             | "ceil" "(" name "/" divisor ")"   `ceil(in/block)`: the number of blocks that cover `in`
    divisor  = word | number above 1
    labels   = word "[" word { word } "]"        `gate[i f g o]`: named, equal blocks in stored order
    parts    = word "{" part { "|" part } "}"    `side{input: in | recurrent: units'}`: named, unequal blocks
    part     = word ":" term { term }            a block is a product, slowest first
    merge    = "(" term { term } ")"             `(h w c)`: one dimension, slowest first
    reversed = "-" name                          `-kh`: stored backwards
    expand   = "..." word                        stands for axes that a layer's configuration supplies
    word     = a lower-case letter, then letters, digits and "_"; `ceil` is none

A name has one size in one line, and stands for one axis: no axis may be named twice, except in different
blocks of the same parts. `groups in/groups` is all of `in`: its coordinate is the number of the group times
`in/groups`, plus the coordinate inside the group. A merged product of which not every size is known is bound
as one unresolved factor, `heads·head_dim 12`, which can be shown, and moved whole.

    terms         the words of the language as values
    notation      text -> terms
    products      terms -> the same product in shorter or finer terms
    sizes         terms, shape -> the size of each name
    factors       terms, shape, sizes -> dimensions, each a product of factors
    coordinates   dimensions, index -> names, and back
    arrangement   dimensions, array -> the same values under other axes; the only module that needs NumPy
    binding       Axes and Bound, which join all of these
"""

from weightwise.axes.binding import Axes, Bound, parse
from weightwise.axes.coordinates import Coordinate, Position
from weightwise.axes.factors import Dimension, Factor
from weightwise.axes.terms import Expand, Labels, Merge, Name, One, Parts, Quotient, Reversed, Term

__all__ = [
    "Axes",
    "Bound",
    "Coordinate",
    "Dimension",
    "Expand",
    "Factor",
    "Labels",
    "Merge",
    "Name",
    "One",
    "Parts",
    "Position",
    "Quotient",
    "Reversed",
    "Term",
    "parse",
]
