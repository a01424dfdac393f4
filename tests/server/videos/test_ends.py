"""Ends that nobody planned for: cancelled, killed, stopped, expired; nothing is left of them, and others go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import psutil
import pytest

from liveseg.server.videos import allowance, child


def workers(parent: int) -> list[psutil.Process]:
    """The worker processes of a process."""
    return [one for one in psutil.Process(parent).children() if "liveseg.server.videos.worker" in one.cmdline()]


def worker_of(parent: int, seconds: float = 30) -> psutil.Process:
    """The one worker, once it is there."""
    ends = time.monotonic() + seconds
    while not (found := workers(parent)):
        assert time.monotonic() < ends, "no worker"
        time.sleep(0.02)
    return found[0]


def gone(process: psutil.Process, seconds: float = 10) -> bool:
    """Whether a process ends within a time."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def until_running(client, location, frames=1):
    """The job, once so many frames are done."""
    while (job := client.get(location).json())["progress"]["frames"] < frames:
        assert job["state"] in ("queued", "running"), job
        time.sleep(0.05)
    return job


@pytest.fixture(scope="module")
def busy(start_service):
    """A service of which a client may have two videos."""
    return start_service(jobs_each=2)


@pytest.fixture
def client(busy):
    """Its client, and none of its videos left afterwards."""
    with busy.client() as client:
        yield client
        for job in client.get("/v1/videos").json()["videos"]:
            while client.delete(job["links"]["self"]).status_code == 204:
                pass


def test_two_wait_in_order_and_a_third_is_refused_before_it_is_read(client, send, long_clip, short_clip):
    first, second = send(client, long_clip).json(), send(client, short_clip).json()
    assert client.get(second["links"]["self"]).json()["place"] == 1
    third = send(client, short_clip)
    assert third.status_code == 429
    assert third.json()["type"] == "urn:liveseg:problem:too-many-videos"
    assert int(third.headers["Retry-After"]) >= 1
    assert client.delete(second["links"]["self"]).status_code == 204
    assert client.get(second["links"]["self"]).json()["state"] == "cancelled"
    # The place is free again.
    assert send(client, short_clip).status_code == 202
    assert client.get(first["links"]["self"]).json()["state"] in ("queued", "running")


def test_one_that_is_cancelled_in_the_middle_ends_at_once_with_its_process_and_its_files(busy, client, send, long_clip):
    sent = send(client, long_clip).json()["links"]["self"]
    job = until_running(client, sent)
    process = worker_of(os.getpid())
    assert process.nice() > psutil.Process().nice() or os.name == "nt"
    began = time.monotonic()
    assert client.delete(sent).status_code == 204
    assert time.monotonic() - began < 5
    assert not process.is_running()
    assert not (busy.service.videos.store.folder / job["id"]).exists()
    after = client.get(sent).json()
    assert after["state"] == "cancelled"
    assert after["links"]["preview"] is None
    gone_result = client.get(f"{sent}/result")
    assert (gone_result.status_code, gone_result.json()["state"]) == (410, "cancelled")


def test_a_killed_worker_is_that_jobs_end_and_nobody_elses(client, busy, send, wait, long_clip, short_clip):
    sent = send(client, long_clip).json()["links"]["self"]
    waiting = send(client, short_clip, size=97).json()["links"]["self"]
    until_running(client, sent)
    worker_of(os.getpid()).kill()
    job = wait(client, sent, "failed")
    assert "was killed" in job["failure"]["detail"]
    assert str(busy.service.videos.store.folder) not in json.dumps(job)
    assert not (busy.service.videos.store.folder / job["id"]).exists()
    assert client.get("/readyz").status_code == 200
    assert wait(client, waiting, "done")["result"]["frames"] > 0


