"""Webhooks against a real server that fails, is slow, hangs up, redirects or is not there."""

from __future__ import annotations

import socket
import time

import pytest

from liveseg.errors import UsageError
from liveseg.events.webhook import Patience, Webhook

QUICK = Patience(timeout=0.5, tries=4, first_wait=0.02, grace=10.0)


@pytest.fixture
def unused_port():
    """A port of this machine at which nothing listens: bound, so that nobody else gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_an_event_arrives_as_json_with_what_it_is_about(hook_server, event_of):
    hook = Webhook(hook_server.url(), QUICK)
    hook.take(event_of(7))
    hook.close()
    (body,) = hook_server.bodies
    assert body == {
        "event": "began",
        "rule": "near",
        "when": "person > 5%",
        "source": "door",
        "zone": None,
        "frame": 7,
        "timestamp": 7.333333,
        "began": 7.0,
        "seconds": 0.333333,
        "time": "2026-03-01T14:03:07.250Z",
        "areas": {"person": {"pixels": 10, "share": 0.25}},
    }
    assert hook_server.headers[0]["Content-Type"] == "application/json"
    assert hook_server.headers[0]["User-Agent"].startswith("liveseg/")
    assert hook_server.paths == ["/hooks/very-secret?token=hidden"]
    assert hook.notes == []


def test_name_and_password_become_basic_authentication(hook_server, event_of):
    hook = Webhook(hook_server.url().replace("//", "//me:word@"), QUICK)
    hook.take(event_of())
    hook.close()
    assert hook_server.headers[0]["Authorization"] == "Basic bWU6d29yZA=="


@pytest.mark.parametrize("failure", [500, 503, 429, None, 2.0])
def test_a_failure_that_passes_is_tried_again_and_the_order_is_kept(hook_server, event_of, failure):
    hook_server.answers = [200, failure, failure]
    hook = Webhook(hook_server.url(), QUICK)
    for number in range(4):
        hook.take(event_of(number))
    hook.close()
    assert hook_server.frames == [0, 1, 1, 1, 2, 3]
    assert hook.notes == []


def test_the_pauses_between_tries_grow(hook_server, event_of):
    hook_server.answers = [500, 500, 500]
    hook = Webhook(hook_server.url(), Patience(tries=4, first_wait=0.2))
    hook.take(event_of())
    hook.close()
    first, second, third = (
        after - before for before, after in zip(hook_server.times, hook_server.times[1:], strict=False)
    )
    # Each is between half of its length and all of it: 0.2 s, 0.4 s, 0.8 s.
    assert first >= 0.1
    assert second >= 0.2
    assert third >= 0.4


def test_a_server_that_asks_for_a_pause_gets_it(hook_server, event_of):
    hook_server.answers, hook_server.extra = [429], {"Retry-After": "1"}
    hook = Webhook(hook_server.url(), QUICK)
    hook.take(event_of())
    hook.close()
    assert hook_server.times[1] - hook_server.times[0] >= 1


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_refusal_that_is_final_is_not_repeated(hook_server, event_of, status):
    hook_server.answers = [status]
    hook = Webhook(hook_server.url(), QUICK)
    hook.take(event_of(0))
    hook.take(event_of(1))
    hook.close()
    assert hook_server.frames == [0, 1]
    assert hook.notes == [f"{hook.shown} took 1 of 2 events; at last: it answered {status}"]


def test_a_redirection_is_not_followed(hook_server, event_of):
    hook_server.answers, hook_server.extra = [307], {"Location": hook_server.url("/elsewhere")}
    hook = Webhook(hook_server.url(), QUICK)
    hook.take(event_of())
    hook.close()
    assert hook_server.paths == ["/hooks/very-secret?token=hidden"]
    assert "it answered 307" in hook.notes[0]


def test_a_server_that_always_fails_is_given_up_for_an_event_not_for_the_next(hook_server, event_of):
    hook_server.answers = [500] * QUICK.tries
    hook = Webhook(hook_server.url(), QUICK)
    hook.take(event_of(0))
    hook.take(event_of(1))
    hook.close()
    assert hook_server.frames == [0] * QUICK.tries + [1]
    assert hook.notes == [f"{hook.shown} took 1 of 2 events; at last: it answered 500"]


def test_frames_do_not_wait_and_the_oldest_events_give_way_while_a_server_is_silent(hook_server, event_of):
    hook_server.answers = [30.0]
    hook = Webhook(hook_server.url(), Patience(timeout=30, queue=5, grace=0.2))
    hook.take(event_of(0))
    while not hook_server.bodies:
        time.sleep(0.01)
    began = time.monotonic()
    for number in range(1, 21):
        hook.take(event_of(number))
    assert time.monotonic() - began < 5
    hook.close()
    assert time.monotonic() - began < 10
    assert hook.notes == [f"{hook.shown} took 0 of 21 events; 15 did not fit into the queue"]
    hook_server.over.set()


def test_the_newest_events_are_those_that_are_kept(hook_server, event_of):
    hook_server.answers = [1.0]
    hook = Webhook(hook_server.url(), Patience(queue=3))
    hook.take(event_of(0))
    while not hook_server.bodies:
        time.sleep(0.01)
    for number in range(1, 9):
        hook.take(event_of(number))
    hook_server.over.set()
    hook.close()
    assert hook_server.frames == [0, 6, 7, 8]
    assert hook.notes == [f"{hook.shown} took 4 of 9 events; 5 did not fit into the queue"]


def test_a_server_that_is_not_there_costs_no_more_than_the_grace(event_of, unused_port):
    hook = Webhook(f"http://127.0.0.1:{unused_port}/key-of-mine", Patience(grace=0.3))
    hook.take(event_of(0))
    hook.take(event_of(1))
    began = time.monotonic()
    hook.close()
    hook.close()
    assert time.monotonic() - began < 10
    assert hook.notes == [f"http://127.0.0.1:{unused_port}/*** took 0 of 2 events; at last: no connection"]


def test_nothing_of_an_address_but_its_host_is_told():
    hook = Webhook("https://me:word@hooks.example.com:8443/services/T000/secret?key=other")
    assert hook.shown == "https://hooks.example.com:8443/***"
    hook.close()
    assert hook.notes == []


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "ftp://host/x", "host/secret", "rtsp://host/secret", "http://", "http://host/a secret"],
)
def test_what_is_no_address_of_a_webhook_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError) as caught:
        Webhook(url)
    assert "secret" not in str(caught.value)
    assert "passwd" not in str(caught.value)
