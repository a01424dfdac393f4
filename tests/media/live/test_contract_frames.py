"""The contract of live sources, by the clock that real servers paint into their pictures: new frames, true ages."""

from __future__ import annotations

import statistics
import threading
import time
from itertools import pairwise

import pytest

from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions

FRAME = 1 / 25

DELAY = {"rtsp over tcp": 0.002, "rtsp over udp": 0.002, "mjpeg": 0.0015, "mpegts": 0.0415}
"""Seconds from the painting of a picture to the arrival that is reported, by stream: medians on a quiet machine. It is
the encoder's time, and for MPEG-TS a frame more, since FFmpeg hands out its packets only when the next one begins."""

CLOCKS = [pytest.param(name, id=name.replace(" ", "-")) for name in DELAY]


def numbers(taken):
    return [one.reading.number for one in taken]


@pytest.mark.parametrize("stream", CLOCKS, indirect=True)
def test_the_age_of_each_frame_agrees_with_the_clock_in_its_picture(stream, watch):
    seen = watch(stream.url, 20, until=lambda seen: len(seen.legible) >= 50, **stream.options)
    late = [one.late for one in seen.legible]
    assert len(late) >= 50
    # A frame cannot have arrived before it was made. What FFmpeg held back while it looked at the stream comes at once.
    assert min(late) > -0.001
    assert statistics.median(late) < DELAY[stream.name] + 3 * FRAME
    assert all(one.frame.arrived <= one.at for one in seen.real)


@pytest.mark.parametrize("stream", [CLOCKS[0], *CLOCKS[2:]], indirect=True)
def test_a_slow_consumer_gets_the_newest_frame_and_the_number_of_those_left_out(stream, watch):
    seen = watch(stream.url, 3, pause=0.2, **stream.options)
    taken = seen.legible[1:]  # the first one was there before anybody asked for the newest
    assert len(taken) > 8
    third = len(taken) // 3
    first, last = (statistics.median(one.age for one in part) for part in (taken[:third], taken[-third:]))
    assert last < first + 5 * FRAME  # in line, each would wait four frames longer than the one before
    assert statistics.median(one.age for one in taken) < 0.4  # two of the consumer's steps: nothing has waited in line
    for before, after in pairwise(seen.real):
        assert after.frame.index - before.frame.index == after.frame.dropped_before + 1
    assert numbers(taken)[-1] - numbers(taken)[0] == sum(one.frame.dropped_before + 1 for one in taken[1:])
    assert sum(one.frame.dropped_before for one in taken) > 2 * len(taken)


@pytest.mark.parametrize("stream", [pytest.param("rtsp over tcp", id="rtsp")], indirect=True)
def test_every_frame_comes_where_every_frame_is_wanted(stream, watch):
    seen = watch(stream.url, 2, pause=0.06, every_frame=True, **stream.options)
    shown = numbers(seen.legible)
    assert len(shown) > 20
    assert shown == list(range(shown[0], shown[0] + len(shown)))


def test_a_live_playlist_is_played_from_its_newest_segment_in_its_own_time(http_server, watch):
    seen = watch(http_server.url("live/index.m3u8"), 3)
    assert len(seen.legible) > 50
    # Segments last half a second, and four are listed: from the oldest on it would be more than two seconds.
    assert statistics.median(one.age for one in seen.legible) < 2
    first, last = seen.legible[0], seen.legible[-1]
    assert (last.at - first.at) / (last.reading.number - first.reading.number) == pytest.approx(FRAME, rel=0.2)


@pytest.mark.parametrize("path", ["clip.mp4", "vod/index.m3u8"])
def test_what_has_an_end_on_a_web_server_is_read_whole(http_server, samples, watch, path):
    seen = watch(http_server.url(path), 30)
    assert (len(seen.real), seen.ended, seen.notes) == (150, True, [])
    assert all(one.frame.arrived is None for one in seen.real)


def test_an_end_asked_for_by_another_thread_stops_the_waiting(rtsp_server):
    with open_live(parse_address(rtsp_server.url("clock")), options=LiveOptions(timeout=60)) as source:
        frames = iter(source)
        next(frames)
        rtsp_server.freeze()
        timer = threading.Timer(0.5, source.end)
        timer.start()
        began = time.monotonic()
        assert len(list(frames)) < 25
        assert time.monotonic() - began < 30
        timer.join()
