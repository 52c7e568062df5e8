"""Llama as Meta's code computes it, small, written anew in PyTorch: names of its arrays, and pairs as complex numbers.

https://github.com/meta-llama/llama3/blob/0a3d7172e92f0bb293c297634a8ae0cb320c8d52/llama/model.py says what is computed,
norms and angles in 32 bits; `rope.freqs` is in the files of the first versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

PARAMS: Mapping[str, Any] = {
    "dim": 24,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "vocab_size": 11,
    "multiple_of": 4,
    "norm_eps": 1e-6,
    "rope_theta": 10000.0,
}
INNER = 28


def scaled(values: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Return values divided by the root of their mean square, in 32 bits, times a weight."""
    single = values.float()
    return weight * (single * torch.rsqrt(single.pow(2).mean(-1, keepdim=True) + epsilon)).to(values.dtype)


def turned(values: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Return heads, `batch position head number`, with neighbours turned as one complex number, by `position pair`."""
    pairs = torch.view_as_complex(values.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * torch.complex(angles.cos(), angles.sin())[:, None]).flatten(-2)


class RMSNorm(nn.Module):
    """A norm's weight."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))


class Attention(nn.Module):
    """Grouped queries with rotary positions."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.heads, self.kv_heads = params["n_heads"], params["n_kv_heads"]
        width, self.size = params["dim"], params["dim"] // params["n_heads"]
        self.wq = nn.Linear(width, self.heads * self.size, bias=False)
        self.wk = nn.Linear(width, self.kv_heads * self.size, bias=False)
        self.wv = nn.Linear(width, self.kv_heads * self.size, bias=False)
        self.wo = nn.Linear(self.heads * self.size, width, bias=False)

    def forward(self, values: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        queries, keys, values = (
            layer(values).unflatten(-1, (count, self.size))
            for layer, count in ((self.wq, self.heads), (self.wk, self.kv_heads), (self.wv, self.kv_heads))
        )
        shared = self.heads // self.kv_heads
        queries, keys = turned(queries, angles), turned(keys, angles).repeat_interleave(shared, 2)
        scores = torch.einsum("bqhd,bkhd->bhqk", queries, keys) / self.size**0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, float("-inf")).softmax(-1)
        made = torch.einsum("bhqk,bkhd->bqhd", weights, values.repeat_interleave(shared, 2))
        return self.wo(made.flatten(2))


class FeedForward(nn.Module):
    """A gate of w1 on what w3 makes; w2 goes back."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(width, inner, bias=False)
        self.w2 = nn.Linear(inner, width, bias=False)
        self.w3 = nn.Linear(width, inner, bias=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.w2(nn.functional.silu(self.w1(values)) * self.w3(values))


class Block(nn.Module):
    """One layer."""

    def __init__(self, params: Mapping[str, Any], inner: int) -> None:
        super().__init__()
        self.attention = Attention(params)
        self.feed_forward = FeedForward(params["dim"], inner)
        self.attention_norm = RMSNorm(params["dim"])
        self.ffn_norm = RMSNorm(params["dim"])


class Rope(nn.Module):
    """The angle by which each pair is turned from one position to the next."""

    def __init__(self, size: int, base: float) -> None:
        super().__init__()
        self.register_buffer("freqs", 1 / base ** (torch.arange(0, size, 2).float() / size))


class Transformer(nn.Module):
    """The network."""

    def __init__(self, params: Mapping[str, Any] = PARAMS, inner: int = INNER) -> None:
        super().__init__()
        self.params = params
        self.tok_embeddings = nn.Embedding(params["vocab_size"], params["dim"])
        self.layers = nn.ModuleList(Block(params, inner) for _ in range(params["n_layers"]))
        self.norm = RMSNorm(params["dim"])
        self.output = nn.Linear(params["dim"], params["vocab_size"], bias=False)
        self.rope = Rope(params["dim"] // params["n_heads"], params["rope_theta"])

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        values, epsilon = self.tok_embeddings(tokens), self.params["norm_eps"]
        angles = torch.outer(torch.arange(tokens.shape[1]).float(), self.rope.freqs.float())
        for layer in self.layers:
            values = values + layer.attention(scaled(values, layer.attention_norm.weight, epsilon), angles)
            values = values + layer.feed_forward(scaled(values, layer.ffn_norm.weight, epsilon))
        return self.output(scaled(values, self.norm.weight, epsilon))
