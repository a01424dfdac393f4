"""A live source over connections that a test makes up: what is given out, when, and what is left behind."""

import statistics
import threading
import time
from fractions import Fraction
from itertools import count, pairwise

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, UsageError
from liveseg.media.frame import Selection
from liveseg.media.live.connection import Received
from liveseg.media.live.options import LiveOptions
from liveseg.media.live.source import LiveSource

RATE = 50
FOREVER = 60


class Line:
    """A connection: frames numbered from `first`, `RATE` a second on its own clock, as fast as asked; then an end.

    Its arguments:
        frames: how many; `None`: without end.
        error: raised after them; without it the stream just ends.
        pause: seconds between them.
        size: of the pictures.
    """

    time_base = Fraction(1, 1000)
    rate = Fraction(RATE)
    sample_aspect_ratio = None

    def __init__(self, clips, frames=None, error=None, pause=1 / RATE, first=0, size=None):
        self.clips, self.error, self.pause, self.size = clips, error, pause, size or clips.size
        self.numbers = count(first) if frames is None else range(first, first + frames)
        self.damaged = 0
        self.closed = threading.Event()

    def frames(self):
        for number in self.numbers:
            if self.closed.wait(self.pause):
                return
            frame = av.VideoFrame.from_ndarray(self.clips.numbered(number, self.size), "rgb24")
            frame.pts, frame.time_base = number * 1000 // RATE, self.time_base
            yield Received(frame, time.monotonic())
        if self.error is not None:
            raise self.error

    def close(self):
        self.closed.set()


@pytest.fixture
def live(clips):
    """`live(line, line, …, selection=…, how…)`: a source of these connections; a `str` is one that fails, so."""
    sources = []

    def make(*lines, selection=None, stop=None, options=None, **how):
        left = list(lines)
        dialled = []

        def dial(_ended):
            dialled.append(time.monotonic())
            line = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(line, str):
                raise MediaError(line)
            return line

        source = LiveSource("a line", dial, options=options or LiveOptions(), selection=selection, stop=stop, **how)
        source.dialled = dialled
        sources.append(source)
        return source

    before = set(threading.enumerate())
    yield make
    for source in sources:
        source.close()
    assert set(threading.enumerate()) <= before


def numbers(clips, frames):
    return [clips.number_of(frame.image) for frame in frames if not frame.placeholder]


def test_every_frame_comes_once_and_in_order_where_each_is_wanted(live, clips):
    source = live(Line(clips, 40, pause=0), every_frame=True, returns=False)
    frames = list(source)
    assert numbers(clips, frames) == [frame.index for frame in frames] == list(range(40))
    assert [frame.timestamp for frame in frames] == [Fraction(number, RATE) for number in range(40)]
    assert not any(frame.dropped_before for frame in frames)
    assert source.info.live
    assert (source.info.width, source.info.height, source.info.rate) == (*clips.size, RATE)
    assert source.notes == []


def test_without_anybody_who_takes_every_frame_the_reader_waits(live, clips):
    source = live(Line(clips, pause=0), every_frame=True)
    time.sleep(0.3)
    assert source.facts.received < 10


def test_only_the_newest_frame_is_kept(live, clips):
    source = live(Line(clips, 30, pause=0.005), returns=False)
    time.sleep(0.5)
    (frame,) = source
    assert (clips.number_of(frame.image), frame.index, frame.dropped_before) == (29, 29, 29)
    assert (source.facts.received, source.facts.dropped) == (30, 29)


def test_a_consumer_of_any_pace_gets_frames_of_now_and_the_count_of_the_others(live, clips):
    frames, ages = [], []
    for frame in live(Line(clips)):
        ages.append(time.monotonic() - frame.arrived)
        frames.append(frame)
        time.sleep(0.01 * (len(frames) % 15))
        if len(frames) == 40:
            break
    for before, after in pairwise(frames):
        assert after.index - before.index == after.dropped_before + 1
    assert numbers(clips, frames) == [frame.index for frame in frames]
    assert statistics.median(ages[20:]) < 0.5


# ---------------------------------------------------------------------------------------------- selections


def test_a_selection_counts_the_frames_that_arrive(live, clips):
    selection = Selection(start=Fraction(10, RATE), every=3, limit=4)
    frames = list(live(Line(clips, pause=0), selection=selection, every_frame=True))
    assert numbers(clips, frames) == [12, 15, 18, 21]
    assert not any(frame.dropped_before for frame in frames)


