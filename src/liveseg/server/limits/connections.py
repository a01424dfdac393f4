"""How many connections there may be, and how long one may keep the service waiting.

What an ASGI application cannot see is limited where uvicorn can: a connection that sends nothing, one that sends the
head of a request byte by byte (slow loris; uvicorn has no limit for either), one that takes nothing of its answer, and
how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from liveseg.server.limits.client import client_at
from liveseg.server.log import tell
from liveseg.server.problems import Problem, retry

if TYPE_CHECKING:
    from collections.abc import Collection

_LINGER = 1.0
"""Seconds that a refused connection has to read why."""

_SWEEP = 1.0
_MOST_AROUND = 64 * 1024
"""Bytes of a request that are not its body."""

_CHUNKING = 16
"""Bytes around each byte of a body, at most: whoever sends it in chunks of one needs five."""

_UNSENT = 128 * 1024
"""Bytes that the system takes for a client before they can be sent: more would only grow old, in a live picture."""


class Doors:
    """Counts the connections of the service.

    Args:
        most: connections in all.
        each: connections of one client.
        head_seconds: time for the head of a request.
        stall_seconds: time that a client may take nothing of what is sent to it.
        proxies: addresses and networks that stand for many clients.
    """

    def __init__(
        self, most: int, each: int, *, head_seconds: float, stall_seconds: float, proxies: Collection[str] = ()
    ) -> None:
        self.head_seconds = head_seconds
        self.stall_seconds = stall_seconds
        self._most = most
        self._each = each
        self._proxies = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._open: dict[asyncio.Transport, str] = {}
        self._clients = Counter[str]()
        self._closing: dict[asyncio.Transport, float] = {}
        self._lingering = 0
        self._sweeping: asyncio.TimerHandle | None = None
        self._told = -60.0
        self._untold = 0

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, transport: asyncio.Transport) -> Problem | None:
        """Count a connection, or say why it is not taken."""
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        client = client_at(address)
        if len(self._open) >= self._most:
            self._tell(client, "all")
            return Problem(503, f"all {self._most} connections are in use; try again soon", headers=_BRIEFLY)
        if not self._is_proxy(address) and self._clients[client] >= self._each:
            self._tell(client, "client")
            return Problem(429, f"this client has {self._each} connections; close one first", headers=_BRIEFLY)
        self._open[transport] = client
        self._clients[client] += 1
        _keep_fresh(transport)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
        return None

    def _is_proxy(self, address: str) -> bool:
        return bool(self._proxies) and any(ipaddress.ip_address(address) in network for network in self._proxies)

    def leave(self, transport: asyncio.Transport) -> None:
        """A connection is gone."""
        client = self._open.pop(transport, None)
        self._closing.pop(transport, None)
        if client is not None:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    def turn_away(self, transport: asyncio.Transport, problem: Problem) -> None:
        """Tell a connection why it is not taken; at once where too many are being told already."""
        if self._lingering >= self._most:
            transport.abort()
            return
        self._lingering += 1
        transport.write(raw_answer(problem))
        if transport.can_write_eof():
            transport.write_eof()

        def end() -> None:
            self._lingering -= 1
            transport.abort()

        # Closed at once, what the client is sending would make the system throw away what it was told.
        asyncio.get_running_loop().call_later(_LINGER, end)

    def _sweep(self) -> None:
        """Cut off what was closed but does not take the rest of its answer."""
        now = time.monotonic()
        for transport in list(self._open):
            if not transport.is_closing():
                continue
            if now - self._closing.setdefault(transport, now) > self.stall_seconds:
                transport.abort()
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_SWEEP, self._sweep) if self._open else None

    def _tell(self, client: str, limit: str) -> None:
        self._untold += 1
        now = time.monotonic()
        if now - self._told >= 10:
            tell("connection refused", level=logging.WARNING, client=client, limit=limit, times=self._untold)
            self._told, self._untold = now, 0


def protocols(doors: Doors) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """The protocols of uvicorn, guarded: its options `http` and `ws`."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    bases: tuple[Any, ...]
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

        bases = _Http, _Measured, HttpToolsProtocol
    except ImportError:
        # It measures heads by itself.
        from uvicorn.protocols.http.h11_impl import H11Protocol

        bases = _Http, H11Protocol

    class GuardedHttp(*bases):  # type: ignore[misc]
        _doors = doors

    class GuardedWebSocket(_Stall, WebSocketsSansIOProtocol):
        _doors = doors

    return GuardedHttp, GuardedWebSocket


