"""Which names this service answers to, and which web pages may use it.

A page of a stranger that is open in a browser beside this service must not reach it. Two ways are closed here. Such a
page may ask for `http://localhost:8000` itself: browsers say so in `Origin` and `Sec-Fetch-Site`. Or it lets its own
name point to 127.0.0.1 after it was loaded (DNS rebinding), so that the browser sees one origin: then `Host` holds that
name. CORS is no help with either: it hides answers but lets requests happen, and does not cover WebSockets.

Ports of `Host` are not compared: a stranger's name is what gives the attack away, and ports change on their way through
containers and proxies.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Hosts:
    """Refuses requests and WebSockets that call the service by a foreign name or come from a foreign page.

    Args:
        app: what is behind it.
        bound: the address that the service listens on.
        hosts: other names that it is called by; `*` for all.
        origins: origins of pages elsewhere that may use it; `*` for all.
    """

    def __init__(self, app: ASGIApp, *, bound: str, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._names = {*LOOPBACK, bound.lower(), *hosts}
        # An address cannot be rebound, only a name can; and who listens on all addresses is called by any of them.
        self._any_address = is_everywhere(bound)
        self._origins = set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400, 403 or 421."""
        problem = self._problem(scope) if scope["type"] in ("http", "websocket") else None
        if problem is not None:
            await problem.answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = _told(scope, b"host"), _told(scope, b"origin"), _told(scope, b"sec-fetch-site")
        if any(len(values) > 1 for values in headers) or not headers[0]:
            return Problem(400, "Host stands once in a request, Origin and Sec-Fetch-Site at most once", type="host")
        (host,), origins, sites = headers
        if not self._known(host):
            return Problem(
                421,
                "the service is not called by this name; if it should be, start it with --allow-host NAME",
                type="host",
            )
        if origins:
            return None if self.may(origins[0], host) else _foreign()
        if sites and sites[0] not in ("same-origin", "none") and not _is_navigation(scope):
            return _foreign()
        return None

    def may(self, origin: str, host: str) -> bool:
        """Whether a page of an origin may use the service, which it calls by the name in `host`."""
        return "*" in self._origins or origin in self._origins or origin.partition("://")[2] == host

    def _known(self, host: str) -> bool:
        name = name_of(host)
        if name is None:
            return False
        if "*" in self._names or name in self._names:
            return True
        return self._any_address and _is_address(name)


def is_everywhere(bound: str) -> bool:
    """Whether to listen there is to listen on every address of this machine."""
    return _is_address(bound) and ipaddress.ip_address(bound).is_unspecified


def is_loopback(bound: str) -> bool:
    """Whether who listens there can be reached by this machine only."""
    return bound.lower() == "localhost" or (_is_address(bound) and ipaddress.ip_address(bound).is_loopback)


def name_of(host: str) -> str | None:
    """The name or address in a `Host` header, without its port and brackets; `None`: it is none."""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        if not closed or not _is_address(name):
            return None
        return name if not port or (port[0] == ":" and _is_port(port[1:])) else None
    name, colon, port = host.partition(":")
    if not name or (colon and not _is_port(port)):
        return None
    return name.removesuffix(".")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _told(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip().lower() for own, value in scope["headers"] if own == name]


def _is_navigation(scope: Scope) -> bool:
    """Whether somebody follows a link to it: the answer is shown to them, and the page with the link never sees it."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    return _told(scope, b"sec-fetch-mode") == ["navigate"] and _told(scope, b"sec-fetch-dest") == ["document"]


def _foreign() -> Problem:
    return Problem(
        403,
        "a web page of another origin may not use this service; if it should, start it with --allow-origin ORIGIN",
        type="origin",
    )
