"""What a family of architectures is: the names of its arrays, their axes, and which of their sizes are the same.

A pattern's `dimensions` say of each dimension of the array which size it has: a number, a name that has one size in the
whole file (`hidden`), one that has one size in each block (`.inner`), or `?`. That they all agree rules out other
models with the same names, and files with the dimensions in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from weightwise.records import dataclass


@dataclass(frozen=True)
class Pattern:
    """One array of a family, or one in each of its blocks."""

    name: str
    """Its name in the file; `*` stands for a number."""
    role: str
    """The role that the operation gives it; empty where the family leaves it open, `-` where it does not enter."""
    axes: str
    dimensions: str
    sizes: Mapping[str, str] = field(default_factory=dict)
    """The sizes of axes that follow from those of dimensions, `groups` of a depthwise kernel, or are numbers."""
    trainable: bool = True
    note: str = ""
    """What else must be said of it."""
    twin: str = ""
    """What another spelling of the architecture calls the same array; empty where all call it by this name."""
    tied: str = ""
    """The name of the pattern whose values it has where the configuration ties the two."""


@dataclass(frozen=True)
class Family:
    """Models with the same names and the same axes."""

    name: str
    source: str
    """Where the code is that makes the arrays: a file of a version."""
    patterns: tuple[Pattern, ...]
    required: tuple[str, ...]
    """The names of patterns that every file of the family has; together they are unmistakable."""
    blocks: tuple[str, ...] = ()
    """Beginnings of the names in blocks; where no configuration says the family, other arrays there rule it out."""
    model_types: tuple[str, ...] = ()
    """What `model_type` in the configuration is."""
    by_names: bool = True
    """Whether names and shapes tell the family where the file has no configuration."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The sizes that the configuration fixes: the key of each, or several, of which the first that is there counts;
    `dim/n_heads` is a quotient of two."""
    admits: Callable[[Mapping[str, Any]], bool] = lambda config: True
    """Whether its axes are those of networks of this configuration."""
    prefix: str = ""
    """What names begin with that files of the same architecture may leave out, or have more."""
    unsaid: Mapping[str, str] = field(default_factory=dict)
    """What the network must know and no array says: its keys in the configuration, by what any spelling calls it."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """The same where no configuration says it: what the code has then."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values that other spellings have otherwise, by what they are of: `{"rotary scaling": {"True": "llama3"}}`."""
    purposes: Mapping[str, str] = field(default_factory=dict)
    """What a layer is for, by what all spellings call it, as a clause whose subject it is."""
    distinct: tuple[tuple[str, str], ...] = ()
    """Pairs of sizes that must differ for names and shapes to tell the family."""

    def plain(self, pattern: Pattern) -> str:
        """Return what all spellings of the architecture call an array of a pattern, with `*` for numbers."""
        return (pattern.twin or pattern.name).removeprefix(self.prefix)

    def purpose(self, pattern: Pattern) -> str:
        """Return what the layer of an array is for."""
        return self.purposes[self.plain(pattern).rpartition(".")[0]]

    @property
    def owners(self) -> Mapping[str, str]:
        """The plain names of the arrays that may be tied, each with that of the array whose values it then has."""
        names = {pattern.name: self.plain(pattern) for pattern in self.patterns}
        return {names[pattern.name]: names[pattern.tied] for pattern in self.patterns if pattern.tied}


def called(patterns: Iterable[Pattern], name: str, twin: str) -> Iterator[Pattern]:
    """Yield patterns whose arrays another spelling has under `twin` in place of `name`."""
    return (replace(pattern, twin=pattern.name.replace(name, twin, 1)) for pattern in patterns)


def tied(patterns: Iterable[Pattern], owner: str) -> Iterator[Pattern]:
    """Yield the arrays of a layer, the kernel as one that may have the values of `owner`."""
    return (replace(pattern, tied=owner) if pattern.role == "kernel" else pattern for pattern in patterns)


def linear(name: str, out: str, sizes: str, reads: str = "in") -> Iterator[Pattern]:
    """Yield the arrays of a `torch.nn.Linear`; `sizes` are those of `out` and `reads`."""
    yield Pattern(f"{name}.weight", "kernel", f"{out} {reads}", sizes)
    yield Pattern(f"{name}.bias", "bias", out, sizes.split()[0])


def embedding(name: str, sizes: str, rows: str = "vocab") -> Iterator[Pattern]:
    """Yield the array of a `torch.nn.Embedding`, whose rows are those of tokens unless it is said otherwise."""
    yield Pattern(f"{name}.weight", "table" if rows == "vocab" else "", f"{rows} features", sizes)


def depthwise(name: str, channels: str, window: int) -> Pattern:
    """Return the kernel of a `torch.nn.Conv2d` with as many groups as channels."""
    axes = "(groups out/groups) in/groups kh kw"
    return Pattern(f"{name}.weight", "kernel", axes, f"{channels} 1 {window} {window}", {"groups": channels})


def convolution(name: str, sizes: str) -> Pattern:
    """Return the kernel of a `torch.nn.Conv2d` of one group."""
    return Pattern(f"{name}.weight", "kernel", "out in kh kw", sizes)


def biased_convolution(name: str, sizes: str) -> Iterator[Pattern]:
    """Yield the arrays of a `torch.nn.Conv2d` of one group with a bias."""
    yield convolution(name, sizes)
    yield Pattern(f"{name}.bias", "bias", "out", sizes.split()[0])


def layer_norm(name: str, size: str = "hidden") -> Iterator[Pattern]:
    """Yield the arrays of a `torch.nn.LayerNorm` over the last axis."""
    yield Pattern(f"{name}.weight", "gamma", "features", size)
    yield Pattern(f"{name}.bias", "beta", "features", size)


def batch_norm(name: str, size: str) -> Iterator[Pattern]:
    """Yield the arrays of a `torch.nn.BatchNorm2d`; files from before PyTorch 0.4.1 have no count."""
    yield from layer_norm(name, size)
    yield Pattern(f"{name}.running_mean", "mean", "features", size, trainable=False)
    yield Pattern(f"{name}.running_var", "variance", "features", size, trainable=False)
    yield Pattern(f"{name}.num_batches_tracked", "-", "", "", trainable=False)