class _Stall:
    """Cuts a connection off that takes nothing."""

    _doors: Doors
    _stalled: asyncio.TimerHandle | None = None
    transport: asyncio.Transport

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        if self._stalled is None:
            loop = asyncio.get_running_loop()
            self._stalled = loop.call_later(self._doors.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self._no_longer_stalled()

    def connection_lost(self, error: Exception | None) -> None:
        self._no_longer_stalled()
        self._doors.leave(self.transport)
        super().connection_lost(error)  # type: ignore[misc]

    def _no_longer_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class _Http(_Stall):
    """Counts a connection, and holds the heads of its requests to their time."""

    _refused = False
    _head: asyncio.TimerHandle | None = None
    _heard = False
    cycle: Any

    def connection_made(self, transport: asyncio.Transport) -> None:
        # It would write addresses with their queries.
        self.access_log = False
        problem = self._doors.enter(transport)
        if problem is not None:
            self._refused = True
            self._doors.turn_away(transport, problem)
            return
        super().connection_made(transport)  # type: ignore[misc]
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._heard = True
        if self._head is None and not self._answering():
            self._expect_head()
        super().data_received(data)  # type: ignore[misc]
        if self._answering():
            self._forget_head()

    def handle_websocket_upgrade(self, *event: Any) -> None:
        self._forget_head()
        super().handle_websocket_upgrade(*event)  # type: ignore[misc]

    def eof_received(self) -> bool | None:
        # A refused connection is to stay open until it was told.
        return True if self._refused else super().eof_received()  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self._forget_head()
        if not self._refused:
            super().connection_lost(error)

    def pause_writing(self) -> None:
        if not self._refused:
            super().pause_writing()

    def resume_writing(self) -> None:
        if not self._refused:
            super().resume_writing()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        loop = asyncio.get_running_loop()
        self._head = loop.call_later(self._doors.head_seconds, self._head_is_late)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _head_is_late(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self._heard:
            seconds = self._doors.head_seconds
            late = Problem(408, f"the head of the request did not arrive within {seconds:g} s")
            self.transport.write(raw_answer(late))
        self.transport.close()


class _Measured:
    """Refuses heads, trailers and chunk extensions without end, all of which httptools would gather in memory."""

    _come = 0
    _body = 0
    cycle: Any
    transport: asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self._come += len(data)
        super().data_received(data)  # type: ignore[misc]
        if self._come - self._body <= _MOST_AROUND + _CHUNKING * self._body or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            long = Problem(431, f"the head of a request has at most {_MOST_AROUND} bytes")
            self.transport.write(raw_answer(long))
            self.transport.close()
        else:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._come = self._body = 0
        super().on_message_begin()  # type: ignore[misc]

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)  # type: ignore[misc]


_BRIEFLY = retry(1)


def raw_answer(problem: Problem) -> bytes:
    """A problem as bytes of HTTP, where there is no request yet; the connection ends after it."""
    body = json.dumps(problem.to_json()).encode()
    headers = [*problem.raw_headers(len(body)), (b"connection", b"close")]
    head = f"HTTP/1.1 {problem.status} {problem.title}\r\n".encode("latin-1")
    return head + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body


def _keep_fresh(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with contextlib.suppress(OSError):  # no TCP
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
