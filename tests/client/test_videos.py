"""Videos and streams through a real service: sent, watched, fetched, ended; by both clients."""

from __future__ import annotations

import asyncio

import av
import pytest

from liveseg.client import AsyncClient, Client, NoAnswerError, ProblemError, VideoFailedError, VideoStatus
from liveseg.errors import OutputExistsError, SinkError, SourceNotFoundError
from liveseg.settings.serve import parse_stream


@pytest.fixture(scope="module")
def clip(samples, tmp_path_factory):
    """A second of a video, 24 frames."""
    target = tmp_path_factory.mktemp("clip") / "a walk.mp4"
    with av.open(str(samples / "video_1.mp4")) as source, av.open(str(target), "w") as container:
        shown = source.streams.video[0]
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number == 24:
                break
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def frames_in(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_video_is_sent_watched_fetched_and_forgotten(small, clip, tmp_path):
    with Client(small.url) as client:
        job = client.submit_video(clip, size=65, classes=["person", "car"])
        assert job.status.about["name"] == "a walk.mp4"
        assert job.status.about["options"]["classes"] == ["person", "car"]
        seen = []
        done = job.wait(seen.append, seconds=120, every=0.1)
        assert (done.state, done.share, done.frames) == ("done", 1.0, 24)
        assert all(isinstance(status, VideoStatus) for status in seen)
        assert [status.frames for status in seen] == sorted(status.frames for status in seen)
        whole = job.download(tmp_path)
        assert whole.parent == tmp_path
        assert whole.name == done.file_name
        assert frames_in(whole) == 24
        with pytest.raises(OutputExistsError):
            job.download(whole)
        assert job.download(whole, overwrite=True) == whole
        areas = job.areas(points=6)
        assert areas.frames == 24
        assert len(areas.times) == len(areas.classes[0].share) <= 6
        assert job.poster().startswith(b"\xff\xd8")
        assert [other.id for other in client.videos()] == [job.id]
        assert client.video(job.id).status == job.refresh()
        job.cancel()
        job.cancel()
        assert client.videos() == []
        with pytest.raises(ProblemError) as raised:
            job.refresh()
        assert raised.value.status == 404
        with pytest.raises(ProblemError):
            job.download(tmp_path / "gone.mp4")
        assert sorted(path.name for path in tmp_path.iterdir()) == [whole.name]


def test_the_same_is_awaited(small, clip, tmp_path):
    async def go():
        async with AsyncClient(small.url) as client:
            job = await client.submit_video(clip, size=65, output="areas")
            await job.wait(every=0.1)
            table = await job.download(tmp_path / "areas.csv")
            assert len(table.read_text().splitlines()) > 24
            assert (await job.areas()).frames == 24
            await job.cancel()
            assert await client.videos() == []

    asyncio.run(go())


def test_what_is_no_video_is_said_to_be_none(small, call, tmp_path):
    with pytest.raises(SourceNotFoundError):
        call(small.url, "submit_video", tmp_path / "none.mp4")
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n" * 100)
    with pytest.raises((ProblemError, VideoFailedError)), Client(small.url) as client:
        client.submit_video(wrong).wait(seconds=60)


def test_a_video_that_was_cancelled_is_no_success(small, clip):
    with Client(small.url) as client:
        job = client.submit_video(clip, size=385)
        with pytest.raises(NoAnswerError, match=r"still (queued|running)"):
            job.wait(seconds=0)
        job.cancel()
        with pytest.raises((ProblemError, VideoFailedError)):
            job.wait(seconds=30)


def test_a_download_that_is_cut_leaves_no_file_behind(odd, tmp_path):
    status = b"""{"id": "x", "state": "done", "progress": {"share": 1, "frames": 2, "rate": 0, "remaining_seconds": 0},
        "result": {"file_name": "../../evil.mp4"}, "failure": null}"""
    told, half = (200, {"content-type": "application/json"}, status), (200, "cut", bytes(200_000))
    with odd(told, half) as server, Client(server.url) as client:
        job = client.video("x")
        with pytest.raises(ConnectionError):
            job.download(tmp_path)
    assert list(tmp_path.iterdir()) == []
    # Nor does a service choose the folder.
    with odd(told, (200, {}, b"whole")) as server, Client(server.url) as client:
        assert client.video("x").download(tmp_path) == tmp_path / "evil.mp4"
    with odd(told, (200, {}, b"whole")) as server, Client(server.url) as client, pytest.raises(SinkError):
        client.video("x").download(tmp_path / "evil.mp4" / "below.mp4")


def test_a_live_source_of_the_service_is_started_looked_at_and_ended(start_service, http_server):
    address = http_server.url("clock.mjpg")
    running = start_service(size=65, threads=1, runtime="onnx", stream=(parse_stream(f"clock={address}"),))
    with Client(running.url) as client:
        assert client.streams().available == ("clock",)
        stream = client.start_stream("clock", size=65)
        assert client.snapshot(stream.id).startswith(b"\xff\xd8")
        told = client.stream(stream.id)
        assert (told.id, told.state, told.failure) == (stream.id, "live", None)
        assert [one.id for one in client.streams().streams] == [stream.id]
        client.stop_stream(stream.id)
        client.stop_stream(stream.id)
        assert client.streams().streams == ()
        with pytest.raises(ProblemError) as raised:
            client.start_stream(address="rtsp://127.0.0.1/x")
        assert raised.value.status == 403
