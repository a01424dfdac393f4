import asyncio
import socket
import threading
import time

import pytest

from liveseg.server.problems import Problem
from liveseg.server.segment.fetch import MOST_REDIRECTS, Fetcher, unreachable
from liveseg.server.segment.public import is_public

PICTURE = b"\x89PNG not much of a picture"
BOTH = ("https", "http")


def answer(body=PICTURE, status="200 OK", **headers):
    told = {"Content-Type": "image/png", "Content-Length": len(body)}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location, status="302 Found"):
    return answer(b"", status, Location=location)


class FakeResolver:
    """A resolver that gives for each name what it was told to, in turn; the last one again and again."""

    def __init__(self, **names):
        self._names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self.asked = []

    async def __call__(self, host, port):
        self.asked.append(host)
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host not in self._names:
            return [host]
        answers = self._names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def fetcher(*servers, outer=("127.0.0.1",), **options):
    """A fetcher to whom the addresses `outer` are as good as public ones, and the servers' ports allowed."""
    fixed = {"schemes": BOTH, "most_bytes": 100_000, "seconds": 5.0, "ports": [server.port for server in servers]}
    return Fetcher(**(fixed | {"allowed": lambda own: own in outer or is_public(own)} | options))


def fetch(fetcher, url):
    return asyncio.run(fetcher(url))


def refused(fetcher, url):
    with pytest.raises(Problem) as caught:
        fetch(fetcher, url)
    return caught.value


def is_unreachable(problem):
    return problem.to_json() == unreachable().to_json()


def test_a_picture_is_fetched_from_the_address_that_was_checked(raw_server):
    server = raw_server(answer())
    resolve = FakeResolver(pictures_example=[["127.0.0.1"]])
    own = fetcher(server, resolve=resolve)
    assert fetch(own, server.url("/a%20b.png?size=2", "pictures.example")) == PICTURE
    assert resolve.asked == ["pictures.example"]
    lines = server.heads[0].decode().split("\r\n")
    assert lines[0] == "GET /a%20b.png?size=2 HTTP/1.1"
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    assert headers["host"] == f"pictures.example:{server.port}"
    assert headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & set(headers)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "2130706433",  # noqa: S104
        "0x7f000001",
        "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "127.0.0.1.",
    ],
)  # fmt: skip
def test_this_machine_is_not_reached_by_any_of_its_names(raw_server, host):
    server = raw_server(answer())
    own = Fetcher(schemes=BOTH, most_bytes=1000, seconds=5.0, ports=[server.port])
    assert is_unreachable(refused(own, f"http://{host}:{server.port}/"))
    assert server.count == 0


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "[fd00:ec2::254]"])
def test_inner_networks_are_not_connected_to(host):
    began = time.perf_counter()
    assert is_unreachable(refused(Fetcher(schemes=BOTH, most_bytes=1000, seconds=20.0), f"http://{host}/"))
    assert time.perf_counter() - began < 5


def test_a_redirect_to_an_inner_address_is_not_followed(raw_server, outer_host):
    inner = raw_server(answer(b"\x89PNG secret"))
    for location in (inner.url("/secret.png"), "http://169.254.169.254/latest/meta-data", "http://localhost/"):
        outer = raw_server(redirect(location), host=outer_host)
        own = fetcher(outer, inner, outer=[outer_host])
        own._ports = (80, outer.port, inner.port)
        assert is_unreachable(refused(own, outer.url()))
        assert (outer.count, inner.count) == (1, 0)


def test_a_name_that_moves_to_an_inner_address_is_followed_there_by_nobody(raw_server, outer_host):
    inner = raw_server(answer(b"\x89PNG secret"))
    outer = raw_server(answer(), host=outer_host)
    # Whoever resolves twice, to check and to connect, is sent elsewhere the second time.
    resolve = FakeResolver(moving_example=[[outer_host], ["127.0.0.1"]])
    own = fetcher(outer, inner, outer=[outer_host], resolve=resolve)
    assert fetch(own, outer.url("/", "moving.example")) == PICTURE
    assert resolve.asked == ["moving.example"]
    # Each redirect resolves anew, and is checked anew.
    again = raw_server(redirect(inner.url("/", "moving.example")), host=outer_host)
    resolve = FakeResolver(moving_example=[[outer_host], ["127.0.0.1"]])
    own = fetcher(again, inner, outer=[outer_host], resolve=resolve)
    assert is_unreachable(refused(own, again.url("/", "moving.example")))
    assert resolve.asked == ["moving.example"] * 2
    assert inner.count == 0


