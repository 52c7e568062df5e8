"""Whether two sides compute the same on the same inputs, layer by layer, and which layer is the first that diverges.

The sides are a model in the reference and in its own framework, or two models. What a framework computes comes from
outside (`frameworks/`), as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightwise.answers.array_proof import between_arrays
from weightwise.answers.counterparts import Pair, in_layout_of, layer_pairs
from weightwise.answers.port_proof import as_port, filled_port
from weightwise.answers.proof import TOLERANCES, Comparison, Line, Proof, Verdict, compared
from weightwise.answers.sample_inputs import declares_inputs, entering, fitted, random_inputs
from weightwise.answers.tracing import Computed, Trace, Value, traced
from weightwise.errors import UnsupportedError, WeightwiseError
from weightwise.model import Layer, Model
from weightwise.ops.reshaping import Input
from weightwise.records import dataclass
from weightwise.stored import Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

REFERENCE = "weightwise's reference"


@dataclass(frozen=True)
class Asked:
    """A framework that is asked about a model."""

    title: str
    """The framework with its version."""
    outputs: Callable[[Sequence[Array], str], Iterable[tuple[Tensor, Array]]]
    """Its outputs of each layer for inputs, in a dtype; raises `UnsupportedError`."""


@dataclass
class Pass:
    """One reference forward pass, as far as it came."""

    trace: Trace
    values: tuple[Value, ...] = ()
    """The model's outputs, when it came to its end."""
    failure: str = ""

    @property
    def outputs(self) -> tuple[Array, ...]:
        """The numbers of the outputs."""
        return tuple(value.array for value in self.values)

    def __iter__(self) -> Iterator[Computed]:
        """Yield what the layers compute; a layer that cannot be computed ends it, with the reason."""
        last = "the inputs"
        try:
            while True:
                computed = next(self.trace)
                last = label(computed)
                yield computed
        except StopIteration as end:
            self.values = end.value
        except WeightwiseError as error:
            self.failure = str(error)
        except (ValueError, IndexError) as error:  # NumPy's, of arrays whose shapes do not go together
            self.failure = f"the reference cannot compute what follows {last}: {error}"


def against_framework(
    model: Model, asked: Asked | None, inputs: Sequence[Array], dtype: str = "float64", tolerance: float | None = None
) -> Proof:
    """Return the proof that a model's own framework computes what the reference does; without one its outputs alone."""
    limit = _limit(dtype, tolerance)
    theirs: dict[Tensor, Array] = {}
    failure = _collected(asked, inputs, dtype, theirs) if asked else ""
    reference = Pass(traced(model, inputs, dtype))
    lines = tuple(_framework_lines(reference, theirs, limit))
    if asked is None:
        return Proof((), reference.outputs, tuple(filter(None, [reference.failure])))
    missing = failure or reference.failure or _unreached(model, lines)
    one, other = f"{model.stored.path} ({REFERENCE}, {dtype})", f"{asked.title}, {dtype}"
    ends = _ends(model, theirs, reference.values)
    return Proof((Comparison("layer", one, other, limit, lines, missing),), reference.outputs, asked=(other, ends))


def _ends(model: Model, theirs: Mapping[Tensor, Array], values: Sequence[Value]) -> tuple[Value, ...]:
    """Return a model's outputs as its framework computes them; none where one of them is not shown."""
    tensors = [leaf(model.root, tensor) for tensor in model.stored.root.outputs]
    found = zip(tensors, values, strict=True) if values else ()
    ends = tuple(Value(theirs[tensor], value.signal) for tensor, value in found if tensor and tensor in theirs)
    return ends if len(ends) == len(tensors) else ()


def _between_frameworks(one: Proof, other: Proof, dtype: str, tolerance: float | None) -> list[Proof]:
    """Return the proof that two frameworks return the same for two models; none where one of them was not asked."""
    (mine, ours), (yours, theirs) = one.asked, other.asked
    if not ours or len(ours) != len(theirs):
        return []
    limit = _limit(dtype, tolerance)
    lines = tuple(
        Line(name, name, None, Verdict.OPEN, f"their shapes are {a.array.shape} and {b.array.shape}")
        if (array := in_layout_of(a, b)) is None
        else compared(name, name, a.array, array, max(limit, TOLERANCES.get(array.dtype.name, 0.0)))
        for name, a, b in zip(map("output {}".format, range(1, len(ours) + 1)), ours, theirs, strict=True)
    )
    found = Comparison("output", mine, yours, limit, lines)
    return [Proof((found if tolerance is not None else within_storage(found),))]


def _limit(dtype: str, tolerance: float | None) -> float:
    return TOLERANCES[dtype] if tolerance is None else tolerance


def _collected(asked: Asked, inputs: Sequence[Array], dtype: str, into: dict[Tensor, Array]) -> str:
    """Collect what a framework computes; return why it ended early, or an empty string."""
    try:
        into.update(asked.outputs(inputs, dtype))
    except UnsupportedError as error:
        return str(error)
    return ""


