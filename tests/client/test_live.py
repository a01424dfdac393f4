"""Live pictures through a real service: by hand and in a loop, with code that waits and code that awaits."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.client import AsyncClient, Client, LiveMask, LivePicture, NoAnswerError, ProblemError, UnreachableError
from liveseg.client.live import LiveState
from liveseg.errors import LivesegError, UsageError
from liveseg.wire import Layers, WireError

TOKEN = "correct-horse-battery"  # noqa: S105


@pytest.fixture(scope="module")
def frames():
    """Grey frames that differ."""
    return [np.full((120, 160, 3), 10 * number, np.uint8) for number in range(6)]


def test_frames_in_masks_out(small, frames):
    with Client(small.url) as client, client.live() as live:
        assert (live.ready.model, live.ready.size) == ("lite", 97)
        got = list(live.answers(frames))
    assert [answer.sequence for answer in got] == [1, 2, 3, 4, 5, 6]
    for answer in got:
        assert isinstance(answer, LiveMask)
        assert answer.mask.shape == (97, 129)
        assert answer.labels.names[15] == "person"
        assert answer.dropped == 0
        # What the service counts happens between sending and receiving.
        assert 0 < answer.worked_ms < answer.worked_ms + answer.waited_ms <= answer.age_ms


def test_the_same_is_awaited_from_a_source_that_waits_too(small, frames):
    async def source():
        for frame in frames:
            await asyncio.sleep(0)
            yield frame

    async def go():
        async with AsyncClient(small.url) as client:
            async with client.live("overlay", quality=50) as live:
                overlays = [answer async for answer in live.answers(frames)]
            async with client.live(mask="frame", confidence=False) as live:
                masks = [answer async for answer in live.answers(source())]
        return overlays, masks

    overlays, masks = asyncio.run(go())
    assert all(isinstance(answer, LivePicture) and answer.array().shape == (120, 160, 3) for answer in overlays)
    assert [answer.mask.shape for answer in masks] == [(120, 160)] * 6
    assert all(answer.confidence is None for answer in masks)


def test_the_age_is_counted_from_when_the_frame_was_taken_to_when_the_answer_is_handed_out(small, frames):
    with Client(small.url) as client, client.live() as live:
        live.send(frames[0], taken=time.monotonic() - 5.0)
        time.sleep(0.5)
        answer = live.receive()
        assert 5500 <= answer.age_ms < 9000
        live.send(frames[1])
        assert live.receive().age_ms < 5000


def test_of_answers_that_nobody_asked_for_the_newest_is_left_and_the_others_are_counted(small, frames):
    with Client(small.url) as client, client.live() as live:
        for number in range(1, 21):
            live.send(frames[number % 6])
            time.sleep(0.03)
        time.sleep(0.5)
        answer = live.receive()
        assert answer.sequence == 20
        assert answer.dropped == 19
        with pytest.raises(NoAnswerError, match="nothing came"):
            live.receive(seconds=0.2)


def test_options_change_on_the_fly_and_wrong_ones_change_nothing(small, frames):
    with Client(small.url) as client, client.live() as live:
        assert live.configure(size=65, confidence=False).size == 65
        live.send(frames[0])
        answer = live.receive()
        assert (answer.mask.shape, answer.confidence) == ((65, 87), None)
        with pytest.raises(ProblemError, match="did you mean 'size'"):
            live.configure(sizes=97)
        with pytest.raises(UsageError, match="open another one"):
            live.configure(output="overlay")
        assert live.ready.size == 65
        live.send(frames[1])
        assert live.receive().mask.shape == (65, 87)

    async def go():
        async with AsyncClient(small.url) as client, client.live() as live:
            assert (await live.configure(size=65)).size == 65
            with pytest.raises(ProblemError, match="rate is"):
                await live.configure(rate=-1)
            assert live.ready.size == 65

    asyncio.run(go())


def test_a_frame_that_is_refused_is_told_and_the_next_one_answered(small, frames):
    with Client(small.url) as client, client.live() as live:
        live.send(b"no picture")
        with pytest.raises(ProblemError) as raised:
            live.receive()
        assert (raised.value.status, raised.value.extra["sequence"]) == (415, 1)
        live.send(frames[0])
        assert live.receive().sequence == 2
        with pytest.raises(UsageError):
            live.send(np.zeros((3, 3), np.float32))


def test_who_may_not_come_in_is_told_why(start_service, frames):
    guarded = start_service(size=65, threads=1, runtime="onnx", token=TOKEN, live=1)
    with Client(guarded.url) as client, pytest.raises(ProblemError) as raised, client.live():
        pass
    assert raised.value.status == 401
    with Client(guarded.url, token=TOKEN) as client, client.live() as live:
        assert next(live.answers(frames)).mask.shape == (65, 87)
        with pytest.raises(ProblemError) as raised, client.live():
            pass
        assert (raised.value.status, raised.value.retry_after) == (429, 5)

        async def go():
            async with AsyncClient(guarded.url) as other, other.live():
                pass

        with pytest.raises(ProblemError) as raised:
            asyncio.run(go())
        assert raised.value.status == 429
    with (
        Client(guarded.url, token=TOKEN) as client,
        pytest.raises(ProblemError, match="no model 'lot'"),
        client.live(model="lot"),
    ):
        pass


def test_a_service_that_stops_ends_the_wait_at_once(start_service, frames):
    running = start_service(size=65, threads=1, runtime="onnx")
    with Client(running.url) as client, client.live() as live:
        next(live.answers(frames))
        threading.Timer(0.3, lambda: asyncio.run_coroutine_threadsafe(running.service.live.stop(), loop)).start()
        loop = running.server._loop
        began = time.monotonic()
        with pytest.raises(UnreachableError, match=r"the service is stopping \(1001\)"):
            live.receive(seconds=20)
        assert time.monotonic() - began < 10
        for _ in range(2):
            with pytest.raises(UnreachableError):
                live.send(frames[0])


def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(small, frames):
    from liveseg.server.engine.errors import QueueFull

    engine = small.service.engine
    segment, full = engine.segment, [2]

    async def busy(*arguments, **options):
        if full[0]:
            full[0] -= 1
            raise QueueFull(0.1)
        return await segment(*arguments, **options)

    engine.segment = busy
    try:
        with Client(small.url) as client, client.live() as live:
            assert [answer.sequence for answer in live.answers(frames)] == [3, 4, 5, 6]
    finally:
        engine.segment = segment


def test_nobody_and_somebody_else_at_the_address(odd):
    with Client("http://127.0.0.1:9") as client, pytest.raises(UnreachableError, match="liveseg serve"), client.live():
        pass
    page = (200, {"content-type": "text/html"}, b"<h1>hello</h1>")
    with odd(page) as other, odd((307, {"location": f"{other.url}/v1/live"}, b"")) as server:
        with Client(server.url, token=TOKEN) as client, pytest.raises(ProblemError) as raised, client.live():
            pass
        assert raised.value.status == 307

        async def go():
            async with AsyncClient(server.url, token=TOKEN) as client, client.live():
                pass

        with pytest.raises(ProblemError):
            asyncio.run(go())
        assert other.requests == []
    with Client("http://127.0.0.1:9") as client, pytest.raises(UnreachableError, match="with statement"):
        client.live().send(b"x")
    with pytest.raises(UsageError, match="layers or overlay"):
        Client("http://127.0.0.1:9").live("mask")


READY = json.dumps(
    {"type": "ready", "model": "lite", "size": 97, "labels": ["a", "b"], "palette": [[0, 0, 0], [1, 1, 1]]}
)


def test_an_answer_keeps_the_classes_of_its_own_time():
    state = LiveState("layers", {}, None)
    state.take(READY)
    state.take(Layers(np.zeros((2, 2), np.uint8), sequence=1, dropped=3).pack())
    state.change({"model": "other"})
    assert state.agreed() is None
    state.take(READY.replace('"a"', '"c"'))
    assert state.agreed().labels.names == ("c", "b")
    answer = state.hand_out()
    assert (answer.labels.names, answer.dropped) == (("a", "b"), 3)
    assert state.hand_out() is None


def test_an_answer_before_any_agreement_or_of_another_kind_is_refused():
    with pytest.raises(WireError):
        LiveState("layers", {}, None).take(Layers(np.zeros((2, 2), np.uint8)).pack())


@given(st.lists(st.text() | st.binary() | st.sampled_from([READY, "{}", '{"type": "problem"}', '{"type": "ready"}'])))
def test_whatever_is_sent_is_taken_or_refused_in_words(messages):
    state = LiveState("layers", {}, None)
    for message in messages:
        for step in (lambda message=message: state.take(message), state.agreed, state.hand_out):
            try:
                step()
            except LivesegError as error:
                assert str(error)  # noqa: PT017