def test_a_name_with_one_inner_address_among_others_is_refused(raw_server, outer_host):
    outer = raw_server(answer(), host=outer_host)
    own = fetcher(outer, outer=[outer_host], resolve=FakeResolver(mixed_example=[[outer_host, "127.0.0.1"]]))
    assert is_unreachable(refused(own, outer.url("/", "mixed.example")))
    assert outer.count == 0


def test_the_next_address_is_tried_where_one_takes_no_connection(raw_server, outer_host):
    server = raw_server(answer())
    own = fetcher(
        server, outer=[outer_host, "127.0.0.1"], resolve=FakeResolver(two_example=[[outer_host, "127.0.0.1"]])
    )
    assert fetch(own, server.url("/", "two.example")) == PICTURE


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirects_are_followed_as_they_are_meant(raw_server, status):
    def respond(connection, head):
        path = head.split()[1].decode()
        connection.sendall(answer() if path == "/b/cat.png" else redirect("../b/cat.png", status))

    server = raw_server(respond)
    assert fetch(fetcher(server), server.url("/a/cat.png")) == PICTURE


def test_redirects_come_to_an_end(raw_server):
    server = raw_server(redirect("/"))
    problem = refused(fetcher(server), server.url())
    assert (problem.status, server.count) == (422, MOST_REDIRECTS + 1)
    assert "redirected more than 3 times" in problem.detail


def test_a_redirect_elsewhere_than_the_web_is_refused(raw_server):
    server = raw_server(redirect("file:///etc/passwd"))
    problem = refused(fetcher(server), server.url())
    assert problem.type.endswith("url-refused")


def test_tls_names_the_host_and_holds_it_to_its_certificate(raw_server, tls_contexts):
    server = raw_server(answer(), context=tls_contexts[0])
    resolve = FakeResolver(pictures_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    own = fetcher(server, resolve=resolve, context=tls_contexts[1])
    assert fetch(own, server.url("/", "pictures.example", "https")) == PICTURE
    assert server.names == ["pictures.example"]
    # The right machine by the wrong name, and the right name by authorities that do not know it.
    assert is_unreachable(refused(own, server.url("/", "other.example", "https")))
    usual = fetcher(server, resolve=resolve)
    assert is_unreachable(refused(usual, server.url("/", "pictures.example", "https")))


def test_what_began_in_secret_is_not_continued_in_the_open(raw_server, tls_contexts):
    plain = raw_server(answer())
    server = raw_server(redirect(plain.url()), context=tls_contexts[0])
    resolve = FakeResolver(pictures_example=[["127.0.0.1"]])
    own = fetcher(server, plain, resolve=resolve, context=tls_contexts[1])
    problem = refused(own, server.url("/", "pictures.example", "https"))
    assert "from https to http" in problem.detail
    assert plain.count == 0


def drip(first, piece):
    def respond(connection, _head):
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(0.05)

    return respond


@pytest.mark.parametrize(
    "respond",
    [
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        drip(answer(b"", Content_Length=90_000), b"x"),
        drip(answer(b"", Content_Length=None, Transfer_Encoding="chunked"), b"1\r\nx\r\n"),
        lambda connection, _head: time.sleep(10),
    ],
    ids=["status", "headers", "body", "chunks", "silence"],
)
def test_what_drips_is_given_up_in_time(raw_server, respond):
    server = raw_server(respond)
    began = time.perf_counter()
    assert is_unreachable(refused(fetcher(server, seconds=0.6), server.url()))
    assert 0.5 < time.perf_counter() - began < 8


def test_redirects_share_the_time(raw_server):
    def respond(connection, _head):
        time.sleep(0.4)
        connection.sendall(redirect("/"))

    server = raw_server(respond)
    began = time.perf_counter()
    assert is_unreachable(refused(fetcher(server, seconds=0.9), server.url()))
    assert time.perf_counter() - began < 8
    assert server.count < MOST_REDIRECTS + 1


def endless(first, piece):
    ended = threading.Event()

    def respond(connection, _head):
        try:
            connection.sendall(first)
            while True:
                connection.sendall(piece)
        except OSError:
            ended.set()

    respond.ended = ended
    return respond


@pytest.mark.parametrize(
    "first",
    [
        answer(b"", Content_Length=None),
        answer(b"", Content_Length=10**12),
        b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n",
    ],
    ids=["until the end", "announced", "HTTP/1.0"],
)
def test_a_body_without_end_is_cut(raw_server, first):
    respond = endless(first, b"x" * 60_000)
    server = raw_server(respond)
    problem = refused(fetcher(server), server.url())
    assert (problem.status, problem.extra["max_bytes"]) == (413, 100_000)
    assert respond.ended.wait(5), "the connection is still open"


@pytest.mark.parametrize(
    "respond",
    [
        endless(b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 1000 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1000),
        endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["headers", "header", "hints"],
)
def test_a_head_without_end_is_cut(raw_server, respond):
    server = raw_server(respond)
    assert is_unreachable(refused(fetcher(server), server.url()))
    assert respond.ended.wait(5), "the connection is still open"


@pytest.mark.parametrize(
    "sent",
    [
        answer(Content_Length=len(PICTURE) + 1),
        answer(b"zz\r\n", Content_Length=None, Transfer_Encoding="chunked"),
        answer(b"5\r\nabc", Content_Length=None, Transfer_Encoding="chunked"),
        answer(Content_Length="-1"),
        answer(Content_Length="1, 2"),
        b"",
        b"\0\0\0\0",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
    ],
)
def test_what_is_no_whole_answer_is_as_good_as_none(raw_server, sent):
    server = raw_server(sent)
    assert is_unreachable(refused(fetcher(server), server.url()))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (answer(status="404 Not Found"), "answered 404"),
        (answer(status="206 Partial"), "answered 206"),
        (answer(status="304 Not Modified", body=b""), "answered 304"),
        (answer(status="500 Oops"), "answered 500"),
        (answer(Content_Type="text/html"), "does not call it an image"),
        (answer(Content_Type=None), "does not call it an image"),
        (answer(Content_Encoding="gzip"), "packed it"),
        (answer(Content_Encoding="br, gzip"), "packed it"),
    ],
)
def test_other_answers_are_no_pictures(raw_server, sent, words):
    server = raw_server(sent)
    problem = refused(fetcher(server), server.url())
    assert (problem.status, problem.extra["parameter"]) == (422, "url")
    assert words in problem.detail


