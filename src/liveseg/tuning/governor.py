"""Which level of a ladder a live line should use now: down when the machine gets busy, up when it calms down.

Pure logic: it is told of each frame and answers with a level; it has no thread, and no clock but the one it is given.

**Down.** The line falls short when it finishes fewer than 95 % of the frames that it should: of those that arrive, at
most the target. A hiccup, one gap of more than four times the usual, does not count, nor what was lost in it. When the
line still falls short a second after that was first seen, the governor steps down, past as many rungs as it takes: to
the first that would do half as much again as the target on a machine as slow as it has just been.

**Up.** How slow the machine is shows in how long the network takes, measured over predicted. But a scheduler favours
those who ask for little: on a low rung this ratio is nearly 1 while the load goes on, and a governor that trusted it
would climb, fall and climb again. So it also asks how many of the cores lie idle, and climbs only into those. It goes
straight back to the level it started from (`home`) after `HOLD` seconds of calm, and anywhere else, or where nobody
knows how idle the cores are, only after eight times as long. A step up that fails doubles the hold; a minute at home
halves it again.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADROOM = 1.1
"""A level reaches a target that it is predicted to exceed by a tenth."""

RESERVE = 1.5
"""Stepping down, a level is wanted that would exceed the target by so much: small networks suffer more from a load,
since what waiting for a core costs does not shrink with them. Better one deep step than two."""

SHORT = 0.95
"""Below this share of the frames wanted, the line falls short."""

SPAN = 1.5
"""Seconds of frames that are looked at."""

LEAST = 8
"""The fewest frames from which anything is concluded."""

CONFIRM = 1.0
"""Seconds for which the line falls short before it steps down."""

SETTLE = 0.3
"""Seconds after a step whose frames do not count: some of them were on their way before."""

START = 2.0
"""Seconds at the begin that do not count: encoders and sources fill their queues then."""

HOLD = 4.0
"""Seconds of calm before a step up to the level that the line started from."""

_HICCUP = 4.0
"""How many times as long as usual a gap is that means nothing if it is the only one."""

LONGEST_HOLD = 60.0
"""What the hold grows to when steps up keep failing."""

_UNSURE = 8
"""How many times longer a less certain step up waits."""

_PROBATION = 10.0
"""Seconds in which a step down after a step up means that the step up failed."""

_FORGIVEN = 60.0
"""Seconds at home after which the hold shrinks again."""

_LOOK = 1.0
"""Seconds between looks at whether a step up is possible; idle cores are averaged over them."""


@dataclass(frozen=True)
class Rung:
    """What one level costs on this machine when nothing else runs on it.

    Args:
        busy: seconds that one frame takes to be segmented.
        pace: frames a second that the stage which segments and draws would do alone.
        rate: frames a second that the whole line does.
        cores: core seconds that one frame costs the whole line.
    """

    busy: float
    pace: float
    rate: float
    cores: float


@dataclass(frozen=True)
class Step:
    """A change of level.

    Args:
        at: seconds since the first frame.
        before: the level left.
        after: the level taken; a higher number is faster and worse.
        reason: why, in words.
    """

    at: float
    before: int
    after: int
    reason: str


@dataclass(frozen=True)
class _Frame:
    done: float
    gap: float
    dropped: int
    slowdown: float | None


class Governor:
    """Watches one stream and says which rung it should stand on.

    Args:
        rungs: from the best quality to the fastest; each `rate` and `pace` above the one before.
        target: frames a second to hold.
        home: the rung to start from and to come back to.
        clock: seconds, from any beginning.
        idle: how many cores lay idle on average since it was last asked; `None` where the system does not say.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        target: float,
        *,
        home: int = 0,
        clock: Callable[[], float] = time.monotonic,
        idle: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.level = home
        self.steps: list[Step] = []
        self._rungs = tuple(rungs)
        self._target = target
        self._home = home
        self._clock = clock
        self._idle = idle
        self._hold = HOLD
        self._held_at: dict[int, float] = {}
        """The largest slowdown at which each level was seen to hold the target."""
        self._begin: float | None = None
        self._last = 0.0
        self._climbed = self._forgave = -math.inf
        self._reset(0.0)

    def _reset(self, now: float) -> None:
        self._window: deque[_Frame] = deque()
        self._short_since: float | None = None
        self._home_since: float | None = None
        self._better_since: float | None = None
        self._changed = self._looked = now

    def observe(self, busy: float | None, dropped: int = 0) -> int:
        """Take a frame that is done now, and answer with the level for the next one.

        Args:
            busy: seconds that it took to be segmented; `None` where it reused the mask of another.
            dropped: how many frames were left out since the last one because the line was not ready for them.
        """
        now = self._clock()
        last, self._last = self._last, now
        if self._begin is None:
            self._begin = now
        if now - self._begin < START or now - self._changed < SETTLE:
            return self.level
        slowdown = None if busy is None else busy / self._rungs[self.level].busy
        self._window.append(_Frame(now, now - last, dropped, slowdown))
        while len(self._window) > LEAST and self._window[0].done < now - SPAN:
            self._window.popleft()
        if len(self._window) >= LEAST:
            reached, arriving = self._progress(self._window)
            if reached < SHORT * self._wanted(self._window, reached, arriving):
                self._consider_down(now)
            else:
                self._short_since = None
                if now - self._looked >= _LOOK:
                    self._consider_up(now, reached, arriving)
        return self.level

    def _progress(self, frames: Sequence[_Frame]) -> tuple[float, float]:
        """Frames a second done and arriving; a hiccup and what was lost in it do not count."""
        gaps, losses = [frame.gap for frame in frames], [frame.dropped for frame in frames]
        if max(gaps) > _HICCUP * statistics.median(gaps):
            # What a hiccup cost may be told with the frame after it.
            gaps.remove(max(gaps))
            losses.remove(max(losses))
        seconds = sum(gaps)
        if seconds <= 0:
            return self._target, self._target
        return len(gaps) / seconds, (len(gaps) + sum(losses)) / seconds

    def _wanted(self, frames: Sequence[_Frame], reached: float, arriving: float) -> float:
        """Frames a second that should be done: a source may give less than the target."""
        # Of a stage without a pause nobody can tell what more would have come, if lost frames are not reported.
        return self._target if self._saturated(reached, _slowdown(frames)) else min(self._target, arriving)

    def _saturated(self, reached: float, slowdown: float) -> bool:
        """Whether the stage that segments has no time left."""
        return reached * slowdown > 0.9 * self._rungs[self.level].pace

    def _consider_down(self, now: float) -> None:
        if self._short_since is None:
            self._short_since = now
            self._idle()  # what lies idle is asked again when the seconds of falling short are over
        since = [frame for frame in self._window if frame.done > (self._short_since or now)]
        if now - self._short_since < CONFIRM or len(since) < LEAST:
            return
        reached, arriving = self._progress(since)
        wanted = self._wanted(since, reached, arriving)
        if reached < SHORT * wanted:
            self._step_down(now, reached, wanted, _slowdown(since))
        self._short_since = None

    def _step_down(self, now: float, reached: float, wanted: float, slowdown: float) -> None:
        if now - self._climbed < _PROBATION:
            self._hold = min(self._hold * 2, LONGEST_HOLD)
            self._held_at.pop(self.level, None)
        here, last = self._rungs[self.level], len(self._rungs) - 1
        if self.level == last:
            return
        # What the line gets of the cores now, it will get then: its share among those who want them.
        share = reached * here.cores + (self._idle() or 0.0)
        enough = (
            index
            for index, rung in enumerate(self._rungs)
            if index > self.level
            and rung.rate * reached >= here.rate * wanted * RESERVE
            and rung.pace >= slowdown * wanted * RESERVE
            and rung.cores * wanted * HEADROOM <= share
        )
        reason = f"{reached:.1f} of {wanted:.1f} frames a second done, the network {slowdown:.1f} times as slow"
        self._step(now, next(enough, last), reason)

    def _consider_up(self, now: float, reached: float, arriving: float) -> None:
        self._looked = now
        idle = self._idle()
        slowdown = _slowdown(self._window)
        self._held_at[self.level] = max(slowdown, self._held_at.get(self.level, 0.0))
        if self.level <= self._home and now - max(self._changed, self._forgave) > _FORGIVEN:
            self._hold, self._forgave = max(self._hold / 2, HOLD), now
        sure = [self._possible(index, reached, arriving, slowdown, idle) for index in range(self.level)]
        self._home_since = _since(self._home_since, now, any(answer is True for answer in sure[: self._home + 1]))
        # What the line was not planned for has to be certain; what it was planned for deserves a try.
        worth = [answer is True or (answer is None and index >= self._home) for index, answer in enumerate(sure)]
        self._better_since = _since(self._better_since, now, any(worth))
        if self.level > self._home and _passed(self._home_since, now, self._hold):
            self._climb(now, self._home, idle)
        elif _passed(self._better_since, now, self._hold * _UNSURE):
            self._climb(now, worth.index(True), idle)

    def _possible(
        self, index: int, reached: float, arriving: float, slowdown: float, idle: float | None
    ) -> bool | None:
        """Whether a better level would hold the target now: yes, no, or nobody knows (`None`)."""
        rung, here = self._rungs[index], self._rungs[self.level]
        wanted = min(self._target, arriving)
        fast_enough = rung.pace >= 1.05 * slowdown * wanted or slowdown <= 1.05 * self._held_at.get(index, 0.0)
        if idle is None:
            return None if fast_enough else False
        if SHORT * wanted * rung.cores > reached * here.cores + idle:
            return False
        if fast_enough:
            return True
        # A small network may only seem slow, because the prediction missed it; one that has no time left is slow.
        return False if self._saturated(reached, slowdown) else None

    def _climb(self, now: float, level: int, idle: float | None) -> None:
        self._climbed = now
        self._step(now, level, "the machine is calm" + ("" if idle is None else f", {idle:.1f} of its cores idle"))

    def _step(self, now: float, level: int, reason: str) -> None:
        self.steps.append(Step(now - (self._begin or now), self.level, level, reason))
        self.level = level
        self._reset(now)


def _slowdown(frames: Sequence[_Frame]) -> float:
    """How many times as long as predicted segmenting takes, by the median; 1 where nothing was segmented."""
    ratios = [frame.slowdown for frame in frames if frame.slowdown is not None]
    return statistics.median(ratios) if ratios else 1.0


def _since(before: float | None, now: float, holds: bool) -> float | None:
    """Since when something has held without a break."""
    if not holds:
        return None
    return now if before is None else before


def _passed(since: float | None, now: float, seconds: float) -> bool:
    return since is not None and now - since >= seconds
