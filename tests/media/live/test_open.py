"""From an address to its source, and the end of the waiting for it."""

import _thread
import threading
import time
from fractions import Fraction

import pytest

from liveseg.errors import MediaError, UsageError
from liveseg.media.address import parse_address
from liveseg.media.frame import Selection
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions
from liveseg.media.live.source import LiveSource

LONG = LiveOptions(timeout=60)


@pytest.mark.parametrize("scheme", ["http", "rtsp", "tcp"])
def test_connecting_ends_when_asked_and_leaves_no_thread(deaf_server, scheme):
    before, stop = set(threading.enumerate()), threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(MediaError, match=f"stopped while waiting for {scheme}://127"):
        open_live(parse_address(deaf_server.url(scheme)), options=LONG, stop=stop)
    assert time.monotonic() - began < 20
    timer.join()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_ctrl_c_ends_connecting_and_leaves_no_thread(deaf_server, scheme):
    before = set(threading.enumerate())
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        open_live(parse_address(deaf_server.url(scheme)), options=LONG)
    timer.join()
    assert set(threading.enumerate()) <= before


def test_a_stream_can_be_opened_and_closed_many_times(http_server):
    before = set(threading.enumerate())
    for _ in range(10):
        with open_live(parse_address(http_server.url("clock.mjpg"))) as source:
            next(iter(source))
    assert set(threading.enumerate()) <= before


def test_two_streams_at_once_do_not_know_each_other(http_server, read_clock):
    url = parse_address(http_server.url("clock.mjpg"))
    with open_live(url) as one, open_live(url, selection=Selection(limit=5)) as other:
        frames = iter(one)
        assert read_clock(next(frames).image) is not None
        assert len(list(other)) == 5
        assert read_clock(next(frames).image) is not None
        assert (one.info.name, one.info.live, type(one)) == (url.shown, True, LiveSource)


def test_a_selection_that_makes_no_sense_is_refused_before_anything_is_opened(deaf_server):
    for scheme in ("http", "rtsp"):
        with pytest.raises(UsageError, match="0 or more"):
            open_live(parse_address(deaf_server.url(scheme)), selection=Selection(start=Fraction(-1)), options=LONG)


def test_standard_input_wants_a_size():
    with pytest.raises(UsageError, match="--frame-size"):
        open_live(parse_address("-"))