def _framework_lines(reference: Iterable[Computed], theirs: Mapping[Tensor, Array], limit: float) -> Iterator[Line]:
    """Yield a line per layer; from the first on that the framework computes in 32 bits, nobody can ask for more."""
    for computed in reference:
        name, array = label(computed), theirs.get(computed.tensor)
        if isinstance(computed.layer.operation, Input):
            continue
        if array is not None:
            limit = max(limit, TOLERANCES.get(array.dtype.name, 0.0))
            yield compared(name, name, computed.value.array, array, limit)
        elif theirs:
            yield Line(name, "", None, Verdict.OPEN, "the framework does not show what it returns")


def label(computed: Computed) -> str:
    """Return what a person calls a tensor: the layer, and which of its runs and outputs where it has several."""
    tensor = computed.tensor
    run = f", run {tensor.call + 1}" if tensor.call or len(computed.layer.calls) > 1 else ""
    return f"{tensor.layer}{run}" + (f", output {tensor.index + 1}" if tensor.index else "")


def _unreached(model: Model, lines: Sequence[Line]) -> str:
    """Return a sentence where the layer that ends the model was not compared."""
    last = [line for line in lines if line.verdict is Verdict.OPEN]
    ends = {tensor.layer for tensor in (leaf(model.root, one) for one in model.stored.root.outputs) if tensor}
    open_ends = [line.name for line in last if line.name.partition(",")[0] in ends]
    return f"the outputs were not compared: {', '.join(open_ends)}" if open_ends else ""


def leaf(model: Layer, tensor: Tensor, run: int = 0) -> Tensor | None:
    """Return the tensor of the layer that computes a tensor of a model; None for what enters and leaves unchanged."""
    layer = next((layer for layer in model.layers if layer.stored.name == tensor.layer), None)
    if layer is None:
        return None
    number = run * len(layer.stored.calls) + tensor.call
    if layer.is_model:
        return leaf(layer, layer.stored.outputs[tensor.index], number)
    return Tensor(layer.name, number, tensor.index)


def between_models(
    one: Model,
    other: Model,
    inputs: Sequence[Array],
    other_inputs: Sequence[Array],
    dtype: str = "float64",
    tolerance: float | None = None,
    given: Sequence[Pair] = (),
) -> Proof:
    """Return the proof that two models compute the same: the layers that can be matched, and the outputs.

    The inputs are the same values, each as its model takes them.
    """
    limit = _limit(dtype, tolerance)
    first, second = Pass(traced(one, inputs, dtype)), Pass(traced(other, other_inputs, dtype))
    ours, theirs = list(first), list(second)
    ends = [[leaf(model.root, tensor) for tensor in model.stored.root.outputs] for model in (one, other)]
    pairs = {pair.one: pair for pair in given or layer_pairs(ours, theirs)}
    ended = {mine: Pair(mine, yours) for mine, yours in zip(*ends, strict=False) if mine and yours}
    pairs = {**ended, **pairs} if given else {**pairs, **ended}
    lines = dict(_pair_lines(ours, theirs, pairs, limit))
    failure = first.failure or second.failure or _apart(ends, lines)
    if not given and not failure and all(lines[tensor].verdict is Verdict.EQUAL for tensor in ended):
        lines = {tensor: _doubted(line) for tensor, line in lines.items()}
    titles = (f"{one.stored.path} ({REFERENCE}, {dtype})", f"{other.stored.path} ({REFERENCE}, {dtype})")
    found = Comparison("layer", *titles, limit, tuple(lines.values()), failure)
    return Proof((found if tolerance is not None else within_storage(found),), first.outputs)


def within_storage(found: Comparison) -> Comparison:
    """Return a comparison of two models in which differences count only beyond the 32 bits that weights are kept in.

    Where a port adds two biases their sum is rounded as it is stored.
    """
    most = max(TOLERANCES["float32"], found.tolerance)
    lines = tuple(
        replace(line, verdict=Verdict.EQUAL, note="to the 32 bits in which weights are kept")
        if line.verdict is Verdict.DIFFERENT and line.difference is not None and line.difference.relative <= most
        else line
        for line in found.lines
    )
    return replace(found, lines=lines, tolerance=found.tolerance if lines == found.lines else most)


def _apart(ends: Sequence[Sequence[Tensor | None]], lines: Mapping[Tensor, Line]) -> str:
    """Return a sentence where the outputs of two models were not compared, all of them."""
    mine, yours = ends
    if len(mine) != len(yours):
        return f"the one has {len(mine)} outputs and the other {len(yours)}"
    missing = [
        tensor for tensor in mine if tensor is None or tensor not in lines or lines[tensor].verdict is Verdict.OPEN
    ]
    names = ", ".join(tensor.layer if tensor else "the input" for tensor in missing)
    return f"the outputs were not compared: {names}" if missing else ""


def _doubted(line: Line) -> Line:
    """Return the line of two layers that were only guessed to be counterparts, in models whose outputs are equal."""
    if line.verdict is not Verdict.DIFFERENT:
        return line
    return replace(line, verdict=Verdict.OPEN, note="it differs, but the outputs agree: these may be no counterparts")


