"""From what routes raise to problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from liveseg.errors import LivesegError
from liveseg.server.problems import Problem, of_error

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_WORDS = {
    400: "the request cannot be read; see /openapi.json for what this path takes",
    404: "there is nothing here; /openapi.json lists what there is",
    405: "this path has no such method; the header Allow names those it has",
}


class Answer:
    """A problem as a response."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self._problem.answer(scope, receive, send)


def handle(app: FastAPI) -> None:
    """Make an application answer every failure with problem details; defects are left to `RequestLog`."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(LivesegError, _liveseg)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _problem(_connection: HTTPConnection, error: Exception) -> Any:
    assert isinstance(error, Problem)  # noqa: S101 - for the types only: Starlette chose this function by it
    return Answer(error)


async def _liveseg(_connection: HTTPConnection, error: Exception) -> Any:
    assert isinstance(error, LivesegError)  # noqa: S101
    return Answer(of_error(error))


async def _invalid(_connection: HTTPConnection, error: Exception) -> Any:
    """Which fields are wrong, and how; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    told = []
    for one in error.errors():
        place, *names = one["loc"]
        told.append({"in": str(place), "name": ".".join(map(str, names)), "detail": one["msg"]})
    first = told[0]
    where = f"{first['name']} ({first['in']})" if first["name"] else str(first["in"])
    more = f"; and {len(told) - 1} more, see errors" if len(told) > 1 else ""
    return Answer(Problem(422, f"{where}: {first['detail']}{more}", title="Not valid", errors=told))


async def _http(connection: HTTPConnection, error: Exception) -> Any:
    """What Starlette itself refuses."""
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers = {"Allow": ", ".join(_allowed(connection))}
    if error.status_code == 404 and _is_socket(connection):
        return Answer(Problem(426, "this path is a WebSocket; see docs/serve.md", headers={"Upgrade": "websocket"}))
    return Answer(Problem(error.status_code, _WORDS.get(error.status_code, str(error.detail)), headers=headers))


def _is_socket(connection: HTTPConnection) -> bool:
    asked = {**connection.scope, "type": "websocket"}
    return any(route.matches(dict(asked))[0] == Match.FULL for route in connection.app.router.routes)


def _allowed(connection: HTTPConnection) -> list[str]:
    """Every method of a path: Starlette names those of the first route that it finds there."""
    routes = connection.app.router.routes

    def has(method: str) -> bool:
        asked = {**connection.scope, "method": method}
        return any(route.matches(dict(asked))[0] == Match.FULL for route in routes)

    found = [method for method in _METHODS if has(method)]
    return [*found, *(["HEAD"] if "GET" in found and "HEAD" not in found else [])]
