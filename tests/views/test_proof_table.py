"""How a proof is printed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy
import pytest

from weightwise.answers.proof import Comparison, Difference, Line, Proof, Verdict
from weightwise.views.proof_table import proof_document, proof_text

EQUAL = Line("encoder.layers.0.attention.conv1", "blocks_0_conv", Difference(2e-15, 1e-16), Verdict.EQUAL)
SAME = Line("flat", "flat", Difference(0.0, 0.0), Verdict.EQUAL)
WRONG = Line("dense", "linear", Difference(3.5, 0.25), Verdict.DIFFERENT, "out in -> in out")
OPEN = Line("head", "", None, Verdict.OPEN, "the framework does not show what it returns")
TITLES = ("model.keras (weightwise's reference, float64)", "PyTorch 2.13.0, float64")


def comparison(*lines: Line, failure: str = "", tolerance: float = 1e-10) -> Comparison:
    return Comparison("layer", *TITLES, tolerance, lines, failure)


def text(*comparisons: Comparison, width: int = 120) -> str:
    return proof_text(Proof(comparisons), width)


def test_all_equal():
    assert text(comparison(EQUAL, SAME)) == (
        "model.keras (weightwise's reference, float64) against PyTorch 2.13.0, float64\n\n"
        "layer                             its counterpart  difference  relative\n"
        "encoder.layers.0.attention.conv1  blocks_0_conv       2.0e-15   1.0e-16  equal\n"
        "flat                              flat                      0         0  equal\n\n"
        "All 2 layers are equal: the largest difference is 1.0e-16 of the largest value, in "
        "encoder.layers.0.attention.conv1\n(tolerance 1e-10).\n"
    )


def test_equal_to_the_last_bit():
    assert text(comparison(SAME)).endswith("\n1 layer is equal, to the last bit.\n")


def test_the_first_that_diverges_is_named():
    found = text(comparison(SAME, WRONG, OPEN, failure="it ended early"))
    assert "dense  linear              3.5e+00   2.5e-01  different: out in -> in out\n" in found
    assert "head                             –         –  not compared: the framework does not show" in found
    assert "The first layer that diverges is dense, by 3.5e+00 (2.5e-01 of the largest value).\n" in found
    assert found.endswith("Not all was compared: It ended early.\n")


def test_nothing_compared():
    assert "Nothing could be compared: no layer of the one has a counterpart in the other." in text(comparison())


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_it_fits(width):
    lines = text(comparison(EQUAL, WRONG, OPEN), width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_narrow_tables_keep_what_tells_most():
    found = text(comparison(EQUAL, WRONG, OPEN), width=80)
    assert "relative" in found
    assert "….0.attention.conv1  blocks_0_conv" in found
    assert "difference" not in found


def test_colours_are_signs_around_the_same_text():
    proof = Proof((comparison(SAME, WRONG),))
    coloured = proof_text(proof, 120, color=True)
    assert "\x1b[31mdifferent: out in -> in out\x1b[0m" in coloured
    plain = coloured
    for sign in ("\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        plain = plain.replace(sign, "")
    assert plain == proof_text(proof, 120)


def test_outputs_are_shown_with_their_largest_place():
    outputs = (numpy.eye(7, 4) * 2,)
    found = proof_text(Proof((), outputs, ("Only the reference was run.",)), 80, with_outputs=True)
    assert "output 1: 7 × 4, float64\nrow  largest at  values\n" in found
    assert "\n  2           2          0          0          2          0\n" in found
    assert found.endswith("… and 2 rows more\n")


def test_the_document_says_the_same():
    proof = Proof((comparison(SAME, WRONG),), (numpy.eye(2),))
    document = json.loads(json.dumps(proof_document(proof, with_outputs=True)))
    assert (document["verdict"], document["first"]) == ("different", "dense")
    assert document["outputs"] == [[[1.0, 0.0], [0.0, 1.0]]]
    line = document["comparisons"][0]["lines"][1]
    assert line == {
        "name": "dense",
        "other": "linear",
        "absolute": 3.5,
        "relative": 0.25,
        "verdict": "different",
        "note": "out in -> in out",
    }
    assert "outputs" not in proof_document(proof)


def test_infinities_are_text_in_the_document():
    line = replace(WRONG, difference=Difference(float("inf"), float("inf")))
    assert proof_document(Proof((comparison(line),)))["comparisons"][0]["lines"][0]["absolute"] == "inf"
