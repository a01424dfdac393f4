"""A sender of MPEG-TS over UDP for the tests: H.264 without a frame of delay, a clock painted into each picture.

    udp_sender.py SECONDS PORT

It takes commands (`program.py`): the faults of streams; cut is no different from freeze, where there is no connection.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from fractions import Fraction

import av
import numpy as np
from clock import paint
from program import Faults, obey, say


class Datagrams:
    """What the muxer writes, sent at once; garbage between two pictures where ordered."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._address = ("127.0.0.1", port)

    def write(self, data: bytes) -> int:
        """Send whole packets of 188 bytes, seven in a datagram, as such senders do."""
        for at in range(0, len(data), 7 * 188):
            try:
                self._socket.sendto(data[at : at + 7 * 188], self._address)
            except ConnectionRefusedError:
                continue  # nobody listens yet, or any more
        return len(data)


def send(port: int, faults: Faults) -> None:
    """Send pictures for ever; a new size begins a new stream, as a camera that was set anew does."""
    to = Datagrams(port)
    ticks = faults.ticks(threading.Event())
    soiled = faults.soiled
    while True:
        width, height = faults.size
        options = {"muxdelay": "0", "muxpreload": "0", "flush_packets": "1"}
        with av.open(to, "w", format="mpegts", container_options=options) as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.gop_size = 10
            for number in ticks:
                planes = np.frombuffer(paint(width, height, number), np.uint8).reshape(-1, width)
                frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
                if faults.soiled != soiled:
                    soiled = faults.soiled
                    to.write(os.urandom(50_000))
                if faults.size != (width, height):
                    break


def main(seconds: str, port: str) -> None:
    """Send until told to end."""
    faults = Faults()
    threading.Thread(target=send, args=(int(port), faults), daemon=True).start()
    say(port=int(port))
    obey(faults.commands() | {"cut": faults.freeze, "restore": faults.thaw}, float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
