"""The dataclasses of this package behave as the library's do, in everything that this package uses of them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
import subprocess
import sys
from dataclasses import field, fields, replace
from functools import cached_property

import pytest

import weightwise
from weightwise import records

OPTIONS = ({}, {"frozen": True}, {"frozen": True, "repr": False}, {"eq": False}, {"frozen": True, "eq": False})


def plain(make):
    @make
    class Plain:
        """Fields of every kind."""

        one: int
        two: str = "2"
        many: list[int] = field(default_factory=list)
        unhashed: dict[str, int] = field(default_factory=dict, hash=False)
        hidden: int = field(default=3, repr=False, compare=False)
        later: int = field(default=4, init=False)
        made: dict[str, int] = field(default_factory=dict, init=False)
        last: float = field(default=5.0, kw_only=True)

    return Plain


def single(make):
    @make
    class Single:
        """One field."""

        value: object

    return Single


def empty(make):
    @make
    class Empty:
        """No field."""

    return Empty


def checked(make):
    @make
    class Checked:
        """A field that is looked at, one that is computed, and methods of its own."""

        size: int
        twice: int = field(init=False)

        def __post_init__(self):
            if self.size < 0:
                raise ValueError("negative")
            object.__setattr__(self, "twice", 2 * self.size)

        @cached_property
        def thrice(self):
            return 3 * self.size

        def __repr__(self):
            return f"<{self.size}>"

    return Checked


def equal(make):
    @make
    class Equal:
        """It says itself what is equal to it."""

        size: int
        name: str

        def __eq__(self, other):
            return isinstance(other, type(self)) and self.size == other.size

    return Equal


def derived(make):
    @make
    class Base:
        one: int
        two: int = 2

    @make
    class Derived(Base):
        """One field more, and another default."""

        two: int = 22
        three: int = field(default=3, kw_only=True)

    return Derived


def confusing(make):
    @make
    class Confusing:
        """Fields that are called as what makes them could be."""

        values: dict[str, int]
        fields: tuple[str, ...] = ()
        default_one: int = 1
        cls: int = 2
        MISSING: list[int] = field(default_factory=list)
        made: list[int] = field(default_factory=list)

    return Confusing


ARGUMENTS = {
    confusing: [((1,),), ((1,), ("a",), 3, 4, (5,), (6,)), ((2,), (), 1, 2, (), ())],
    plain: [(1,), (1, "x", ()), (1, "x", (), {"a": 1}), (2, "x", [1, 2], {}, 9)],
    single: [(1,), ("x",), (math.nan,)],
    empty: [()],
    checked: [(1,), (4,)],
    equal: [(1, "a"), (1, "b"), (2, "a")],
    derived: [(1,), (1, 5)],
}


def pairs(options):
    """Yield each class as the library makes it, and as this package does."""
    for make in ARGUMENTS:
        yield make, make(dataclasses.dataclass(**options)), make(records.dataclass(**options))


def outcome(function):
    """Return what a call returns, or the class and the text of what it raises."""
    try:
        return function()
    except Exception as error:  # whatever it is, both must raise it
        return type(error), str(error)


@pytest.mark.parametrize("options", OPTIONS)
def test_fields_and_signatures(options):
    for _, theirs, ours in pairs(options):
        assert [repr(each) for each in fields(ours)] == [repr(each) for each in fields(theirs)]
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
        kinds = [
            [(each.kind, each.annotation) for each in inspect.signature(one).parameters.values()]
            for one in (ours, theirs)
        ]
        assert kinds[0] == kinds[1]
        assert inspect.signature(ours.__init__).return_annotation is None
        assert (ours.__match_args__, ours.__doc__) == (theirs.__match_args__, theirs.__doc__)


@pytest.mark.parametrize("options", OPTIONS)
def test_instances(options):
    for make, theirs, ours in pairs(options):
        made = [(theirs(*given), ours(*given)) for given in ARGUMENTS[make]]
        for their, our in made:
            assert vars(our) == vars(their) or make is single
            assert (repr(our) == repr(their)) or "object at 0x" in repr(their)
            assert outcome(lambda our=our: hash(our)) == outcome(lambda their=their: hash(their)) or not options.get(
                "eq", True
            )
            for their_other, our_other in made:
                same = theirs(*ARGUMENTS[make][0]) == their_other, ours(*ARGUMENTS[make][0]) == our_other
                assert same[0] is same[1]
                assert (our == our_other) is (their == their_other)
            assert (our == their) is False
            for name in ("one", "size", "value", "unheard"):
                assert outcome(lambda our=our, name=name: setattr(copy.copy(our), name, 7)) == outcome(
                    lambda their=their, name=name: setattr(copy.copy(their), name, 7)
                )
            if options.get("frozen"):
                for name in (*[each.name for each in fields(our)], "unheard"):
                    assert outcome(lambda our=our, name=name: delattr(our, name)) == outcome(
                        lambda their=their, name=name: delattr(their, name)
                    )


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("given", [(), (1, 2, 3, 4, 5, 6, 7), (-1,)])
def test_wrong_arguments(options, given):
    for _, theirs, ours in pairs(options):
        their, our = outcome(lambda theirs=theirs: theirs(*given)), outcome(lambda ours=ours: ours(*given))
        assert our == their if isinstance(their, tuple) else not isinstance(our, tuple)


def test_what_is_made_is_made_anew():
    ours = plain(records.dataclass(frozen=True))
    one, two = ours(1), ours(1)
    assert one.many is not two.many
    assert one.made is not two.made
    assert replace(one, two="x", last=7.0) == ours(1, "x", last=7.0)
    with pytest.raises(ValueError, match="later"):
        replace(one, later=5)


def test_a_plain_class_below_a_frozen_one_has_attributes_of_its_own():
    for make in (dataclasses.dataclass, records.dataclass):

        class Below(plain(make(frozen=True))):
            def __init__(self):
                super().__init__(1)
                self.own = 1
                self.own = 2
                del self.own
                self.own = 3

        below = Below()
        assert below.own == 3
        with pytest.raises(dataclasses.FrozenInstanceError):
            below.one = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            del below.one


def test_an_instance_that_holds_itself_is_shown():
    holder = single(records.dataclass)([])
    holder.value.append(holder)
    assert repr(holder).endswith("Single(value=[...])")


def test_nan_is_equal_to_itself_as_in_a_tuple():
    for make in (dataclasses.dataclass, records.dataclass):
        once = single(make(frozen=True))(math.nan)
        assert once == copy.copy(once)


def test_records_are_copied_and_pickled():
    model = weightwise.open("examples/mnist_cnn.keras")
    bound = model.weights[2].bound
    assert pickle.loads(pickle.dumps(bound.axes)) == bound.axes
    assert copy.deepcopy(bound.dimensions) == bound.dimensions


def test_cached_properties_are_kept():
    ours = checked(records.dataclass(frozen=True))(2)
    assert (ours.twice, ours.thrice, ours.thrice) == (4, 6, 6)


def test_the_package_makes_its_dataclasses_here():
    """But for the class of which a file may have hundreds of thousands, which has slots."""
    program = (
        "import dataclasses, pkgutil, importlib\n"
        "made = []\n"
        "library = dataclasses._process_class\n"
        "dataclasses._process_class = lambda cls, init, *rest: made.append((cls, init)) or library(cls, init, *rest)\n"
        "import weightwise\n"
        "for module in pkgutil.walk_packages(weightwise.__path__, 'weightwise.'):\n"
        "    if '__main__' not in module.name and '.frameworks.' not in module.name:\n"
        "        importlib.import_module(module.name)\n"
        "print(*sorted(cls.__name__ for cls, init in made if init and cls.__module__.startswith('weightwise')))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["ChunkPlace"], run.stderr
