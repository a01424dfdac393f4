"""`ServerStreams`: the live sources that a service reads."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from liveseg.server.log import tell
from liveseg.server.problems import Problem, not_ready, retry
from liveseg.server.streams.addresses import configured, from_client
from liveseg.server.streams.stream import ServerStream, Wish

if TYPE_CHECKING:
    from liveseg.server.engine.engine import Engine
    from liveseg.server.metrics import Metrics
    from liveseg.server.streams.answers import StreamRequest
    from liveseg.settings import ServeSettings

VIEWERS = 32
"""Open MJPEG answers of a stream at a time."""

_REMEMBERED = 50
"""Streams that have ended and are still shown; the oldest are forgotten first."""


class ServerStreams:
    """The streams of one service. For the event loop's thread only.

    Args:
        settings: of the service.
        engine: whose models they use.
        metrics: told of their frames and states.

    Raises:
        UsageError: an address of `--stream` that cannot be read.
    """

    def __init__(self, settings: ServeSettings, engine: Engine, metrics: Metrics) -> None:
        self._settings = settings
        self._engine = engine
        self._metrics = metrics
        self._configured = configured(settings)
        self._streams: dict[str, ServerStream] = {}
        self._stopping = False

    async def stop(self, seconds: float) -> None:
        """End all of them, and every answer that shows one; may be called twice.

        Args:
            seconds: how long to wait for them; a file that the system does not open cannot be interrupted.
        """
        self._stopping = True
        await asyncio.gather(*(stream.stop(seconds) for stream in self._streams.values()))

    @property
    def all(self) -> list[ServerStream]:
        """The streams, the oldest first."""
        return list(self._streams.values())

    @property
    def available(self) -> list[str]:
        """Names of sources that could be started."""
        return [name for name in self._configured if name not in self._streams or not self._streams[name].runs]

    def find(self, number: str) -> ServerStream:
        """A stream by its id.

        Raises:
            Problem: there is none.
        """
        stream = self._streams.get(number)
        if stream is None:
            raise Problem(404, "no such stream here; start it with POST /v1/streams", type="unknown-stream")
        return stream

    async def start(self, asked: StreamRequest) -> tuple[ServerStream, bool]:
        """Start a stream, or find the one of that name that runs; whether it is a new one.

        Raises:
            Problem: it is not allowed, not known, or there are too many.
            UnknownModel: no such model.
        """
        if self._stopping:
            raise not_ready("the service is stopping")
        number, wish = self._wish(asked)
        before = self._streams.get(number)
        if before is not None and before.runs:
            if before.wish != wish:
                raise Problem(
                    409, f"{number!r} runs with other options; end it with DELETE first", type="stream-runs", id=number
                )
            return before, False
        if sum(stream.runs for stream in self._streams.values()) >= self._settings.streams_running:
            raise Problem(
                429,
                f"{self._settings.streams_running} streams run, and more are not read; end one with DELETE",
                headers=retry(10),
                type="too-many-streams",
            )
        stream = ServerStream(number, wish, self._engine, self._metrics)
        self._streams.pop(number, None)
        self._streams[number] = stream
        self._forget_oldest()
        tell("stream started", stream=number)
        return stream, True

    async def remove(self, number: str) -> None:
        """End a stream, if it runs, and forget it.

        Raises:
            Problem: there is none.
        """
        stream = self.find(number)
        await stream.stop()
        # Meanwhile somebody else may have forgotten it, and started it anew under the same id.
        if self._streams.get(number) is stream:
            self._forget(number)

    def _wish(self, asked: StreamRequest) -> tuple[str, Wish]:
        """The id and the source of what a client asks for."""
        model = self._engine.model(asked.model or self._engine.default).name
        if asked.address is not None:
            if not self._settings.allow_any_stream:
                raise Problem(
                    403,
                    "this service reads only the sources that it was started with: ask for one by its name, or start"
                    " the service with --allow-any-stream",
                    type="address-not-allowed",
                    available=self.available,
                )
            source = from_client(asked.address)
            return secrets.token_urlsafe(9), Wish(asked.name or source.stem, source, model, asked.size, asked.smooth)
        if asked.name is None:
            raise Problem(422, "say which stream: its name, or where allowed its address", parameter="name")
        if asked.name not in self._configured:
            if not self._configured and not self._settings.allow_any_stream:
                raise Problem(
                    403,
                    "this service reads no live sources; start it with --stream NAME=ADDRESS to let clients see one",
                    type="streams-off",
                )
            raise Problem(404, f"no source called {asked.name!r} here", type="unknown-stream", available=self.available)
        return asked.name, Wish(asked.name, self._configured[asked.name], model, asked.size, asked.smooth)

    def _forget_oldest(self) -> None:
        ended = [number for number, stream in self._streams.items() if not stream.runs]
        for number in ended[: max(len(ended) - _REMEMBERED, 0)]:
            self._forget(number)

    def _forget(self, number: str) -> None:
        del self._streams[number]
        self._metrics.stream(number, None)
