"""What is pushed arrives whole and in time, and a server that goes away or hangs never holds up the work."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.open_sink import SinkOptions, open_sink

LIVE = SourceInfo("the camera", "video", 96, 64, Fraction(25), Fraction(1, 1000), live=True)
FILE = SourceInfo("the file", "video", 96, 64, Fraction(25), Fraction(1, 1000))
SECONDS = 40


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def frame(clips, number, pts=None):
    return Frame(clips.numbered(number), number, 40 * number if pts is None else pts, Fraction(1, 1000))


class Receiver(threading.Thread):
    """Takes one stream with FFmpeg, as a server or player does, and keeps its frames and packets."""

    def __init__(self, address, options=None):
        super().__init__(daemon=True)
        self.address, self.options = address, options or {}
        self.frames, self.packets, self.end = [], [], threading.Event()
        self.start()

    def run(self):
        with (
            contextlib.suppress(av.FFmpegError, OSError),
            av.open(self.address, options=self.options, timeout=(SECONDS, 3)) as container,
        ):
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                if self.end.is_set():
                    break
                if packet.size:
                    self.packets.append((packet.pts, packet.dts, packet.is_keyframe, packet.time_base))
                self.frames += [(picture.to_ndarray(format="rgb24"), picture.time) for picture in packet.decode()]


def receiver(scheme, port):
    """A receiver, and the address to push to."""
    address = f"{scheme}://127.0.0.1:{port}" + ("/live/clip" if scheme in ("rtsp", "rtmp") else "")
    options = {
        "rtsp": {"rtsp_flags": "listen", "listen_timeout": str(SECONDS)},
        "rtmp": {"listen": "1"},
        "udp": {"analyzeduration": "200000"},
    }
    started = Receiver(address, options[scheme])
    if scheme == "udp":
        eventually(lambda: taken(port))
    return started, address


def taken(port):
    """Whether somebody receives at a port of UDP; nothing else would tell, and what is sent before is lost."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def opened(address, info, **how):
    """A sink for a receiver that may not listen yet."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            return open_sink(address, info, SinkOptions(**how))
        except SinkError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def eventually(check):
    until = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "udp"])
def test_all_frames_of_a_file_arrive_in_order_at_their_times(clips, scheme):
    port = free_port(socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)
    player, address = receiver(scheme, port)
    with opened(address, FILE) as sink:
        started = time.monotonic()
        for number in range(30):
            sink.write(frame(clips, number))
        # At the file's own pace.
        assert time.monotonic() - started > 1.1
    eventually(lambda: len(player.frames) == 30 or not player.is_alive())
    assert [clips.number_of(picture) for picture, _ in player.frames] == list(range(30))
    first = player.frames[1][1]  # RTP says when it began only after its first frame
    assert max(abs(seen - first - 0.04 * (n - 1)) for n, (_, seen) in enumerate(player.frames) if n) < 0.005
    assert sink.notes == []


def test_uneven_times_and_colours_arrive(clips):
    times = [1000, 1040, 1300, 1310, 1900, 2000, 2033]
    player, address = receiver("rtmp", free_port())
    picture = clips.numbered(5)
    picture[32:] = (187, 93, 41)
    with opened(address, FILE, crf=10) as sink:
        for number, pts in enumerate(times):
            sink.write(Frame(picture, number, pts, Fraction(1, 1000)))
    player.join(SECONDS)
    assert [round(1000 * seen) for _, seen in player.frames] == [pts - 1000 for pts in times]
    for received, _ in player.frames:
        assert np.abs(received[40:60, 8:-8].astype(int) - (187, 93, 41)).max() <= 6


def test_it_is_made_for_low_delay(clips):
    """No B-frames, so no packet waits for a later one; and a key frame a second, however few frames there are."""
    player, address = receiver("rtmp", free_port())
    with opened(address, FILE) as sink:
        for number in range(9):
            sink.write(frame(clips, number, 300 * number))
    player.join(SECONDS)
    assert all(pts == dts for pts, dts, _, _ in player.packets)
    keys = [float(pts * base) for pts, _, key, base in player.packets if key]
    assert keys == [0, 1.2, 2.4]
    with pytest.raises(UsageError, match="no preset 'slowish' in libx264"):
        open_sink(address, FILE, SinkOptions(preset="slowish"))


def test_srt_is_sent_by_the_program(clips, require, tmp_path):
    ffmpeg = require("ffmpeg", "ffmpeg")
    port = free_port(socket.SOCK_DGRAM)
    command = [ffmpeg, "-v", "fatal", "-analyzeduration", "200000", "-i", f"srt://127.0.0.1:{port}?mode=listener"]
    command += ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    seen, listening, ended = [], [], threading.Event()

    def listen():
        """As a server does: for the next connection when one has ended."""
        while not ended.is_set():
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as listener:
                listening.append(listener)
                while len(data := listener.stdout.read(64 * 96 * 3)) == 64 * 96 * 3:
                    seen.append(clips.number_of(np.frombuffer(data, np.uint8).reshape(64, 96, 3)))

    server = threading.Thread(target=listen)
    server.start()
    try:
        with open_sink(f"srt://127.0.0.1:{port}", LIVE) as sink:
            until = time.monotonic() + SECONDS
            for number in range(4096):
                sink.write(frame(clips, number))
                if len(seen) > 20 or time.monotonic() > until:
                    break
                time.sleep(0.02)
    finally:
        ended.set()
        listening[-1].terminate()
        server.join()
    assert len(seen) > 20
    assert seen == sorted(set(seen))


@pytest.mark.long
def test_a_server_of_srt_is_away_until_it_has_taken_frames_for_a_while(clips, require):
    """The program takes frames before it has connected, and ends when it cannot: that is no coming back."""
    ffmpeg = require("ffmpeg", "ffmpeg")
    port, told, processes, listener = free_port(socket.SOCK_DGRAM), [], set(), None
    command = [ffmpeg, "-v", "fatal", "-i", f"srt://127.0.0.1:{port}?mode=listener", "-f", "null", "-"]
    until = time.monotonic() + SECONDS
    try:
        with open_sink(f"srt://127.0.0.1:{port}", LIVE, SinkOptions(tell=told.append)) as sink:
            for number in range(4096):
                sink.write(frame(clips, number))
                processes.add(sink._process)
                if len(processes) == 3 and listener is None:
                    assert [" is away (" in line for line in told] == [True]
                    listener = subprocess.Popen(command, stdin=subprocess.DEVNULL)
                if len(told) > 1 or time.monotonic() > until:
                    break
                time.sleep(0.04)
    finally:
        if listener is not None:
            listener.kill()
            listener.wait()
    assert len(told) == 2
    assert " is back after " in told[1]
    assert "which was away once" in sink.notes[0]


def test_without_the_program_srt_is_one_line(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(SinkError, match="srt:// is sent by the program ffmpeg, which is not there; install it"):
        open_sink("srt://127.0.0.1:9", LIVE)


def test_the_newest_frame_wins_over_those_that_wait(clips):
    """While the first frame is being sent nobody waits, and what comes meanwhile gives way to what comes last."""
    player, address = receiver("rtmp", free_port())
    with opened(address, LIVE) as sink:
        send, gate, sending = sink._process.send, threading.Event(), threading.Event()

        def slow(pts, image):
            sending.set()
            gate.wait(SECONDS)
            send(pts, image)

        sink._process.send = slow
        sink.write(frame(clips, 0))
        sending.wait(SECONDS)
        for number in range(1, 30):
            sink.write(frame(clips, number))
        gate.set()
        eventually(lambda: sink._waiting is None)
        sink.write(frame(clips, 30))
    player.join(SECONDS)
    assert [clips.number_of(picture) for picture, _ in player.frames] == [0, 29, 30]
    assert sink.notes == [f"28 of 31 frames were not sent to {sink._shown}"]


def test_a_server_that_goes_away_and_comes_back(clips):
    port = free_port()
    told = []
    player, address = receiver("rtmp", port)
    numbers = iter(range(100_000))
    slowest = 0.0

    def write_until(check):
        nonlocal slowest
        until = time.monotonic() + SECONDS
        while not check():
            assert time.monotonic() < until
            started = time.monotonic()
            sink.write(frame(clips, next(numbers)))
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.02)

    with opened(address, LIVE, tell=told.append, timeout=3) as sink:
        write_until(lambda: len(player.frames) > 10)
        player.end.set()
        write_until(lambda: told)
        assert told[0].startswith("rtmp://127.0.0.1")
        assert " is away (" in told[0]
        again, _ = receiver("rtmp", port)
        write_until(lambda: len(again.frames) > 10)
    again.join(SECONDS)
    assert " is back after " in told[1]
    assert len(told) == 2
    shown = [clips.number_of(picture) for picture, _ in again.frames]
    assert shown == sorted(set(shown))
    assert again.packets[0][2], "it begins with a key frame"
    assert again.frames[0][1] < 0.5, "at time 0"
    assert slowest < 1.5
    assert "frames were not sent to rtmp://127.0.0.1" in sink.notes[0]
    assert sink.notes[0].endswith(", which was away once")


class Wall:
    """A server that takes connections and nothing else: forwards to another one until it is frozen."""

    def __init__(self, port=None):
        self.target, self.frozen = port, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
                self.sockets.append(near)
                if self.target is None:
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                self.sockets.append(far)
                threading.Thread(target=self.forward, args=(near, far), daemon=True).start()
                threading.Thread(target=self.forward, args=(far, near), daemon=True).start()

    def forward(self, one, other):
        with contextlib.suppress(OSError):
            while not self.frozen.is_set() and (data := one.recv(8192)):
                other.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.sockets:
            with contextlib.suppress(OSError):  # a thread may be reading from it
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp"])
def test_a_server_that_never_answers_is_given_up_in_time(scheme):
    with Wall() as wall:
        started = time.monotonic()
        with pytest.raises(SinkError, match=r"nothing was taken for 1 seconds; is its server there"):
            open_sink(f"{scheme}://127.0.0.1:{wall.port}/live/x", LIVE, SinkOptions(timeout=1))
        assert time.monotonic() - started < 15


def test_a_server_that_freezes_holds_up_nobody(clips):
    """It is there and takes nothing more: writes go on, it is counted as away, and the end comes soon."""
    info = SourceInfo("the camera", "video", 640, 480, Fraction(25), Fraction(1, 1000), live=True)
    told, slowest = [], 0.0
    port = free_port()
    player, _ = receiver("rtmp", port)
    noisy = [clips.numbered(number, (640, 480), noisy=True) for number in range(8)]
    with Wall(port) as wall:
        with opened(f"rtmp://127.0.0.1:{wall.port}/live/x", info, tell=told.append, timeout=1, crf=1) as sink:
            number, until = 0, time.monotonic() + SECONDS
            while not told:
                assert time.monotonic() < until
                if len(player.frames) > 2:
                    wall.frozen.set()
                started = time.monotonic()
                sink.write(Frame(noisy[number % 8], number, 40 * number, Fraction(1, 1000)))
                slowest = max(slowest, time.monotonic() - started)
                number += 1
                time.sleep(0.02)
            started = time.monotonic()
        assert time.monotonic() - started < 10
        player.end.set()
    assert "is away (nothing was taken for 1 seconds); trying again" in told[0]
    assert slowest < 0.9
    player.join(SECONDS)


@pytest.mark.parametrize("address", ["rtsp://me:secret@127.0.0.1:{}/cam", "rtmp://127.0.0.1:{}/live/secret"])
def test_credentials_are_never_shown(address):
    with pytest.raises(SinkError, match=r"^cannot send to .*\*\*\*|^cannot send to rtsp://127") as failure:
        open_sink(address.format(free_port()), LIVE)
    assert "secret" not in str(failure.value)
    assert "Connection refused; is its server there" in str(failure.value)


def test_an_exception_ends_the_connection_and_its_process(clips):
    player, address = receiver("rtmp", free_port())
    sink = opened(address, LIVE)
    process = sink._process._process
    sink.write(frame(clips, 0))
    with pytest.raises(RuntimeError, match="on frame 1"), sink:
        raise RuntimeError("on frame 1")
    assert process.returncode is not None
    assert not sink._thread.is_alive()
    player.join(SECONDS)
    with pytest.raises(SinkError, match="closed already"):
        sink.write(frame(clips, 9))
    sink.commit()


def test_no_frames_are_one_line(clips):
    address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    with pytest.raises(MediaError, match=f"the camera gave no frames, so nothing was sent to {address}"):
        open_sink(address, LIVE).commit()


def test_frames_of_another_size_are_refused(clips):
    with (
        pytest.raises(SinkError, match="it is 48x32, but 96x64 was announced"),
        open_sink(f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}", LIVE) as sink,
    ):
        sink.write(Frame(clips.numbered(0, (48, 32))))


def test_odd_sizes_get_an_edge_more(clips):
    info = SourceInfo("the file", "video", 97, 65, Fraction(25), Fraction(1, 1000))
    player, address = receiver("rtmp", free_port())
    with opened(address, info) as sink:
        for number in range(3):
            sink.write(Frame(clips.numbered(number, (97, 65)), number, 40 * number, Fraction(1, 1000)))
    player.join(SECONDS)
    assert [picture.shape for picture, _ in player.frames] == [(66, 98, 3)] * 3


@pytest.mark.skipif(os.name == "nt", reason="sends the signals of POSIX")
def test_ctrl_c_is_for_the_job_and_not_for_its_process(clips):
    sink = open_sink(f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}", LIVE)
    assert os.getsid(sink._process._process.pid) != os.getsid(0)
    sink.abort()


ORPHAN = """
import sys, time
from fractions import Fraction
from liveseg.media.frame import SourceInfo
from liveseg.media.open_sink import open_sink
sink = open_sink(sys.argv[1], SourceInfo("x", "video", 96, 64, Fraction(25), live=True))
print(sink._process._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a process in /proc")
def test_after_a_kill_no_process_stays(tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('a file of the working folder is no module')")
    address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    command = [sys.executable, "-P", "-c", ORPHAN, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as job:
        process = int(job.stdout.readline())
        assert os.path.exists(f"/proc/{process}")  # noqa: PTH110
        job.send_signal(signal.SIGKILL)

    def ended():
        try:
            with open(f"/proc/{process}/stat", encoding="ascii") as file:  # noqa: PTH123
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    eventually(ended)