@pytest.mark.long
def test_a_worker_that_falls_silent_is_ended(client, send, wait, long_clip, monkeypatch):
    monkeypatch.setattr(child, "STALL_SECONDS", 5.0)
    sent = send(client, long_clip).json()["links"]["self"]
    until_running(client, sent)
    process = worker_of(os.getpid())
    process.suspend()
    job = wait(client, sent, "failed", seconds=30)
    assert "nothing came of it for 5 s" in job["failure"]["detail"]
    assert not process.is_running()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_worker_that_wants_too_much_memory_is_refused_it(client, send, wait, long_clip, monkeypatch):
    monkeypatch.setattr(allowance, "MEMORY", 40 << 20)
    monkeypatch.setattr(allowance, "MEMORY_PER_PIXEL", 0)
    job = wait(client, send(client, long_clip).json()["links"]["self"], "failed")
    assert job["failure"]["detail"]
    assert job["progress"]["share"] < 1
    assert client.get("/readyz").status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such limit")
def test_a_result_that_grows_too_large_is_given_up(client, busy, send, wait, long_clip, monkeypatch):
    monkeypatch.setattr(allowance, "DISK", 60_000)
    monkeypatch.setattr(allowance, "DISK_PER_BYTE", 0)
    job = wait(client, send(client, long_clip, size=97).json()["links"]["self"], "failed")
    assert "larger than" in job["failure"]["detail"]
    assert not (busy.service.videos.store.folder / job["id"]).exists()


def test_a_service_that_is_stopped_ends_its_videos_and_leaves_no_file(start_service, send, long_clip, tmp_path):
    service = start_service(data_folder=tmp_path)
    with service.client() as client:
        sent = send(client, long_clip).json()["links"]["self"]
        until_running(client, sent)
        process = worker_of(os.getpid())
        began = time.monotonic()
        service.end()
        assert time.monotonic() - began < 10
    assert not process.is_running()
    assert list(tmp_path.glob("liveseg-videos-*/")) == []


_SERVE = """
import sys
from liveseg.server.run import Server, listen
from liveseg.settings import ServeSettings
settings = ServeSettings(port=0, threads=1, data_folder=__import__("pathlib").Path(sys.argv[1]))
Server(settings, listen(settings), started=lambda address: print(address, flush=True)).run()
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_service_leaves_no_process_and_its_files_go_with_the_next_start(
    start_service, send, long_clip, tmp_path
):
    command = [sys.executable, "-c", _SERVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            with httpx2.Client(base_url=server.stdout.readline().strip().rstrip("/"), timeout=60) as client:
                sent = send(client, long_clip).json()["links"]["self"]
                until_running(client, sent)
            process = worker_of(server.pid)
        finally:
            server.send_signal(signal.SIGKILL)
    assert gone(process), "the worker lives on"
    (left,) = tmp_path.glob("liveseg-videos-*/")
    assert list(left.glob("*/upload"))
    service = start_service(data_folder=tmp_path)
    assert not left.exists()
    assert [Path(service.service.videos.store.folder)] == list(tmp_path.glob("liveseg-videos-*/"))


@pytest.mark.long
def test_what_expires_is_gone_and_says_so(start_service, send, wait, short_clip):
    service = start_service(jobs_kept_seconds=2.0)
    with service.client() as client:
        sent = send(client, short_clip, size=97).json()["links"]["self"]
        job = wait(client, sent, "done")
        assert client.get(job["links"]["result"]).status_code == 200
        job = client.get(sent).json()
        while job["state"] == "done":
            time.sleep(0.05)
            job = client.get(sent).json()
        assert job["state"] == "expired"
        assert job["links"]["result"] is None
        assert not (service.service.videos.store.folder / job["id"]).exists()
        for kind in ("result", "poster", "areas"):
            answer = client.get(f"{sent}/{kind}")
            assert (answer.status_code, answer.json()["state"]) == (410, "expired")
        ends = time.monotonic() + 20
        while client.get(sent).status_code == 200:
            assert time.monotonic() < ends, "it is remembered for ever"
            time.sleep(0.1)
