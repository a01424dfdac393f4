"""How old is what a live client sees: from the frame it sends to the answer in its hands, over loopback.

    python benchmarks/live_age.py VIDEO [--clients 1 4] [--seconds 10] [--rate 30] [--frame 640x480] [--size 289]
    python benchmarks/live_age.py VIDEO --masks 145 289 480 frame --frame 1280x720

It starts `liveseg serve` in a process of its own. Each client is a thread with a live connection and sends JPEGs made
before. Two ways of sending: `paced`, as a camera does, `--rate` frames a second whatever comes back; and `in turn`,
each frame when the one before was answered. It prints one JSON record: of each run the answers a second of a client,
the age in ms (median, p95, p99, most) from sending to the newest answer in hand, the service's own waiting and working
time, the share of frames that were left out, and the bytes of an answer. The first second of each run does not count.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from liveseg.bench.record import surroundings, write_record
from liveseg.client import Client, NoAnswerError
from liveseg.client.live import LiveState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liveseg.client import Live, LiveMask

WARM_UP = 1.0


@dataclass
class Seen:
    """What one client saw."""

    ages: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    sent: int = 0
    seconds: float = 0.0


class Counted(LiveState):
    """A connection's memory that also counts bytes."""

    sizes: list[int] = []  # noqa: RUF012 - of all connections together

    def take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.sizes.append(len(message))
        super().take(message)


def pictures(video: Path, size: tuple[int, int], count: int = 60) -> list[bytes]:
    """The first frames of a video as JPEGs of a size."""
    made = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            target = io.BytesIO()
            frame.to_image().resize(size).save(target, "JPEG", quality=85)
            made.append(target.getvalue())
            if len(made) == count:
                break
    return made


@contextmanager
def service(options: argparse.Namespace) -> Iterator[str]:
    """A service in a process of its own; yields its address."""
    command = [sys.executable, "-m", "liveseg", "serve", "--port", "0", "--live-each", "64", *options.serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for line in process.stdout:
                if found := re.search(r"http://[\w.:]+", line):
                    address = found[0]
                    break
            else:
                raise SystemExit("the service did not start")
            threading.Thread(target=process.stdout.read, daemon=True).start()
            with Client(address) as client:
                client.wait_until_ready(120)
            yield address
        finally:
            process.terminate()


def paced(live: Live[LiveMask], frames: list[bytes], rate: float, end: float, seen: Seen) -> None:
    """Send as a camera does; a thread beside takes what comes."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                note(seen, live.receive(0.5))
            except NoAnswerError:
                continue

    looking = threading.Thread(target=look)
    looking.start()
    number, due = 0, time.monotonic()
    while due < end:
        time.sleep(max(due - time.monotonic(), 0.0))
        live.send(frames[number % len(frames)])
        number += 1
        due += 1 / rate
    done.set()
    looking.join()
    seen.sent = number


def in_turn(live: Live[LiveMask], frames: list[bytes], _: float, end: float, seen: Seen) -> None:
    """Send each frame when the one before was answered."""

    def until() -> Iterator[bytes]:
        while time.monotonic() < end:
            seen.sent += 1
            yield frames[seen.sent % len(frames)]

    for answer in live.answers(until()):
        note(seen, answer)


def note(seen: Seen, answer: LiveMask) -> None:
    """Take what an answer tells."""
    seen.ages.append(answer.age_ms)
    seen.waited.append(answer.waited_ms)
    seen.worked.append(answer.worked_ms)


def run(address: str, frames: list[bytes], clients: int, way: str, options: argparse.Namespace, mask: Any) -> dict:
    """One run of so many clients."""
    Counted.sizes.clear()
    all_seen = [Seen() for _ in range(clients)]
    ready = threading.Barrier(clients)

    def be(seen: Seen) -> None:
        with Client(address) as client, client.live(size=options.size, mask=mask) as live:
            live._state.__class__ = Counted  # noqa: SLF001 - this program looks inside
            WAYS[way](live, frames, options.rate, time.monotonic() + WARM_UP, Seen())
            ready.wait()
            began = time.monotonic()
            WAYS[way](live, frames, options.rate, began + options.seconds, seen)
            seen.seconds = time.monotonic() - began

    threads = [threading.Thread(target=be, args=(seen,)) for seen in all_seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ages = np.concatenate([seen.ages for seen in all_seen])
    got, sent = len(ages), sum(seen.sent for seen in all_seen)
    return {
        "clients": clients,
        "way": way,
        "mask": mask,
        "answers_a_second": round(float(np.mean([len(seen.ages) / seen.seconds for seen in all_seen])), 2),
        "age_ms": {
            name: round(float(np.percentile(ages, percent)), 1)
            for name, percent in (("p50", 50), ("p95", 95), ("p99", 99), ("most", 100))
        },
        "waited_ms": round(float(np.median(np.concatenate([seen.waited for seen in all_seen]))), 1),
        "worked_ms": round(float(np.median(np.concatenate([seen.worked for seen in all_seen]))), 1),
        "left_out": round(max(1 - got / sent, 0.0), 3),
        "answer_bytes": round(float(np.mean(Counted.sizes))),
    }


WAYS = {"paced": paced, "in turn": in_turn}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second of a camera")
    parser.add_argument("--frame", default="640x480")
    parser.add_argument("--size", type=int, default=None)
    parser.add_argument("--masks", nargs="+", default=[None], help="sizes of masks to compare: pixels, or frame")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--serve", nargs=argparse.REMAINDER, default=[], help="further options of liveseg serve")
    options = parser.parse_args()
    width, height = (int(side) for side in options.frame.split("x"))
    frames = pictures(options.video, (width, height))
    masks = [int(mask) if mask not in (None, "frame") else mask for mask in options.masks]
    with service(options) as address:
        runs = [
            run(address, frames, clients, way, options, mask)
            for mask in masks
            for clients in options.clients
            for way in options.ways
        ]
    record = {
        "program": "benchmarks/live_age.py",
        "frame": options.frame,
        "frame_bytes": round(float(np.mean([len(frame) for frame in frames]))),
        "rate": options.rate,
        "seconds": options.seconds,
        "size": options.size,
        "serve": options.serve,
        "runs": runs,
        **surroundings(),
    }
    write_record(record)


if __name__ == "__main__":
    main()
