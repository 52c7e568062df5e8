"""What PyTorch computes: the code that weightwise writes for a model is run, on the model's own arrays.

The code is made from classes and settings of the table of conventions alone, so that nothing of a file is executed;
each output of its lines is kept (https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from weightwise.model import Model
from weightwise.stored import Tensor
from weightwise.views.code_pytorch import code

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

NAME = "Net"


def outputs(model: Model, inputs: Sequence[Array], dtype: str = "float64") -> Iterator[tuple[Tensor, Array]]:
    """Yield what each layer of a model of PyTorch returns at inference, for inputs with the batch first, in `dtype`.

    Raises `UnsupportedError` for a model without a graph, or with a layer that cannot be written as code.
    """
    found: list[tuple[Tensor, Array]] = []

    def observe(layer: str, call: int, index: int, output: Any) -> None:
        found.append((Tensor(layer, call, index), output.detach().numpy()))

    computed(made(model, dtype, observe), model, inputs, dtype)
    yield from found


def computed(network: Any, model: Model, inputs: Sequence[Array], dtype: str = "float64") -> list[Array]:
    """Return the outputs of a network that `made` returns; indices of a table are whole numbers, all else `dtype`."""
    import torch

    tables = {layer.name for layer in model.layers if layer.class_name.startswith("Embedding")}
    indices = {call.inputs[0] for layer in model.layers if layer.name in tables for call in layer.calls}
    places = [tensor in indices for tensor in model.root.stored.inputs]
    given = [_in("int64" if whole else dtype, array) for whole, array in zip(places, inputs, strict=True)]
    with torch.no_grad():
        outputs = network(*map(torch.from_numpy, given))
    return [output.numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]


def made(model: Model, dtype: str = "float64", observe: Any = None) -> Any:
    """Return the network that the code of a model makes, with the model's arrays in `dtype`.

    With `observe` it reports each output that a layer returns, as the code says.
    """
    import torch

    namespace: dict[str, Any] = {"observe": observe}
    text = code(model, NAME, observed=observe is not None)
    exec(compile(text, "<the model's code>", "exec"), namespace)
    network = namespace[NAME]().to(getattr(torch, dtype))
    state = {name: torch.from_numpy(_in(_kept(dtype, array), array)) for name, array in arrays(model)}
    network.load_state_dict(state, strict=True)
    return network.eval()


def arrays(model: Model) -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a model by the names that its state dict gives them."""
    for layer in model.layers:
        for weight in layer.weights:
            yield f"{layer.name}.{weight.stored.key}", weight.values()


def _kept(dtype: str, array: Array) -> str:
    """Return the dtype in which an array of the model is: that of the network, but for whole numbers."""
    return "int64" if array.dtype.kind in "iub" else dtype


def _in(dtype: str, array: Array) -> Array:
    """Return an array in a dtype, of memory that is its own."""
    import numpy

    return numpy.array(array, dtype)
