"""The parts of video jobs by themselves: names, containers, areas, folders, and what a worker says."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC
from liveseg.server.videos.answers import VideoOptions
from liveseg.server.videos.areas import read_areas, record, thinned
from liveseg.server.videos.containers import container_of
from liveseg.server.videos.job import VideoJob, plain_name
from liveseg.server.videos.store import Store
from liveseg.server.videos.task import Task


def series(count, classes=3):
    """Frames whose shares say their number."""
    made = np.zeros(count, record(classes))
    made["time"] = np.arange(count) / 10
    made["share"][:, 1] = np.arange(count)
    return made


def test_a_series_is_thinned_to_means_at_the_time_of_the_first_frame():
    times, shares = thinned(series(10), 4)
    assert times.tolist() == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert shares[:, 1].tolist() == [1.0, 4.0, 7.0, 9.0]
    assert not shares[:, 0].any()


def test_a_short_series_stays_as_it_is_and_none_is_none():
    times, shares = thinned(series(3), 4)
    assert (times.tolist(), shares[:, 1].tolist()) == (pytest.approx([0.0, 0.1, 0.2]), [0.0, 1.0, 2.0])
    times, shares = thinned(series(0), 4)
    assert (len(times), shares.shape) == (0, (0, 3))


def test_a_series_that_grows_is_read_up_to_its_last_whole_frame(tmp_path):
    path = tmp_path / "areas"
    assert len(read_areas(path, 3)) == 0
    data = series(5).tobytes()
    path.write_bytes(data[:-1])
    assert read_areas(path, 3)["share"][:, 1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "video"),
        ("", "video"),
        ("clip.mp4", "clip.mp4"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a/..", "video"),
        ("\x00\x1b[31mred\u202e.mp4", "[31mred.mp4"),
        ("Ärger 🚗.mov", "Ärger 🚗.mov"),
    ],
)
def test_names_are_shown_without_folders_and_controls(given, shown):
    assert plain_name(given) == shown


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\0\0\0\x20ftypavif", None),
        (b"\0\0\0\x20ftypheic", None),
        (b"\x1a\x45\xdf\xa3\0", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"\x47" + b"\0" * 187, None),
        ((b"\x47" + b"\0" * 187) * 5, "mpegts"),
        (b"\0\0\0\0" + (b"\x47" + b"\0" * 191) * 5, "mpegts"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"GIF89a", "gif"),
        (b"", None),
    ],
)
def test_containers_are_told_by_their_first_bytes(head, name):
    assert container_of(head) == name


def test_the_folders_of_processes_that_ended_are_removed_and_no_others(tmp_path):
    running = Store(tmp_path)
    command = (
        "import os, sys, pathlib; from liveseg.server.videos.store import Store;"
        "print(Store(pathlib.Path(sys.argv[1])).make('job'), flush=True); os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", command, str(tmp_path)], check=False, capture_output=True, text=True)
    left = Path(done.stdout.strip())
    assert left.is_dir()
    (tmp_path / "liveseg-videos-link").symlink_to(tmp_path)
    (tmp_path / "another").mkdir()
    new = Store(tmp_path)
    assert new.removed == 1
    assert not left.exists()
    assert running.folder.exists()
    assert (tmp_path / "another").exists()
    if os.name != "nt":
        assert running.folder.stat().st_mode & 0o777 == 0o700
    running.close()
    new.close()
    new.close()
    assert not list(tmp_path.glob("liveseg-videos-*/in-use.lock"))


def test_a_task_comes_back_as_it_was():
    task = Task(
        folder="/x", name="Ä.mp4", threads=2, size=129, classes=("person",), max_seconds=1.5, max_pixels=9, memory=1,
        disk=1, parent=7,
    )  # fmt: skip
    assert task.to_line().count(b"\n") == 1
    assert Task.from_line(task.to_line()) == task


@pytest.fixture
def job(tmp_path):
    options = VideoOptions(
        output="overlay", model="lite", size=None, smooth=True, alpha=0.6, palette="model", classes=None, contours=False
    )
    return VideoJob("x" * 20, "127.0.0.1", "a.mp4", tmp_path, options, 100, 60.0)


def test_what_a_worker_says_is_taken_only_where_it_makes_sense(job):
    """What decodes a file from outside may be in the hands of who sent it."""
    started = {"labels": PASCAL_VOC.to_json(), "width": 64, "height": 48}
    job.begin()
    job.told("started", dict(started))
    for event, what in (
        ("started", {}),
        ("started", started | {"width": "<script>"}),
        ("started", started | {"labels": {"classes": []}}),
        ("progress", {"frames": "many", "rate": 1, "share": None}),
        ("progress", {"frames": 1, "rate": float("nan"), "share": 0.5}),
        ("progress", {"frames": 1, "rate": 1, "share": float("inf")}),
        ("progress", {"frames": 1, "rate": [], "share": 0.5}),
        ("done", {"frames": 1}),
        ("failed", {}),
    ):
        with pytest.raises((ValueError, TypeError, KeyError)):
            job.told(event, dict(what))
    assert job.ending is None
    job.told("failed", {"detail": "x" * 10_000})
    assert len(job.failure.detail) == 600


def test_a_clients_oldest_results_go_where_there_are_too_many(job, tmp_path):
    import asyncio

    from liveseg.server.metrics import Metrics
    from liveseg.server.videos.jobs import KEPT, VideoJobs
    from liveseg.settings import ServeSettings

    async def run():
        videos = VideoJobs(ServeSettings(jobs_each=1, data_folder=tmp_path), Metrics())
        await videos.start()
        try:
            made = []
            for number in range(KEPT + 2):
                with videos.admitted("me" if number else "another") as name:
                    one = videos.submit(name, "me" if number else "another", "a.mp4", job.options, 1)
                videos._waiting.clear()
                one.end("done")
                made.append(one)
            await videos._make_room("me")
            return [one.state for one in made], [one.folder.exists() for one in made]
        finally:
            await videos.stop()

    states, there = asyncio.run(run())
    assert states == ["done", "expired", *["done"] * KEPT]
    assert there == [True, False, *[True] * KEPT]


def test_a_disk_that_takes_no_folder_is_not_the_clients_fault_and_not_told_where(tmp_path, caplog):
    import asyncio
    import logging
    import shutil

    from liveseg.server.metrics import Metrics
    from liveseg.server.problems import Problem
    from liveseg.server.videos.jobs import VideoJobs
    from liveseg.settings import ServeSettings

    async def run():
        videos = VideoJobs(ServeSettings(jobs_each=1, data_folder=tmp_path), Metrics())
        await videos.start()
        try:
            shutil.rmtree(videos.store.folder)
            # It holds no place either.
            for _ in range(2):
                with pytest.raises(Problem) as raised, videos.admitted("me"):
                    raise AssertionError("admitted")
            return raised.value
        finally:
            await videos.stop()

    caplog.set_level(logging.ERROR, "liveseg.server")
    problem = asyncio.run(run())
    assert problem.status == 507
    assert str(tmp_path) not in problem.detail
    assert str(tmp_path) in caplog.records[-1].fields["why"]


def test_clients_who_came_and_went_are_not_remembered(tmp_path):
    import asyncio

    from liveseg.server.metrics import Metrics
    from liveseg.server.videos.jobs import VideoJobs
    from liveseg.settings import ServeSettings

    async def run():
        videos = VideoJobs(ServeSettings(data_folder=tmp_path), Metrics())
        await videos.start()
        try:
            with videos.admitted("192.0.2.0"):
                for number in range(1, 20):
                    with videos.admitted(f"192.0.2.{number}"):
                        pass
                assert dict(videos._coming) == {"192.0.2.0": 1}
            return dict(videos._coming)
        finally:
            await videos.stop()

    assert asyncio.run(run()) == {}


def test_what_cannot_be_asked_for_yet_is_not_linked(job):
    """The worker's file may be seen before its word that it has begun."""
    job.begin()
    job.areas.touch()

    def linked():
        return job.answer("/v1/videos/x", None, str).links.areas

    assert linked() is None
    job.told("started", {"labels": PASCAL_VOC.to_json(), "width": 64, "height": 48})
    assert linked() == "/v1/videos/x/areas"


def test_the_time_left_follows_from_the_share_that_is_done_since_the_first_frames(job):
    assert job.remaining() is None
    job.begin()
    # However long the model took to load.
    job.started -= timedelta(days=1)
    job.told("progress", {"frames": 10, "rate": 10, "share": 0.1})
    assert job.remaining() is None
    began, share = job.first
    job.first = began - timedelta(seconds=40), share
    job.told("progress", {"frames": 50, "rate": 10, "share": 0.5})
    assert job.remaining() == pytest.approx(50, rel=0.01)
    # A worker that goes back tells nothing.
    job.told("progress", {"frames": 50, "rate": 10, "share": 0.05})
    assert job.remaining() is None
