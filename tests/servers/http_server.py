"""An HTTP server for the tests: pictures as MJPEG, HLS live and from a file, a file with ranges, and faults.

    http_server.py SECONDS FOLDER CLIP

It prints its port, then takes commands (`program.py`): cut, restore and the faults of streams. Paths:

- `/clock.mjpg`: MJPEG, a clock painted into each picture; `/secret.mjpg`: the same for who knows the password;
- `/live/index.m3u8`: HLS of pictures with the clock, in segments of half a second, four of which are listed;
- `/vod/index.m3u8`: HLS of the clip, whole; `/clip.mp4`: the clip, with ranges; `/short.mp4`: the clip, announced whole
  and cut off after its first half;
- `/hang`: no answer; `/silent`: an answer's head, as MJPEG's, then nothing; `/garbage`: bytes that are no video.
"""

from __future__ import annotations

import base64
import io
import os
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from fractions import Fraction
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
from clock import paint
from PIL import Image
from program import PASSWORD, USER, Faults, obey, say

BOUNDARY = "frame"
HLS = {"hls_time": "0.5", "hls_segment_filename": "{folder}/%05d.ts"}
TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mp4": "video/mp4"}


def jpeg(width: int, height: int, number: int) -> bytes:
    """A picture of now, as JPEG."""
    luma = Image.frombytes("L", (width, height), paint(width, height, number)[: width * height])
    file = io.BytesIO()
    Image.merge("RGB", (luma, luma, luma)).save(file, "JPEG", quality=90)
    return file.getvalue()


class LiveHls:
    """Pictures with the clock, encoded into segments from the first time that somebody asks."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.folder, self.faults = folder, faults
        self._begun = threading.Lock()

    def playlist(self) -> Path:
        """The playlist, once it lists something."""
        path = self.folder / "index.m3u8"
        if self._begun.acquire(blocking=False):
            self.folder.mkdir()
            threading.Thread(target=self._encode, args=(path,), daemon=True).start()
        while not path.exists():
            time.sleep(0.05)
        return path

    def _encode(self, path: Path) -> None:
        options = {name: value.format(folder=self.folder) for name, value in HLS.items()}
        options |= {"hls_list_size": "4", "hls_flags": "delete_segments+temp_file"}
        with av.open(str(path), "w", format="hls", container_options=options) as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
            stream.width, stream.height = width, height = self.faults.size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.gop_size = 12
            for number in self.faults.ticks(threading.Event()):
                planes = np.frombuffer(paint(width, height, number), np.uint8).reshape(-1, width)
                frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))


def vod_playlist(folder: Path, clip: Path) -> Path:
    """The playlist of the clip's own packets in segments."""
    path = folder / "index.m3u8"
    if path.exists():
        return path
    made = Path(f"{folder}.making")
    made.mkdir()
    options = {name: value.format(folder=made) for name, value in HLS.items()} | {"hls_playlist_type": "vod"}
    with (
        av.open(str(clip)) as source,
        av.open(str(made / path.name), "w", format="hls", container_options=options) as to,
    ):
        stream = to.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                to.mux(packet)
    made.rename(folder)
    return path


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer by path."""
        folder, clip = self.server.folder, self.server.clip
        answers = {
            "/clock.mjpg": self._mjpeg,
            "/secret.mjpg": self._secret,
            "/live/index.m3u8": lambda: self._file(self.server.live.playlist()),
            "/vod/index.m3u8": lambda: self._file(vod_playlist(folder / "vod", clip)),
            "/clip.mp4": lambda: self._file(clip),
            "/short.mp4": self._short,
            "/hang": self._hang,
            "/silent": self._silent,
            "/garbage": self._garbage,
        }
        asked = Path(self.path)
        try:
            answers.get(self.path, lambda: self._file(folder / asked.parent.name / asked.name))()
        except OSError:
            self.close_connection = True  # the other side has gone, or was cut off

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _head(self, kind: str, *headers: tuple[str, str], status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), *headers):
            self.send_header(name, value)
        self.end_headers()

    def _mjpeg(self) -> None:
        faults = self.server.faults
        soiled, broken = faults.soiled, faults.broken
        self.close_connection = True
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        for number in faults.ticks(threading.Event()):
            picture = jpeg(*faults.size, number)
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
            if faults.broken != broken:
                self.wfile.write(head + picture[: len(picture) // 2])
                return
            if faults.soiled != soiled:
                soiled = faults.soiled
                self.wfile.write(os.urandom(50_000))
            self.wfile.write(head + picture + b"\r\n")

    def _secret(self) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            self._mjpeg()
        else:
            asked = ("WWW-Authenticate", 'Basic realm="test"')
            self._head("text/plain", asked, ("Content-Length", "0"), status=HTTPStatus.UNAUTHORIZED)

    def _hang(self) -> None:
        self.connection.recv(1)  # until the other side goes

    def _silent(self) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self._hang()

    def _garbage(self) -> None:
        self.close_connection = True
        self._head("video/mp4", ("Content-Length", "200000"))
        self.wfile.write(os.urandom(200_000))

    def _short(self) -> None:
        data = self.server.clip.read_bytes()
        self.close_connection = True
        self._head("video/mp4", ("Content-Length", str(len(data))))
        self.wfile.write(data[: len(data) // 2])

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._head("text/plain", ("Content-Length", "0"), status=HTTPStatus.NOT_FOUND)
            return
        data = path.read_bytes()
        kind = TYPES.get(path.suffix, "application/octet-stream")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._head(kind, ("Content-Length", str(len(data))), ("Accept-Ranges", "bytes"))
        else:
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            place = ("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
            self._head(kind, ("Content-Length", str(len(data))), place, status=HTTPStatus.PARTIAL_CONTENT)
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """The listening side; its connections can be cut."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path, clip: Path, faults: Faults, live: LiveHls) -> None:
        self.folder, self.clip, self.faults, self.live = folder, clip, faults, live
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def process_request(self, request: socket.socket, address: object) -> None:
        """Remember a connection."""
        self._connections.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request: socket.socket) -> None:
        """Forget it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Say nothing: a connection that breaks is what the tests are about."""

    def cut(self) -> None:
        """Close the port and all connections."""
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with suppress(OSError):  # the other side has gone already
                connection.shutdown(socket.SHUT_RDWR)


def main(seconds: str, folder: str, clip: str) -> None:
    """Serve until told to end."""
    faults = Faults()
    root = Path(folder)
    made = root, Path(clip), faults, LiveHls(root / "live", faults)
    servers = [Server(0, *made)]
    port = servers[0].server_port

    def cut() -> None:
        if servers:
            servers.pop().cut()

    def restore() -> None:
        if not servers:
            servers.append(Server(port, *made))

    def reset() -> None:
        faults.reset()
        cut()
        restore()

    say(port=port, user=USER, password=PASSWORD)
    obey(faults.commands() | {"cut": cut, "restore": restore, "reset": reset}, float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
