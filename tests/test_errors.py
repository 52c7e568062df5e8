"""Every kind of error is ours, and is its standard kin."""

import inspect

import pytest

from weightwise import errors


@pytest.mark.parametrize(
    ("kind", "kin"),
    [
        (errors.AxesError, ValueError),
        (errors.FormatError, ValueError),
        (errors.MissingFileError, OSError),
        (errors.NotAModelError, TypeError),
        (errors.SelectionError, LookupError),
        (errors.UnsupportedError, ValueError),
        (errors.UnwritableError, OSError),
    ],
)
def test_a_kind_is_its_standard_kin(kind, kin):
    assert issubclass(kind, errors.WeightwiseError)
    assert issubclass(kind, kin)
    assert str(kind("model.keras: one sentence")) == "model.keras: one sentence"


def test_the_tree_in_the_docstring_names_every_kind():
    kinds = [name for name, _ in inspect.getmembers(errors, inspect.isclass)]
    assert all(name in errors.__doc__ for name in kinds)
