"""State dicts that say no classes: what is inferred of every proven layer is what its class says, and nothing else.

Each fact of PyTorch and Flax is taken as a file would have it without classes: names and shapes. Whatever axes are then
given must be those of the layer that it really is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from weightwise.conventions.choice import framework_convention
from weightwise.conventions.pytorch.bare import OWNERS
from weightwise.conventions.pytorch.rows import ROWS
from weightwise.conventions.pytorch.wings import WINGS
from weightwise.model import Evidence
from weightwise.naming.inferred import Inferrer
from weightwise.stored import StoredArray, StoredLayer

GOLDEN = Path(__file__).parents[1] / "oracles" / "golden"
FRAMEWORKS = ("PyTorch", "Flax")
FACTS = [
    fact
    for path in sorted(GOLDEN.glob("*.jsonl"))
    if path.name.startswith(("pytorch", "flax"))
    for fact in map(json.loads, path.read_text().splitlines())
    if fact["weights"]
]
INFERRERS = {name: Inferrer(framework_convention(name).hypotheses) for name in FRAMEWORKS}


def bare(shapes):
    """Return a layer that owns arrays of these names and shapes, and says no class."""
    arrays = (
        StoredArray(f"layer.{key}", key, tuple(shape), "float32", 0, lambda: None) for key, shape in shapes.items()
    )
    return StoredLayer("layer", "", arrays=tuple(arrays), configured=False)


def inferred(framework, shapes):
    return {item.array.key: item for item in INFERRERS[framework].named(bare(shapes))}


def declared(fact):
    describe = framework_convention(fact["framework"]).describe
    shapes = [tuple(spec["shape"]) for spec in fact["inputs"]]
    found = describe(fact["class_name"], {**fact["config"], **fact["arguments"]}, shapes)
    return {slot.key: slot.axes for slot in found.slots}


def plain(axes):
    """Return axes without the numbers and letters by which axes of one kind are told apart: `out_d`, `last_2`."""
    return re.sub(r"(axis|last)_\d+", "axis", re.sub(r"(in|out|each)_\w+", r"\1", axes))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact['framework']} {fact['name']}")
def test_what_is_inferred_is_what_the_class_says(fact):
    truth = declared(fact)
    found = inferred(fact["framework"], {weight["key"]: weight["shape"] for weight in fact["weights"]})
    assert set(found) == set(truth)
    for key, item in found.items():
        if item.bound is not None:
            assert plain(str(item.bound.axes)) == plain(truth[key]), (key, item.note)
            assert item.evidence is Evidence.INFERRED
        else:
            assert item.evidence is Evidence.UNKNOWN
            assert item.note


def test_much_is_inferred():
    told = Counter()
    for fact in FACTS:
        found = inferred(fact["framework"], {weight["key"]: weight["shape"] for weight in fact["weights"]})
        told.update((fact["framework"], item.bound is not None) for item in found.values())
    shares = {name: told[name, True] / (told[name, True] + told[name, False]) for name in FRAMEWORKS}
    assert shares["PyTorch"] > 0.6
    assert shares["Flax"] > 0.3


CASES = {
    "Linear": ({"weight": (3, 5), "bias": (3,)}, {"weight": "out in", "bias": "out"}),
    "square Linear": ({"weight": (5, 5), "bias": (5,)}, {"weight": "out in", "bias": "out"}),
    "lone matrix": ({"weight": (3, 5)}, {"weight": None}),
    "lone vector": ({"weight": (5,)}, {"weight": "features"}),
    "statistics": (
        {"weight": (5,), "bias": (5,), "running_mean": (5,), "running_var": (5,), "num_batches_tracked": ()},
        {
            "weight": "features",
            "bias": "features",
            "running_mean": "features",
            "running_var": "features",
            "num_batches_tracked": "",
        },
    ),
    "Conv2d, for its bias": (
        {"weight": (16, 3, 5, 2), "bias": (16,)},
        {"weight": "(groups out/groups) in/groups kh kw", "bias": "out"},
    ),
    "ConvTranspose2d, for its bias": (
        {"weight": (16, 3, 5, 2), "bias": (3,)},
        {"weight": "(groups in/groups) out/groups kh kw", "bias": "out"},
    ),
    "Conv2d, or ConvTranspose2d in groups": (
        {"weight": (64, 32, 3, 3), "bias": (64,)},
        {"weight": None, "bias": "out"},
    ),
    "kernel without a bias": ({"weight": (64, 32, 3, 3)}, {"weight": None}),
    "LSTM": (
        {"weight_ih_l0": (28, 5), "weight_hh_l0": (28, 7)},
        {"weight_ih_l0": "(gate[i f g o] units) in", "weight_hh_l0": "(gate[i f g o] units) units'"},
    ),
    "GRU": (
        {"weight_ih_l0": (21, 5), "weight_hh_l0": (21, 7)},
        {"weight_ih_l0": "(gate[r z h] units) in", "weight_hh_l0": "(gate[r z h] units) units'"},
    ),
    "RNN": (
        {"weight_ih_l0": (7, 5), "weight_hh_l0": (7, 7)},
        {"weight_ih_l0": "units in", "weight_hh_l0": "units units'"},
    ),
    "gates that are five": (
        {"weight_ih_l0": (35, 5), "weight_hh_l0": (35, 7)},
        dict.fromkeys(("weight_ih_l0", "weight_hh_l0")),
    ),
    "Linear, weight_norm": (
        {"bias": (3,), "weight_g": (3, 1), "weight_v": (3, 5)},
        {"bias": "out", "weight_g": "out 1", "weight_v": "out in"},
    ),
    "Linear, weight_norm of the whole": (
        {"bias": (3,), "parametrizations.weight.original0": (), "parametrizations.weight.original1": (3, 5)},
        {"bias": "out", "parametrizations.weight.original0": "", "parametrizations.weight.original1": "out in"},
    ),
    "ConvTranspose2d, spectral_norm": (
        {
            "bias": (5,),
            "parametrizations.weight.original": (4, 5, 3, 2),
            "parametrizations.weight.0._u": (5,),
            "parametrizations.weight.0._v": (24,),
        },
        {
            "bias": "out",
            "parametrizations.weight.original": "(groups in/groups) out/groups kh kw",
            "parametrizations.weight.0._u": "out/groups",
            "parametrizations.weight.0._v": "(groups in/groups kh kw)",
        },
    ),
    "square Linear, spectral_norm along one side or the other": (
        {"bias": (4,), "weight_orig": (4, 4), "weight_u": (4,), "weight_v": (4,)},
        {"bias": "out", "weight_orig": "out in", "weight_u": None, "weight_v": None},
    ),
    "lengths that are none": (
        {"bias": (3,), "weight_g": (3, 5), "weight_v": (3, 5)},
        dict.fromkeys(("bias", "weight_g", "weight_v")),
    ),
    "directions alone": ({"bias": (3,), "weight_v": (3, 5)}, dict.fromkeys(("bias", "weight_v"))),
    "pruned Linear": (
        {"bias": (3,), "weight_orig": (3, 5), "weight_mask": (3, 5)},
        dict.fromkeys(("bias", "weight_orig", "weight_mask")),
    ),
    "a weight beside what it is computed from": (
        {"weight": (3, 5), "weight_g": (3, 1), "weight_v": (3, 5)},
        dict.fromkeys(("weight", "weight_g", "weight_v")),
    ),
    "vectors of two lengths": (
        {"bias_g": (3,), "bias_v": (3,), "weight": (3, 5)},
        dict.fromkeys(("bias_g", "bias_v", "weight")),
    ),
    "names that nobody knows": ({"alpha": (3, 5), "beta": (3,)}, {"alpha": None, "beta": None}),
    "one name too many": ({"weight": (3, 5), "bias": (3,), "mask": (3, 5)}, dict.fromkeys(("weight", "bias", "mask"))),
}


@pytest.mark.parametrize("case", CASES)
def test_state_dicts_of_pytorch(case):
    shapes, expected = CASES[case]
    found = inferred("PyTorch", shapes)
    assert {key: item.bound and str(item.bound.axes) for key, item in found.items()} == expected


def test_the_readings_that_are_left_are_listed():
    item = inferred("PyTorch", {"weight": (64, 32, 3, 3), "bias": (64,)})["weight"]
    assert item.readings == ("out in/groups kh kw", "(groups in/groups) out/groups kh kw")
    assert "Conv2d" in item.note
    assert "ConvTranspose2d" in item.note


def test_what_arrays_stand_for_is_said():
    item = inferred("PyTorch", {"bias": (3,), "weight_g": (3, 1), "weight_v": (3, 5)})["weight_g"]
    assert item.note == (
        "the file says no class; of those that are known, Linear calls for these names and shapes; weight_g and "
        "weight_v stand for weight = g · v / |v|"
    )
    assert (item.role, item.trainable) == ("magnitude", True)


def test_readings_stay_few_where_each_of_many_arrays_leaves_two():
    shapes = {"weight_ih_l0": (7, 7)}
    for level in range(40):
        shapes |= {f"weight_hh_l{level}{part}": size for part, size in (("_orig", (7, 7)), ("_u", (7,)), ("_v", (7,)))}
        shapes[f"weight_ih_l{level}"] = (7, 7)
    found = inferred("PyTorch", shapes)
    assert str(found["weight_hh_l39_orig"].bound.axes) == "units units'"
    assert found["weight_hh_l39_u"].readings == ("units", "units'")


def test_every_class_with_arrays_is_thought_of():
    modules = {wing: classes for wing, classes in WINGS.classes.items() if wing != "functions"}
    for wing, classes in modules.items():
        whole = {name for name in classes.split() if not name.endswith("_l")}
        named = {row.name for row in ROWS if whole & set(row.layer.split())}
        assert bool(named) == (wing in OWNERS), wing
        assert all(re.fullmatch(OWNERS[wing], name) for name in named), wing
