"""Puts the arrays of one module together that a file has under the names of the layers inside it.

Flax keeps the gates of an LSTM and the projections of an attention as dense layers: `LSTMCell_0/hi/kernel`. Which
arrays belong together, the framework's convention says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.choice import Owners
from weightwise.stored import StoredArray, StoredLayer


def grouped(root: StoredLayer, owners: Owners) -> StoredLayer:
    """Return a model whose layers own their arrays; one whose file says a class of any of its layers stays as it is."""
    if any(layer.configured or layer.layers for layer in root.layers):
        return root
    arrays = {f"{layer.name}/{array.key}": array for layer in root.layers for array in layer.arrays}
    if len(arrays) < sum(len(layer.arrays) for layer in root.layers):
        return root
    owned = owners({path: array.shape for path, array in arrays.items()})
    layers = [_layer(name, inside, arrays) for name, inside in owned.items()]
    return replace(root, layers=tuple(layers))


def _layer(name: str, inside: Mapping[str, Sequence[int]], arrays: Mapping[str, StoredArray]) -> StoredLayer:
    members = tuple(replace(arrays[f"{name}/{key}"], key=key) for key in inside)
    return StoredLayer(name, "", arrays=members, configured=False)
