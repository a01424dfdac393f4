"""Frames come out of a connection with the time at which their first packet arrived, over damage and delay."""

import bisect
import io
import statistics
import threading
import time
from itertools import pairwise

import av
import numpy as np
import pytest

from liveseg.errors import MediaError
from liveseg.media.live import connection as module
from liveseg.media.live.connection import Connection

STEP = 0.03


class Drip(io.RawIOBase):
    """A stream that is sent frame by frame, whether or not somebody reads it.

    Its arguments:
        pieces: the bytes of each frame.
    """

    def __init__(self, pieces):
        self.pieces = pieces
        self.begins = [0]
        for piece in pieces:
            self.begins.append(self.begins[-1] + len(piece))
        self.data = b"".join(pieces)
        self.at = 0
        self.started = None

    def sent(self, frame):
        """When a frame is sent."""
        return self.started + frame * STEP

    def readable(self):
        return True

    def seekable(self):
        return False

    def read(self, size=-1):
        frame = bisect.bisect_right(self.begins, self.at) - 1
        if frame == len(self.pieces):
            return b""
        self.started = self.started or time.monotonic()
        time.sleep(max(self.sent(frame) - time.monotonic(), 0))
        piece = self.data[self.at : min(self.at + size, self.begins[frame + 1])]
        self.at += len(piece)
        return piece


def connect(file, **how):
    """A connection to what a file holds; `how` goes to `Connection`."""
    container = av.open(
        file if isinstance(file, io.RawIOBase) else str(file),
        buffer_size=2048,
        container_options={"probesize": "50000", "analyzeduration": "100000", "fpsprobesize": "2"},
    )
    return Connection(container, container.streams.video[0], threads=1, ended=threading.Event(), **how)


def frames_of(connected):
    try:
        return list(connected.frames())
    finally:
        connected.close()


def pieces_of(path):
    """The bytes of an MPEG-TS file, cut where its pictures begin."""
    with av.open(str(path)) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    return [data[begin:end] for begin, end in pairwise([0, *begins[1:], len(data)])]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.ts", {"tune": "zerolatency"}),
        ("bframes.ts", {"bf": "3", "b_strategy": "0"}),
        ("plain.flv", {"tune": "zerolatency"}),
    ],
)
def test_a_frame_arrives_when_its_first_packet_does_however_late_it_is_shown(clips, name, options):
    pictures = (clips.numbered(number, (192, 128), noisy=True) for number in range(45))
    path = clips.write(name, pictures, options=options | {"preset": "ultrafast"}, gop=60)
    drip = Drip(pieces_of(path))
    received = frames_of(connect(drip))
    numbers = [clips.number_of(one.frame.to_ndarray(format="rgb24")) for one in received]
    assert numbers == list(range(45))
    with av.open(str(path)) as container:  # which packet, by the order of arrival, each picture came in
        order = {packet.pts: place for place, packet in enumerate(container.demux(video=0)) if packet.size}
    ptses = sorted(order)
    late = [one.arrived - drip.sent(order[ptses[number]]) for number, one in zip(numbers, received, strict=True)]
    settled = late[20:]  # what FFmpeg looked at before the first frame comes out at once, and later than it arrived
    assert abs(statistics.median(settled)) < 0.75 * STEP
    if name == "bframes.ts":
        assert any(before > after for before, after in pairwise(one.arrived for one in received))


def test_interlaced_pictures_are_made_whole_and_keep_their_arrival(clips):
    options = {"preset": "ultrafast", "x264-params": "interlaced=1:bframes=0"}
    connected = connect(clips.write("fields.mkv", 12, options=options))
    received = frames_of(connected)
    assert [clips.number_of(one.frame.to_ndarray(format="rgb24")) for one in received] == list(range(12))
    assert not any(one.frame.interlaced_frame for one in received)
    assert all(isinstance(one.frame.opaque, tuple) for one in received)


def test_damage_is_counted_and_decoding_goes_on(clips):
    path = clips.write("clip.ts", 50, noisy=True, gop=10)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 5000] = np.random.default_rng(0).bytes(5000)  # not 16 packets, after which TS counts anew
    path.write_bytes(data)
    connected = connect(path)
    received = frames_of(connected)
    numbers = [clips.number_of(one.frame.to_ndarray(format="rgb24")) for one in received]
    assert numbers[:20] == list(range(20))
    assert numbers[-10:] == list(range(40, 50))
    assert connected.damaged > 0


def test_streams_without_a_clock_say_so(clips):
    connected = connect(clips.write("clip.mjpeg", 5, codec="mjpeg", pix_fmt="yuvj420p"))
    received = frames_of(connected)
    assert len(received) == 5
    assert all(one.frame.pts is None for one in received)
    assert connected.rate is None


def test_what_cannot_be_decoded_is_not_waited_for_without_end(clips, monkeypatch):
    monkeypatch.setattr(module, "_KEY_FRAME_PATIENCE", 10 * STEP)
    path = clips.write("clip.ts", 60, gop=60)
    pieces = pieces_of(path)
    with_heads = pieces[0][: 188 * 3]  # what kinds of streams there are, and no picture that others need
    connected = connect(Drip([with_heads, *pieces[1:]]))
    with pytest.raises(MediaError, match="can be decoded"):
        frames_of(connected)


def test_sound_does_not_hide_that_the_pictures_have_stopped(clips):
    path = clips.write("clip.ts", 10, sound=clips.Sound(clips.clicks([1], 3)))
    connected = connect(path)
    packets = [packet for packet, *_ in connected._packets() if packet is not None]
    assert len(packets) == 10
    connected.close()


@pytest.mark.long
def test_a_decoder_that_is_too_slow_falls_no_further_behind(clips, monkeypatch):
    """Packets come every 30 ms, decoding takes 60: without leaving any out, the last one would be 3.6 s old."""
    path = clips.write("clip.ts", 120, gop=12, options={"tune": "zerolatency"})
    drip = Drip(pieces_of(path))
    connected = connect(drip)
    decode = connected._decode
    monkeypatch.setattr(connected, "_decode", lambda packet: time.sleep(2 * STEP) or decode(packet))
    skipped, lags = 0, []
    for one in connected.frames():
        skipped += one.skipped
        number = clips.number_of(one.frame.to_ndarray(format="rgb24"))
        lags.append(time.monotonic() - drip.sent(number))
    connected.close()
    assert skipped > 20
    assert max(lags) < 3
