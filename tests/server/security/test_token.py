"""With a token set, nothing but the page, its description and its health is to be had without it."""

from __future__ import annotations

import httpx2
import pytest

from liveseg.server.problems import Problem
from liveseg.server.security.token import Token

TOKEN = "correct-horse-battery-staple"  # noqa: S105
WRONG = "Correct-horse-battery-staple"


@pytest.fixture(scope="module")
def guarded(start_service):
    return start_service(ready=False, token=TOKEN)


@pytest.fixture(scope="module")
def stranger(guarded):
    with httpx2.Client(base_url=guarded.url) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/healthz", "/openapi.json"])
def test_the_page_and_health_are_free(stranger, path):
    assert stranger.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/v1/videos", "/v1/nothing", "/nothing", "/v1/models/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_everything_else_is_not(stranger, method, path):
    answer = stranger.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="liveseg"'


@pytest.mark.parametrize(
    "given",
    [f"Bearer {WRONG}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \xff", f"Bearer {TOKEN} x"],
)
def test_what_is_not_the_token_is_refused(stranger, given):
    answer = stranger.get("/v1/models", headers={"Authorization": given.encode("latin-1")})
    assert answer.status_code == 401
    assert TOKEN not in answer.text


def test_two_tokens_are_one_too_many(stranger):
    both = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {WRONG}")]
    assert stranger.get("/v1/models", headers=both).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_lets_in(stranger, scheme):
    assert stranger.get("/v1/models", headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200


def test_the_token_does_not_count_in_an_address(stranger):
    assert stranger.get("/v1/models", params={"token": TOKEN}).status_code == 401


def test_a_ticket_reads_one_path(guarded, stranger):
    with guarded.client() as client:
        told = client.post("/v1/tickets", json={"path": "/v1/models", "seconds": 60}).json()
    assert stranger.get(told["url"]).status_code == 200
    assert stranger.head(told["url"]).status_code == 200
    assert stranger.post(told["url"]).status_code == 401
    for path in ("/v1/videos", "/v1/models/lite", "/metrics"):
        assert stranger.get(path, params={"ticket": told["ticket"]}).status_code == 401
    both = f"/v1/models?ticket={told['ticket']}&ticket={told['ticket']}"
    assert stranger.get(both).status_code == 401


def test_only_who_has_the_token_gets_tickets(stranger):
    assert stranger.post("/v1/tickets", json={"path": "/v1/models"}).status_code == 401


@pytest.mark.parametrize(
    "asked",
    [
        {"path": "/metrics"},
        {"path": "/v1/a?b"},
        {"path": "/v1/models", "seconds": 1e9},
        {},
        {"path": "/v1/a", "more": 1},
    ],
)
def test_a_ticket_for_nonsense_is_refused(guarded, asked):
    with guarded.client() as client:
        assert client.post("/v1/tickets", json=asked).status_code == 422


def test_the_first_message_of_a_websocket_brings_the_token():
    token = Token(TOKEN)
    token.check_message({"token": TOKEN})
    for message in ({}, {"token": WRONG}, {"token": None}, {"token": [TOKEN]}, {"token": "\udc80"}):
        with pytest.raises(Problem) as raised:
            token.check_message(message)
        assert raised.value.status == 401
    Token(None).check_message({})
