"""A table of one framework or of a generation of it: the rules and rows of its classes, what they say of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from weightwise.conventions.row import Config, Description, Part, Row, Shapes, Slot
from weightwise.conventions.rule import Rule, joined, rows_of, slots_of
from weightwise.ops.operation import Operation
from weightwise.records import dataclass


@dataclass(frozen=True)
class Table:
    """Rules by class, and the rows among which those of a class are."""

    rules: Mapping[str, Rule]
    rows: Callable[[str], Iterable[Row]]
    by_name: bool = False
    """Whether the framework's file has each array under its name, and not under its number."""
    prefixed: bool = False
    """Whether the names of variables begin with that of their layer, as in `lstm_1_W_i`."""
    newer: frozenset[str] = frozenset()
    """Classes with rules that this generation did not have yet."""
    ambiguous: frozenset[str] = frozenset()
    """Classes that their arrays alone never tell, because a class without a rule has arrays of the same names."""

    def describe(self, class_name: str, config: Config, inputs: Shapes) -> Description | None:
        """Return what the framework stores for a layer of this class and configuration; None for an unknown class.

        `inputs` are the input shapes, empty when they are not known. Raises `ShapeError` or `KeyError` when the
        configuration is not one that the framework writes.
        """
        rule = self.rules.get(class_name)
        if rule is None:
            return None
        parts = rule.parts(config, inputs)
        described = list(self._described(parts))
        whole = [description for description in described if description is not None]
        if len(whole) < len(parts):
            missing = next(part.class_name for part, found in zip(parts, described, strict=True) if found is None)
            return Description(None, (), f"it contains a {missing}, a class that weightwise does not know")
        if note := next((description.note for description in whole if description.operation is None), ""):
            return Description(None, (), note)
        operation = rule.operation(config, inputs, whole)
        rows = rows_of(class_name, self.rows(class_name), config)
        slots = list(slots_of(rows, operation, config, inputs, self.by_name))
        slots += _slots_inside(parts, whole)
        return Description(operation, tuple(rule.arrange(slots)), "")

    def _described(self, parts: Iterable[Part]) -> Iterator[Description | None]:
        """Yield what the table says of each part; one that follows another reads its outputs."""
        before: Operation | None = None
        inputs: Shapes = ()
        for part in parts:
            if not part.follows:
                inputs = part.inputs
            else:
                inputs = before.output_shapes(inputs) if before and inputs else ()
            found = self.describe(part.class_name, part.config, inputs)
            before = found.operation if found else None
            yield found


def _slots_inside(parts: Iterable[Part], described: Iterable[Description]) -> Iterator[Slot]:
    """Yield the arrays of the layers inside, with their keys, names and roles in the whole."""
    for part, description in zip(parts, described, strict=True):
        trainable = bool(part.config.get("trainable", True))
        for slot in description.slots:
            yield replace(
                slot,
                key="" if slot.made else joined(part.key, slot.key),
                former=joined(part.key, slot.former) if slot.former else "",
                name=joined(part.prefix, slot.name),
                role=joined(part.role, slot.role),
                scope=joined(part.key, slot.scope),
                trainable=slot.trainable and trainable,
            )
