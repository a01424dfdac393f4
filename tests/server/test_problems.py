"""Every failure is told as problem details, and none tells of the service's inside."""

from __future__ import annotations

import logging

import pytest
from fastapi import Query
from starlette.responses import StreamingResponse

from liveseg.errors import DeviceError, MediaError, UsageError
from liveseg.server.engine.errors import DeadlinePassed, NotReady, QueueFull, UnknownModel
from liveseg.server.problems import MEDIA_TYPE, Problem, of_error


def add_routes(app):
    async def boom():
        raise ZeroDivisionError("secret inside")

    async def cut():
        async def parts():
            yield b"x" * 100
            raise ZeroDivisionError("secret inside")

        return StreamingResponse(parts(), headers={"Content-Length": "200"})

    async def media():
        raise MediaError("it is no picture; send a JPEG")

    async def teapot():
        raise Problem(418, "no coffee", headers={"Retry-After": "7"}, cups=0)

    async def number(n: int = Query(ge=1), m: int = 0):
        return n + m

    for name, route in (("boom", boom), ("cut", cut), ("media", media), ("teapot", teapot), ("number", number)):
        app.add_api_route(f"/v1/test/{name}", route)
    app.add_api_route("/v1/test/number", number, methods=["DELETE"])


@pytest.fixture(scope="module")
def client(start_service):
    with start_service(ready=False, prepare=add_routes).client() as client:
        yield client


def told(answer, status):
    """The problem, once it is known to be one."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:liveseg:problem:")
    assert problem["title"]
    assert problem["instance"] == f"urn:liveseg:request:{answer.headers['x-request-id']}"
    return problem


def test_a_path_that_is_none(client):
    assert "/openapi.json" in told(client.get("/v1/nothing"), 404)["detail"]
    assert told(client.get("/nothing"), 404)["type"] == "urn:liveseg:problem:not-found"


def test_a_method_that_is_none_and_all_that_are(client):
    answer = client.post("/v1/test/number")
    told(answer, 405)
    assert answer.headers["allow"] == "GET, DELETE, HEAD"
    assert client.put("/").headers["allow"] == "GET, HEAD"


def test_what_is_not_valid_is_named_and_not_repeated(client):
    problem = told(client.get("/v1/test/number", params={"n": "password", "m": "x"}), 422)
    assert [(one["in"], one["name"]) for one in problem["errors"]] == [("query", "n"), ("query", "m")]
    assert "n (query)" in problem["detail"]
    assert "password" not in str(problem)
    problem = told(client.get("/v1/test/number", params={"n": 0}), 422)
    assert "greater than or equal to 1" in problem["detail"]


def test_json_that_is_none(client):
    problem = told(client.post("/v1/tickets", content=b"{", headers={"Content-Type": "application/json"}), 422)
    assert problem["errors"][0]["in"] == "body"


def test_what_liveseg_raises_is_told_in_its_words(client):
    problem = told(client.get("/v1/test/media"), 422)
    assert problem["detail"] == "it is no picture; send a JPEG"


def test_a_problem_has_members_and_headers_of_its_own(client):
    answer = client.get("/v1/test/teapot")
    assert told(answer, 418)["cups"] == 0
    assert answer.headers["retry-after"] == "7"


def test_a_defect_is_told_to_the_log_and_not_to_the_client(client, caplog):
    with caplog.at_level(logging.INFO, "liveseg.server"):
        answer = client.get("/v1/test/boom")
    problem = told(answer, 500)
    assert "secret" not in answer.text
    assert "ZeroDivisionError" not in answer.text
    (record,) = [record for record in caplog.records if record.message == "defect"]
    assert "secret inside" in str(record.exc_info[1])
    assert record.fields["request_id"] == problem["instance"].rpartition(":")[2]
    assert record.fields["route"] == "/v1/test/boom"
    assert client.get("/healthz").status_code == 200


def test_a_defect_in_the_middle_of_an_answer_cuts_it(client):
    """Nobody must take the half for the whole."""
    import httpx2

    with pytest.raises(httpx2.RemoteProtocolError):
        client.get("/v1/test/cut")


def test_head_is_answered_wherever_get_is(client):
    for path, status in (("/healthz", 200), ("/v1/models", 200), ("/", 200), ("/v1/test/media", 422)):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (status, b"")
        assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (QueueFull(2.2), 429, "queue-full"),
        (NotReady("loading", 3), 503, "not-ready"),
        (DeadlinePassed(), 504, "timeout"),
        (UnknownModel("x", ("lite",)), 404, "unknown-model"),
        (DeviceError("no such device"), 503, "unavailable"),
        (UsageError("no such size"), 422, "invalid"),
        (MediaError("no such picture"), 422, "unusable"),
    ],
)
def test_each_error_has_its_status(error, status, kind):
    problem = of_error(error)
    assert (problem.status, problem.type) == (status, f"urn:liveseg:problem:{kind}")
    assert problem.detail == str(error)


def test_a_retry_is_in_whole_seconds_and_never_too_early():
    assert of_error(QueueFull(2.2)).headers["Retry-After"] == "3"
    assert of_error(QueueFull(0.0)).headers["Retry-After"] == "1"


def test_half_a_character_does_not_break_a_problem():
    body = Problem(422, "no model '\udc80'").body({"state": {}})
    assert body.decode("utf-8")
