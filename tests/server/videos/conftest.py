"""What the tests of videos share: sending one, waiting for what becomes of it, and short clips."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import av
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2


def wait_for(client: httpx2.Client, location: str, *states: str, seconds: float = 120) -> dict:
    """The job, once it is in one of these states."""
    ends = time.monotonic() + seconds
    while True:
        job = client.get(location).raise_for_status().json()
        if job["state"] in states:
            return job
        assert job["state"] in ("queued", "running"), job
        assert time.monotonic() < ends, job
        time.sleep(0.05)


@pytest.fixture(scope="session")
def wait():
    """`wait(client, location, *states)`: the job, once it is in one of these states."""
    return wait_for


@pytest.fixture(scope="session")
def short_clip(samples, tmp_path_factory) -> Path:
    """The first second of a sample with its sound, as it is."""
    target = tmp_path_factory.mktemp("short") / "short.mp4"
    with av.open(str(samples / "video_1.mp4")) as source, av.open(str(target), "w") as to:
        tracks = {stream.index: to.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.dts * packet.time_base < 1:
                packet.stream = tracks[packet.stream_index]
                to.mux(packet)
    return target


def post(client: httpx2.Client, clip: Path, **options) -> httpx2.Response:
    """Send a video as the body."""
    return client.post("/v1/videos", params=options, content=clip.read_bytes(), headers={"Content-Type": "video/mp4"})


@pytest.fixture(scope="session")
def send():
    """`send(client, clip, **options)`: send a video as the body; gives the answer."""
    return post
