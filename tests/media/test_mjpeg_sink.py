"""What browsers and players get over HTTP: the newest frame, each its own pace, nothing made for nobody."""

import http.client
import io
import itertools
import socket
import threading
import time
import traceback
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.media import mjpeg_sink, newest_jpeg
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.mjpeg_sink import MjpegSink

INFO = SourceInfo("the camera", "video", 96, 64, Fraction(25), Fraction(1, 1000), live=True)
SECONDS = 30


def frame(clips, number, size=(96, 64), noisy=False):
    return Frame(clips.numbered(number, size, noisy), number, 5000 + 40 * number, Fraction(1, 1000))


@pytest.fixture
def sink():
    with MjpegSink("http://127.0.0.1:0/cam", INFO) as served:
        yield served
        served._written = True


def port_of(sink):
    return int(sink.address.split(":")[2].split("/")[0])


def ask(sink, path):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sink), timeout=SECONDS)
    connection.request("GET", path)
    return connection.getresponse()


def part(answer):
    """The next part of a stream: its picture and its time; `None` at the end."""
    line = answer.readline()
    if line.rstrip().endswith(b"--"):
        return None
    assert line == b"--liveseg-frame\r\n"
    headers = http.client.parse_headers(answer)
    assert headers["Content-Type"] == "image/jpeg"
    data = answer.read(int(headers["Content-Length"]))
    assert answer.readline() == b"\r\n"
    return np.asarray(Image.open(io.BytesIO(data))), float(headers["X-Timestamp"])


def no_threads():
    return not [
        thread for thread in threading.enumerate() if "mjpeg" in thread.name or "process_request" in thread.name
    ]


def eventually(check):
    until = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("path", ["/", "/cam", "/cam?nocache=1"])
def test_a_client_sees_each_frame_it_has_time_for_with_its_time(clips, sink, path):
    sink.write(frame(clips, 0))
    answer = ask(sink, path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=liveseg-frame"
    assert answer.headers["Cache-Control"] == "no-store"
    for number in range(20):
        if number:
            sink.write(frame(clips, number))
        picture, timestamp = part(answer)
        assert clips.number_of(picture) == number
        assert timestamp == round(5 + number / 25, 6)


def test_any_number_of_clients_see_the_same(clips, sink):
    answers = []
    sink.write(frame(clips, 7))
    for _ in range(5):
        answers.append(ask(sink, "/"))
        assert clips.number_of(part(answers[-1])[0]) == 7
    sink.write(frame(clips, 8))
    assert [clips.number_of(part(answer)[0]) for answer in answers] == [8] * 5


def test_colours_survive(sink):
    for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (187, 93, 41)]):
        sink.write(Frame(np.full((64, 96, 3), colour, np.uint8), number, number, Fraction(1)))
        picture = np.asarray(Image.open(ask(sink, "/snapshot.jpg")))
        assert np.abs(picture.astype(int) - colour).max() <= 4


def test_a_snapshot_is_the_newest_frame_and_whole(clips, sink):
    for number in range(3):
        sink.write(frame(clips, number))
    answer = ask(sink, "/snapshot.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Timestamp"] == "5.080000"
    assert clips.number_of(np.asarray(Image.open(answer))) == 2


def test_a_snapshot_waits_for_the_first_frame(clips, sink):
    later = threading.Timer(0.3, sink.write, [frame(clips, 9)])
    later.start()
    assert clips.number_of(np.asarray(Image.open(ask(sink, "/snapshot.jpg")))) == 9
    later.join()


def test_a_snapshot_without_any_frame_is_unavailable(sink, monkeypatch):
    monkeypatch.setattr(mjpeg_sink, "_PATIENCE", 0.1)
    assert ask(sink, "/snapshot.jpg").status == 503


def test_other_paths_are_not_there(clips, sink):
    sink.write(frame(clips, 0))
    answer = ask(sink, "/etc/passwd")
    assert answer.status == 404
    assert b"/, /cam and /snapshot.jpg" in answer.read()


def test_no_frame_is_made_for_nobody_and_one_is_made_once_for_all(clips, sink, monkeypatch):
    made = []
    jpeg = newest_jpeg.encode_jpeg
    monkeypatch.setattr(newest_jpeg, "encode_jpeg", lambda image: made.append(0) or jpeg(image))
    for number in range(10):
        sink.write(frame(clips, number))
    assert made == []
    for _ in range(4):
        ask(sink, "/snapshot.jpg").read()
    assert made == [0]


def test_a_slow_client_skips_frames_and_holds_up_nobody(clips):
    """Frames of noise are so large that few of them are under way to it."""
    size = (768, 576)
    info = SourceInfo("the camera", "video", *size, Fraction(25), Fraction(1, 1000), live=True)
    with MjpegSink("http://127.0.0.1:0/", info) as sink:
        slow = http.client.HTTPConnection("127.0.0.1", port_of(sink), timeout=SECONDS)
        slow.connect()
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.request("GET", "/")
        sink.write(frame(clips, 0, size, noisy=True))
        answer = slow.getresponse()
        assert clips.number_of(part(answer)[0]) == 0
        quick = ask(sink, "/")
        part(quick)
        for number in range(1, 25):
            sink.write(frame(clips, number, size, noisy=True))
            assert clips.number_of(part(quick)[0]) == number
        seen = [0]
        while seen[-1] < 24:
            seen.append(clips.number_of(part(answer)[0]))
        assert len(seen) < 12
        assert seen == sorted(set(seen))


