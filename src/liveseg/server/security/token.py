"""The token that clients must bring, where the service asks for one."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from liveseg.server.security.tickets import Tickets


class Token:
    """The one token of the service, or none.

    Args:
        secret: the token; `None` lets everybody in.
    """

    def __init__(self, secret: str | None) -> None:
        self._secret = None if secret is None else secret.encode()

    @property
    def asked(self) -> bool:
        """Whether clients must bring a token."""
        return self._secret is not None

    def accepts(self, given: str | None) -> bool:
        """Whether a client that brought this may come in; takes the same time however much of it is right."""
        if self._secret is None:
            return True
        return given is not None and hmac.compare_digest(self._secret, given.encode("utf-8", "surrogatepass"))

    def check_message(self, message: Mapping[str, Any]) -> None:
        """Hold the first message of a WebSocket to the token, which stands there as `token`.

        Browsers cannot send headers with a WebSocket, and what stands in an address ends up in logs.

        Raises:
            Problem: 401, the token is missing or wrong.
        """
        given = message.get("token")
        if not self.accepts(given if isinstance(given, str) else None):
            raise refused("send it as `token` in the first message")


def refused(remedy: str) -> Problem:
    """What a client is told that brought no token, or a wrong one."""
    return Problem(
        401,
        f"the token is missing or wrong; {remedy}",
        title="Token needed",
        headers={"WWW-Authenticate": 'Bearer realm="liveseg"'},
    )


class TokenGate:
    """Lets requests through that bring the token in `Authorization: Bearer`, or read something with a ticket for it.

    A WebSocket passes: whoever answers it holds its first message to `Token.check_message`.

    Args:
        app: what is behind it.
        token: the service's.
        tickets: those it gave out.
        free: paths that need no token.
    """

    def __init__(self, app: ASGIApp, token: Token, tickets: Tickets, free: Collection[str]) -> None:
        self._app = app
        self._token = token
        self._tickets = tickets
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "http" and not self._may(scope):
            await refused("send it as `Authorization: Bearer TOKEN`").answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        path = scope["path"]
        if not self._token.asked or path in self._free:
            return True
        if self._token.accepts(_bearer(scope)):
            return True
        return scope["method"] in ("GET", "HEAD") and self._tickets.valid(path, _ticket(scope))


def _bearer(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _ticket(scope: Scope) -> str:
    if b"ticket=" not in scope["query_string"]:
        return ""
    given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=64).get("ticket", [])
    return given[0] if len(given) == 1 else ""
