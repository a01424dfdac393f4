"""A proxy before an S3 server that does, on request, what real stores do on a bad day."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_SLOW_DOWN = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>%s</Code><Message>%s</Message><RequestId>0</RequestId></Error>"""
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


@dataclass
class Fault:
    """What goes wrong with requests that fit.

    Args:
        kind: `status` (an S3 error instead of an answer), `slow` (the answer comes late), `truncate` (the connection
            ends in the middle of the body), `short` (half a body that says it is whole), `reset` (the connection is
            reset, the request never reached the server), `lost` (the request is done, the connection reset before the
            answer), `corrupt` (a byte of the body is changed).
        times: how many requests; -1 for all.
        method: `GET`, `PUT`, …; any if left out.
        match: a regular expression for path and query.
        status: of `status`.
        code: of `status`.
        seconds: of `slow`.
        after: bytes of the body that come before a `truncate`; half of it if left out.
    """

    kind: str
    times: int = 1
    method: str | None = None
    match: str = ""
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0
    after: int | None = None
    hits: int = field(default=0, init=False)

    def fits(self, method: str, path: str) -> bool:
        return self.times != 0 and self.method in {None, method} and re.search(self.match, path) is not None


class FaultyProxy:
    """Use as a context manager; `endpoint` is its address, `fail(...)` plans a fault, `requests` is what came."""

    def __init__(self, endpoint: str) -> None:
        self.upstream = endpoint.partition("://")[2]
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, kind: str, **about: object) -> Fault:
        fault = Fault(kind, **about)
        with self.lock:
            self.faults.append(fault)
        return fault

    def reset(self) -> None:
        with self.lock:
            self.faults.clear()
            self.requests.clear()

    def count(self, method: str, match: str = "") -> int:
        return sum(one == method and re.search(match, path) is not None for one, path, _ in self.requests)

    def take(self, method: str, path: str, headers: dict[str, str]) -> Fault | None:
        with self.lock:
            self.requests.append((method, path, headers))
            for fault in self.faults:
                if fault.fits(method, path):
                    fault.times -= 1
                    fault.hits += 1
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultyProxy

    def _serve(self) -> None:
        body = self._body()
        fault = self.owner.take(self.command, self.path, {key.lower(): value for key, value in self.headers.items()})
        kind = fault.kind if fault else ""
        if kind == "reset":
            self._reset()
            return
        if kind == "status":
            self._answer(fault.status, [("Content-Type", "application/xml")], _SLOW_DOWN % (fault.code.encode(), b"no"))
            return
        if kind == "slow":
            time.sleep(fault.seconds)
        status, headers, answer = self._ask(body)
        if kind == "lost":
            self._reset()
        elif kind == "short":
            self._answer(status, headers, answer[: len(answer) // 2])
        elif kind == "corrupt":
            self._answer(status, headers, bytes([answer[0] ^ 1]) + answer[1:])
        elif kind == "truncate":
            half = len(answer) // 2 if fault.after is None else fault.after
            self._answer(status, headers, answer[:half], claimed=len(answer))
            # In good order: a reset would take with it what the client has not read yet, more on a busy machine.
            self.close_connection = True
        else:
            self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names that the server looks for

    def _body(self) -> bytes:
        if "100-continue" in self.headers.get("Expect", ""):
            pass  # the server's own handler has answered it
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.owner.upstream, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP | {"expect"}}
        headers["Content-Length"] = str(len(body))
        try:
            connection.request(self.command, self.path, body=body, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, *, claimed: int | None = None) -> None:
        self.send_response_only(status)
        length = next((value for key, value in headers if key.lower() == "content-length"), None)
        for key, value in headers:
            if key.lower() not in _HOP | {"content-length"}:
                self.send_header(key, value)
        if self.command == "HEAD" and length is not None:
            self.send_header("Content-Length", length)
        else:
            self.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _reset(self) -> None:
        # Closed with nothing to linger for, a socket sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing."""
