"""`Live`: live pictures for code that waits."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import reconnect

from liveseg.client.errors import NoAnswerError, ProblemError, UnreachableError
from liveseg.client.live import PATH, QUALITY, LiveAnswer, rest_after
from liveseg.client.pictures import encoded
from liveseg.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self, Unpack

    from websockets.sync.client import ClientConnection

    from liveseg.client.live import LiveState, Ready
    from liveseg.client.options import LiveOptions
    from liveseg.client.pictures import Sendable
    from liveseg.client.transport import Line

    T = TypeVar("T")

A = TypeVar("A", bound=LiveAnswer)


class Live(Generic[A]):
    """A connection for live pictures; a context manager.

    Whoever reads is never behind: a thread takes what comes, and of several answers the newest stays.

    Args:
        line: to the service.
        state: of the connection.
    """

    def __init__(self, line: Line, state: LiveState) -> None:
        self._line = line
        self._state = state
        self._changed = threading.Condition()
        self._stack = ExitStack()
        self._socket: ClientConnection | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            try:
                self._socket = stack.enter_context(_connect(self._line))
            except Exception as error:
                raise self._line.refusal(error) from error
            reader = threading.Thread(target=self._read, args=(self._socket,), name="liveseg-live", daemon=True)
            reader.start()
            stack.callback(reader.join)
            stack.callback(self._socket.close)
            self._say(self._state.hello())
            self._agreed()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._stack.close()

    @property
    def ready(self) -> Ready:
        """What the service told last: model, size and classes."""
        return self._agreed()

    def send(self, picture: Sendable, taken: float | None = None) -> int:
        """Send a frame; if the service still works on another, it is left out as soon as a newer one comes.

        Args:
            picture: as `Client.segment` takes it; arrays and PIL images are sent as JPEGs.
            taken: when it was taken, in seconds of `time.monotonic`; now by default.

        Returns:
            Its number.

        Raises:
            UnreachableError: the connection has ended.
            UsageError: something that is no picture.
        """
        now = time.monotonic()
        data = encoded(picture, quality=QUALITY)
        with self._changed:
            sequence, message = self._state.frame(data, now if taken is None else taken)
        self._say(message)
        return sequence

    def receive(self, seconds: float | None = None) -> A:
        """The newest answer, once it is there; each is given once, and those that were not asked for are left out.

        Args:
            seconds: how long to wait; as the client does by default.

        Raises:
            ProblemError: a frame was not answered; the next one may be.
            NoAnswerError: none came in that time.
            UnreachableError: the connection has ended.
        """
        return cast("A", self._wait(self._state.hand_out, seconds))

    def answers(self, frames: Iterable[Sendable]) -> Iterator[A]:
        """Send frames, each when the one before was answered, and give the answers.

        A busy service is left alone for as long as it asks; the frame that it refused is left out.

        Args:
            frames: asked for the next one when it is to be sent, so that a camera gives its newest.

        Raises:
            ProblemError: the service says that something is wrong.
            UnreachableError: as `receive`.
        """
        for picture in frames:
            self.send(picture)
            try:
                answer = self.receive()
            except ProblemError as problem:
                rest = rest_after(problem)
                if rest is None:
                    raise
                time.sleep(rest)
                continue
            yield answer

    def configure(self, **options: Unpack[LiveOptions]) -> Ready:
        """Change options; answers from now on are by them.

        Returns:
            What the service says: the classes may be others.

        Raises:
            ProblemError: an option that the service does not take; those before go on.
            UnreachableError: the connection has ended.
        """
        with self._changed:
            message = self._state.change(options)
        self._say(message)
        return self._agreed()

    def _agreed(self) -> Ready:
        return self._wait(self._state.agreed, None)

    def _wait(self, given: Callable[[], T | None], seconds: float | None) -> T:
        patience = self._line.seconds if seconds is None else seconds
        end = time.monotonic() + patience
        with self._changed:
            while True:
                thing = given()
                if thing is not None:
                    return thing
                left = end - time.monotonic()
                if left <= 0:
                    raise NoAnswerError(f"nothing came from {self._line.address} within {patience:g} s")
                self._changed.wait(left)

    def _say(self, message: str | bytes) -> None:
        if self._socket is None:
            raise UnreachableError("the live connection is not open; use it in a with statement")
        try:
            self._socket.send(message)
        except ConnectionClosed:
            # What the service said before it closed comes first.
            with self._changed:
                self._changed.wait_for(self._state.ended, timeout=self._line.seconds)
                self._state.check()

    def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                message = socket.recv()
                with self._changed:
                    self._state.take(message)
                    self._changed.notify_all()
        except ConnectionClosed as closed:
            with self._changed:
                self._state.close(*closing(closed), self._line.address)
                self._changed.notify_all()
        except WireError as error:
            with self._changed:
                self._state.fail(error)
                self._changed.notify_all()
            socket.close()


class _connect(reconnect):  # noqa: N801 - it stands for the library's own
    """The library's connection, which follows no redirect: it would take the token elsewhere."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.address.socket(PATH), **line.socket_options())

    def process_redirect(self, exc: Exception) -> Exception:
        """Follow none."""
        return exc


def closing(closed: ConnectionClosed) -> tuple[int, str]:
    """The code and reason of a close; 1006 where there was none."""
    return (1006, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)
