"""Programs that PyTorch exports, written as `.keras` files, are loaded by Keras and compute what PyTorch computes.

    KERAS_BACKEND=torch python -m tests.oracles.exported_to_keras

Prints a line per network; whatever is wrong ends it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy
import torch
from torch import nn
from torch.nn import functional

import weightwise
from weightwise.answers.forward import forward
from weightwise.formats.keras.writer import write_keras
from weightwise.porting.porting import lowered, speller


class Vision(nn.Module):
    """A vision transformer, with a token of its own and positions that it learned."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 12))
        self.positions = nn.Parameter(torch.zeros(1, 13, 12))
        layer = nn.TransformerEncoderLayer(12, 3, 20, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.encoder(x))[:, 0])


class States(nn.Module):
    """Recurrent layers of which the last states are read."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 6, padding_idx=0)
        self.filters = nn.Conv1d(6, 10, 3, padding=2, dilation=2)
        self.pool = nn.MaxPool1d(2, ceil_mode=True)
        self.gru = nn.GRU(10, 4, num_layers=2, batch_first=True, bidirectional=True)
        self.lstm = nn.LSTM(8, 3, batch_first=True)
        self.head = nn.Linear(11, 2)

    def forward(self, x):
        x = self.pool(functional.elu(self.filters(self.table(x).transpose(1, 2)))).permute(0, 2, 1)
        sequence, states = self.gru(x)
        _, (hidden, _) = self.lstm(sequence)
        return self.head(torch.cat([states[-2], states[-1], hidden.squeeze(0)], 1))


class PositionsFirst(nn.Module):
    """Sequences whose first axis is the position."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 7, num_layers=2, bidirectional=True)
        self.head = nn.Linear(14, 3)

    def forward(self, x):
        return functional.log_softmax(self.head(self.lstm(x)[0]), -1)


class Gated(nn.Module):
    """Channels that are scaled by what a pooling says, padded averages, and a Dense behind a Flatten."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.largest = nn.MaxPool2d(3, 2, 1)
        self.depthwise = nn.Conv2d(8, 8, 5, 2, 2, groups=8)
        self.average = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.down, self.up = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.slopes = nn.PReLU(8)
        self.head = nn.Linear(8 * 4 * 3, 4)

    def forward(self, x):
        x = self.largest(functional.relu6(self.norm(self.first(x))))
        x = self.slopes(self.depthwise(x))
        gate = torch.sigmoid(self.up(functional.silu(self.down(functional.adaptive_avg_pool2d(x, 1)))))
        return self.head(torch.flatten(self.average(x * gate), 1))


NETWORKS = {
    "vision": (Vision, (2, 3, 12, 16), 0),
    "states": (States, (2, 9), 0),
    "positions first": (PositionsFirst, (6, 2, 5), 1),
    "gated": (Gated, (2, 3, 62, 46), 0),
}


def prove(name: str, folder: Path) -> float:
    """Return the largest difference between PyTorch's network and Keras's, of the largest value."""
    make, shape, batch = NETWORKS[name]
    torch.manual_seed(3)
    network = make().eval()
    for array in (*network.parameters(), *network.buffers()):
        if array.is_floating_point():
            array.data = torch.rand_like(array) - (0.0 if array.requires_grad is False else 0.5)
    x = torch.randint(1, 20, shape) if len(shape) == 2 else torch.randn(shape)
    sizes = ({batch: torch.export.Dim("batch", min=2, max=64)},)
    torch.export.save(torch.export.export(network, (x,), dynamic_shapes=sizes), folder / "network.pt2")
    ported = lowered(weightwise.open(folder / "network.pt2"), speller("keras"))
    write_keras(folder / "network.keras", ported.model.stored)
    given, wanted = x.numpy(), network(x).detach().numpy()
    given = given.transpose(ported.inputs[0].layout or range(given.ndim))
    wanted = wanted.transpose(ported.outputs[0].layout or range(wanted.ndim))
    loaded = keras.models.load_model(folder / "network.keras", safe_mode=True)
    ours = keras.ops.convert_to_numpy(loaded(given, training=False))
    return max(far(ours, wanted), far(forward(weightwise.open(folder / "network.keras"), [given])[0], wanted))


def far(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    """Return the largest difference, of the largest value."""
    assert ours.shape == theirs.shape
    return float(numpy.abs(ours - theirs).max() / numpy.abs(theirs).max())


if __name__ == "__main__":
    for network in NETWORKS:
        with tempfile.TemporaryDirectory() as made:
            difference = prove(network, Path(made))
        print(f"{network}: {difference:.1e}")
        assert difference <= 1e-5, network
