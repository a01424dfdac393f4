"""What the tests of single pictures share: servers that answer as badly as one likes, and files that are bombs."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import struct
import subprocess
import sys
import threading
import zlib

import pytest
from PIL import Image


class RawServer:
    """A server on one address that answers each connection by a function of its own.

    Args:
        respond: gets the connection and the head of the request, or nothing where none came.
        host: the address to listen on.
        context: for TLS.
    """

    def __init__(self, respond, host="127.0.0.1", context=None):
        self.heads = []
        self.failures = []
        self.names = []
        self._respond = respond
        self._context = context
        if context is not None:
            context.sni_callback = lambda _connection, name, _context: self.names.append(name)
        self._listener = socket.create_server((host, 0))
        self.host, self.port = self._listener.getsockname()[:2]
        self._connections = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def count(self):
        """How many connections came."""
        return len(self._connections)

    def url(self, path="/", name=None, scheme="http"):
        return f"{scheme}://{name or self.host}:{self.port}{path}"

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        # Whoever is cut off while he sends is what several of these tests are about.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._context is not None:
                connection = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(4096)
                if not data:
                    break
                head += data
            self.heads.append(head)
            self._respond(connection, head)

    def close(self):
        # A thread that waits in accept() is not woken by closing the socket alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.close()
        self._thread.join(5)


@pytest.fixture
def raw_server():
    """`raw_server(respond, host=…)`: a server, ended after the test; `respond` may be the bytes of an answer."""
    with contextlib.ExitStack() as stack:

        def start(respond, **options):
            if isinstance(respond, bytes):
                answer = respond
                server = RawServer(lambda connection, _: connection.sendall(answer), **options)
            else:
                server = RawServer(respond, **options)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def outer_host():
    """An address of this machine that stands for a public one, while 127.0.0.1 stays an inner one."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs a second loopback address, as Linux has")
    return "127.0.0.2"


@pytest.fixture(scope="session")
def certificate(require, tmp_path_factory):
    """Files of a certificate for `pictures.example` and of its key."""
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    name = "/CN=pictures.example"
    command = [require("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", name, "-addext", "subjectAltName=DNS:pictures.example"]
    command += ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return files


@pytest.fixture
def tls_contexts(certificate):
    """TLS for a server that is `pictures.example`, and for a client that trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    return server, ssl.create_default_context(cafile=certificate[0])


def saved(form, size=(64, 48), mode="RGB", **options):
    """A picture of one colour as a file's bytes."""
    file = io.BytesIO()
    Image.new(mode, size, 128).save(file, form, **options)
    return file.getvalue()


def chunk(kind, data):
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(form, width, height):
    """A small file whose header says that it is larger."""
    data = bytearray(saved(form, mode="P" if form == "GIF" else "RGB"))
    if form == "PNG":
        head = struct.pack(">II", width, height) + data[24:29]
        return bytes(data[:8]) + chunk(b"IHDR", head) + bytes(data[33:])
    if form == "JPEG":
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", height, width)
    elif form == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif form == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif form == "WEBP":
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        extended = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + data[12:]
        return b"RIFF" + struct.pack("<I", 4 + len(extended)) + b"WEBP" + bytes(extended)
    return bytes(data)


def animated(form, frames, size=(64, 48)):
    """An animation of grey pictures."""
    pictures = [Image.new("L", size, number % 256) for number in range(frames)]
    if form == "WEBP":
        pictures = [picture.convert("RGB") for picture in pictures]
    file = io.BytesIO()
    pictures[0].save(file, form, save_all=True, append_images=pictures[1:], duration=40)
    return file.getvalue()


def bombs():
    """Files that are made to take memory or time: by a name the bytes, and the status that they are answered with."""
    png, text = saved("PNG"), zlib.compress(bytes(100 << 20), 6)
    made = {
        "PNG of 50,000 x 50,000": (claiming("PNG", 50_000, 50_000), 413),
        "PNG of 2 billion a side": (claiming("PNG", 2**31 - 1, 2**31 - 1), 413),
        "JPEG of 65,500 x 65,500": (claiming("JPEG", 65_500, 65_500), 413),
        "GIF of 65,535 x 65,535": (claiming("GIF", 65_535, 65_535), 413),
        "WebP of 16,384 x 16,384": (claiming("WEBP", 16_384, 16_384), 413),
        "BMP of 60,000 x 60,000": (claiming("BMP", 60_000, 60_000), 413),
        "a text of 100 MB (zTXt)": (png[:33] + chunk(b"zTXt", b"a\0\0" + text) + png[33:], 422),
        "a text of 100 MB (iTXt)": (png[:33] + chunk(b"iTXt", b"a\0\1\0\0\0" + text) + png[33:], 422),
        "a profile of 100 MB (iCCP)": (png[:33] + chunk(b"iCCP", b"a\0\0" + text) + png[33:], 422),
        "APNG of 1,000 pictures": (animated("PNG", 1000), 200),
        "GIF of 1,000 pictures": (animated("GIF", 1000), 200),
        "WebP of 200 pictures": (animated("WEBP", 200), 200),
        "TIFF": (saved("TIFF"), 415),
        "AVIF": (saved("AVIF"), 415),
    }
    gif = bytearray(saved("GIF", mode="P"))
    place = gif.rindex(b",", 0, len(gif) - 8)
    gif[place + 5 : place + 9] = struct.pack("<HH", 65_535, 65_535)
    made["GIF with a picture of 65,535 x 65,535 on a small screen"] = (bytes(gif), 413)
    scan = saved("JPEG", (2000, 2000), "L", progressive=True)
    made["JPEG of 100,000 scans"] = (scan[:-2] + scan[scan.rindex(b"\xff\xda") : -2] * 100_000 + scan[-2:], 422)
    return made


@pytest.fixture(scope="session")
def hostile_files():
    """`bombs()`, made once."""
    return bombs()


@pytest.fixture(scope="session")
def make_image():
    """`make_image(form, size, mode)`: a picture of one colour as a file's bytes."""
    return saved
