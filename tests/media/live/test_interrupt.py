"""Calls into FFmpeg that wait end when they are told to, and only those."""

import threading
import time

import av
import pytest
from av.error import ExitError

from liveseg.media.live.interrupt import interruptible

LONG = 60


def opening(url, ended, outcome, within=LONG):
    began = time.monotonic()
    try:
        with interruptible(ended, within):
            av.open(url, timeout=LONG)
    except (av.FFmpegError, OSError) as error:
        outcome.append((error, time.monotonic() - began))


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "tcp"])
def test_a_call_that_waits_for_an_answer_ends_soon_after_the_event(deaf_server, scheme):
    """Should PyAV no longer ask its module `time`, this is the test that says so."""
    ended, outcome = threading.Event(), []
    thread = threading.Thread(target=opening, args=(deaf_server.url(scheme), ended, outcome), daemon=True)
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    ended.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_call_ends_after_its_seconds_too(deaf_server):
    outcome = []
    opening(deaf_server.url("http"), threading.Event(), outcome, within=0.3)
    ((error, seconds),) = outcome
    assert isinstance(error, ExitError)
    assert 0.3 <= seconds < 10


def test_other_threads_and_later_calls_are_not_concerned(deaf_server, clips):
    ended = threading.Event()
    ended.set()
    outcome = []
    opening(deaf_server.url("http"), ended, outcome)
    assert isinstance(outcome[0][0], ExitError)
    path = clips.write("clip.mp4", 3)
    with interruptible(ended):
        thread = threading.Thread(target=lambda: outcome.append(_frames(path)))
        thread.start()
        thread.join()
    assert outcome[1] == 3
    assert _frames(path) == 3


def _frames(path):
    with av.open(str(path), timeout=LONG) as container:
        return len(list(container.decode(video=0)))
