"""A rule and what it is about: the classes of a model, and the zones that were declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError
from liveseg.events.rules import And, Comparison, Not, unknown_class, unknown_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from liveseg.events.rules import Condition, Rule
    from liveseg.events.zones import Zone
    from liveseg.labels import LabelSet

    Counts = NDArray[np.int64]

ANY = "any"
"""What all classes but the background are called in an event."""


@dataclass(frozen=True, eq=False)
class BoundRule:
    """A rule that can be put to the counts of a frame.

    Args:
        rule: the rule.
        place: where its zone stands among those that are counted, 0 for the whole picture.
        classes: the name and the indices of the classes that each of its comparisons is about.
    """

    rule: Rule
    place: int
    classes: Mapping[Comparison, tuple[str, NDArray[np.intp]]]

    def holds(self, counted: Sequence[tuple[Counts, int]]) -> bool:
        """Whether the condition holds in a frame.

        Args:
            counted: as `Counter.areas` gives it.
        """
        return self._holds(self.rule.condition, *counted[self.place])

    def areas(self, counted: Sequence[tuple[Counts, int]]) -> dict[str, tuple[int, int]]:
        """The pixels of each class that the rule names, and those of the picture or zone."""
        counts, of = counted[self.place]
        return {name: (int(counts[indices].sum()), of) for name, indices in self.classes.values()}

    def _holds(self, condition: Condition, counts: Counts, of: int) -> bool:
        if isinstance(condition, Comparison):
            _, indices = self.classes[condition]
            return condition.holds(int(counts[indices].sum()), of)
        if isinstance(condition, Not):
            return not self._holds(condition.part, counts, of)
        together = all if isinstance(condition, And) else any
        return together(self._holds(part, counts, of) for part in condition.parts)


def bind(rule: Rule, labels: LabelSet, zones: Sequence[Zone]) -> BoundRule:
    """Find what a rule names.

    Raises:
        UsageError: a class that the model does not know, or a zone that was not declared; the message points at it.
    """
    names = [zone.name for zone in zones]
    if rule.zone is not None and rule.zone not in names:
        raise unknown_zone(rule, names)
    place = 0 if rule.zone is None else 1 + names.index(rule.zone)
    return BoundRule(rule, place, {each: _classes(rule, each, labels) for each in rule.comparisons()})


def _classes(rule: Rule, comparison: Comparison, labels: LabelSet) -> tuple[str, NDArray[np.intp]]:
    if comparison.name is None:
        return ANY, np.arange(1 if labels.background else 0, len(labels))
    try:
        index = labels.index(comparison.name)
    except UsageError as error:
        raise unknown_class(rule, comparison, error) from error
    return labels.names[index], np.array([index])
