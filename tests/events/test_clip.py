"""Clips of events: which frames they hold, at which times, and what becomes of those that cannot be written."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.events import clip
from liveseg.events.clip import Recorder
from liveseg.events.onset import Change
from liveseg.events.rules import parse_rule
from liveseg.media.frame import SourceInfo

RULE, OTHER = parse_rule("enter: person > 5%"), parse_rule("cars: car > 1% for 1s")
WALL = datetime(2026, 3, 1, 14, 3, 7, tzinfo=UTC)
RATE = 10


def info(*, live=False):
    return SourceInfo("door.mp4", "video", 64, 48, Fraction(RATE), Fraction(1, RATE), live=live)


def recorder(folder, *, before=1, after=1, **options):
    made = info(live=options.pop("live", False))
    return Recorder(folder, "door", made, before=Fraction(before), after=Fraction(after), **options)


def film(own, frame_at, count, happens, start=0):
    """Frames at `RATE`, each with its number as grey value; `happens` says what begins or ends at which frame."""
    paths = []
    for number in range(start, start + count):
        frame = frame_at(number, Fraction(number, RATE), number % 256)
        own.add(frame, frame.image)
        for rule, kind in happens.get(number, []):
            paths.append(own.take(rule, Change(kind, frame.timestamp, frame.timestamp), WALL))
    return paths


def content(path):
    """Each frame's time and the number that is its grey value."""
    with av.open(str(path)) as container:
        return [(frame.time, round(frame.to_ndarray(format="rgb24").mean())) for frame in container.decode(video=0)]


def numbers(path):
    times, values = zip(*content(path), strict=True)
    assert times == pytest.approx([number / RATE for number in range(len(times))], abs=1e-4)
    assert np.diff(values) == pytest.approx(1, abs=2)
    return values[0], values[-1]


def test_a_clip_holds_the_seconds_before_and_after_an_event_and_all_of_it(tmp_path, frame_at):
    own = recorder(tmp_path / "clips", before=1, after="0.5")
    paths = film(own, frame_at, 100, {40: [(RULE, "began")], 60: [(RULE, "ended")]})
    own.close()
    (path,) = (tmp_path / "clips").iterdir()
    assert paths == [str(path)] * 2
    assert path.name == "door_enter_000004.000s.mp4"
    assert numbers(path) == pytest.approx((30, 65), abs=2)
    assert len(content(path)) == 36
    assert own.notes == []


def test_events_that_overlap_share_a_clip_and_others_get_their_own(tmp_path, frame_at):
    own = recorder(tmp_path)
    happens = {
        20: [(RULE, "began")],
        25: [(OTHER, "began")],
        30: [(RULE, "ended")],
        45: [(OTHER, "ended")],
        50: [(RULE, "began")],  # within the second that is shown after the last one
        60: [(RULE, "ended")],
        90: [(RULE, "began"), (OTHER, "began")],
        91: [(RULE, "ended"), (OTHER, "ended")],
    }
    paths = film(own, frame_at, 120, happens)
    own.close()
    assert len(set(paths)) == 2
    first, second = dict.fromkeys(paths)
    assert numbers(first) == pytest.approx((10, 70), abs=2)
    assert numbers(second) == pytest.approx((80, 101), abs=2)


def test_an_event_that_had_to_hold_is_shown_from_before_it_held(tmp_path, frame_at):
    own = recorder(tmp_path, before=1, after=0, hold=Fraction(2))
    for number in range(50):
        frame = frame_at(number, Fraction(number, RATE), number % 256)
        own.add(frame, frame.image)
    own.take(OTHER, Change("began", Fraction(3), Fraction("4.9")), WALL)
    own.close()
    (path,) = tmp_path.iterdir()
    assert numbers(path) == pytest.approx((20, 49), abs=2)


def test_the_end_of_the_source_ends_the_clip(tmp_path, frame_at):
    own = recorder(tmp_path)
    film(own, frame_at, 30, {25: [(RULE, "began")]})
    own.close()
    own.close()
    assert numbers(next(tmp_path.iterdir())) == pytest.approx((15, 29), abs=2)


def test_an_event_that_does_not_end_is_shown_for_a_minute(tmp_path, frame_at, monkeypatch):
    monkeypatch.setattr(clip, "LONGEST", Fraction(2))
    own = recorder(tmp_path)
    (path, later) = film(own, frame_at, 100, {20: [(RULE, "began")], 80: [(RULE, "ended")]})
    assert later is None
    own.close()
    assert numbers(path) == pytest.approx((10, 50), abs=2)


