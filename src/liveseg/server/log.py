"""What the service writes to standard error: one line an event, for people on a terminal, as JSON elsewhere.

A request's line has its route's template, never its path or query, and nothing of its headers and body: addresses and
headers carry tokens, tickets and the names of people's files.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from liveseg.server.limits.client import client_of
from liveseg.server.problems import defect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from liveseg.server.metrics import Metrics
    from liveseg.settings import ServeSettings

logger = logging.getLogger("liveseg.server")

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask every few seconds."""

_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@]*@"), "***@"),
    (re.compile(r"((?:token|ticket|password|secret|key)=)[^\s&\"']+", re.IGNORECASE), r"\1***"),
    (re.compile(r"(Bearer\s+)\S+", re.IGNORECASE), r"\1***"),
)
_KNOWN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def tell(event: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: Any) -> None:
    """Write one line: what happened, and what is known of it.

    Args:
        event: what happened, in words that do not change.
        level: as the module `logging` has them.
        error: its traceback goes with the line.
        fields: numbers and words; nothing of bodies, headers and addresses.
    """
    logger.log(level, event, extra={"fields": fields}, exc_info=error)


class EventFormatter(logging.Formatter):
    """One line a record; credentials in it are made unreadable.

    Args:
        as_json: for programs, not for people.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        # Each by itself: in a line of JSON what hides a word would hide its quotation mark, too.
        fields = {name: _plain(value) for name, value in getattr(record, "fields", {}).items()}
        event = without_secrets(record.getMessage())
        trace = without_secrets(self.formatException(record.exc_info)) if record.exc_info else None
        if self._as_json:
            when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            told = {"time": when, "level": record.levelname.lower(), "event": event, **fields}
            if trace is not None:
                told["traceback"] = trace
            return json.dumps(told, ensure_ascii=False)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        warned = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        line = f"{clock} {warned}{_sentence(event, fields)}"
        return line if trace is None else f"{line}\n{trace}"


def configure(settings: ServeSettings) -> bool:
    """Send the service's log, and what uvicorn has to warn of, to standard error; whether it is JSON."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter(as_json=as_json))
    level = getattr(logging, settings.log_level.upper())
    for name, least in (("liveseg.server", level), ("uvicorn", max(level, logging.WARNING))):
        own = logging.getLogger(name)
        own.handlers = [handler]
        own.setLevel(least)
        own.propagate = False
    logging.getLogger("uvicorn.error").addFilter(_not_cut)
    return as_json


def without_secrets(text: str) -> str:
    """The text with names and passwords in addresses, tokens and tickets made unreadable."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class RequestLog:
    """Writes a line for every request and WebSocket, counts it, names it, and answers for defects.

    It stands outside of everything, so that what is refused is seen, too.

    Args:
        app: what is behind it.
        metrics: told of every request.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        one = _Request(scope, receive, send)
        try:
            await self._app(scope, one.receive, one.send)
        except (ClientDisconnect, WebSocketDisconnect):
            pass  # its line says so, by its status
        except Exception as error:  # noqa: BLE001 - the last resort: told in the log, and to the client without details
            tell("defect", level=logging.ERROR, error=error, method=one.method, route=one.route(), request_id=one.id)
            if one.status is None:
                await defect().answer(scope, receive, one.send)
            elif scope["type"] == "websocket" and one.status == 101:
                await send({"type": "websocket.close", "code": 1011})
            # Else it began as a success; uvicorn cuts the connection, so that nobody takes it for one.
        finally:
            self._finish(one)

    def _finish(self, one: _Request) -> None:
        seconds = time.perf_counter() - one.began
        # nginx's number for an answer that nobody was left to take.
        status = 499 if one.gone or one.status is None else one.status
        self._metrics.request(one.route(), one.method, status, seconds)
        level = logging.INFO
        if one.scope["path"] in _QUIET and status < 400:
            level = logging.DEBUG
        tell(
            "request",
            level=level,
            method=one.method,
            route=one.route(),
            status=status,
            ms=round(seconds * 1e3, 1),
            bytes=one.bytes,
            client=client_of(one.scope),
            request_id=one.id,
        )


class _Request:
    """What is noted of a request while it is answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.began = time.perf_counter()
        self.method = "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])
        self.status: int | None = None
        self.bytes = 0
        self.id = _id_of(scope)
        self.gone = False
        self._receive = receive
        self._send = send
        scope.setdefault("state", {})["request_id"] = self.id

    async def receive(self) -> Message:
        message = await self._receive()
        self.gone |= message["type"] == "http.disconnect" and self.status is None
        return message

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), (b"x-request-id", self.id.encode())]}
            case "websocket.accept":
                self.status = 101
            case "websocket.close" if self.status is None:
                self.status = 403
            case "http.response.body" | "websocket.http.response.body":
                self.bytes += len(message.get("body", b""))
            case "websocket.send":
                self.bytes += len(message.get("bytes") or message.get("text") or b"")
        await self._send(message)

    def route(self) -> str | None:
        """The template of the route that answered."""
        route = self.scope.get("route")
        path: str | None = getattr(route, "template", None) or getattr(route, "path", None)
        return path


def _id_of(scope: Scope) -> str:
    """The request's id: what a proxy in front called it, where that is harmless, else one of our own."""
    for name, value in scope["headers"]:
        given = str(value, "latin-1")
        if name == b"x-request-id" and _KNOWN_ID.fullmatch(given):
            return given
    return secrets.token_hex(8)


def _plain(value: object) -> object:
    """A field as it may be written: numbers as they are, words without credentials."""
    return value if value is None or isinstance(value, int | float) else without_secrets(str(value))


def _sentence(event: str, fields: dict[str, Any]) -> str:
    if event == "request":
        told = "{method} {route} {status}, {ms} ms, {bytes} bytes, {client}".format_map(fields)
        return told.replace(" None ", " (no route) ")
    return " ".join([event, *(f"{name}={value}" for name, value in fields.items() if value is not None)])


def _not_cut(record: logging.LogRecord) -> bool:
    """Leave out that an answer was not finished, which the log has told, and what clients send that is no text."""
    message = record.getMessage()
    return "without completing response" not in message and "Invalid UTF-8 sequence" not in message
