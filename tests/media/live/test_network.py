"""What is opened over the network: by which protocols, and what a page may not lead to."""

import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import pytest

from liveseg.errors import MediaError
from liveseg.media.address import parse_address
from liveseg.media.frame import Selection
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Pages(BaseHTTPRequestHandler):
    """Serves what the test puts into `pages`, by path: bytes, or a function that writes to the handler."""

    def do_GET(self):
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        if callable(page):
            page(self)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def site():
    """A web server: `site.pages["/a"] = bytes`, `site.url("/a")`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.pages = {}
        server.url = lambda path: f"http://127.0.0.1:{server.server_port}{path}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def opened(url, selection=None, **options):
    return open_live(parse_address(url), selection=selection, options=LiveOptions(**options))


@pytest.mark.parametrize(
    "entry", ["file://{path}", "{path}", "concat:{path}|{path}", "subfile,,start,0,end,0,,:{path}"]
)
def test_a_playlist_on_the_network_opens_no_file(site, clips, entry):
    clip = clips.write("secret.ts", 20)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", entry.format(path=clip), "#EXT-X-ENDLIST", ""]
    site.pages["/list.m3u8"] = "\n".join(lines).encode()
    with pytest.raises(MediaError, match="cannot read http://"):
        opened(site.url("/list.m3u8"), timeout=2, reconnect=0)


def test_the_same_playlist_of_files_on_the_network_is_read(site, clips):
    site.pages["/a.ts"] = clips.write("a.ts", 20).read_bytes()
    site.pages["/list.m3u8"] = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.8,\na.ts\n#EXT-X-ENDLIST\n"
    with opened(site.url("/list.m3u8")) as source:
        assert source.info.rate == 25
        assert [clips.number_of(frame.image) for frame in source] == list(range(20))


def test_a_web_page_that_lists_files_is_not_followed(site, clips):
    site.pages["/list.mp4"] = f"ffconcat version 1.0\nfile '{clips.write('secret.mp4', 5)}'\n".encode()
    with pytest.raises(MediaError):
        opened(site.url("/list.mp4"), timeout=2, reconnect=0)


def test_a_playlist_that_gets_its_end_ends_and_is_not_away(site, clips):
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.8,\na.ts\n"
    site.pages["/a.ts"] = clips.write("a.ts", 20).read_bytes()
    site.pages["/list.m3u8"] = head.encode()
    with opened(site.url("/list.m3u8"), reconnect=30) as source:
        assert source.info.live
        site.pages["/list.m3u8"] = f"{head}#EXT-X-ENDLIST\n".encode()
        frames = list(source)
    assert [clips.number_of(frame.image) for frame in frames][-1] == 19
    assert not any(frame.placeholder for frame in frames)
    assert source.notes == []


def jpegs(clips, count):
    """Numbered pictures as JPEG."""
    with av.open(str(clips.write("clip.mjpeg", count, codec="mjpeg", pix_fmt="yuvj420p"))) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("with_length", [True, False])
def test_mjpeg_is_read_whether_or_not_it_says_how_long_a_picture_is(site, clips, with_length):
    pictures = jpegs(clips, 30)

    def stream(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cut")
        handler.end_headers()
        for picture in pictures:
            length = f"Content-Length: {len(picture)}\r\n" if with_length else ""
            head = f"--cut\r\nContent-Type: image/jpeg\r\n{length}\r\n"
            handler.wfile.write(head.encode() + picture + b"\r\n")
            time.sleep(0.02)

    site.pages["/stream"] = stream
    with opened(site.url("/stream"), reconnect=0, every_frame=True) as source:
        frames = list(source)
    numbers = [clips.number_of(frame.image) for frame in frames]
    assert numbers[:25] == list(range(25))
    # It has no clock of its own: the times are those of arrival.
    assert float(frames[24].timestamp - frames[4].timestamp) == pytest.approx(0.4, abs=0.2)
    assert source.info.live


def test_a_stream_over_http_that_has_no_length_is_live(site, clips):
    data = clips.write("clip.ts", 60, noisy=True).read_bytes()

    def stream(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for at in range(0, len(data), 4096):
            handler.wfile.write(data[at : at + 4096])
            time.sleep(0.002)

    site.pages["/stream"] = stream
    with opened(site.url("/stream"), reconnect=0, every_frame=True) as source:
        assert source.info.live
        frames = list(source)
    assert len(frames) == 60
    assert source.notes == ["it went away: the connection failed"]  # so FFmpeg calls the end of what has no length


def test_mpegts_over_tcp(clips):
    data = clips.write("clip.ts", 40).read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send():
            peer, _ = server.accept()
            with peer:
                peer.sendall(data)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        with opened(f"tcp://127.0.0.1:{server.getsockname()[1]}", reconnect=0, every_frame=True) as source:
            assert [clips.number_of(frame.image) for frame in source] == list(range(40))
        thread.join(10)


def once_it_listens(url):
    """The source at an address where a server is about to begin."""
    until = time.monotonic() + 20
    while True:
        try:
            return opened(url, reconnect=0)
        except MediaError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_rtmp(clips, require):
    """FFmpeg's program is the server, for one client."""
    ffmpeg, port = require("ffmpeg", "ffmpeg"), free_port()
    clip = clips.write("clip.flv", 50, options={"tune": "zerolatency"})
    url = f"rtmp://127.0.0.1:{port}/live/s3cret"
    command = [ffmpeg, "-v", "quiet", "-re", "-i", str(clip), "-c", "copy", "-f", "flv", "-listen", "1", url]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as server:
        try:
            with once_it_listens(url) as source:
                numbers = [clips.number_of(frame.image) for frame in source]
        finally:
            server.kill()
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 15  # FFmpeg looks for a second whether there is sound as well
    assert source.info.name == f"rtmp://127.0.0.1:{port}/live/***"