def test_a_duration_ends_by_the_streams_own_time(live, clips):
    source = live(Line(clips, pause=0), selection=Selection(duration=Fraction(20, RATE)), every_frame=True)
    assert numbers(clips, source) == list(range(20))
    assert source.info.duration == Fraction(20, RATE)


def test_a_duration_passes_while_the_source_is_away_too(live, clips):
    source = live(Line(clips, 5), "away", selection=Selection(duration=Fraction(2)))
    began = time.monotonic()
    assert list(source)[-1].placeholder
    assert time.monotonic() - began < 20


def test_one_frame_of_many_is_announced_with_its_rate(live, clips):
    source = live(Line(clips), selection=Selection(every=5, limit=7))
    assert (source.info.rate, source.info.frame_count) == (10, 7)


def test_a_selection_that_makes_no_sense_is_refused(live, clips):
    with pytest.raises(UsageError):
        live(Line(clips), selection=Selection(every=0))


# ---------------------------------------------------------------------------------------------- being away


def test_a_broken_connection_is_followed_by_another_and_the_time_goes_on(live, clips):
    source = live(Line(clips, 10, first=500), Line(clips, 10), "gone", options=LiveOptions(reconnect=1.0))
    frames = list(source)
    assert [clips.number_of(frame.image) for frame in frames if not frame.placeholder][-1] == 9
    assert all(before.timestamp < after.timestamp for before, after in pairwise(frames))
    # The second connection's clock begins at 0, and the first one's at 10 s.
    assert 10 < frames[-1].timestamp < 20
    assert [frame.index for frame in frames if not frame.placeholder][-1] == 19
    assert source.facts.reconnects == 1
    assert source.facts.away_seconds > 1
    assert len(source.notes) == 2
    assert source.notes[0] == "it went away, and did not come back within 1 s: gone"
    assert source.notes[1].startswith("it was away and came back once; away for")


def test_pauses_between_attempts_grow(live, clips):
    source = live(Line(clips, 3), "away", options=LiveOptions(reconnect=3.0))
    list(source)
    pauses = [after - before for before, after in pairwise(source.dialled)]
    assert 3 <= len(pauses) <= 5
    assert all(before < after for before, after in pairwise(pauses[1:-1]))


def test_placeholders_keep_whoever_takes_awake_and_show_the_last_picture_darkened(live, clips):
    source = live(Line(clips, 3), "away", options=LiveOptions(reconnect=2.0))
    frames = list(source)
    stood_in = [frame for frame in frames if frame.placeholder]
    assert 2 <= len(stood_in) <= 6
    last = next(frame for frame in reversed(frames) if not frame.placeholder)
    for frame in stood_in:
        assert frame.image.shape == last.image.shape
        assert frame.image[-1].mean() < 0.6 * last.image[-1].mean()
        assert frame.arrived is None
        assert (frame.index, frame.dropped_before) == (last.index, 0)


def test_what_whoever_takes_draws_on_a_frame_is_not_in_the_placeholder(live, clips):
    source = live(Line(clips, 3), "away")
    for frame in source:
        if frame.placeholder:
            break
        frame.image[:] = 255
    assert frame.image[-1].max() < 60  # the picture is 128 there, and 45 when darkened


def test_no_time_to_reconnect_ends_it_at_once(live, clips):
    source = live(Line(clips, 3, OSError(104, "broken")), Line(clips), options=LiveOptions(reconnect=0))
    began = time.monotonic()
    frames = list(source)
    assert time.monotonic() - began < 5
    assert not any(frame.placeholder for frame in frames)
    assert len(source.dialled) == 1
    assert len(source.notes) == 1
    assert source.notes[0].startswith("it went away: ")


def test_a_stream_that_is_over_is_not_away(live, clips):
    source = live(Line(clips, 3), Line(clips), returns=False)
    assert len([frame for frame in source if frame.placeholder]) == 0
    assert len(source.dialled) == 1
    assert source.notes == []


def test_a_new_connection_that_says_it_is_over_ends_it(live, clips):
    source = live(Line(clips, 3), None)
    assert not any(frame.placeholder for frame in source)
    assert source.notes == []


