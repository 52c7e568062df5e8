"""The steps of a spelling while they are put together, each known by its first output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from weightwise.conventions.spelling import Feed, Output, Spelled, Step
from weightwise.records import dataclass


@dataclass
class Program:
    """Steps so far."""

    steps: list[Step] = field(default_factory=list)

    def add(
        self, class_name: str, *inputs: Output, name: str = "", feeds: Mapping[str, Feed] | None = None, **config: Any
    ) -> Output:
        """Add a step that reads outputs of others, and return its first output."""
        self.steps.append(Step(class_name, config, feeds or {}, name, inputs))
        return Output(len(self.steps) - 1)

    def spelled(self, *outputs: Output, notes: tuple[str, ...] = ()) -> Spelled:
        """Return the whole with its outputs."""
        return Spelled(tuple(self.steps), outputs, notes)


def named(*parts: str) -> str:
    """Return the name of a step from its parts, of which some may be empty.

    >>> named("forward", "last"), named("", "last")
    ('forward_last', 'last')
    """
    return "_".join(part for part in parts if part)