def test_nothing_sent_is_told_after_the_time_out():
    with pytest.raises(MediaError, match=r"cannot read udp://127\.0\.0\.1:\d+: it was silent for 0\.5 s"):
        opened(f"udp://127.0.0.1:{free_port()}", timeout=0.5)


def test_a_protocol_that_this_ffmpeg_lacks_is_told(monkeypatch):
    try:
        av.open("srt://127.0.0.1:9", timeout=0.1)
    except av.error.ProtocolNotFoundError:
        pass
    except (OSError, av.FFmpegError):
        pytest.skip("this FFmpeg knows SRT")
    with pytest.raises(MediaError, match="does not know this protocol"):
        opened("srt://127.0.0.1:9?passphrase=s3cret", timeout=0.5)


def test_nobody_at_the_port_is_told_at_once():
    began = time.monotonic()
    for scheme in ("rtsp", "http", "tcp"):
        with pytest.raises(MediaError, match="the connection is refused"):
            opened(f"{scheme}://127.0.0.1:{free_port()}/a", timeout=30)
    assert time.monotonic() - began < 20


def test_an_unfinished_playlist_begins_with_its_newest_segment(site, clips):
    """Which is as live as a playlist can be; by default FFmpeg begins three segments before the end."""
    whole = [clips.numbered(number) for number in range(60)]
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1"]
    for part in range(4):
        pictures = whole[part * 15 : part * 15 + 15]
        pts = [part * 15 + number for number in range(15)]
        site.pages[f"/{part}.ts"] = clips.write(f"{part}.ts", pictures, pts=pts).read_bytes()
        lines += ["#EXTINF:0.6,", f"{part}.ts"]
    site.pages["/list.m3u8"] = "\n".join([*lines, ""]).encode()
    with opened(site.url("/list.m3u8"), Selection(limit=3)) as source:
        assert clips.number_of(next(iter(source)).image) >= 45
