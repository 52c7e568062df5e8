"""`weightwise prove`: whether a model, or two, compute what their named axes say, layer by layer.

Exit codes: 0, equal; 1, different; 2, nothing could be compared or not all, or the request is bad.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import weightwise
from weightwise.cli.porting import choices
from weightwise.cli.printing import color, json_text, output_options, printed, table_width
from weightwise.cli.working import working

if TYPE_CHECKING:
    import numpy

    from weightwise.answers.proof import Proof

    Array = numpy.ndarray[Any, Any]


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("other", metavar="OUT", nargs="?", help="a second model, which should be equal")
    parser.add_argument(
        "--input", metavar="FILE", help="inputs in .npy or .npz, batch first; by default random numbers"
    )
    parser.add_argument("--scale", metavar="FACTOR", type=_factor, help="what --input is multiplied by, such as 1/255")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the outputs to this .npy file (several: .npz)")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs; default: 0")
    parser.add_argument("--float32", action="store_true", help="compute in 32 bits; default: in 64 wherever it can be")
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="of the largest value; default: 1e-10 in 64 bits, 1e-5 in 32, and 0 for arrays",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="SOURCE=TARGET",
        help="which layer is which, where OUT holds weights alone: 'conv2d_1=features.0' (may be repeated)",
    )
    parser.add_argument("--reference-only", action="store_true", help="ask no framework, also where it is installed")
    output_options(parser)


def _factor(text: str) -> float:
    """Return a number from `0.5` or `1/255`."""
    upper, _, lower = text.partition("/")
    try:
        return float(upper) / float(lower or 1)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"expected a number or a fraction, such as 1/255, found {text!r}") from None


def run(chosen: argparse.Namespace) -> int:
    """Print the proof and return the exit code."""
    from weightwise.frameworks.asking import prove
    from weightwise.views.proof_table import proof_document, proof_text

    models = [weightwise.open(path) for path in (chosen.model, chosen.other) if path]
    with working(f"computing {chosen.model}"):
        proof = prove(
            *models,
            inputs=_inputs(chosen.input, chosen.scale) if chosen.input else None,
            seed=chosen.seed,
            dtype="float32" if chosen.float32 else "float64",
            tolerance=chosen.tolerance,
            reference_only=chosen.reference_only,
            choose=choices("--map", chosen.map),
        )
    if chosen.output:
        _save(proof, chosen.output)
    shown = bool(chosen.input) and not chosen.output
    if chosen.json:
        text = json_text(proof_document(proof, shown))
    else:
        text = proof_text(proof, table_width(), color(chosen), shown)
    return _code(proof, bool(chosen.reference_only and not chosen.other), printed(text, *models))


def _code(proof: Proof, outputs_alone: bool, problems: int) -> int:
    """Return the exit code; where only the outputs of one model were asked for, they are enough."""
    from weightwise.answers.proof import Verdict

    if proof.verdict is Verdict.DIFFERENT:
        return 1
    done = proof.verdict is Verdict.EQUAL or (outputs_alone and proof.outputs)
    return problems if done else 2


def _inputs(path: str, scale: float | None) -> Mapping[str, Array]:
    """Return the arrays of a file of NumPy by their names; raises `FormatError` and `SelectionError`."""
    from weightwise.errors import SelectionError

    found = weightwise.open(path)
    if not found.stored.format.startswith("NumPy"):
        raise SelectionError(f"{path}: inputs are arrays of NumPy (.npy, .npz), and this is {found.stored.format}")
    arrays = {weight.stored.path: weight.values() for weight in found.weights}
    return arrays if scale is None else {name: array * scale for name, array in arrays.items()}


def _save(proof: Proof, path: str) -> None:
    """Write the outputs; raises `UnsupportedError` where nothing was computed."""
    import numpy

    from weightwise.errors import UnsupportedError
    from weightwise.formats.durable import whole

    if not proof.outputs:
        raise UnsupportedError(f"{path}: there are no outputs to write: {' '.join(proof.notes)}")
    with whole(path) as file:
        if len(proof.outputs) == 1:
            numpy.save(file, proof.outputs[0])
        else:
            numpy.savez(file, *proof.outputs)