def test_nothing_tells_a_closed_port_from_an_inner_host_or_from_no_host(raw_server):
    closed = raw_server(answer())
    closed.close()
    no_name = "no-such-host.invalid"
    own = fetcher(closed, resolve=FakeResolver())
    told = [
        refused(own, closed.url()),
        refused(own, closed.url(name="10.0.0.1")),
        refused(own, closed.url(name=no_name)),
    ]
    assert [problem.to_json() for problem in told] == [unreachable().to_json()] * 3


def test_no_proxy_of_the_environment_is_asked(raw_server, monkeypatch):
    proxy, server = raw_server(answer(b"\x89PNG proxy")), raw_server(answer())
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url())
    assert fetch(fetcher(server), server.url()) == PICTURE
    assert proxy.count == 0


def test_a_fetch_that_is_given_up_closes_its_connection(raw_server):
    arrived, closed = threading.Event(), threading.Event()

    def waiting(connection, _head):
        connection.sendall(answer(b"", Content_Length=1000))
        arrived.set()
        if connection.recv(1) == b"":
            closed.set()

    server = raw_server(waiting)

    async def give_up():
        task = asyncio.create_task(fetcher(server)(server.url()))
        await asyncio.to_thread(arrived.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(closed.wait, 5)

    assert asyncio.run(give_up())


def test_a_name_server_that_is_silent_does_not_hold_up_others(raw_server):
    server = raw_server(answer())

    async def resolve(host, port):
        if host == "silent.example":
            await asyncio.sleep(30)
        return ["127.0.0.1"]

    own = fetcher(server, resolve=resolve, seconds=1.0)

    async def both():
        silent = asyncio.create_task(own(server.url("/", "silent.example")))
        found = await own(server.url("/", "pictures.example"))
        with pytest.raises(Problem):
            await silent
        return found

    assert asyncio.run(both()) == PICTURE