def prove(
    one: Model,
    other: Model | None = None,
    *,
    inputs: Mapping[str, Array] | None = None,
    seed: int = 0,
    dtype: str = "float64",
    tolerance: float | None = None,
    ask: Callable[[Model], Asked | str] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> Proof:
    """Return whether a model computes what its named axes say, and whether another one computes or holds the same.

    `inputs` are arrays by their names, batch first; without them the inputs are random, of the shapes that the model
    declares. `ask` returns the framework of a model, or why it cannot be asked. `chosen` maps names of layers of the
    one to those of the other, where the other has weights and no graph. Raises `UnsupportedError` and `SelectionError`
    where the inputs do not fit.
    """
    if not has_graph(one) and (other is None or not has_graph(other)):
        return between_arrays(one, _needed(one, other), tolerance or 0.0)
    if other is not None and not has_graph(one):
        back = {place: name for name, place in (chosen or {}).items()}
        return prove(other, one, inputs=inputs, seed=seed, dtype=dtype, tolerance=tolerance, ask=ask, chosen=back)
    if inputs is None and other is not None and not has_graph(other) and not declares_inputs(one):
        return between_arrays(one, other, tolerance or 0.0)
    given, notes = (random_inputs(one, seed), ()) if inputs is None else fitted(one, inputs)
    proofs = [_asked(one, ask, given, dtype, tolerance)]
    if other is not None and has_graph(other):
        port = as_port(one, other)
        theirs = port.entering(given) if port else entering(one, other, given)
        proofs += [between_models(one, other, given, theirs, dtype, tolerance, port.pairs if port else ())]
        proofs += [replace(_asked(other, ask, theirs, dtype, tolerance), outputs=())]
        proofs += _between_frameworks(proofs[0], proofs[-1], dtype, tolerance)
    elif other is not None:
        proofs += _ported(one, other, given, dtype, tolerance, ask, chosen or {})
        proofs += _between_frameworks(proofs[0], proofs[-1], dtype, tolerance)
    return _joined([Proof((), (), notes), *proofs])


def _ported(
    one: Model,
    other: Model,
    inputs: Sequence[Array],
    dtype: str,
    tolerance: float | None,
    ask: Callable[[Model], Asked | str] | None,
    chosen: Mapping[str, str],
) -> list[Proof]:
    """Return the proofs of a model against weights without a graph: what the port computes with these weights.

    Where the weights are not those of a port of the model, the arrays alone are compared.
    """
    try:
        filled = filled_port(one, other, chosen)
    except UnsupportedError as error:
        found = between_arrays(one, other, tolerance or 0.0)
        return [replace(found, notes=(f"Only the arrays were compared, and not what they compute: {error}.",))]
    theirs = filled.entering(inputs)
    between = between_models(one, filled.model, inputs, theirs, dtype, tolerance, filled.pairs)
    return [between, replace(_asked(filled.model, ask, theirs, dtype, tolerance), outputs=())]


def _needed(one: Model, other: Model | None) -> Model:
    if other is None:
        raise UnsupportedError(
            f"{one.stored.path}: it holds arrays and no graph, so nothing can be computed from it alone; "
            "name a second model to compare it with"
        )
    return other


def has_graph(model: Model) -> bool:
    """Return whether a file says which layer reads which."""
    return bool(model.stored.root.outputs) and model.has_graph


def _asked(
    model: Model,
    ask: Callable[[Model], Asked | str] | None,
    inputs: Sequence[Array],
    dtype: str,
    tolerance: float | None,
) -> Proof:
    found = ask(model) if ask else ""
    if isinstance(found, Asked):
        return against_framework(model, found, inputs, dtype, tolerance)
    alone = against_framework(model, None, inputs, dtype)
    reason = f"{model.stored.path}: only the reference was run: {found}."
    return replace(alone, notes=(*alone.notes, reason)) if found else alone


def _joined(proofs: Sequence[Proof]) -> Proof:
    """Return several proofs as one, with the outputs of the first that has some."""
    outputs = next((proof.outputs for proof in proofs if proof.outputs), ())
    comparisons = tuple(found for proof in proofs for found in proof.comparisons)
    return Proof(comparisons, outputs, tuple(dict.fromkeys(note for proof in proofs for note in proof.notes)))


def _pair_lines(
    ours: Sequence[Computed], theirs: Sequence[Computed], pairs: Mapping[Tensor, Pair], limit: float
) -> Iterator[tuple[Tensor, Line]]:
    """Yield the line of each tensor that has a counterpart."""
    by_tensor = {computed.tensor: computed for computed in theirs}
    for computed in ours:
        pair = pairs.get(computed.tensor)
        found = by_tensor.get(pair.other) if pair else None
        if pair is None or found is None:
            continue
        yield computed.tensor, _pair_line(computed, found, pair, limit)


def _pair_line(one: Computed, other: Computed, pair: Pair, limit: float) -> Line:
    names = label(one), label(other)
    array = in_layout_of(one.value, other.value, pair.layout)
    if array is not None:
        return compared(*names, one.value.array, array, limit)
    shapes = f"{one.value.array.shape} and {other.value.array.shape}"
    return Line(*names, None, Verdict.OPEN, f"their axes are not known, and their shapes are {shapes}")
