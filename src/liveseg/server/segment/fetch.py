"""Pictures from the web for `?url=`: fetched from public hosts only, at exactly the address that was checked.

A service that fetches what strangers name must not become their way into its own network (server-side request forgery,
CWE-918). So the name is resolved here, once; every address that it has must be public; the connection goes to that
address, with the name in `Host` and in TLS; and each redirect goes the same way. Proxies of the environment are not
asked, since they would resolve the name again.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import certifi
import h11

from liveseg._version import __version__
from liveseg.server.problems import Problem
from liveseg.server.segment.public import is_public
from liveseg.server.segment.web_address import PORTS, WebAddress, refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

SECONDS = 10.0
MOST_REDIRECTS = 3
_AT_ONCE = 8
_CHUNK = 1 << 16
_MOST_HEAD = 1 << 14
_MOST_INTERIM = 8
_REDIRECTS = (301, 302, 303, 307, 308)

_UNREACHABLE = (
    "the picture could not be fetched: there is no public host of that name, or it did not answer as it should in"
    " time; see that the address opens elsewhere, or send the picture itself"
)


class Fetcher:
    """Fetches pictures for others: `await fetcher("https://example.org/cat.jpg")` is the bytes of the file.

    Args:
        schemes: those allowed, of `http` and `https`.
        most_bytes: of a picture.
        seconds: for all of it, redirects included.
        ports: those allowed.
        allowed: whether an address may be connected to.
        resolve: from a name and a port to its addresses; the system's resolver by default.
        context: for TLS; by default the system's authorities and those of `certifi`.
    """

    def __init__(
        self,
        *,
        schemes: Sequence[str],
        most_bytes: int,
        seconds: float = SECONDS,
        ports: Sequence[int] = PORTS,
        allowed: Callable[[str], bool] = is_public,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._schemes = tuple(schemes)
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._ports = tuple(ports)
        self._allowed = allowed
        self._resolve = _Resolver() if resolve is None else resolve
        self._context = _trusting() if context is None else context
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, url: str) -> bytes:
        """Fetch a picture.

        Raises:
            Problem: 413 for more bytes than are taken, otherwise 422: an address that is not taken, a host that is not
                public or does not answer, or an answer that is no picture.
        """
        address = WebAddress.parse(url, self._schemes, self._ports)
        try:
            async with asyncio.timeout(self._seconds), self._places:
                for _ in range(MOST_REDIRECTS + 1):
                    found = await self._one(address)
                    if isinstance(found, bytes):
                        return found
                    address = self._next(address, found.location)
        except TimeoutError as error:
            raise unreachable() from error
        raise _unusable(f"it is redirected more than {MOST_REDIRECTS} times")

    def _next(self, address: WebAddress, location: str) -> WebAddress:
        following = WebAddress.parse(urljoin(address.url, location), self._schemes, self._ports)
        if address.scheme == "https" and following.scheme != "https":
            raise refused("it is redirected from https to http")
        return following

    async def _one(self, address: WebAddress) -> bytes | _Redirect:
        writer = None
        try:
            reader, writer = await self._connect(address)
            exchange = _Exchange(reader, self._most_bytes)
            writer.write(exchange.request(address))
            return await exchange.answer()
        except (OSError, h11.RemoteProtocolError) as error:
            raise unreachable() from error
        finally:
            if writer is not None:
                # Without a farewell, for which the other side might let us wait.
                writer.transport.abort()

    async def _connect(self, address: WebAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first of the host's addresses that takes one, each of which was checked before.

        Raises:
            OSError: none takes one, there is none, or one of them may not be connected to.
        """
        found = list(dict.fromkeys(await self._resolve(address.host, address.port)))
        if not all(self._allowed(own) for own in found):
            raise OSError("an address that is not public")
        secure: dict[str, Any] = {}
        if address.scheme == "https":
            secure = {"ssl": self._context, "server_hostname": address.host}
        last = OSError("no address")
        for own in found:
            # What is connected to are numbers: nobody resolves the name a second time.
            try:
                return await asyncio.open_connection(own, address.port, limit=_CHUNK, **secure)
            except OSError as error:
                last = error
        raise last


class _Redirect:
    """An answer that says where else to look."""

    def __init__(self, location: str) -> None:
        self.location = location


class _Exchange:
    """One HTTP request and its answer, read as far as it is wanted."""

    def __init__(self, reader: asyncio.StreamReader, most_bytes: int) -> None:
        self._reader = reader
        self._most_bytes = most_bytes
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)

    def request(self, address: WebAddress) -> bytes:
        """The bytes to send."""
        headers = [
            ("Host", address.host_header),
            ("Accept", "image/*"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", f"liveseg/{__version__}"),
            ("Connection", "close"),
        ]
        head = self._parser.send(h11.Request(method="GET", target=address.target, headers=headers))
        return (head or b"") + (self._parser.send(h11.EndOfMessage()) or b"")

    async def answer(self) -> bytes | _Redirect:
        """The body of a picture, or where else it is.

        Raises:
            Problem: anything else.
            h11.RemoteProtocolError: no HTTP, or less than it announced.
        """
        head = await self._head()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        if head.status_code in _REDIRECTS:
            return _Redirect(headers.get("location", ""))
        self._check(head.status_code, headers)
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > self._most_bytes:
                raise _too_large(self._most_bytes)
        return bytes(body)

    async def _head(self) -> h11.Response:
        for _ in range(_MOST_INTERIM):
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                break
        raise h11.RemoteProtocolError("no answer")

    def _check(self, status: int, headers: dict[str, str]) -> None:
        if status != 200:
            raise _unusable(f"its host answered {status}, not 200")
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if not kind.startswith("image/"):
            raise _unusable("its host does not call it an image (Content-Type)")
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise _unusable("its host packed it (Content-Encoding), although that was not asked for")
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._most_bytes:
            raise _too_large(self._most_bytes)

    async def _event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(await self._reader.read(_CHUNK))
        return event


class _Resolver:
    """The system's resolver, in threads of its own: a name server that is silent holds up nothing else."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    async def __call__(self, host: str, port: int) -> list[str]:
        if not self._places.acquire(blocking=False):
            raise OSError("the name server is silent")
        # A thread for one name, which nobody has to end: a lookup cannot be called back.
        thread = ThreadPoolExecutor(1, thread_name_prefix="liveseg-resolver")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, self._look_up, host, port)
        finally:
            thread.shutdown(wait=False)

    def _look_up(self, host: str, port: int) -> list[str]:
        try:
            return _look_up(host, port)
        finally:
            self._places.release()


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError("no name") from error
    return [str(place[0]) for *_, place in found]


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # A slim container has no authorities of its own.
    context.load_verify_locations(certifi.where())
    return context


def switched_off() -> Problem:
    """Nothing is fetched for others here."""
    return Problem(
        403,
        "this service fetches no pictures; send the picture itself, or start the service with --allow-url",
        type="url-off",
        parameter="url",
    )


def unreachable() -> Problem:
    """The same whatever happened before a public host answered: nobody learns of an inner network by it."""
    return Problem(422, _UNREACHABLE, type="url-unreachable", parameter="url")


def _unusable(why: str) -> Problem:
    return Problem(422, f"the picture could not be fetched: {why}", type="url-unusable", parameter="url")


def _too_large(most_bytes: int) -> Problem:
    detail = f"the picture at that address has more than the {most_bytes} bytes that are taken"
    return Problem(413, detail, parameter="url", max_bytes=most_bytes)