def test_what_is_kept_is_bounded_and_told_where_that_shortens_clips(tmp_path, frame_at, monkeypatch):
    packed = clip._packed(frame_at(0, 0).image).nbytes
    monkeypatch.setattr(clip, "_MOST_BYTES", packed * 4)
    own = recorder(tmp_path)
    film(own, frame_at, 60, {50: [(RULE, "began")]})
    assert sum(kept.jpeg.nbytes for kept in own._kept) <= packed * 4
    own.close()
    first, last = numbers(next(tmp_path.iterdir()))
    assert 40 < first <= 50
    assert last == pytest.approx(59, abs=2)
    assert "clips show less than 1 s before" in own.notes[0]


def test_no_more_is_kept_than_clips_show(tmp_path, frame_at):
    own = recorder(tmp_path, hold=Fraction(3600))
    film(own, frame_at, 200, {})
    kept = [kept.time for kept in own._kept]
    assert kept[-1] - kept[0] <= 1 + clip.LONGEST_HOLD
    assert all(kept.frame.image.size == 0 and kept.frame.image.base is None for kept in own._kept)


def test_clips_of_a_live_source_are_named_by_the_clock_and_none_is_replaced(tmp_path, frame_at):
    for _ in range(2):
        own = recorder(tmp_path, live=True)
        film(own, frame_at, 30, {15: [(RULE, "began")], 16: [(RULE, "ended")]})
        own.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "door_enter_20260301-140307-2.mp4",
        "door_enter_20260301-140307.mp4",
    ]
    own = recorder(tmp_path, live=True, overwrite=True)
    film(own, frame_at, 30, {15: [(RULE, "began")]})
    own.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_clip_that_cannot_be_written_is_told_and_hurts_nobody(tmp_path, frame_at, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    own = recorder(tmp_path / "file")
    # More than may wait for an encoder that is not there.
    monkeypatch.setattr(clip, "_MOST_BYTES", clip._packed(frame_at(0, 0).image).nbytes * 5)
    film(own, frame_at, 200, {1: [(RULE, "began")]})
    own.close()
    assert own.notes[0].startswith("a clip was not written: cannot write ")


def test_frames_wait_for_an_encoder_that_is_slow_so_that_memory_does_not_grow(tmp_path, frame_at, monkeypatch):
    limit = clip._packed(frame_at(0, 0).image).nbytes * 5
    monkeypatch.setattr(clip, "_MOST_BYTES", limit)
    unpacked, most = clip._unpacked, []

    def slowly(jpeg):
        time.sleep(0.005)
        most.append(own._clip._bytes if own._clip else 0)
        return unpacked(jpeg)

    monkeypatch.setattr(clip, "_unpacked", slowly)
    own = recorder(tmp_path)
    film(own, frame_at, 60, {1: [(RULE, "began")]})
    own.close()
    assert len(content(next(tmp_path.iterdir()))) == 60
    assert max(most) <= limit * 1.5


def test_a_defect_of_the_encoder_is_told_and_hurts_nobody(tmp_path, frame_at, monkeypatch):
    monkeypatch.setattr(clip, "_unpacked", lambda _: 1 / 0)
    own = recorder(tmp_path)
    film(own, frame_at, 40, {1: [(RULE, "began")], 5: [(RULE, "ended")]})
    own.close()
    assert "ZeroDivisionError" in own.notes[0]
    assert list(tmp_path.iterdir()) == []


def test_a_clip_has_the_size_of_the_output_not_of_the_source(tmp_path, frame_at):
    own = recorder(tmp_path)
    for number in range(10):
        frame = frame_at(number, Fraction(number, RATE))
        own.add(frame, np.hstack([frame.image, frame.image]))
    own.take(RULE, Change("began", Fraction(0), Fraction(0)), WALL)
    own.close()
    with av.open(str(next(tmp_path.iterdir()))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (128, 48)


def test_colours_survive_being_kept(frame_at):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:] = (200, 100, 30)
    assert np.abs(clip._unpacked(clip._packed(picture)).astype(int) - picture).max() < 6


def test_a_picture_too_large_for_jpeg_is_left_out_and_told(tmp_path, frame_at):
    own = recorder(tmp_path)
    own.add(frame_at(0, 0), np.zeros((1, 70_000, 3), np.uint8))
    own.close()
    assert own.notes == ["1 pictures are missing in clips: they are too large for JPEG"]
