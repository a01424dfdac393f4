"""How many threads a service should have: pictures a second with pools of different sizes, without HTTP.

    python benchmarks/serving_threads.py PHOTO [--video VIDEO] [--seconds 4] [--rounds 3] [--callers 1,4,16] \\
        > serving_threads.json

Each caller asks for one picture after another, as a request does: a JPEG is decoded, segmented, drawn over and encoded
again, by the engine of `liveseg serve`. The budgets differ in `slots` (pictures segmented at the same time), `each`
(threads of a slot's network), `codecs` (threads that decode and encode) and `opencv` (threads of each of OpenCV's
calls); the first one is liveseg's own for this machine. They take turns in each round. With a VIDEO, liveseg's own
budget is also measured while that is segmented by a process beside it, as a video's job is: at everybody's priority,
and at that of jobs.

It prints one JSON record: for each budget and number of callers the median pictures a second, the processor's
milliseconds a picture (which say more on a busy machine), and the median and 95th percentile of the milliseconds that a
picture took.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from liveseg.bench.record import command_line, surroundings, write_record
from liveseg.runtimes.base import available_cores
from liveseg.server.engine.engine import Engine
from liveseg.server.engine.threads import CHILD_NICE, Budget
from liveseg.server.metrics.registry import Metrics
from liveseg.server.segment.reading import read_upload
from liveseg.settings.serve import ServedModel, ServeSettings

if TYPE_CHECKING:
    from liveseg.segmentation import Segmentation


class Round(NamedTuple):
    """Pictures a second, the processor's seconds a picture, and the seconds that each picture took."""

    rate: float
    work: float
    taken: list[float]


def budgets(cores: int) -> dict[str, tuple[Budget, int]]:
    """Each budget by its name, with the threads of OpenCV's calls."""
    own = Budget.of(None)
    several = max(cores // 2, 1)
    return {
        "own": (own, own.each),
        "one slot, all threads": (Budget(cores, 1, own.codecs), 1),
        "half the slots": (Budget(cores, several, own.codecs), 1),
        "twice the slots": (Budget(cores * 2, cores * 2, own.codecs), 1),
        "four times the slots": (Budget(cores * 4, cores * 4, own.codecs), 1),
        "one codec": (Budget(cores, own.slots, 1), 1),
        "four times the codecs": (Budget(cores, own.slots, cores * 4), 1),
        "OpenCV's own threads": (own, cores),
        "everything at once": (Budget(cores * 4, cores * 4, cores * 8), cores),
    }


def encode(found: Segmentation) -> bytes:
    """The overlay as a JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(found.overlay(), cv2.COLOR_RGB2BGR))
    return data.tobytes()


async def requests(engine: Engine, photo: bytes, callers: int, seconds: float) -> Round:
    """What so many callers get in a time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    taken: list[float] = []

    async def caller() -> None:
        while loop.time() < end:
            began = loop.time()
            image = await engine.codecs(lambda: read_upload(photo, max_pixels=50_000_000))
            found = await engine.segment(image)
            await engine.codecs(encode, found)
            taken.append(loop.time() - began)

    began, worked = loop.time(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return Round(len(taken) / (loop.time() - began), (time.process_time() - worked) / len(taken), taken)


async def beside_video(options: argparse.Namespace, photo: bytes) -> dict[str, object]:
    """What callers get while a video is segmented by another process, by that process's priority."""
    found: dict[str, dict[int, list[Round]]] = {}
    engine = await started(options, Budget.of(None), 1)
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, "-m", "liveseg", "run", options.video, "-o", f"{folder}/video.mp4", "--overwrite"]
        for _ in range(options.rounds):
            for nice in (None, 0, CHILD_NICE):
                command = ["nice", "-n", str(nice), *run, "--no-audio", "--quiet"]
                child = None if nice is None else subprocess.Popen(command)
                await asyncio.sleep(2.0)
                for callers in options.callers:
                    one = await requests(engine, photo, callers, options.seconds)
                    name = "no video" if nice is None else f"video at nice {nice}"
                    found.setdefault(name, {}).setdefault(callers, []).append(one)
                if child is not None:
                    if child.poll() is not None:
                        raise SystemExit("the video ended too soon; take a longer one")
                    child.kill()
                    child.wait()
    await engine.stop(10)
    return {name: {str(callers): _told(own) for callers, own in cases.items()} for name, cases in found.items()}


async def started(options: argparse.Namespace, budget: Budget, opencv: int) -> Engine:
    """An engine with that budget, ready and warm."""
    settings = ServeSettings(
        models=(ServedModel(options.model),), runtime=options.runtime, batching=options.batching, queue=256
    )
    engine = Engine(settings, Metrics(), budget=budget)
    await engine.start()
    while not engine.ready:
        if engine.problem is not None:
            raise SystemExit(engine.problem)
        await asyncio.sleep(0.05)
    cv2.setNumThreads(opencv)
    return engine


async def measure(options: argparse.Namespace) -> dict[str, object]:
    """Every budget with every number of callers, in turn."""
    photo = Path(options.photo).read_bytes()
    found: dict[str, dict[int, list[Round]]] = {}
    budgets_here = budgets(available_cores())
    for number in range(options.rounds):
        for name, (budget, opencv) in budgets_here.items():
            engine = await started(options, budget, opencv)
            await requests(engine, photo, 2, 0.5)
            for callers in options.callers:
                one = await requests(engine, photo, callers, options.seconds)
                found.setdefault(name, {}).setdefault(callers, []).append(one)
            await engine.stop(10)
            print(f"round {number + 1}: {name}", file=sys.stderr)
    return {
        name: {
            **asdict(budget),
            "each": budget.each,
            "opencv": opencv,
            "callers": {str(callers): _told(found[name][callers]) for callers in options.callers},
        }
        for name, (budget, opencv) in budgets_here.items()
    }


def _told(rounds: list[Round]) -> dict[str, object]:
    taken = [seconds * 1e3 for own in rounds for seconds in own.taken]
    return {
        "pictures_a_second": round(statistics.median(own.rate for own in rounds), 2),
        "rounds": [round(own.rate, 2) for own in rounds],
        "processor_milliseconds": round(statistics.median(own.work for own in rounds) * 1e3, 2),
        "p50_ms": round(float(np.percentile(taken, 50)), 1),
        "p95_ms": round(float(np.percentile(taken, 95)), 1),
    }


def main() -> None:
    """Measure, and print the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo")
    parser.add_argument("--video")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--batching", default="off")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=lambda text: [int(own) for own in text.split(",")], default=[1, 4, 16])
    options = parser.parse_args()
    record = {
        "command": command_line("python benchmarks/serving_threads.py", sys.argv[1:]),
        **surroundings(),
        "budgets": asyncio.run(measure(options)),
    }
    if options.video is not None:
        record["beside_a_video"] = asyncio.run(beside_video(options, Path(options.photo).read_bytes()))
    write_record(record)


if __name__ == "__main__":
    main()
