"""A spelling whose steps read any of those before, while it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from weightwise.conventions.spelling import INPUT, Output, Spelled, Step

SOURCE = Output(INPUT)
"""The first input of the layer."""


class Program:
    """The steps so far, each known by its first output."""

    def __init__(self) -> None:
        """Begin with no steps."""
        self.steps: list[Step] = []

    def add(self, step: Step, *inputs: Output) -> Output:
        """Add a step that reads these outputs, and return its first output."""
        self.steps.append(replace(step, inputs=inputs))
        return Output(len(self.steps) - 1)

    def follow(self, steps: Sequence[Step], start: Output = SOURCE) -> Output:
        """Add steps of which each reads the one before, and return what the last returns."""
        for step in steps:
            start = self.add(step, start)
        return start

    def spelled(self, *outputs: Output, notes: Sequence[str] = ()) -> Spelled:
        """Return all of it."""
        return Spelled(tuple(self.steps), outputs, notes=tuple(notes))
