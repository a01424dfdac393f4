"""A live source held to a rate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from liveseg.media.frame import Frame, LiveFacts, Source, SourceInfo
from liveseg.tuning.thinned import Thinned

PICTURE = np.zeros((2, 2, 3), np.uint8)


class Arrivals(Source):
    """Frames that arrived at given times."""

    def __init__(self, times):
        self.info, self.notes = SourceInfo("camera", "video", 2, 2, live=True), ["a note"]
        self.facts = LiveFacts()
        self.times, self.calls = times, []

    def __iter__(self):
        for index, at in enumerate(self.times):
            yield Frame(PICTURE, index, arrived=100.0 + at)

    def end(self):
        self.calls.append("end")

    def close(self):
        self.calls.append("close")


@pytest.mark.parametrize(("comes", "wanted"), [(30, 25), (60, 25), (30, 29), (50, 10), (100, 99.5)])
def test_a_faster_source_gives_the_wanted_rate_evenly(comes, wanted):
    frames = list(Thinned(Arrivals([n / comes for n in range(comes * 20)]), wanted))
    assert len(frames) == pytest.approx(20 * wanted, abs=2)
    gaps = {after.index - before.index for before, after in itertools.pairwise(frames)}
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("comes", [10, 24, 25])
def test_of_a_source_that_is_not_faster_nothing_is_left_out(comes):
    assert len(list(Thinned(Arrivals([n / comes for n in range(500)]), 25))) == 500


def test_jitter_leaves_nothing_out():
    """Frames of a 25-fps camera that come up to 10 ms early or late: on average none is too many."""
    random = np.random.default_rng(0)
    times = np.sort(np.arange(2000) / 25 + random.uniform(-0.01, 0.01, 2000))
    assert len(list(Thinned(Arrivals(times), 25))) >= 0.97 * 2000


def test_after_a_pause_there_is_no_burst():
    times = [n / 25 for n in range(50)] + [12 + n / 100 for n in range(400)]
    frames = list(Thinned(Arrivals(times), 25))
    assert sum(12 < frame.arrived - 100 < 13 for frame in frames) <= 26


def test_what_is_left_out_is_counted():
    source = Arrivals([n / 100 for n in range(401)])
    frames = list(Thinned(source, 25))
    assert frames[0].dropped_before == 0
    assert all(frame.dropped_before == 3 for frame in frames[1:])
    assert sum(frame.dropped_before + 1 for frame in frames) == 401


def test_the_rest_is_the_sources_own():
    source = Arrivals([])
    with Thinned(source, 25) as thinned:
        assert thinned.info is source.info
        assert thinned.notes is source.notes
        assert thinned.facts is source.facts
        thinned.end()
    assert source.calls == ["end", "close"]
