"""Networks whose modules are connected by operators: residuals, skips, gates, attention by hand, branches."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Skipping(nn.Module):
    """A small U-Net: a gate for each channel, a residual, shuffled halves, skips, images made larger again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.Hardswish())
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.squeeze, self.excite = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)
        self.down = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.side = nn.Conv2d(4, 4, 1)
        self.up = nn.ConvTranspose2d(8, 5, 2, stride=2)
        self.scale = nn.Parameter(torch.ones(5, 1, 1))
        self.head = nn.Linear(11, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores of an image."""
        first = self.stem(x)
        y = self.depthwise(first)
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        first = first + y * gate
        left, right = functional.relu(self.down(first)).chunk(2, dim=1)
        both = torch.stack((left, self.side(right)), dim=2).flatten(1, 2)
        larger = functional.interpolate(self.up(both) * self.scale, scale_factor=2.0, mode="nearest")
        finer = functional.max_pool2d(larger, 2) / 2 - 0.25
        joined = torch.cat([finer, first], 1)
        return self.head(joined.permute(0, 2, 3, 1)[:, 1:, ::2].amax(dim=(1, 2)))


class Attentive(nn.Module):
    """A transformer's block: a row for the whole, positions, heads, residuals, the first row read."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6)
        self.whole = nn.Parameter(torch.randn(1, 1, 6))
        self.positions = nn.Parameter(torch.randn(1, 8, 6))
        self.projection = nn.Linear(6, 18)
        self.out = nn.Linear(6, 6)
        self.first, self.second = nn.LayerNorm(6), nn.LayerNorm(6)
        self.wide, self.narrow = nn.Linear(6, 10), nn.Linear(10, 6)
        self.gain = nn.Parameter(torch.randn(6))
        self.head = nn.Linear(6, 4)

    def heads(self, x: torch.Tensor) -> torch.Tensor:
        """Return values as `batch head position features`."""
        batch, count, size = x.shape
        return x.view(batch, count, 2, size // 2).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores of a text."""
        x = torch.cat([self.whole.expand(x.shape[0], -1, -1), self.words(x)], dim=1) + self.positions
        query, key, value = self.projection(self.first(x)).split(6, dim=-1)
        scores = self.heads(query) @ self.heads(key).transpose(-2, -1) / self.heads(key).size(-1) ** 0.5
        mixed = (torch.softmax(scores, -1) @ self.heads(value)).transpose(1, 2)
        x = x + self.gain * self.out(mixed.reshape(x.shape[0], x.shape[1], x.shape[2]))
        x = x + self.narrow(functional.gelu(self.wide(self.second(x))))
        return self.head(x[:, 0])


class Branching(nn.Module):
    """What two branches make of one sequence: a recurrent one, whose last state is read, and a pooled one."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(5, 4, batch_first=True)
        self.pooled = nn.Linear(5, 4)
        self.head = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores of a sequence."""
        rows, (state, _) = self.rows(x)
        pooled = torch.tanh(self.pooled(x.mean(1) - x[:, -1]))
        halves = torch.cat((torch.maximum(rows[:, -1], pooled), (1 - pooled) * state[-1], rows.sum(1)), dim=-1)
        return self.head(halves)
