"""What is done by asking a service, without the asking: one piece of code for clients that wait and that await.

A call is a generator. It yields what it wants done, an `Ask` or a `Pause`, is sent the `Reply`, and returns its result.
The clients drive it with what they have: `liveseg.client.sync` with a blocking transport, `liveseg.client.asynchronous`
with an event loop's.
"""

from __future__ import annotations

import email.utils
import json
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from liveseg.client.errors import ProblemError
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

T = TypeVar("T")

Query = Mapping[str, object]
"""Numbers, words, switches, and lists of words; those that are `None` are left out."""


@dataclass(frozen=True)
class Ask:
    """One request.

    Args:
        method: of HTTP.
        path: of the route, from its slash.
        query: parameters.
        headers: besides those of every request.
        body: what is sent: bytes, or a file.
        into: a file that the answer's body is written to, where it succeeds.
        seconds: how long the answer may take; as long as the client's others by default.
    """

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Path | None = field(default=None, repr=False)
    into: Path | None = None
    seconds: float | None = None

    @property
    def params(self) -> dict[str, str]:
        """The query as text."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}

    @property
    def length(self) -> int | None:
        """Bytes of the body; `None` without one."""
        return (
            self.body.stat().st_size if isinstance(self.body, Path) else None if self.body is None else len(self.body)
        )


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        status: of HTTP.
        headers: with names in lower case.
        body: empty where it was written to a file.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> float | None:
        """Seconds until another try, where the service says so."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            when = email.utils.parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        return max(when.timestamp() - time.time(), 0.0)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ProblemError: it is none: somebody else answered.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProblemError.of(self.status, "", b"", None) from error

    def told(self, of: Callable[[Any], T]) -> T:
        """What the body's JSON comes to.

        Raises:
            ProblemError: it says something else: somebody else answered.
        """
        told = self.json()
        try:
            return of(told)
        except (KeyError, TypeError, ValueError, AttributeError, LivesegError) as error:
            raise ProblemError.of(self.status, "", b"", None) from error


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Steps: TypeAlias = Generator[Ask | Pause, Any, T]


@dataclass(frozen=True)
class Patience:
    """How often a request is made again that the service refused for now (429, 503 with Retry-After).

    Args:
        retries: so many times; 0 is never.
        longest: seconds; a service that wants a longer wait is not waited for.
    """

    retries: int = 3
    longest: float = 30.0

    def wait(self, reply: Reply, tried: int) -> float | None:
        """Seconds to wait before another try; `None`: there is none."""
        asked = reply.retry_after
        if reply.status not in (429, 503) or asked is None or tried >= self.retries or asked > self.longest:
            return None
        # Those who were refused together do not come back together.
        return asked * (1 + 0.1 * random.random())  # noqa: S311


def asked(ask: Ask, patience: Patience) -> Steps[Reply]:
    """The answer to a request, made again where the service asks for that.

    Raises:
        ProblemError: the service says that something is wrong.
    """
    tried = 0
    while True:
        reply: Reply = yield ask
        if 200 <= reply.status < 300:
            return reply
        wait = patience.wait(reply, tried)
        if wait is None:
            raise ProblemError.of(reply.status, reply.headers.get("content-type", ""), reply.body, reply.retry_after)
        tried += 1
        yield Pause(wait)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # On Linux a file's name may be bytes that are no text.
    return text.encode("utf-8", "replace").decode("utf-8")
