"""What follows one source: counts its frames, adds them to the table of areas, and puts the rules to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from liveseg.events.event import Event
from liveseg.events.onset import Gaps, Onset
from liveseg.exports.areas import Area
from liveseg.products.base import Product

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.events.area_file import AreaFile
    from liveseg.events.bound import BoundRule
    from liveseg.events.clip import Recorder
    from liveseg.events.counts import Counter
    from liveseg.events.event import Action
    from liveseg.events.onset import Change
    from liveseg.media.frame import Frame
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation

    Counted = tuple[tuple[NDArray[np.int64], int], ...]


class Watcher(Product):
    """Follows one source; what it does with an event never ends the run.

    A condition that still holds when the source ends, has ended with it.

    Args:
        source: its name, without passwords.
        has_time: whether its frames have times; a picture has none.
        counter: counts in the whole picture and the zones.
        zones: the zones' names, in the counter's order.
        rules: what is watched for.
        actions: what is done with each event, beside a clip.
        areas: the table that each frame is added to.
        recorder: makes clips.
    """

    def __init__(
        self,
        source: str,
        *,
        has_time: bool,
        counter: Counter,
        zones: Sequence[str],
        rules: Sequence[BoundRule],
        actions: Sequence[Action],
        areas: AreaFile | None,
        recorder: Recorder | None,
    ) -> None:
        super().__init__(None)
        self._source, self._has_time = source, has_time
        self._counter, self._zones = counter, tuple(zones)
        self._rules = [(bound, Onset(bound.rule.seconds)) for bound in rules]
        self._actions, self._areas, self._recorder = actions, areas, recorder
        self._gaps = Gaps()
        self._last: tuple[Fraction, int, Counted] | None = None
        self._begins = [0] * len(self._rules)

    def prepare(self, found: Segmentation) -> Counted:
        """Count the pixels of each class; see `Counter.areas`."""
        return self._counter.areas(found.mask)

    def write(self, result: Result, prepared: Any) -> None:
        """Add a frame to the table of areas, and put the rules to it.

        Raises:
            SinkError: the table of areas cannot be written.
        """
        frame, moment = result.frame, result.frame.timestamp
        if self._areas is not None:
            self._areas.add(
                self._source,
                frame.index,
                moment if self._has_time else None,
                _arrival(frame),
                self._named(prepared, result.segmentation),
            )
        if self._recorder is not None:
            self._recorder.add(frame, result.picture)
        gap = self._gaps.after(moment)
        self._last = moment, frame.index, prepared
        for place, (bound, onset) in enumerate(self._rules):
            change = onset.step(moment, bound.holds(prepared), gap=gap)
            if change is not None:
                self._tell(place, bound, change, frame.index, prepared)

    def commit(self) -> None:
        """End what still goes on, and finish the clips."""
        last, self._last = self._last, None
        if last is not None and self._has_time:
            moment, index, counted = last
            for place, (bound, onset) in enumerate(self._rules):
                change = onset.end(moment)
                if change is not None:
                    self._tell(place, bound, change, index, counted)
        if self._recorder is not None:
            self._recorder.close()
            self.notes += self._recorder.notes
            self._recorder = None
        for (bound, _), count in zip(self._rules, self._begins, strict=True):
            if count or self._has_time:
                self.notes.append(f"{bound.rule.name}: {_times(count)}")
        self._rules = []

    def abort(self) -> None:
        """As `commit`: what was seen until then happened."""
        self.commit()

    def _tell(self, place: int, bound: BoundRule, change: Change, frame: int, counted: Counted) -> None:
        self._begins[place] += change.kind == "began"
        now = datetime.now(UTC)
        clip = None if self._recorder is None else self._recorder.take(bound.rule, change, now)
        event = Event(bound.rule, change, self._source, frame, bound.areas(counted), clip, now)
        for action in self._actions:
            action.take(event)

    def _named(self, counted: Counted, found: Segmentation) -> dict[str | None, list[Area]]:
        names = found.labels.names
        return {
            zone: [
                Area(index, names[index], int(counts[index]), float(counts[index] / of))
                for index in counts[: len(names)].nonzero()[0].tolist()
            ]
            for zone, (counts, of) in zip((None, *self._zones), counted, strict=True)
        }


def _arrival(frame: Frame) -> datetime | None:
    if frame.arrived is None:
        return None
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - frame.arrived)


def _times(count: int) -> str:
    return "did not happen" if not count else "happened once" if count == 1 else f"happened {count} times"
