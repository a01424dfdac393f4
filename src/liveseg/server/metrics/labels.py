"""Label values that cannot grow without end: a time series for each costs memory here and in Prometheus."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

OTHER = "other"
"""What every value is called that there is no place for."""


class Bounded:
    """The values that a label may have: those known beforehand, and the first few others; the rest is `OTHER`.

    Values are to come from the code (a route's template, a stage's name), never from a client. This holds the number of
    series also where that rule is broken one day.

    Args:
        known: values that always have a place.
        most: places in all, `OTHER` not counted.
    """

    def __init__(self, *known: str, most: int = 0) -> None:
        self._values = set(known)
        self._most = most
        self._lock = threading.Lock()

    def __call__(self, value: str) -> str:
        """The value itself, or `OTHER`."""
        with self._lock:
            if value not in self._values:
                if len(self._values) >= self._most:
                    return OTHER
                self._values.add(value)
        return value


class StateGauge:
    """How many things are in each state: a gauge with the label `state`, 0 for a state that nothing is in.

    Args:
        name: of the metric.
        text: its help.
        states: those known beforehand, shown from the start.
        registry: where it is registered.
    """

    def __init__(self, name: str, text: str, states: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._gauge = Gauge(name, text, ("state",), registry=registry)
        self._bounded = Bounded(*states, most=2 * len(states))
        self._shown = set(states)
        self._lock = threading.Lock()
        for state in states:
            self._gauge.labels(state)

    def show(self, counts: Mapping[str, int]) -> None:
        """So many are in each state now, and none in any other."""
        told = Counter[str]()
        for state, count in counts.items():
            told[self._bounded(state)] += count
        with self._lock:
            self._shown |= told.keys()
            for state in self._shown:
                self._gauge.labels(state).set(told[state])
