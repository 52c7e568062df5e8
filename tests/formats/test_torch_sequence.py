"""Which module reads what another returns, from the classes of the modules around them."""

from __future__ import annotations

from weightwise.formats.pytorch.sequence import ATTENTION, SEQUENTIAL, UNKNOWN, calls_in
from weightwise.stored import Tensor

LEAF = ("ReLU", "torch.nn.modules.activation")
OTHER = ("Net", "__main__")


def read(classes, names):
    """Return what each module that is called reads."""
    return {name: calls[0].inputs for name, calls in calls_in(names, classes).items()}


def test_a_sequential_is_a_chain():
    classes = {"": SEQUENTIAL, "0": LEAF, "1": LEAF, "2": LEAF}
    assert read(classes, ["", "0", "1", "2"]) == {"0": (UNKNOWN,), "1": (Tensor("0"),), "2": (Tensor("1"),)}


def test_a_sequential_inside_another_is_a_part_of_the_chain():
    classes = {"": SEQUENTIAL, "0": SEQUENTIAL, "0.0": LEAF, "0.1": LEAF, "1": SEQUENTIAL, "1.0": LEAF, "2": LEAF}
    assert read(classes, ["", "0.0", "0.1", "1.0", "2"]) == {
        "0.0": (UNKNOWN,),
        "0.1": (Tensor("0.0"),),
        "1.0": (Tensor("0.1"),),
        "2": (Tensor("1.0"),),
    }


def test_what_another_module_does_with_its_sequentials_is_not_known():
    classes = {
        "": OTHER,
        "one": SEQUENTIAL,
        "one.0": LEAF,
        "one.1": LEAF,
        "two": SEQUENTIAL,
        "two.0": LEAF,
        "last": LEAF,
    }
    assert read(classes, ["", "one.0", "one.1", "two.0", "last"]) == {
        "one.0": (UNKNOWN,),
        "one.1": (Tensor("one.0"),),
        "two.0": (UNKNOWN,),
    }


def test_another_module_in_a_sequential_ends_the_chain():
    classes = {"": SEQUENTIAL, "0": LEAF, "1": OTHER, "1.one": LEAF, "1.two": LEAF, "2": LEAF}
    assert read(classes, ["", "0", "1.one", "1.two", "2"]) == {"0": (UNKNOWN,), "2": (UNKNOWN,)}


def test_a_class_of_somebody_elses_is_no_sequential():
    classes = {"": ("Sequential", "my_package"), "0": LEAF, "1": LEAF}
    assert read(classes, ["", "0", "1"]) == {}


def test_an_attention_leads_to_its_projection():
    classes = {"": OTHER, "a": ATTENTION, "a.out_proj": LEAF, "b": LEAF, "b.out_proj": LEAF}
    assert read(classes, ["", "a", "a.out_proj", "b", "b.out_proj"]) == {
        "a": (UNKNOWN,) * 3,
        "a.out_proj": (Tensor("a"),),
    }
