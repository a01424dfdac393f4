"""Services to speak to: real ones, and servers that misbehave as a real one never should."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from liveseg.client import AsyncClient, Client


def _fixtures_of_the_service():
    path = Path(__file__).parents[1] / "server" / "conftest.py"
    spec = importlib.util.spec_from_file_location("service_fixtures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


start_service = _fixtures_of_the_service().start_service


@pytest.fixture(scope="module")
def small(start_service):
    """A service with a small network, which is the same on every machine."""
    return start_service(size=97, threads=1, runtime="onnx")


@pytest.fixture(params=["sync", "async"])
def call(request):
    """`call(url, method, …)`: the result of a client's method, of both clients; `options` are the client's own."""

    def waits(url, method, /, *arguments, options=None, **named):
        with Client(url, **(options or {})) as client:
            return getattr(client, method)(*arguments, **named)

    def awaits(url, method, /, *arguments, options=None, **named):
        async def go():
            async with AsyncClient(url, **(options or {})) as client:
                return await getattr(client, method)(*arguments, **named)

        return asyncio.run(go())

    return waits if request.param == "sync" else awaits


class Odd:
    """A server that answers each request with the next of its answers: a status, headers and a body.

    `cut` in place of the headers sends half the body; `None` for an answer says nothing at all.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        odd, self.released = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                """Say nothing."""

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                odd.requests.append(
                    (self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                answer = odd.answers.pop(0) if len(odd.answers) > 1 else odd.answers[0]
                if answer is None:
                    odd.released.wait(20)
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                cut = headers == "cut"
                for name, value in ({} if cut else headers).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)
                self.close_connection |= cut

            do_POST = do_DELETE = do_GET  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def odd():
    """`with odd(answers…) as server`: a server that gives these answers."""

    @contextmanager
    def start(*answers):
        with Odd(*answers) as server:
            yield server

    return start


@pytest.fixture(scope="session")
def astronaut(skimage_data):
    return skimage_data / "astronaut.png"
