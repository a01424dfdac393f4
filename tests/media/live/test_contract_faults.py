"""What live sources make of servers that go, fall silent, talk nonsense or change: real servers, real faults."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from liveseg.errors import LivesegError
from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions

TCP, UDP, MJPEG, MPEGTS = (
    pytest.param(name, id=name.replace(" ", "-")) for name in ("rtsp over tcp", "rtsp over udp", "mjpeg", "mpegts")
)
CUT, FREEZE = ("cut", "restore"), ("freeze", "thaw")


class Moment:
    """A fault as an event for `watch`, and when it happened; `over(seen)`: whether new frames came after it."""

    def __init__(self, fault, after=0.2):
        self._fault, self._after = fault, after

    def __call__(self):
        self._fault()
        self.at = time.monotonic()

    def over(self, seen):
        return seen.good_since(self.at + self._after)


@pytest.mark.parametrize(
    ("stream", "fault", "remedy"),
    [
        pytest.param(name, *fault, id=f"{name.replace(' ', '-')}-{fault[0]}", marks=[] if normal else pytest.mark.long)
        for name, fault, normal in [
            ("rtsp over tcp", CUT, True),
            ("rtsp over tcp", FREEZE, False),
            ("rtsp over udp", CUT, False),
            ("rtsp over udp", FREEZE, True),
            ("mjpeg", CUT, True),
            ("mjpeg", FREEZE, False),
            ("mpegts", FREEZE, True),
        ]
    ],
    indirect=["stream"],
)
def test_a_source_that_was_away_comes_back_by_itself_and_placeholders_stand_in(stream, fault, remedy, watch):
    back = Moment(getattr(stream.server, remedy), after=0)
    events = [(0.5, getattr(stream.server, fault)), (2.5, back)]
    seen = watch(stream.url, 30, events=events, until=back.over, timeout=0.8, **stream.options)
    assert back.over(seen)
    gone = seen.placeholders[0]
    before = [one for one in seen.legible if one.at < gone.at]
    after = [one for one in seen.legible if one.at > gone.at]
    assert before
    shape = before[0].frame.image.shape
    assert all(one.frame.image.shape == shape for one in seen.taken)
    assert all(one.frame.arrived is None for one in seen.placeholders)
    assert all(a.frame.timestamp < b.frame.timestamp for a, b in pairwise(seen.taken))
    # Its own clock begins anew after the cut; the time given out goes on with the wall's.
    passed = float(after[0].frame.timestamp - before[-1].frame.timestamp)
    assert passed == pytest.approx(after[0].frame.arrived - before[-1].frame.arrived, abs=0.5)
    assert [note for note in seen.notes if "came back once" in note]


@pytest.mark.parametrize("stream", [TCP, MJPEG, MPEGTS], indirect=True)
def test_garbage_amid_the_stream_does_not_end_it(stream, watch):
    soiled = Moment(stream.server.soil, after=1)
    seen = watch(stream.url, 30, events=[(0.5, soiled)], until=soiled.over, timeout=2, **stream.options)
    assert soiled.over(seen)


@pytest.mark.parametrize("stream", [TCP, UDP, MJPEG, MPEGTS], indirect=True)
def test_a_change_of_resolution_amid_the_stream_keeps_the_size_of_the_first_frame(stream, watch):
    resized = Moment(stream.server.resize)
    seen = watch(stream.url, 30, events=[(0.5, resized)], until=resized.over, timeout=2, **stream.options)
    assert resized.over(seen)
    assert {one.frame.image.shape for one in seen.taken} == {(480, 640, 3)}
    assert [note for note in seen.notes if "size" in note]


@pytest.mark.long
def test_a_live_playlist_that_was_away_comes_back_by_itself(http_server, watch):
    back = Moment(http_server.restore, after=0)
    events = [(1, http_server.cut), (4, back)]
    seen = watch(http_server.url("live/index.m3u8"), 60, events=events, until=back.over, timeout=1)
    assert back.over(seen)


def test_a_picture_that_breaks_off_does_not_end_the_stream(http_server, watch):
    broken = Moment(http_server.break_off)
    seen = watch(http_server.url("clock.mjpg"), 30, events=[(0.5, broken)], until=broken.over, timeout=2)
    assert broken.over(seen)


@pytest.mark.parametrize("stream", [TCP, MJPEG], indirect=True)
def test_a_source_that_stays_away_ends_after_the_time_to_reconnect(stream, watch):
    seen = watch(stream.url, 60, events=[(0.3, stream.server.cut)], timeout=1, reconnect=1, **stream.options)
    assert seen.ended
    assert seen.placeholders
    assert [note for note in seen.notes if "did not come back within 1 s" in note]


def fails(url, **options):
    """The one line that a source which cannot be had ends in; no thread is left over."""
    threads = set(threading.enumerate())
    began = time.monotonic()
    with pytest.raises(LivesegError) as caught:
        open_live(parse_address(url), options=LiveOptions(**options)).close()
    assert time.monotonic() - began < 30
    assert set(threading.enumerate()) <= threads
    assert caught.value.__cause__ is caught.value.__context__ is None
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_takes_the_connection_and_never_answers_is_noticed(deaf_server, scheme):
    assert "silent for 0.5 s" in fails(deaf_server.url(scheme), timeout=0.5, reconnect=0)


@pytest.mark.parametrize("path", ["hang", "silent"])
def test_a_web_server_that_falls_silent_amid_its_answer_is_noticed(http_server, path):
    assert "silent for 0.5 s" in fails(http_server.url(path), timeout=0.5, reconnect=0)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("garbage", "no video"), ("nothing", "404"), ("secret.mjpg", "password")],
)
def test_what_a_web_server_has_instead_of_a_video_is_told(http_server, path, reason):
    assert reason in fails(http_server.url(path), reconnect=0)


def test_a_file_that_breaks_off_on_its_way_is_shown_to_there_or_refused(http_server, samples):
    with open_live(parse_address(http_server.url("short.mp4")), options=LiveOptions(timeout=1, reconnect=0)) as source:
        shown = len(list(source))
        assert 0 < shown < 150
    assert source.notes


@pytest.mark.parametrize(("server", "path"), [("rtsp_server", "secret"), ("http_server", "secret.mjpg")])
def test_a_password_lets_in_and_is_told_to_nobody(server, path, request, watch, capfd, caplog):
    server = request.getfixturevalue(server)
    url = server.url(path, password=True)
    seen = watch(url, 30, events=[(0.3, server.cut)], timeout=1, reconnect=1)
    assert seen.legible
    assert seen.ended
    server.restore()
    wrong = fails(url.replace(server.password, "wr0ng"), reconnect=0)
    assert "password" in wrong
    server.cut()
    gone = fails(url, reconnect=0, timeout=1)
    told = "\n".join([seen.name, *seen.notes, wrong, gone, *capfd.readouterr(), caplog.text])
    assert not [secret for secret in (server.password, "wr0ng", f"{server.user}:") if secret in told]
