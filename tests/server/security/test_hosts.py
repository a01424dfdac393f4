"""Foreign names and foreign pages are refused, on requests and on WebSockets."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from liveseg.server.security.hosts import Hosts, is_everywhere, is_loopback, name_of


@pytest.fixture(scope="module")
def known(start_service):
    return start_service(ready=False, allow_host=("segment.example",), allow_origin=("https://app.example",))


def status(service, host=None, path="/healthz", method="GET", **headers):
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    if host is not None:
        own["Host"] = host
    with service.client() as client:
        return client.request(method, path, headers=own).status_code


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:{port}", "LOCALHOST:1", "localhost.:{port}", "127.0.0.1:{port}", "[::1]:{port}"]
)
def test_it_answers_to_the_names_of_this_machine(service, host):
    assert status(service, host.format(port=service.port)) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/v1/nothing"])
def test_it_answers_to_no_other_name(service, host, path):
    assert status(service, host.format(port=service.port), path) == 421


@pytest.mark.parametrize("host", ["", ":80", "localhost:http", "[::1", "[evil]", "a b", "localhost:80:80"])
def test_a_host_that_is_none_is_refused(service, host):
    assert status(service, host) in (400, 421)


def test_the_problem_says_what_to_do(service):
    with service.client() as client:
        answer = client.get("/v1/models", headers={"Host": "segment.lan"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert "--allow-host" in answer.json()["detail"]


def test_a_name_may_be_allowed(known):
    assert status(known, "segment.example") == 200
    assert status(known, "segment.example:443") == 200
    assert status(known, "other.example") == 421


@pytest.mark.parametrize(
    ("bound", "host", "known"),
    [
        ("0.0.0.0", "192.168.1.7:8000", True),  # noqa: S104 - what it means is the test; nothing listens
        ("::", "[fe80::1]:8000", True),
        ("0.0.0.0", "evil.example", False),  # noqa: S104
        ("192.168.1.7", "192.168.1.7:8000", True),
        ("192.168.1.7", "192.168.1.8:8000", False),
        ("box.lan", "box.lan:8000", True),
    ],
)
def test_who_listens_everywhere_is_called_by_any_address_but_by_no_foreign_name(bound, host, known):
    seen = []

    async def inside(scope, receive, send):
        seen.append("inside")

    async def send(message):
        seen.append(message.get("status"))

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    asyncio.run(Hosts(inside, bound=bound, hosts=(), origins=())(scope, None, send))
    assert seen[0] == ("inside" if known else 421)


def test_two_hosts_are_one_too_many(service):
    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_the_own_page_may_use_it(service):
    own = {"Origin": service.url, "Sec_Fetch_Site": "same-origin"}
    assert status(service, **own) == 200
    assert status(service, f"localhost:{service.port}", Origin=f"http://localhost:{service.port}") == 200
    # Behind a proxy that ends TLS the page has another scheme.
    assert status(service, f"localhost:{service.port}", Origin=f"https://localhost:{service.port}") == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", "http://localhost:{port}"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_other_origins_may_not(service, origin, method):
    assert status(service, method=method, path="/v1/tickets", Origin=origin.format(port=service.port)) == 403


def test_an_origin_may_be_allowed(known):
    assert status(known, Origin="https://app.example") == 200
    assert status(known, Origin="https://app.example:8443") == 403
    assert status(known, Origin="http://app.example") == 403


def test_what_a_foreign_page_embeds_without_an_origin_is_refused(service):
    for site in ("cross-site", "same-site"):
        assert status(service, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest="image") == 403
        assert status(service, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe") == 403
    # A link may be followed.
    assert (
        status(service, path="/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
        == 200
    )


def handshake(service, origin=None, host=None):
    more = {} if host is None else {"additional_headers": {"Host": host}}
    return connect(service.url.replace("http", "ws") + "/v1/live", origin=origin, **more, open_timeout=30)


def test_websockets_are_held_to_the_same(service, known):
    with handshake(service, origin=service.url):
        pass
    with handshake(known, origin="https://app.example"):
        pass
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as raised:
            handshake(service, origin=origin)
        assert raised.value.response.status_code == 403
        assert json.loads(raised.value.response.body)["type"] == "urn:liveseg:problem:origin"


def test_a_rebound_name_opens_no_websocket(service):
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET /v1/live HTTP/1.1\r\nHost: evil.example:{service.port}\r\nOrigin: http://evil.example:{service.port}\r\n"
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 421 ")


def test_names_are_read_as_browsers_write_them():
    assert name_of("a.example:80") == "a.example"
    assert name_of("a.example.") == "a.example"
    assert name_of("[::1]:80") == "::1"
    assert [name_of(text) for text in ("", ":80", "[::1", "[x]", "[::1]80", "a:b", "a:²")] == [None] * 7


def test_listening_to_this_machine_only_is_known_as_such():
    assert [is_loopback(bound) for bound in ("127.0.0.1", "127.8.8.8", "::1", "Localhost")] == [True] * 4
    assert [is_loopback(bound) for bound in ("0.0.0.0", "::", "192.0.2.1", "localhost.example")] == [False] * 4  # noqa: S104


def test_listening_everywhere_is_known_as_such():
    assert [is_everywhere(bound) for bound in ("0.0.0.0", "::", "127.0.0.1", "localhost")] == [True, True, False, False]  # noqa: S104
