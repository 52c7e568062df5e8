"""Facts as models of one layer, to be lowered to another framework: what a port makes of each must return the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy

from tests.oracles.proof import Fact, fact_inputs, fact_weights
from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

GOLDEN = Path(__file__).parent / "golden"
SOURCES = ("pytorch_", "flax_linen_", "flax_nnx_", "keras_")
"""The facts of today's frameworks, by the beginning of their files' names."""
A_TENSOR = "a tensor"
"""What stands in a fact for an argument of the call that is one of its inputs, the last ones in their order."""


def facts(source: str) -> Iterator[Fact]:
    """Yield the facts of a framework."""
    for path in sorted(GOLDEN.glob(f"{source}*.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def label(fact: Fact) -> str:
    """Return the name of a fact with the framework that made it."""
    return f"{fact['framework']}: {fact['name']} ({fact['class_name']})"


def model(fact: Fact, count: int | None = None) -> Model:
    """Return the fact's layer as a model that reads its inputs, and returns its first `count` outputs, or all."""
    weights = fact_weights(fact)
    arrays = tuple(_array(weight, values) for weight, values in zip(fact["weights"], weights, strict=True))
    inputs = tuple(Tensor("(input)", 0, index) for index in range(len(fact["inputs"])))
    shapes = tuple((None, *spec["shape"][1:]) for spec in fact["inputs"])
    called = [name for name, value in fact["arguments"].items() if value == A_TENSOR]
    arguments = dict(fact["arguments"]) | dict(zip(called, inputs[len(inputs) - len(called) :], strict=True))
    layer = StoredLayer(
        "layer",
        fact["class_name"],
        fact["config"],
        arrays=arrays,
        calls=(Call(inputs, arguments, shapes),),
        build_shape=shapes[0] if len(shapes) == 1 else shapes,
    )
    outputs = tuple(Tensor("layer", 0, index) for index in range(count or len(fact["outputs"])))
    root = StoredLayer("facts", "Functional", layers=(layer,), inputs=inputs, outputs=outputs)
    return named(StoredModel(fact["name"], "fact", fact["framework"], "3", root, Addressing.PATH))


def _array(weight: Fact, values: numpy.ndarray) -> StoredArray:
    return StoredArray(
        weight["key"], weight["key"], values.shape, str(values.dtype), values.nbytes, lambda: values, weight["name"]
    )


def laid(arrays: Sequence[numpy.ndarray], layouts: Sequence[tuple[int, ...] | None]) -> list[numpy.ndarray]:
    """Return arrays of the source as they lie in the target."""
    pairs = zip(arrays, layouts, strict=True)
    return [array if layout is None else array.transpose(layout) for array, layout in pairs]


def expected(fact: Fact) -> list[numpy.ndarray]:
    """Return the outputs that the framework returned."""
    return [numpy.asarray(output["values"]).reshape(output["shape"]) for output in fact["outputs"]]


ROUNDED = ("Resizing whole numbers",)
"""Facts of layers that round where their input has whole numbers, which other frameworks do not have there."""


def judged(source: str, difference: Callable[[Fact], float]) -> tuple[int, list[str]]:
    """Return how many facts a framework can have, and those that it computes otherwise; prints the refusals, too."""
    refused: Counter[str] = Counter()
    wrong: list[str] = []
    spelled = 0
    for fact in facts(source):
        if fact["name"] in ROUNDED:
            continue
        try:
            found = difference(fact)
        except UnsupportedError as error:
            refused[str(error).partition("cannot have it: ")[2] or str(error)] += 1
            continue
        except Exception as error:  # whatever a framework raises is a spelling that is wrong; the others are told too
            wrong.append(f"{label(fact)}: {type(error).__name__}: {str(error)[:300]}")
            continue
        spelled += 1
        if not found <= max(fact["tolerance"], 1e-10):
            wrong.append(f"{label(fact)}: {found}")
    print(f"\n{source}: {spelled} spelled, {refused.total()} refused, {len(wrong)} wrong")
    for reason, count in refused.most_common():
        print(f"  {count:3d}  {reason}")
    return spelled, wrong


def far(ours: Sequence[numpy.ndarray], theirs: Sequence[numpy.ndarray]) -> float:
    """Return the largest difference, of the largest value."""
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    return max(
        float(numpy.abs(our - their).max(initial=0) / max(numpy.abs(their).max(initial=0), 1e-300))
        for our, their in zip(ours, theirs, strict=True)
    )


__all__ = ["ROUNDED", "SOURCES", "expected", "fact_inputs", "facts", "far", "judged", "label", "laid", "model"]
