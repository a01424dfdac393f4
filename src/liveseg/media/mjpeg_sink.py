"""Frames as a web page sees them: JPEG pictures in one endless answer, to any number of browsers and players."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.media.frame import Sink
from liveseg.media.frame_check import FrameCheck
from liveseg.media.newest_jpeg import NewestJpeg
from liveseg.media.playback import Playback

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from liveseg.media.frame import Frame, SourceInfo

_BOUNDARY = "liveseg-frame"
_EXAMPLE = "http://127.0.0.1:8080/"
_PATIENCE = 10.0
"""Seconds that a client may take nothing, or a snapshot waits for the first frame."""

_GRACE = 1.0
"""Seconds that clients have at the end to take the last frame."""

_UNDER_WAY = 128 * 1024
"""Bytes that the system may hold for a client."""


class MjpegSink(Sink):
    """Serves frames over HTTP as `multipart/x-mixed-replace`; use as a context manager.

    The stream is at `/` and at the address's path, the newest frame at `/snapshot.jpg`. Each client gets the newest
    frame as soon as it has taken the one before; a slow one skips frames. Each part of the stream says its frame's
    time in seconds (`X-Timestamp`). A frame is made into a JPEG when somebody looks, once for all who do. A file is
    shown at its own pace.

    Args:
        address: `http://HOST:PORT/PATH`. Without a host it is 127.0.0.1, seen by this machine only; `0.0.0.0` is for
            all who can reach it. Port 0 is a free one.
        info: the source's.
        tell: told in one line where the stream is to be found.

    Raises:
        UsageError: an address that cannot be served.
        SinkError: the port is taken, or not allowed.
    """

    def __init__(self, address: str, info: SourceInfo, *, tell: Callable[[str], None] = lambda _line: None) -> None:
        self.notes: list[str] = []
        self._info = info
        host, port, path = _split(address)
        self._pictures = NewestJpeg()
        self._check = FrameCheck(address, info)
        self._playback = Playback(info)
        self._closed = self._written = False
        try:
            self._server = _Server(host, port, path, self._pictures)
        except OSError as error:
            raise SinkError(
                f"cannot serve at {address}: {error.strerror or error}; choose another address with -o"
            ) from error
        port = self._server.server_address[1]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="liveseg-mjpeg", args=(0.2,))
        self._thread.daemon = True
        self._thread.start()
        tell(f"shown at {self.address}")

    def write(self, frame: Frame) -> None:
        """Take a finished frame.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a sink that was
                committed or aborted.
        """
        if self._closed:
            raise SinkError(f"cannot show frame {frame.index} at {self.address}: that is closed already")
        self._check(frame)
        self._playback.wait(frame)
        image = frame.image.copy()
        self._pictures.put(lambda: image, frame.timestamp)
        self._written = True

    def commit(self) -> None:
        """End every client's stream and stop serving; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one frame was written.
        """
        if self._closed:
            return
        self.abort()
        if not self._written:
            raise MediaError(f"{self._info.name} gave no frames, so {self.address} showed nothing")

    def abort(self) -> None:
        """As `commit`, with or without frames."""
        if self._closed:
            return
        self._closed = True
        self._pictures.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    # On Windows it would mean that two programs may have the same port.
    allow_reuse_address = os.name != "nt"
    # Closing waits for the threads of all clients.
    daemon_threads = False

    def __init__(self, host: str, port: int, path: str, pictures: NewestJpeg) -> None:
        self.paths = {"/", path}
        self.pictures = pictures
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name servers what this machine is called.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Small, as frames in it are on their way and grow old: a slow client is to skip them instead.
        request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNDER_WAY)
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()
        super().shutdown_request(request)

    def server_close(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, _GRACE)
            for connection in self._connections:
                # Its thread, which waits for the client to take more or to ask, waits no longer.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is no failure."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE
    disable_nagle_algorithm = True
    server_version = "liveseg"
    sys_version = ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/snapshot.jpg":
            self._snapshot()
        elif path in self.server.paths:
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND, f"here are {', '.join(sorted(self.server.paths))} and /snapshot.jpg")

    def _snapshot(self) -> None:
        newest = self.server.pictures.newer_than(0, _PATIENCE)
        if newest is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "there is no frame yet")
            return
        self._begin("image/jpeg", {"Content-Length": str(len(newest[1])), "X-Timestamp": f"{newest[2]:.6f}"})
        self.wfile.write(newest[1])

    def _stream(self) -> None:
        self._begin(f"multipart/x-mixed-replace; boundary={_BOUNDARY}", {})
        number = 0
        while (newest := self.server.pictures.newer_than(number)) is not None:
            number, jpeg, time = newest
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\nX-Timestamp: {time:.6f}\r\n\r\n"
            self.wfile.write(b"--" + _BOUNDARY.encode() + b"\r\n" + head.encode() + jpeg + b"\r\n")
        self.wfile.write(b"--" + _BOUNDARY.encode() + b"--\r\n")

    def _begin(self, kind: str, headers: dict[str, str]) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {
            "Content-Type": kind,
            "Cache-Control": "no-store",
            "Connection": "close",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing: standard error is for what concerns the user."""


def _split(address: str) -> tuple[str, int, str]:
    """Host, port and path of an address that is served."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        # Its message repeats a part of the address, which may be a password.
        raise UsageError(f"an address of that form cannot be served; write {_EXAMPLE}") from None
    if parts.scheme != "http" or port is None or "@" in address:
        raise UsageError(f"frames are served at http://HOST:PORT/PATH, without name and password; write {_EXAMPLE}")
    return host or "127.0.0.1", port, parts.path or "/"