def test_a_player_plays_it(clips, sink):
    ended = threading.Event()

    def play_on():
        number = 0
        while not ended.wait(0.04):
            sink.write(frame(clips, number := number + 1))

    player = threading.Thread(target=play_on)
    player.start()
    try:
        with av.open(sink.address, format="mpjpeg", timeout=SECONDS) as container:
            decoded = itertools.islice(container.decode(video=0), 10)
            pictures = [picture.to_ndarray(format="rgb24") for picture in decoded]
    finally:
        ended.set()
        player.join()
    numbers = [clips.number_of(picture) for picture in pictures]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 10


def test_the_last_frame_is_seen_before_the_end_and_no_thread_stays(clips):
    with MjpegSink("http://127.0.0.1:0/", INFO) as sink:
        sink.write(frame(clips, 0))
        answer = ask(sink, "/")
        part(answer)
        sink.write(frame(clips, 1))
    assert clips.number_of(part(answer)[0]) == 1
    assert part(answer) is None
    assert no_threads()


@pytest.mark.parametrize("asking", [False, True])
def test_a_client_that_does_nothing_does_not_hold_up_the_end(clips, asking):
    size = (768, 576)
    info = SourceInfo("the camera", "video", *size, Fraction(25), Fraction(1, 1000), live=True)
    with MjpegSink("http://127.0.0.1:0/", info) as sink:
        idle = socket.create_connection(("127.0.0.1", port_of(sink)))
        if asking:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.sendall(b"GET / HTTP/1.0\r\n\r\n")
        for number in range(20):
            sink.write(frame(clips, number, size, noisy=True))
            time.sleep(0.02)
        started = time.monotonic()
    assert time.monotonic() - started < 0.9 * mjpeg_sink._PATIENCE
    idle.close()
    assert no_threads()


def test_a_client_that_goes_away_is_forgotten_in_silence(clips, sink, capfd):
    answer = ask(sink, "/")
    sink.write(frame(clips, 0))
    part(answer)
    answer.close()
    numbers = iter(range(1, 10_000))

    def forgotten():
        sink.write(frame(clips, next(numbers)))
        return not sink._server._connections

    eventually(forgotten)
    assert capfd.readouterr() == ("", "")


def test_a_file_is_shown_at_its_own_pace(clips):
    info = SourceInfo("a file", "video", 96, 64, Fraction(25), Fraction(1, 1000))
    started = time.monotonic()
    with MjpegSink("http://127.0.0.1:0/", info) as sink:
        for number in range(11):
            sink.write(frame(clips, number))
    assert time.monotonic() - started >= 0.4


def test_it_says_where_it_is_and_is_local_unless_told_otherwise():
    told = []
    sink = MjpegSink("http://:0", INFO, tell=told.append)
    sink.abort()
    assert told == [f"shown at {sink.address}"]
    assert sink.address.startswith("http://127.0.0.1:")
    assert not sink.address.endswith(":0/")


def test_a_port_that_is_taken_is_one_line(sink):
    with pytest.raises(SinkError, match=r"^cannot serve at http://127\.0\.0\.1:\d+/x: Address already in use; choose"):
        MjpegSink(f"http://127.0.0.1:{port_of(sink)}/x", INFO)


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:8080/",
        "http://127.0.0.1/",
        "http://me:s3cret@127.0.0.1:8080/",
        "http://me:s3cret@x:99999/",
        "http://me:s3cret#x@127.0.0.1:80/",
        "http://me:0/s3cret@127.0.0.1:80/",
    ],
)
def test_what_cannot_be_served_is_one_line_without_its_secrets(address):
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:8080/$") as failure:
        MjpegSink(address, INFO)
    assert "s3cret" not in "".join(traceback.format_exception(failure.value))


def test_a_host_that_is_unknown_is_one_line():
    with pytest.raises(SinkError, match=r"^cannot serve at http://192\.0\.2\.1:80/: "):
        MjpegSink("http://192.0.2.1:80/", INFO)


def test_no_frames_are_one_line_and_closing_twice_does_nothing():
    sink = MjpegSink("http://127.0.0.1:0/", INFO)
    with pytest.raises(MediaError, match="the camera gave no frames"):
        sink.commit()
    sink.commit()
    sink.abort()


def test_frames_of_another_size_or_after_the_end_are_refused(clips):
    sink = MjpegSink("http://127.0.0.1:0/", INFO)
    with pytest.raises(SinkError, match="it is 48x32, but 96x64 was announced"):
        sink.write(frame(clips, 0, (48, 32)))
    sink.abort()
    with pytest.raises(SinkError, match="closed already"):
        sink.write(frame(clips, 1))
