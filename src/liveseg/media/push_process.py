"""Both ends of a process that encodes frames and sends them to an address.

FFmpeg connects while it holds Python's lock, as PyAV calls it, and knows no time-out for what it writes: in the process
of the job, a server that does not answer would stop everything. In one of its own it stops only itself, and whatever
takes too long ends the process.

The job writes a line of JSON to its standard input, and then each frame as its time (8 bytes) and its pixels; the
process answers `ready`, and if it fails a line that says why.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from liveseg.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import OutputContainer
    from numpy.typing import NDArray

_TIME = struct.Struct(">q")
_READY = "ready"
_KEY_SECONDS = 1


@dataclass(frozen=True)
class Push:
    """What is sent where.

    Args:
        address: where to, with its credentials.
        format: FFmpeg's name of the container.
        options: of FFmpeg's muxer.
        encoder: options of libx264.
        width: of the frames, in pixels.
        height: likewise.
        rate: frames a second, about, as a fraction.
        time_base: seconds a unit of the frames' times, as a fraction.
        threads: of the encoder.
        timeout: seconds that connecting and sending a frame may take.
        program: the path of the `ffmpeg` that sends what is encoded, for addresses that PyAV's own cannot reach.
    """

    address: str
    format: str
    options: dict[str, str]
    encoder: dict[str, str]
    width: int
    height: int
    rate: str
    time_base: str
    threads: int
    timeout: float
    program: str | None = None


class PushProcess:
    """The process as the job sees it; it runs when this returns, and is connected after `wait_ready`.

    Args:
        push: what is sent where.
    """

    def __init__(self, push: Push) -> None:
        self._timeout = push.timeout
        home = str(Path(__file__).parents[2])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([home, *filter(None, sys.path)])}
        # -P: a file in the working folder that has the name of a module is not that module. A session or group of its
        # own: Ctrl-C is for the job, which then ends this in good order.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "liveseg.media.push_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process was started without its pipes")
        self._input = self._process.stdin
        self._output = self._process.stdout
        with contextlib.suppress(OSError):  # what became of it, `wait_ready` says
            self._write(json.dumps(asdict(push)).encode() + b"\n")

    def wait_ready(self) -> None:
        """Wait until it is connected.

        Raises:
            SinkError: it is not, and has ended; the message is the reason alone.
        """
        answer = self._output.readline().decode(errors="replace").strip()
        if answer != _READY:
            raise SinkError(self._reason(answer))

    def send(self, pts: int, image: NDArray[np.uint8]) -> None:
        """Send a frame, waiting for the one before.

        Raises:
            SinkError: the process has ended; the message is the reason alone.
        """
        try:
            self._write(_TIME.pack(pts), np.ascontiguousarray(image).data)
        except OSError as error:
            raise SinkError(self._reason(self._output.read().decode(errors="replace").strip())) from error

    def finish(self) -> None:
        """Let it send what it has and end by itself, or else end it."""
        with contextlib.suppress(OSError):
            self._input.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2 * self._timeout)
        self.kill()
        self._output.close()

    def kill(self) -> None:
        """End it at once; from any thread."""
        self._process.kill()
        self._process.wait()

    def _write(self, *parts: bytes | memoryview) -> None:
        for part in parts:
            self._input.write(part)
        self._input.flush()

    def _reason(self, answer: str) -> str:
        self.finish()
        return answer.splitlines()[-1] if answer else f"nothing was taken for {self._timeout:g} seconds"


def main() -> int:
    """The process itself; returns its exit code."""
    push = Push(**json.loads(sys.stdin.buffer.readline()))
    try:
        _send_all(push, sys.stdin.buffer)
    except Exception as error:  # noqa: BLE001 - whatever it is, the job tells it
        from liveseg.media.video_open import reason

        _answer(reason(error))
        return 1
    return 0


def _send_all(push: Push, pictures: BinaryIO) -> None:
    from av.video.frame import PictureType

    from liveseg.media.color import YuvConverter
    from liveseg.media.video_track import add_video

    convert = YuvConverter(push.width, push.height)
    time_base = Fraction(push.time_base)
    with _output(push) as output:
        with _patience(push.timeout):
            stream = add_video(
                output,
                "libx264",
                push.encoder,
                size=(convert.width, convert.height),
                rate=Fraction(push.rate),
                time_base=time_base,
                threads=push.threads,
                key_seconds=2 * _KEY_SECONDS,
            )
            output.start_encoding()
        _answer(_READY)
        pixels = np.empty((push.height, push.width, 3), np.uint8)
        first = key = None
        while (pts := _read(pictures, pixels)) is not None:
            with _patience(push.timeout):
                first = pts if first is None else first
                picture = convert(pixels)
                picture.pts = pts - first
                picture.time_base = time_base
                # By the clock: where frames are left out, so many frames are more seconds.
                if key is None or (pts - key) * time_base >= _KEY_SECONDS:
                    key = pts
                    picture.pict_type = PictureType.I
                output.mux(stream.encode(picture))
        with _patience(push.timeout):
            if first is not None:
                output.mux(stream.encode(None))
            output.close()


@contextlib.contextmanager
def _output(push: Push) -> Iterator[OutputContainer]:
    import av

    if push.program is None:
        yield av.open(push.address, "w", format=push.format, container_options=push.options)
        return
    # NUT begins with all that has to be known of the stream, so that little is read ahead to find it out.
    command = [push.program, "-v", "error", "-fflags", "nobuffer", "-fpsprobesize", "0", "-probesize", "32"]
    command += ["-f", "nut", "-i", "pipe:0", "-c", "copy", "-f", push.format, push.address]
    with subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as sender:  # noqa: S603
        if sender.stdin is None:
            raise RuntimeError("a process was started without its pipe")
        yield av.open(sender.stdin, "w", format="nut", container_options={"flush_packets": "1"})


def _read(pictures: BinaryIO, pixels: NDArray[np.uint8]) -> int | None:
    """The time of the next frame, whose pixels are then in the array; `None` at the end."""
    head = pictures.read(_TIME.size)
    rest = pixels.reshape(-1).data
    while rest:
        read = pictures.readinto(rest) if head else 0  # type: ignore[attr-defined]  # BinaryIO is not typed with it
        if not read:
            return None
        rest = rest[read:]
    return int(_TIME.unpack(head)[0])


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """End this process when the body takes longer, wherever it is: FFmpeg holds Python's lock while it connects."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
