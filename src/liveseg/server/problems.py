"""Every failure of the service as problem details (RFC 9457), `application/problem+json`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from liveseg.errors import DeviceError, LivesegError, MissingExtraError, UsageError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:liveseg:problem:"

_NAMES = {
    400: "bad-request",
    401: "token",
    403: "forbidden",
    404: "not-found",
    405: "method",
    406: "not-acceptable",
    408: "too-slow",
    409: "conflict",
    410: "gone",
    411: "length-required",
    412: "precondition",
    413: "too-large",
    415: "media-type",
    416: "range",
    422: "invalid",
    426: "websocket",
    429: "too-many",
    431: "head-too-large",
    500: "defect",
    501: "not-implemented",
    502: "upstream",
    503: "not-ready",
    504: "timeout",
    507: "no-room",
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it that
    """A failure as the client is told of it; raise it anywhere in a route.

    Args:
        status: of the answer.
        detail: what is wrong with this request, and what to do.
        title: what is wrong with all requests that get this type; the status' phrase by default.
        type: what kind of problem it is, as a word; the status' own by default. Clients get it as a URN.
        headers: of the answer, besides its own.
        extra: members besides those of RFC 9457.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str | None = None,
        type: str | None = None,  # noqa: A002 - RFC 9457's word
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.type = _TYPE + (type or _NAMES.get(status, f"status-{status}"))
        self.headers = dict(headers or {})
        self.extra = extra

    def to_json(self) -> dict[str, Any]:
        """The members of the problem; the request's id is added where there is a request."""
        told = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        return told | self.extra

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it as the answer to an HTTP request, or to the handshake of a WebSocket."""
        del receive
        prefix = "websocket.http" if scope["type"] == "websocket" else "http"
        body = self.body(scope)
        await send({"type": f"{prefix}.response.start", "status": self.status, "headers": self.raw_headers(len(body))})
        await send({"type": f"{prefix}.response.body", "body": body})

    def body(self, scope: Scope) -> bytes:
        """The JSON, with the request's id as `instance`."""
        told = self.to_json()
        if request_id := scope.get("state", {}).get("request_id"):
            told["instance"] = f"urn:liveseg:request:{request_id}"
        return json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")

    def raw_headers(self, length: int) -> list[tuple[bytes, bytes]]:
        """The headers of an answer of a length."""
        headers = {"content-type": MEDIA_TYPE, "content-length": str(length), "cache-control": "no-store"}
        headers |= {name.lower(): value for name, value in self.headers.items()}
        return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


def not_ready(reason: str, retry_after: float = 5.0) -> Problem:
    """The service is loading or stopping."""
    return Problem(503, reason, headers=retry(retry_after))


def retry(seconds: float) -> dict[str, str]:
    """The header that says when to come back, in whole seconds, at least one."""
    return {"Retry-After": str(max(round(seconds + 0.499), 1))}


def of_error(error: LivesegError) -> Problem:  # noqa: PLR0911 - one for each kind of failure
    """What a client is told of a failure that liveseg raised on purpose."""
    from liveseg.server.engine.errors import DeadlinePassed, InputTooLarge, NotReady, QueueFull, UnknownModel

    match error:
        case QueueFull():
            return Problem(429, str(error), headers=retry(error.retry_after), type="queue-full")
        case NotReady():
            return Problem(503, str(error), headers=retry(error.retry_after))
        case DeadlinePassed():
            return Problem(504, str(error))
        case InputTooLarge():
            return Problem(413, str(error), type="too-many-pixels", parameter="size", max_input_pixels=error.most)
        case UnknownModel():
            return Problem(404, str(error), type="unknown-model", known=list(error.known))
        case MissingExtraError() | DeviceError() | WeightsError():
            # What this machine lacks is none of the client's doing.
            return Problem(503, str(error), type="unavailable")
        case _:
            # Media, data and usage: what the client sent cannot be taken.
            return Problem(422, str(error), type="invalid" if isinstance(error, UsageError) else "unusable")


def defect() -> Problem:
    """What a client is told of a defect: nothing of its inside."""
    return Problem(500, "this is a bug in liveseg; the service's log has more under the request's id")
