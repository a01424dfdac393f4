"""Throughput of `liveseg batch` over one and two workers of this machine, locally and on Ray, and the driver alone.

    python benchmarks/batch/scaling.py [--images 400] [--rounds 5] [-o benchmarks/results/batch_scaling.json]

The images are cut from the samples, each another part of them. Every way runs the real command into a fresh folder; the
ways take turns in each round, so that all see the same machine. Rates are from the begin of the first image to the end
of the last one, by the records of the manifest; `start_seconds` is what the command took before, `seconds` all of it.
Stage times are those of a worker, an image; since a worker's stages overlap, they do not add up to its time.

The driver is measured alone: as many empty files as `--names` says are listed, packed and handed to an executor that
does nothing but return their records.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver import driver_costs
from PIL import Image

from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place
from liveseg.bench.record import command_line, surroundings, write_record

SAMPLES = Path(__file__).parents[2] / "input"
WIDTH, HEIGHT = 640, 480
SAVE = "mask"


@dataclass(frozen=True)
class Way:
    """One way to run the batch."""

    name: str
    workers: int
    threads: int
    bundle: int
    ray: bool = False

    def options(self) -> list[str]:
        own = ["--threads-each", str(self.threads), "--bundle", str(self.bundle)]
        if not self.ray:
            return ["--workers", str(self.workers), *own]
        return ["--ray", "local", "--min-workers", str(self.workers), "--max-workers", str(self.workers), *own]


def ways(bundle: int, *, ray: bool) -> list[Way]:
    """The names of the first two are those that `costs.py` looks for."""
    found = [
        Way("local, 1 worker", 1, 1, bundle),
        Way("local, 1 worker, one by one", 1, 1, 1),
        Way("local, 2 workers", 2, 1, bundle),
        Way("local, 1 worker of 2 threads", 1, 2, bundle),
    ]
    return found + [Way("Ray, 1 worker", 1, 1, bundle, ray=True), Way("Ray, 2 workers", 2, 1, bundle, ray=True)] * ray


def make_images(folder: Path, count: int) -> None:
    """Parts of the samples, each at another place and scale."""
    folder.mkdir()
    photos = [Image.open(SAMPLES / name).convert("RGB") for name in ("image_1.jpg", "image_2.jpg")]
    for number in range(count):
        photo = photos[number % len(photos)]
        scale = 0.5 + 0.5 * (number * 37 % 100) / 100
        width, height = (round(side * scale) for side in photo.size)
        left = (photo.width - width) * (number * 53 % 101) // 100
        top = (photo.height - height) * (number * 29 % 97) // 96
        part = photo.resize((WIDTH, HEIGHT), box=(left, top, left + width, top + height))
        part.save(folder / f"{number:06}.jpg", quality=90)


def measure(way: Way, images: Path, target: Path) -> dict[str, Any]:
    """One run of the command."""
    command = [sys.executable, "-m", "liveseg", "batch", str(images), "--out", str(target), "--save", SAVE, "--quiet"]
    began, at = time.perf_counter(), time.time()
    done = subprocess.run([*command, *way.options()], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{way.name}: {done.stderr or done.stdout}")
    records = list(Manifest(Place.at(target)).records())
    if any(record.status != "done" for record in records):
        raise SystemExit(f"{way.name}: not every image was done")
    first = min(record.finished - record.seconds["total"] for record in records)
    last = max(record.finished for record in records)
    totals = [record.seconds["total"] for record in records]
    stages = {name for record in records for name in record.seconds}
    return {
        "seconds": seconds,
        "start_seconds": first - at,
        "images_a_second": len(records) / (last - first),
        "spread": statistics.pstdev(totals) / statistics.mean(totals),
        "bytes_in": statistics.mean(record.bytes_in for record in records),
        "bytes_out": statistics.mean(record.bytes_out for record in records),
        "outputs": statistics.mean(len(record.outputs) for record in records),
        **{
            f"stage {name}": 1e3 * statistics.mean(record.seconds.get(name, 0.0) for record in records)
            for name in stages
        },
    }


def summary(way: Way, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds."""
    middle = {name: statistics.median(own[name] for own in rounds) for name in rounds[0]}
    stages = {name.removeprefix("stage "): middle.pop(name) for name in list(middle) if name.startswith("stage ")}
    return {
        "workers": way.workers,
        "threads": way.threads,
        "bundle": way.bundle,
        "ray": way.ray,
        "command": " ".join(["liveseg batch PHOTOS --out DEST --save", SAVE, *way.options()]),
        **{name: float(f"{value:.5g}") for name, value in middle.items()},
        "stage_ms": {name: round(value, 3) for name, value in sorted(stages.items())},
        "rounds_images_a_second": [round(own["images_a_second"], 2) for own in rounds],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--bundle", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--names", type=int, default=50_000)
    parser.add_argument("--no-ray", action="store_true", help="leave out the ways that need liveseg[ray]")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    here = surroundings()
    found: dict[Way, list[dict[str, Any]]] = {way: [] for way in ways(options.bundle, ray=not options.no_ray)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_images(folder / "photos", options.images)
        for turn in range(options.rounds):
            for number, (way, rounds) in enumerate(found.items()):
                rounds.append(measure(way, folder / "photos", folder / f"out-{turn}-{number}"))
                print(f"{way.name}: {rounds[-1]['images_a_second']:.2f} images a second", file=sys.stderr)
        driver = driver_costs(folder / "names", options.names)
    record = {
        "command": command_line("python benchmarks/batch/scaling.py", sys.argv[1:]),
        **here,
        "images": options.images,
        "picture": f"{WIDTH}x{HEIGHT}",
        "save": SAVE,
        "rounds": options.rounds,
        "ways": {way.name: summary(way, rounds) for way, rounds in found.items()},
        "driver": driver,
    }
    write_record(record, options.output)


if __name__ == "__main__":
    main()
