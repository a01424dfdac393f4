"""`serve`: a service on uvicorn, from its socket to the end that a signal begins."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from liveseg.errors import SinkError
from liveseg.server.app import create_app
from liveseg.server.limits.client import as_seen
from liveseg.server.limits.connections import Doors, protocols
from liveseg.server.log import configure, tell
from liveseg.server.security.hosts import is_everywhere, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from liveseg.server.service import Service
    from liveseg.settings import ServeSettings

_BACKLOG = 512
_KEEP_ALIVE = 15
"""Seconds that an idle connection is kept for a next request."""


def serve(settings: ServeSettings, *, tell_user: Callable[[str], None] = print) -> bool:
    """Run a service until SIGINT or SIGTERM; what runs then has `grace_seconds` to finish, a second Ctrl-C ends it.

    Args:
        settings: every option.
        tell_user: told in one line where the page is.

    Returns:
        Whether all of its threads have ended. One that is loading a model cannot be interrupted: to leave Python under
        it aborts the process, to wait for it may take minutes.

    Raises:
        UsageError: a token that cannot be one.
        SinkError: the address or port cannot be had.
    """
    before = set(threading.enumerate())
    with listen(settings) as listener:
        as_json = configure(settings)

        def started(address: str) -> None:
            tell("listening", level=logging.INFO if as_json else logging.DEBUG, address=address)
            tell_user(f"liveseg: the page is at {address} (Ctrl-C ends the service)")
            for line in warnings(settings):
                tell(line, level=logging.WARNING)
            if settings.open:
                # Some browsers are waited for.
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        Server(settings, listener, started=started).run()
    return not any(thread.daemon for thread in set(threading.enumerate()) - before)


def listen(settings: ServeSettings) -> socket.socket:
    """The socket of a service.

    Raises:
        SinkError: the address or port cannot be had.
    """
    at = f"{settings.host}:{settings.port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SinkError(f"cannot listen on {at}: {error}; choose an address of this machine with --host") from error
    try:
        if sys.platform == "win32":
            # There the other option would let two programs have one port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and is_everywhere(settings.host):
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        remedy = "choose another port with --port, or 0 for a free one, and an address of this machine with --host"
        raise SinkError(f"cannot listen on {at}: {(error.strerror or str(error)).lower()}; {remedy}") from error
    listener.setblocking(False)
    return listener


class Server(uvicorn.Server):
    """uvicorn's server around one service, with an end in good order.

    Args:
        settings: every option.
        listener: a socket that listens.
        started: called with the page's address once it can be asked for.
    """

    def __init__(
        self, settings: ServeSettings, listener: socket.socket, *, started: Callable[[str], None] = lambda _: None
    ) -> None:
        self.app = create_app(settings)
        self.service: Service = self.app.state.service
        self.address = _address(settings.host, listener)
        proxies = as_seen(settings.trust_proxy)
        self.doors = Doors(
            settings.connections,
            settings.connections_each,
            head_seconds=settings.header_seconds,
            stall_seconds=settings.request_seconds,
            proxies=proxies,
        )
        self._grace = settings.grace_seconds
        self._listener = listener
        self._tell_started = started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Task[None] | None = None
        self._signalled = False
        http, ws = protocols(self.doors)
        super().__init__(
            uvicorn.Config(
                self.app,
                http=http,
                ws=ws,
                ws_max_size=min(settings.max_body, _MOST_MESSAGE),
                # What goes over sockets is compressed already.
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                timeout_keep_alive=_KEEP_ALIVE,
                backlog=_BACKLOG,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Run it in this thread until `end` or a signal."""
        super().run(sockets=sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._tell_started(self.address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is still open; by now nothing runs that was given time."""
        await self.service.running.cut()
        self.config.timeout_graceful_shutdown = 1
        await super().shutdown(sockets)
        # A second Ctrl-C makes uvicorn leave this out.
        await self.service.stop()
        tell("stopped")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the end at the first signal; end at once at a second Ctrl-C."""
        del frame
        # Not whether the end has begun: a busy loop may not have come to that yet.
        if self._signalled and sig == signal.SIGINT:
            self.should_exit = self.force_exit = True
        self._signalled = True
        self.end()

    def end(self) -> None:
        """Begin the end, from any thread: nothing new is taken, and what runs has its grace."""
        if self._loop is None:
            self.should_exit = True
            return
        self._loop.call_soon_threadsafe(self._begin_end)

    def _begin_end(self) -> None:
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        running = len(self.service.running)
        tell("stopping", running=running, grace_seconds=self._grace)
        try:
            if not await self.service.finish(self._grace):
                tell("cut off", level=logging.WARNING, running=len(self.service.running))
        finally:
            self.should_exit = True


_MOST_MESSAGE = 16 << 20
"""Bytes of a message on a WebSocket."""


def _address(host: str, listener: socket.socket) -> str:
    bound, port = listener.getsockname()[:2]
    name = "127.0.0.1" if is_everywhere(bound) else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def warnings(settings: ServeSettings) -> list[str]:
    """What the user should know of who can reach the service."""
    told = []
    if not is_loopback(settings.host) and settings.secret() is None:
        told.append(
            f"everybody who can reach {settings.host} may use this service: ask for a token with --token-file,"
            " or listen on 127.0.0.1"
        )
    if "*" in settings.allow_host:
        told.append("--allow-host * lets any web page in a browser of this network use the service (DNS rebinding)")
    if "*" in settings.allow_origin:
        told.append("--allow-origin * lets any web page that somebody here looks at use the service")
    return told
