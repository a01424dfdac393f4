"""What both clients have in common at the border to HTTPX2, the library that speaks HTTP for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg._version import __version__
from liveseg.client.errors import NoAnswerError, ProblemError, UnreachableError
from liveseg.client.live import LARGEST
from liveseg.client.steps import Ask, Reply
from liveseg.errors import LivesegError, MissingExtraError, UsageError

try:
    import httpx2
    import websockets
except ImportError as error:
    raise MissingExtraError(f"the client needs {error.name}: pip install 'liveseg[client]'") from error

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from liveseg.client.address import Address

__all__ = ["CHUNK", "Line", "httpx2", "websockets"]

CHUNK = 1 << 16
"""Bytes that are read from a file at a time."""

_AGENT = f"liveseg/{__version__}"
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Line:
    """How a service is spoken to.

    Args:
        address: where it is.
        token: what it asks for; never shown.
        seconds: how long an answer may take, and a pause within one.
        tls: other certificates than those that the system trusts.
    """

    address: Address
    token: str | None = field(default=None, repr=False)
    seconds: float = 60.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.token is not None and (not self.token.isascii() or not self.token.isprintable() or " " in self.token):
            raise UsageError("a token has letters, digits and signs only")
        if not self.seconds > 0:
            raise UsageError(f"seconds is a time above 0, not {self.seconds!r}")

    def options(self) -> dict[str, Any]:
        """What HTTPX2's clients are made with."""
        headers = {"user-agent": _AGENT}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        tls = {} if self.tls is None else {"verify": self.tls}
        # A redirect would take the token elsewhere.
        return {"headers": headers, "timeout": self._timeout(self.seconds), "follow_redirects": False} | tls

    def _timeout(self, seconds: float) -> httpx2.Timeout:
        return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))

    def request(self, ask: Ask) -> dict[str, Any]:
        """What HTTPX2 is told of a request, but for its body."""
        length = ask.length
        headers = dict(ask.headers) | ({} if length is None else {"content-length": str(length)})
        more = {} if ask.seconds is None else {"timeout": self._timeout(ask.seconds)}
        return {
            "method": ask.method,
            "url": self.address.http(ask.path),
            "params": ask.params,
            "headers": headers,
        } | more

    def failure(self, error: Exception) -> UnreachableError:
        """What HTTPX2 said, in words of liveseg."""
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return self.unreachable(error)
        if isinstance(error, httpx2.TimeoutException):
            return NoAnswerError(f"no answer from {self.address} in time; it may be busy, or ask for less")
        return UnreachableError(f"the connection to {self.address} was lost: {_one_line(error)}")

    def socket_options(self) -> dict[str, Any]:
        """What the clients of websockets are made with."""
        tls = {} if self.tls is None or not self.address.secure else {"ssl": self.tls}
        return {
            "user_agent_header": _AGENT,
            # JPEGs and masks are compressed already.
            "compression": None,
            "max_size": LARGEST,
            "open_timeout": min(self.seconds, _CONNECT_SECONDS),
        } | tls

    def refusal(self, error: Exception) -> LivesegError:
        """What websockets said of a connection that could not be opened, in words of liveseg."""
        if isinstance(error, websockets.InvalidStatus):
            answer = error.response
            headers = lower(dict(answer.headers.raw_items()))
            reply = Reply(answer.status_code, headers, bytes(answer.body or b""))
            return ProblemError.of(reply.status, headers.get("content-type", ""), reply.body, reply.retry_after)
        if isinstance(error, TimeoutError):
            return NoAnswerError(f"no answer from {self.address} in time; is it a liveseg service?")
        if isinstance(error, OSError | websockets.WebSocketException):
            return self.unreachable(error)
        raise error

    def unreachable(self, error: Exception) -> UnreachableError:
        """There is nobody at the address."""
        return UnreachableError(
            f"no service at {self.address}: {_one_line(error)}; start one with `liveseg serve`, or mend the address"
        )


def reply_of(response: Any, body: bytes = b"") -> Reply:
    """An answer, from HTTPX2's."""
    return Reply(response.status_code, lower(response.headers), body)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
