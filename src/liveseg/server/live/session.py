"""One live connection: the newest frame is worked on, the newest answer is sent, and nothing queues up between them.

Three tasks: one reads the socket and keeps the newest frame, one works on a frame at a time, one sends the newest
answer. Whoever is slow, the client's way, the network or the client itself, older frames and answers are left out and
counted; what is sent is never older than it has to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from liveseg.errors import LivesegError, UsageError
from liveseg.palettes import palette_of
from liveseg.server.live.ending import (
    BAD_MESSAGE,
    GOING_AWAY,
    IDLE,
    NO_TOKEN,
    TRY_LATER,
    End,
    close_with,
    problem_message,
)
from liveseg.server.live.frames import Answered, Arrived, Chosen, FrameWork
from liveseg.server.live.options import LiveOptions, read_message
from liveseg.server.live.slots import Slots
from liveseg.server.problems import Problem, of_error
from liveseg.wire import WireError, unpack_frame

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from liveseg.server.engine.engine import Engine
    from liveseg.server.metrics import Metrics
    from liveseg.server.security.token import Token

_LONGEST_REST = 1.0
"""Seconds to rest at most after a frame that a full queue refused."""

_MOST_BAD = 20
"""Frames in a row that cannot be read, after which the connection is closed."""


@dataclass(frozen=True)
class Limits:
    """What one connection may do.

    Args:
        frame_bytes: of an encoded frame.
        pixels: of a decoded one.
        hello_seconds: time for the first message.
        idle_seconds: time without a message after which the connection is closed.
        grace_seconds: time for the frame in work when the service stops.
    """

    frame_bytes: int
    pixels: int
    hello_seconds: float = 5.0
    idle_seconds: float = 300.0
    grace_seconds: float = 1.0


class Session:
    """One WebSocket of live pictures, from its first message to its close.

    Args:
        socket: accepted already.
        engine: segments the frames.
        metrics: told ages, drops and stages.
        limits: of this connection.
        token: the service's.
        stopping: set when the service stops.
    """

    def __init__(
        self,
        socket: WebSocket,
        engine: Engine,
        metrics: Metrics,
        limits: Limits,
        *,
        token: Token,
        stopping: asyncio.Event,
    ) -> None:
        self._socket = socket
        self._engine = engine
        self._metrics = metrics
        self._limits = limits
        self._token = token
        self._stopping = stopping
        self._work = FrameWork(engine, metrics, limits.pixels)
        self._inbox: Slots[LiveOptions | Arrived] = Slots("options", "frame")
        self._outbox: Slots[dict[str, Any] | Answered] = Slots("ready", "problem", "answer")
        self._options = LiveOptions()
        self._chosen: Chosen | None = None
        self._dropped = 0
        self._working = False
        self._bad = 0

    async def run(self) -> None:
        """Serve the client until one side ends it; never raises for what a client or a stop can cause."""
        try:
            await self._hello()
            await self._serve()
        except End as end:
            await self._close(end)
        except WebSocketDisconnect:
            pass

    async def _hello(self) -> None:
        """Take the first message, which brings the token and the options."""
        try:
            async with asyncio.timeout(self._limits.hello_seconds):
                message = await self._receive()
        except TimeoutError:
            late = Problem(408, "the first message did not come in time; it is a JSON text of options, at least {}")
            raise End(NO_TOKEN if self._token.asked else IDLE, late) from None
        if not isinstance(message, str):
            raise End(BAD_MESSAGE, Problem(400, "the first message is a JSON text of options, before any frame"))
        try:
            given = read_message(message)
        except UsageError as error:
            raise End(BAD_MESSAGE, Problem(400, str(error))) from error
        try:
            self._token.check_message(given)
        except Problem as problem:
            raise End(NO_TOKEN, problem) from problem
        given.pop("token", None)
        try:
            self._options = LiveOptions().changed(given)
        except UsageError as error:
            raise End(BAD_MESSAGE, of_error(error)) from error
        self._inbox.put("options", self._options)

    async def _serve(self) -> None:
        """Read, work and send until one of them ends."""
        jobs = (self._read(), self._answer(), self._send(), self._leave())
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def _read(self) -> None:
        """Take what the client sends; of frames and of options the newest stay."""
        while True:
            try:
                async with asyncio.timeout(self._limits.idle_seconds):
                    message = await self._receive()
            except TimeoutError:
                seconds = self._limits.idle_seconds
                raise End(IDLE, Problem(408, f"nothing came for {seconds:g} s; connect again when there is")) from None
            if isinstance(message, str):
                self._take_options(message)
            else:
                self._take_frame(message)

    def _take_options(self, text: str) -> None:
        try:
            given = read_message(text)
            given.pop("token", None)
            self._options = self._options.changed(given)
        except UsageError as error:
            self._tell(of_error(error))
            return
        self._inbox.put("options", self._options)

    def _take_frame(self, message: bytes) -> None:
        arrived = time.monotonic()
        try:
            frame = unpack_frame(message)
        except WireError as error:
            raise End(BAD_MESSAGE, of_error(error)) from error
        most = self._limits.frame_bytes
        if len(frame.picture) > most:
            problem = Problem(413, f"a frame of {len(frame.picture)} bytes; send {most} at most", max_bytes=most)
            self._refuse(problem, frame.sequence)
            return
        if self._inbox.put("frame", Arrived(frame, arrived)) is not None:
            self._drop()

    async def _answer(self) -> None:
        """Work on the newest frame, one at a time; options come between two frames."""
        due = 0.0
        while True:
            self._working = False
            await self._inbox.filled()
            # A frame is taken after the wait for its turn, when it is the newest; options need not wait.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(due - time.monotonic()):
                    await self._inbox.filled("options")
            thing = await self._inbox.take()
            self._working = True
            if isinstance(thing, LiveOptions):
                await self._choose(thing)
            elif self._chosen is None:
                self._drop()
            else:
                began, rate = time.monotonic(), self._chosen.options.rate
                rest = await self._work_on(thing, self._chosen)
                due = max(max(due, began) + 1 / rate if rate else 0.0, time.monotonic() + rest)

    async def _work_on(self, arrived: Arrived, chosen: Chosen) -> float:
        """Answer one frame, or say why not; seconds to rest before the next."""
        try:
            answered = await self._work.answer(arrived, chosen)
        except Problem as problem:
            self._refuse(problem, arrived.frame.sequence)
            return 0.0
        except LivesegError as error:
            self._refuse(of_error(error), arrived.frame.sequence)
            return min(getattr(error, "retry_after", 0.0), _LONGEST_REST)
        self._bad = 0
        if self._outbox.put("answer", answered) is not None:
            # The client has not taken the last answer yet; it gets this one instead.
            self._drop()
        return 0.0

    async def _choose(self, options: LiveOptions) -> None:
        """Make the options what counts, and say so: loads the model if need be."""
        try:
            async with self._engine.lease(options.model) as segmenter:
                labels = segmenter.labels
                model, own = options.model or self._engine.default, segmenter.size
        except LivesegError as error:
            problem = of_error(error)
            if self._chosen is None:
                raise End(TRY_LATER if problem.status == 503 else BAD_MESSAGE, problem) from error
            # What was chosen before goes on.
            self._options = self._chosen.options
            self._tell(problem)
            return
        labels = labels.with_palette(palette_of(options.palette, labels))
        size = options.size or (own if isinstance(own, int) else None)
        chosen = Chosen(options, model, size, labels)
        before = self._chosen
        if before is None or before.options.smooth != options.smooth or (before.model, before.size) != (model, size):
            self._work.restart(smooth=options.smooth)
        self._chosen = chosen
        # An answer that is still here was made by the options before, whose classes may be others.
        if self._outbox.clear("answer") is not None:
            self._drop()
        self._outbox.put("ready", _ready(chosen, self._limits))

    async def _send(self) -> None:
        """Send what is newest as soon as the client has taken what came before."""
        while True:
            thing = await self._outbox.take()
            if isinstance(thing, dict):
                await self._socket.send_text(json.dumps(thing, ensure_ascii=False))
                continue
            dropped, self._dropped = self._dropped, 0
            message, age = thing.finished(dropped)
            self._metrics.frame("live", age)
            await self._socket.send_bytes(message)

    async def _leave(self) -> None:
        """When the service stops: finish the frame in work, send it, and close."""
        await self._stopping.wait()
        self._inbox.clear("frame")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.grace_seconds):
                while self._working or not self._outbox.empty:
                    await asyncio.sleep(0.01)
                    self._inbox.clear("frame")
        raise End(GOING_AWAY, reason="the service is stopping")

    def _drop(self) -> None:
        self._dropped += 1
        self._metrics.dropped("live")

    def _refuse(self, problem: Problem, sequence: int) -> None:
        """Say that a frame is not answered; who sends nothing but such frames is cut off."""
        self._bad += problem.status in (413, 415, 422)
        if self._bad >= _MOST_BAD:
            raise End(BAD_MESSAGE, problem)
        self._tell(problem, sequence=sequence)

    def _tell(self, problem: Problem, **about: Any) -> None:
        self._outbox.put("problem", problem_message(problem) | about)

    async def _close(self, end: End) -> None:
        await close_with(self._socket, end.code, end.problem, end.reason, seconds=self._limits.grace_seconds)


def _ready(chosen: Chosen, limits: Limits) -> dict[str, Any]:
    options = chosen.options
    return {
        "type": "ready",
        "model": chosen.model,
        "size": chosen.size,
        "labels": list(chosen.labels.names),
        "palette": [list(color) for color in chosen.labels.palette],
        "background": chosen.labels.background,
        "output": options.output,
        "confidence": options.confidence,
        "mask": options.mask,
        "rate": options.rate,
        "smooth": options.smooth,
        "max_frame_bytes": limits.frame_bytes,
        "max_pixels": limits.pixels,
    }