def test_pictures_of_another_size_are_scaled_to_the_first_ones(live, clips):
    lines = Line(clips, 20, first=1), Line(clips, 20, first=100, size=(192, 128)), "gone"
    source = live(*lines, options=LiveOptions(reconnect=0.6))
    frames = list(source)
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}
    assert numbers(clips, frames)[-1] == 119
    assert "its frames change their size; all are scaled to the first one's" in source.notes


def test_damage_is_told_once(live, clips):
    line = Line(clips, 3)
    line.damaged = 7
    source = live(line, returns=False)
    list(source)
    assert source.facts.damaged == 7
    assert source.notes == ["damaged on the way, and left out or shown as far as could be: 7 packets"]


# ---------------------------------------------------------------------------------------------- ends


def test_what_cannot_be_had_at_first_is_an_error_at_once(live, clips):
    with pytest.raises(MediaError, match=r"^nobody there$"):
        live("nobody there")
    with pytest.raises(MediaError, match="cannot read a line: it ended"):
        live(Line(clips, 0))
    with pytest.raises(MediaError, match="cannot read a line: broken off"):
        live(Line(clips, 0, OSError(7, "broken off")))
    with pytest.raises(MediaError, match="ended before its first picture"):
        live(Line(clips, 0), returns=False)


def test_a_defect_in_the_reader_reaches_whoever_takes(live, clips):
    source = live(Line(clips, 3, KeyError("defect")), every_frame=True)
    frames = iter(source)
    with pytest.raises(KeyError, match="defect"):
        list(frames)


class Silent(Line):
    """Sends nothing until it is closed."""

    def frames(self):
        self.ended.wait(FOREVER)
        return iter(())


def silent(clips, live, **how):
    """Wait for the first frame of a connection that sends none."""
    line = Silent(clips)

    def dial(ended):
        line.ended = ended
        return line

    LiveSource("a line", dial, options=LiveOptions(), **how)


def test_the_waiting_for_the_first_frame_ends_when_asked(live, clips):
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    before = set(threading.enumerate())
    with pytest.raises(MediaError, match="stopped while waiting for a line"):
        silent(clips, live, stop=stop)
    assert not [one for one in set(threading.enumerate()) - before if one.name == "liveseg-source"]


@pytest.mark.parametrize("every_frame", [True, False])
def test_closing_in_the_middle_twice_and_from_another_thread(live, clips, every_frame):
    line = Line(clips)
    source = live(line, every_frame=every_frame)
    frames = iter(source)
    kept = next(frames)
    thread = threading.Thread(target=source.close)
    thread.start()
    thread.join(10)
    source.close()
    assert line.closed.is_set()
    assert len(list(frames)) <= 1
    assert kept.image.any()


def test_closing_without_taking_anything(live, clips):
    for every_frame in (True, False):
        source = live(Line(clips, pause=0), every_frame=every_frame)
        source.close()
        assert list(source) == []


def test_whoever_stops_taking_leaves_nothing_behind(live, clips):
    line = Line(clips)
    for _ in live(line):
        break
    assert line.closed.wait(10)


def test_an_end_in_a_pause_between_attempts_does_not_wait_for_it(live, clips):
    source = live(Line(clips, 3), "away", options=LiveOptions(reconnect=FOREVER))
    threading.Timer(1.5, source.end).start()
    began = time.monotonic()
    list(source)
    source.close()
    assert time.monotonic() - began < 10
    assert not any("come back" in note for note in source.notes)


def test_frames_in_bunches_are_given_out_by_their_own_times(live, clips):
    taken = [time.monotonic() for _ in live(Line(clips, 20, pause=0), paced=True, returns=False)]
    assert taken[-1] - taken[0] > 0.3
    assert len(taken) > 12


def test_a_frame_without_a_place_in_time_gets_that_of_its_arrival(live, clips, monkeypatch):
    line = Line(clips, 20)
    frames = line.frames

    def unclocked():
        for received in frames():
            received.frame.pts = None
            yield received

    monkeypatch.setattr(line, "frames", unclocked)
    taken = list(live(line, every_frame=True, returns=False))
    for before, after in pairwise(taken):
        assert float(after.timestamp - before.timestamp) == pytest.approx(after.arrived - before.arrived, abs=0.002)


def test_pictures_are_rgb_bytes_that_whoever_takes_them_may_change(live, clips):
    (frame,) = live(Line(clips, 1, first=5), returns=False)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags.writeable
    assert frame.image.flags.c_contiguous
