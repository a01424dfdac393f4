"""Who a client is, with a proxy in front and without."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from liveseg.server.limits.client import client_at, client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("", "unknown"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_an_address_or_a_network(address, client):
    assert client_at(address) == client


def test_a_request_without_an_address_has_a_client():
    assert client_of({"client": None}) == "unknown"


EACH = 2


def add_routes(app):
    async def who(request):
        return PlainTextResponse(client_of(request.scope))

    async def wait(request):
        await asyncio.sleep(2)
        return PlainTextResponse("done")

    app.add_route("/v1/who", who)
    app.add_route("/v1/wait", wait)


@pytest.fixture(scope="module")
def alone(start_service):
    return start_service(ready=False, prepare=add_routes)


@pytest.fixture(scope="module")
def behind(start_service):
    return start_service(ready=False, prepare=add_routes, trust_proxy=("127.0.0.0/8",), connections_each=EACH)


def get(service, path, client):
    return httpx2.get(f"{service.url}{path}", headers={"X-Forwarded-For": client}, timeout=30)


def test_nobody_but_a_trusted_proxy_names_the_client(alone, behind):
    assert get(alone, "/v1/who", "192.0.2.7").text == "127.0.0.1"
    assert get(behind, "/v1/who", "192.0.2.7").text == "192.0.2.7"
    # What the client itself wrote stands before what the proxy added.
    assert get(behind, "/v1/who", "10.9.9.9, 192.0.2.7").text == "192.0.2.7"


def test_behind_a_proxy_each_client_has_its_own_limit(behind):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(behind, "/v1/wait", "192.0.2.7").status_code))
        for _ in range(EACH + 2)
    ]
    for thread in threads:
        thread.start()
    other = get(behind, "/v1/who", "192.0.2.8")
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * EACH + [429] * 2
    assert other.status_code == 200
    assert get(behind, "/v1/who", "192.0.2.7").status_code == 200


def test_a_proxy_of_ipv4_is_known_where_ipv6_is_listened_to_as_well(start_service):
    if not has_ipv6():
        pytest.skip("needs IPv6: a kernel that has it, with ::1 on lo")
    both = start_service(ready=False, prepare=add_routes, host="::", trust_proxy=("127.0.0.1",), connections_each=EACH)
    with contextlib.ExitStack() as stack:
        # It stands for many clients, so that its connections are not those of one.
        for _ in range(EACH):
            stack.enter_context(socket.create_connection(("127.0.0.1", both.port), 10))
        assert get(both, "/v1/who", "192.0.2.7").text == "192.0.2.7"


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
