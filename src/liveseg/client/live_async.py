"""`AsyncLive`: live pictures for code that awaits."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from liveseg.client.errors import NoAnswerError, ProblemError, UnreachableError
from liveseg.client.live import PATH, QUALITY, LiveAnswer, rest_after
from liveseg.client.live_sync import closing
from liveseg.client.pictures import encoded
from liveseg.wire import WireError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
    from typing import Self, Unpack

    from websockets.asyncio.client import ClientConnection

    from liveseg.client.live import LiveState, Ready
    from liveseg.client.options import LiveOptions
    from liveseg.client.pictures import Sendable
    from liveseg.client.transport import Line

    T = TypeVar("T")

A = TypeVar("A", bound=LiveAnswer)


class AsyncLive(Generic[A]):
    """A connection for live pictures; an async context manager. Its methods are those of `Live`.

    Args:
        line: to the service.
        state: of the connection.
    """

    def __init__(self, line: Line, state: LiveState) -> None:
        self._line = line
        self._state = state
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            try:
                self._socket = await stack.enter_async_context(_connect(self._line))
            except Exception as error:
                raise self._line.refusal(error) from error
            reader = asyncio.create_task(self._read(self._socket))
            stack.push_async_callback(_ended, reader)
            await self._say(self._state.hello())
            await self._agreed()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        await self._stack.aclose()

    async def send(self, picture: Sendable, taken: float | None = None) -> int:
        """Send a frame and give its number; as `Live.send`."""
        now = time.monotonic()
        data = picture if isinstance(picture, bytes) else await asyncio.to_thread(encoded, picture, quality=QUALITY)
        sequence, message = self._state.frame(data, now if taken is None else taken)
        await self._say(message)
        return sequence

    async def receive(self, seconds: float | None = None) -> A:
        """The newest answer, once it is there; as `Live.receive`."""
        return cast("A", await self._wait(self._state.hand_out, seconds))

    async def answers(self, frames: Iterable[Sendable] | AsyncIterable[Sendable]) -> AsyncIterator[A]:
        """Send frames, each when the one before was answered, and give the answers; as `Live.answers`."""
        async for picture in _async(frames):
            await self.send(picture)
            try:
                answer = await self.receive()
            except ProblemError as problem:
                rest = rest_after(problem)
                if rest is None:
                    raise
                await asyncio.sleep(rest)
                continue
            yield answer

    async def configure(self, **options: Unpack[LiveOptions]) -> Ready:
        """Change options; as `Live.configure`."""
        await self._say(self._state.change(options))
        return await self._agreed()

    @property
    def ready(self) -> Ready:
        """What the service told last: model, size and classes."""
        told = self._state.agreed()
        if told is None:
            raise UnreachableError("the live connection is not open; use it in an async with statement")
        return told

    async def _agreed(self) -> Ready:
        return await self._wait(self._state.agreed, None)

    async def _wait(self, given: Callable[[], T | None], seconds: float | None) -> T:
        patience = self._line.seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(patience):
                while (thing := given()) is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            if isinstance(error, UnreachableError):
                raise
            raise NoAnswerError(f"nothing came from {self._line.address} within {patience:g} s") from error
        return thing

    async def _say(self, message: str | bytes) -> None:
        if self._socket is None:
            raise UnreachableError("the live connection is not open; use it in an async with statement")
        try:
            await self._socket.send(message)
        except ConnectionClosed:
            # What the service said before it closed comes first.
            await self._wait(lambda: self._state.ended() or None, None)
            self._state.check()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                self._state.take(await socket.recv())
                self._changed.set()
        except ConnectionClosed as closed:
            self._state.close(*closing(closed), self._line.address)
        except WireError as error:
            self._state.fail(error)
            await socket.close()
        finally:
            self._changed.set()


class _connect(connect):  # noqa: N801 - it stands for the library's own
    """The library's connection, which follows no redirect: it would take the token elsewhere."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.address.socket(PATH), **line.socket_options())

    def process_redirect(self, exc: Exception) -> Exception:
        """Follow none."""
        return exc


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _async(frames: Iterable[Sendable] | AsyncIterable[Sendable]) -> AsyncIterator[Sendable]:
    if hasattr(frames, "__aiter__"):
        async for frame in frames:
            yield frame
        return
    # A camera's next frame may take its time, which the event loop has better uses for.
    source = iter(frames)
    nothing = object()
    while (frame := await asyncio.to_thread(next, source, nothing)) is not nothing:
        yield frame
