"""How streams end where several ask for that at the same time, and where the fault is liveseg's own."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from contextlib import asynccontextmanager

import pytest

from liveseg.server.engine.engine import Engine
from liveseg.server.metrics import Metrics
from liveseg.server.problems import Problem
from liveseg.server.streams.answers import StreamRequest
from liveseg.server.streams.streams import ServerStreams
from liveseg.settings import ServeSettings
from liveseg.settings.serve import NamedStream

DOOR = StreamRequest(name="door")


@asynccontextmanager
async def streams():
    """Streams of a service whose model never comes, so that each waits for it."""
    settings = ServeSettings(stream=(NamedStream("door", "rtsp://127.0.0.1:9/x"),), streams_running=1, threads=1)
    engine, metrics = Engine(settings, Metrics()), Metrics()
    found = ServerStreams(settings, engine, metrics)
    try:
        yield found, metrics
    finally:
        await found.stop(10)
        engine.codecs.close()


def test_two_who_end_one_at_the_same_time_are_both_answered():
    async def scene():
        async with streams() as (found, _):
            await found.start(DOOR)
            await asyncio.sleep(0)
            await asyncio.gather(found.remove("door"), found.remove("door"))
            assert found.all == []
            with pytest.raises(Problem, match="no such stream"):
                await found.remove("door")

    asyncio.run(scene())


def test_one_that_was_started_anew_is_not_forgotten_with_the_one_before():
    async def scene():
        async with streams() as (found, metrics):
            before, _ = await found.start(DOOR)
            await asyncio.sleep(0)
            removing = asyncio.create_task(found.remove("door"))
            while before.runs:
                await asyncio.sleep(0)
            # It has ended, but whoever ended it has not come to know of that.
            again, new = await found.start(DOOR)
            await removing
            assert (new, again.runs, found.all) == (True, True, [again])
            assert metrics.registry.get_sample_value("liveseg_streams", {"state": "connecting"}) == 1

    asyncio.run(scene())


def test_a_defect_is_told_in_the_log_when_it_happens(monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("a bug of ours")

    async def scene():
        async with streams() as (found, _):
            monkeypatch.setattr(found._engine, "lease", broken)
            stream, _ = await found.start(DOOR)
            while stream.runs:
                await asyncio.sleep(0)
            assert (stream.state, "service's log has more" in stream.failure) == ("failed", True)
            return [one for one in caplog.records if one.message == "defect"]

    caplog.set_level(logging.ERROR, "liveseg.server")
    (told,) = asyncio.run(scene())
    assert (told.exc_info[0], told.fields) == (ZeroDivisionError, {"stream": "door"})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes, which Windows does not have")
def test_a_source_that_cannot_be_interrupted_does_not_hold_up_the_end(start_service, tmp_path):
    pipe = tmp_path / "nobody-writes.mp4"
    os.mkfifo(pipe)
    service = start_service(ready=True, grace_seconds=0.5, stream=(NamedStream("pipe", str(pipe)),))
    try:
        with service.client() as client:
            assert client.post("/v1/streams", json={"name": "pipe"}).status_code == 201
            while not (threads := [one for one in threading.enumerate() if one.name == "liveseg-stream-pipe"]):
                time.sleep(0.02)
            # Until it is in the call that opens the file.
            time.sleep(1)
        service.end(30)
        assert threads[0].is_alive()
    finally:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    threads[0].join(30)
    assert not threads[0].is_alive()
